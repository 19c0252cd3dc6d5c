"""What a run that is killed had begun ends with it, and the next run waits for it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
import typing as t
from pathlib import Path

import pytest
from ansible_collections.tidegate.platform.plugins.module_utils._core.host import locks, process
from ansible_collections.tidegate.platform.plugins.module_utils._core.host.clock import Clock
from ansible_collections.tidegate.platform.plugins.module_utils._core.values.errors import CommandFailure, LockHeld

SUBJECT = ("shop", "production")
RUN = """
import sys
from ansible_collections.tidegate.platform.plugins.module_utils._core.host import locks, process
from ansible_collections.tidegate.platform.plugins.module_utils._core.host.clock import Clock
with locks.held(sys.argv[1], ("shop", "production"), 0, Clock()):
    process.run(["sh", "-c", sys.argv[2]], Clock(), 100)
"""


def begun(state: Path, script: str, count: int) -> tuple[subprocess.Popen[bytes], list[int]]:
    """A run with the lock whose command runs, and the processes that told their ids in a file of that folder."""
    path = os.pathsep.join(sys.path)
    argv = [sys.executable, "-c", RUN, str(state / "state"), script]
    run = subprocess.Popen(argv, env={**os.environ, "PYTHONPATH": path, "STATE": str(state)})
    return run, [number for name in range(count) for number in [int(told(state / str(name)))]]


def told(path: Path) -> str:
    """What is in a file, once it is there."""
    until = time.monotonic() + 20
    while not (path.exists() and path.read_text().endswith("\n")):
        assert time.monotonic() < until, path
        time.sleep(0.01)
    return path.read_text()


def alive(pid: int) -> bool:
    """True while a process runs; a dead one that nobody asked for is none."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def gone(pids: t.Iterable[int], seconds: float) -> bool:
    """True once they all are."""
    until = time.monotonic() + seconds
    while any(alive(pid) for pid in pids):
        if time.monotonic() > until:
            return False
        time.sleep(0.01)
    return True


def test_a_command_ends_with_the_run_that_is_killed(tmp_path: Path) -> None:
    """B8: with its children, those of a group of their own, too."""
    script = 'set -m; sleep 1000 & echo $! > "$STATE/0"; echo $$ > "$STATE/1"; exec sleep 1000'
    run, pids = begun(tmp_path, script, 2)
    run.send_signal(signal.SIGKILL)
    run.wait()
    assert gone(pids, 10)


def test_the_next_run_waits_for_a_command_that_takes_its_time_to_end(tmp_path: Path) -> None:
    """B8: whatever ends the run, the lock is let go when the last of what it began is gone."""
    script = "trap 'sleep 1.5; exit' TERM; echo $$ > \"$STATE/0\"; while :; do sleep 0.05; done"
    run, pids = begun(tmp_path, script, 1)
    run.send_signal(signal.SIGKILL)
    run.wait()
    with pytest.raises(LockHeld), locks.held(str(tmp_path / "state"), SUBJECT, 0, Clock()):
        pass
    with locks.held(str(tmp_path / "state"), SUBJECT, 20, Clock()):
        assert not alive(pids[0])


def test_what_a_command_leaves_on_purpose_keeps_no_lock(tmp_path: Path) -> None:
    """B8: a daemon that goes on after its command ended is not ended, and nobody waits for it."""
    with locks.held(str(tmp_path), SUBJECT, 0, Clock()):
        done = process.run(["sh", "-c", "sleep 1000 >&2 & echo $!"], Clock(), 10)
    try:
        with locks.held(str(tmp_path), SUBJECT, 0, Clock()):
            assert alive(int(done.out))
    finally:
        os.kill(int(done.out), signal.SIGKILL)


def test_a_command_is_what_it_would_be_without_a_watcher() -> None:
    """Its code, its signal, its words; one that is not there is named."""
    assert process.run(["sh", "-c", "echo out; echo err >&2; exit 3"], Clock(), 10) == (3, "out\n", "err\n")
    assert process.run(["sh", "-c", "kill -9 $$"], Clock(), 10).code == -9
    assert process.run(["sh", "-c", "yes | head -n 1"], Clock(), 10) == (0, "y\n", "")
    with pytest.raises(CommandFailure, match="is not there"):
        process.run(["no-such-program"], Clock(), 10)
    with pytest.raises(CommandFailure, match=r"^sleep: took longer than 0\.1 s"):
        process.run(["sleep", "1000"], Clock(), 0.1)
