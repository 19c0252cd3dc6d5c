# Copyright: (c) 2026, tidegate.platform contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs the commands of other programs: argument lists only, never a shell.

The host's own timer runs some of them, too, where there is no AnsibleModule whose run_command could be called.
"""

from __future__ import annotations

import contextlib
import glob
import os
import shutil
import signal
import subprocess
import tempfile
import typing as t

from ..values.errors import CommandFailure
from . import locks
from .clock import Clock, attempts
from .watcher import watcher_command


class Done(t.NamedTuple):
    """How a command ended, and what it wrote."""

    code: int
    out: str
    err: str


def run(
    argv: t.Sequence[str],
    clock: Clock,
    seconds: float,
    *,
    env: t.Mapping[str, str] | None = None,
    tell: t.Callable[[str], None] | None = None,
) -> Done:
    """Run a command to its end; stopping the clock's pauses, or the deadline, ends it with all its children.

    :param seconds: it may take so long.
    :param env: its whole environment; None is this process's own.
    :param tell: called with each line of its error output while it runs.
    :raises CommandFailure: it is not there, or took too long.
    """
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        if not shutil.which(argv[0], path=(os.environ if env is None else env).get("PATH")):
            raise CommandFailure("is not there to be run", subject=argv[0], remedy=f"Install {argv[0]} on this host.")
        watched, word = os.pipe()
        with contextlib.ExitStack() as stack:
            stack.callback(os.close, word)
            try:
                process = _begin(argv, watched, out, err, env)
            finally:
                os.close(watched)
            try:
                if not _ends(process, clock, seconds, err, tell):
                    cause = f"took longer than {seconds:g} s"
                    raise CommandFailure(cause, subject=argv[0], remedy="Raise its timeout.")
            finally:  # whatever ends the wait ends the command
                if process.poll() is None:
                    _end(process)
                else:
                    _over(word)
        return Done(process.returncode, _text(out), _text(err))


@contextlib.contextmanager
def watched(watcher: t.Callable[[int], list[str]]) -> t.Iterator[None]:
    """Have a watcher for the length of a block, which does its work if this process ends within; it has its locks.

    :param watcher: its command, given the pipe that it reads from.
    :raises CommandFailure: it does not watch.
    """
    pipe, word = os.pipe()
    with contextlib.ExitStack() as stack:
        stack.callback(os.close, word)
        try:
            # pylint: disable-next=ansible-bad-function,consider-using-with
            process = subprocess.Popen(
                watcher(pipe),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                start_new_session=True,
                pass_fds=(pipe, *locks.descriptors()),
            )
        finally:
            os.close(pipe)
        stack.callback(process.wait)
        stack.callback(_over, word)
        with t.cast("t.IO[bytes]", process.stdout) as said:
            if not said.read(1):
                raise CommandFailure("does not run", subject="the watcher", remedy="Check this host's Python.")
        yield


def _over(word: int) -> None:
    with contextlib.suppress(BrokenPipeError):
        os.write(word, b"x")


def _begin(
    argv: t.Sequence[str],
    watched: int,
    out: t.IO[bytes],
    err: t.IO[bytes],
    env: t.Mapping[str, str] | None,
) -> subprocess.Popen[bytes]:
    """Begin a command that ends with this process, and that has this thread's locks until it does."""
    try:
        # pylint: disable-next=ansible-bad-function,consider-using-with
        return subprocess.Popen(
            watcher_command(argv, watched),
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=err,
            env=env,
            start_new_session=True,
            pass_fds=(watched, *locks.descriptors()),
        )
    except OSError as error:
        raise CommandFailure(f"cannot be run: {error.strerror}", subject=argv[0]) from error


def _ends(
    process: subprocess.Popen[bytes],
    clock: Clock,
    seconds: float,
    err: t.IO[bytes],
    tell: t.Callable[[str], None] | None,
) -> bool:
    """Whether a command comes to its end in time; what it writes meanwhile is told."""
    shown = 0
    for _left in attempts(clock, seconds, first=0.005, most=0.1):
        over = process.poll() is not None
        if tell:
            lines = os.pread(err.fileno(), 2**20, shown)
            whole = lines.rfind(b"\n") + 1
            shown += whole
            for line in lines[:whole].decode("utf-8", "replace").splitlines():
                tell(line)
        if over:
            return True
    return False


def _end(process: subprocess.Popen[bytes]) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGTERM)
    try:
        process.wait(5)
    except subprocess.TimeoutExpired:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def end_session(leader: int) -> None:
    """Kill every process of a session; the first of a container's command leads one of its own."""
    for path in glob.glob("/proc/[0-9]*/stat"):
        with contextlib.suppress(OSError, ValueError):
            with open(path, encoding="utf-8", errors="replace") as stream:
                facts = stream.read().rpartition(")")[2].split()
            if int(facts[3]) == leader:  # field 6 of proc(5), counted from the state
                os.kill(int(path.split("/")[2]), signal.SIGKILL)


def _text(stream: t.IO[bytes]) -> str:
    stream.seek(0)
    return stream.read().decode("utf-8", "replace")
