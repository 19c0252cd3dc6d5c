# Copyright: (c) 2026, tidegate.platform contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Host-local exclusion: flock, which dies with its holder."""

from __future__ import annotations

import contextlib
import errno
import fcntl
import json
import os
import threading
import time
import typing as t
from contextlib import contextmanager

from ..values.errors import LockHeld, StoreFailure, setting
from ..values.identity import key_of
from . import filesystem
from .clock import Clock, attempts
from .places import Places

_mine = threading.local()


def descriptors() -> tuple[int, ...]:
    """The locks that this thread holds, for what it runs: a command that outlives it keeps the next run waiting."""
    return tuple(getattr(_mine, "descriptors", ()))


@contextmanager
def held(state_dir: str, subject: tuple[str, str], timeout: float, clock: Clock) -> t.Iterator[None]:
    """Hold the workload's lock for the length of a block.

    :param subject: workload and environment.
    :param timeout: seconds to wait for another holder; 0 fails at once.
    :raises LockHeld: says who holds it and since when.
    """
    folder = filesystem.private_folder(Places(filesystem.private_folder(state_dir)).locks)
    path = os.path.join(folder, f"{key_of(*subject)}.lock")
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    except OSError as error:
        remedy = "Check its file system's space and permissions."
        raise StoreFailure(f"cannot be opened: {error.strerror}", subject=path, remedy=remedy) from error
    with os.fdopen(descriptor, "r+", encoding="utf-8") as stream:
        _take(stream, subject, timeout, clock)
        _sign(stream, clock)
        before = descriptors()
        _mine.descriptors = (*before, descriptor)
        try:
            yield  # the death of this process, and of what it runs, lets the lock go, too
        finally:
            _mine.descriptors = before
            fcntl.flock(descriptor, fcntl.LOCK_UN)  # whoever else was handed it


@contextmanager
def images(state_dir: str, seconds: float, clock: Clock, *, alone: bool = False) -> t.Iterator[None]:
    """Hold the host's images for the length of a block: together with other deployments, or alone to remove some.

    An image that was fetched just now has no container yet, and its release is not on record.

    :param seconds: how long to wait.
    :raises LockHeld: a deployment is under way (or a pruning, which takes a moment).
    """
    folder = filesystem.private_folder(Places(filesystem.private_folder(state_dir)).locks)
    kind = fcntl.LOCK_EX if alone else fcntl.LOCK_SH
    with open(os.path.join(folder, "images.lock"), "a", encoding="utf-8") as stream:
        for _left in attempts(clock, seconds, first=0.02):
            if _locked(stream, kind):
                break
        else:
            raise LockHeld("they are in use", subject="images", remedy="Wait for the other run.")
        yield


@contextmanager
def turn(state_dir: str, name: str, count: int, timeout: float, clock: Clock) -> t.Iterator[None]:
    """One of `count` turns, shared by all runs of this host, for the length of a block.

    :param timeout: seconds to wait for one.
    :raises LockHeld: none came free.
    """
    folder = filesystem.private_folder(Places(filesystem.private_folder(state_dir)).locks)
    with contextlib.ExitStack() as stack:
        paths = [os.path.join(folder, f"{name}-{number}.turn") for number in range(count)]
        streams = [stack.enter_context(open(path, "a", encoding="utf-8")) for path in paths]
        for _left in attempts(clock, timeout, first=0.02):
            if any(_locked(stream) for stream in streams):
                break
        else:
            cause = f"no turn came free within {timeout:g} s ({count} at once)"
            raise LockHeld(cause, subject=name, remedy="Wait, or raise the build's timeout or concurrency.")
        yield


@contextmanager
def directory(path: str) -> t.Iterator[None]:
    """Hold a directory's own lock for the length of a block, however long another holder needs; it leaves no file."""
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


@contextmanager
def alone(path: str) -> t.Iterator[bool]:
    """Whether a file is nobody's, for the length of a block; who reads it to its end holds it by `shared`."""
    with open(path, "rb") as stream:
        yield _locked(stream)


@contextmanager
def shared(path: str) -> t.Iterator[None]:
    """Hold a file that is read together with other readers, so that nobody removes it meanwhile."""
    with open(path, "rb") as stream:
        fcntl.flock(stream.fileno(), fcntl.LOCK_SH)
        yield


def _locked(stream: t.IO[t.Any], kind: int = fcntl.LOCK_EX) -> bool:
    try:
        fcntl.flock(stream.fileno(), kind | fcntl.LOCK_NB)
    except OSError as error:
        if error.errno not in (errno.EAGAIN, errno.EACCES):
            raise
        return False
    return True


def _take(stream: t.IO[str], subject: tuple[str, str], timeout: float, clock: Clock) -> None:
    for _left in attempts(clock, timeout, first=0.02):
        if _locked(stream):
            return
    workload, environment = subject
    raise LockHeld(
        f"another run has it ({_holder(stream)}) and did not let go within {timeout:g} s",
        subject=f"{workload} ({environment})",
        remedy=f"Wait for it, or raise {setting('lock_timeout')}.",
    )


def _sign(stream: t.IO[str], clock: Clock) -> None:
    """Say who holds it. A full disk has no room for that; what frees some is not to fail for it."""
    text = json.dumps({"pid": os.getpid(), "since": clock.now(), "controller": os.environ.get("SSH_CLIENT", "local")})
    with contextlib.suppress(OSError):
        os.pwrite(stream.fileno(), text.encode(), 0)
        os.ftruncate(stream.fileno(), len(text.encode()))


def _holder(stream: t.IO[str]) -> str:
    stream.seek(0)
    try:
        holder = json.load(stream)
        since = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(holder["since"]))
        return f"pid {holder['pid']} from {holder['controller']} since {since}"
    except (ValueError, KeyError, TypeError):
        return "holder not written yet"
