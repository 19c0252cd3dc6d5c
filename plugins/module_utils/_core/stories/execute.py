# Copyright: (c) 2026, tidegate.platform contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The story of `workload_exec`: run a command in a container of a release."""

from __future__ import annotations

import io
import typing as t

from ..decide.replicas import Replica, replicas
from ..deploy import definitions
from ..deploy.observe import survey
from ..values.errors import CommandFailure, StoreFailure
from ..values.identity import Subject
from ..values.release import Standing
from .call import Call, Result
from .control import live_release

# Bytes of a command's output that are kept; who wants more writes them to a file or a volume.
OUTPUT = 2**20


def execute(call: Call) -> Result:
    """`workload_exec`: run a command in a container of the live release.

    :raises StoreFailure: nothing of it runs.
    :raises CommandFailure: it ended with another code than 0.
    """
    subject = call.subject
    chosen = _chosen(_replicas(call, subject), subject, call.params["service"])
    # Ansible takes a code that is not 0 for a failure, unless it is told.
    done: Result = {"changed": True, "failed": False, "container": chosen, "rc": None, "stdout": "", "stderr": ""}
    if call.check:
        return done
    written = LimitedOutput(OUTPUT)
    code, said = call.on.engine.commands.run(chosen, call.params["command"], t.cast("t.IO[bytes]", written))
    done.update(rc=code, stdout=written.text, stderr=said, truncated=written.lost > 0)
    if code and not call.params["ignore_code"]:
        error = CommandFailure(f"the command ended with {code}: {said or written.text[-2000:].strip() or 'no output'}")
        return {**done, "failed": True, "msg": str(error), "kind": "CommandFailure", "remedy": error.remedy}
    return done


class LimitedOutput(io.RawIOBase):
    """Keeps the first bytes written to it, and counts the rest."""

    def __init__(self, most: int) -> None:
        super().__init__()
        self._most, self._kept, self.lost = most, bytearray(), 0

    def write(self, data: t.Any, /) -> int:
        """Take some more."""
        room = max(self._most - len(self._kept), 0)
        self._kept += data[:room]
        self.lost += max(len(data) - room, 0)
        return len(data)

    @property
    def text(self) -> str:
        """What was kept; what is not UTF-8 is replaced."""
        return self._kept.decode("utf-8", "replace")


def _replicas(call: Call, subject: Subject) -> list[Replica]:
    seen = survey(call.on)
    live = live_release(seen.known.get(subject, Standing()), subject)
    return replicas(live, seen.containers.get(subject, ()), definitions.kept(call.on, subject, live))


def _chosen(rows: t.Sequence[Replica], subject: Subject, service: str | None) -> str:
    """The first container of the live release, of that service, that runs."""
    running = [row for row in rows if row.live and row.name and row.state == "running"]
    for row in running:
        if service in (None, row.service):
            return str(row.name)
    there = ", ".join(sorted({row.service for row in running} - {""})) or ("its release" if running else "nothing")
    cause = f"{f'service={service!r}' if service else 'its release'} does not run in {subject.environment}"
    raise StoreFailure(cause, subject=subject.workload, remedy=f"What runs: {there}. Start it with workload_control.")
