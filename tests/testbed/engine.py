"""The Docker Engine: a running one is used, else Debian's is started, by systemd where there is one."""

from __future__ import annotations

from pathlib import Path

import names
import shell
from state import State

PIDFILE = Path("/run/docker.pid")


def ready() -> bool:
    """True when the engine answers."""
    return shell.succeeds(["docker", "version", "--format", "{{.Server.Version}}"])


def up(state: State) -> None:
    """Make sure that an engine answers."""
    if ready():
        return
    if Path("/run/systemd/system").is_dir():
        shell.run(["systemctl", "start", "docker"])
        state.add("systemd", "docker")
    else:
        PIDFILE.unlink(missing_ok=True)  # left by a machine that was switched off; nothing answers, so nobody holds it
        state.add("pids", shell.spawn(["dockerd"], names.CACHE / "dockerd.log"))
    shell.wait_until("the engine answers", ready, 60)
    shell.say("engine started")
