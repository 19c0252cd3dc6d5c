"""What this testbed started, so that `down` ends exactly that."""

from __future__ import annotations

import json
import os
import signal
from pathlib import Path
from typing import Any

import names
import shell


class State:
    """A small record in the cache; pids are kept with their start time so that a reused pid is never signalled."""

    def __init__(self, path: Path = names.CACHE / "state.json") -> None:
        self.path = path
        self.data: dict[str, list[Any]] = json.loads(path.read_text()) if path.exists() else {}

    def add(self, kind: str, item: str | int) -> None:
        """Remember a started thing."""
        entry = [item, started_at(item)] if isinstance(item, int) else item
        self.data.setdefault(kind, []).append(entry)
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self.path.write_text(json.dumps(self.data))

    def end(self) -> None:
        """Stop everything remembered, newest first."""
        for pid, since in reversed(self.data.get("pids", [])):
            self._end(pid, since)
        for unit in self.data.get("systemd", []):
            shell.run(["systemctl", "stop", f"{unit}.socket", f"{unit}.service"])
        self.path.unlink(missing_ok=True)
        self.data = {}

    @staticmethod
    def _end(pid: int, since: str) -> None:
        if started_at(pid) == since:
            os.kill(pid, signal.SIGTERM)
            shell.wait_until(f"process {pid} ended", lambda: started_at(pid) != since, 30)


def started_at(pid: int) -> str | None:
    """Start time of a process in clock ticks (proc(5), field 22), or None when it is gone or a zombie."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return None
    return None if fields[0] == "Z" else fields[19]
