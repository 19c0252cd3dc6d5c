# Copyright: (c) 2026, tidegate.platform contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Placing files whole, and refusing those that somebody else could have put there."""

from __future__ import annotations

import contextlib
import itertools
import os
import stat
import threading

from ..values.errors import StoreFailure, setting

PUBLIC = 0o755


def place(path: str, text: str, mode: int, staging: str) -> None:
    """Write a file atomically: temporary file in `staging` (same file system), fsync, rename, fsync of the folder.

    The temporary file is kept out of the target's folder: one that appears in a folder which Traefik watches can
    swallow the change that follows.

    :raises OSError: the folder cannot be written; nothing of the old file is lost.
    """
    place_bytes(path, text.encode(), mode, staging)


def place_bytes(path: str, data: bytes, mode: int, staging: str) -> None:
    """The same for bytes."""
    temporary = _draft(os.path.join(staging, os.path.basename(path)))
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW, mode)
    try:
        with os.fdopen(descriptor, "wb") as stream:
            os.fchmod(stream.fileno(), mode)
            stream.write(data)
            stream.flush()
            os.fsync(stream.fileno())
        rename(temporary, path)
    except OSError:
        discard(temporary)
        raise


def _draft(path: str) -> str:
    """A name beside a path that no other thread, of this process or another, gives to what it is writing."""
    folder, name = os.path.split(path)
    return os.path.join(folder, f".{name}.{os.getpid()}.{threading.get_ident()}.part")


def rename(synced: str, path: str) -> None:
    """Give a file or tree, whose content is on the disk, its lasting name; whoever sees the name sees all of it."""
    os.rename(synced, path)
    sync_folder(os.path.dirname(path))


def name_first(synced: str, path: str) -> bool:
    """Give a file its lasting name as well, unless there is one of it; False where another was first."""
    try:
        os.link(synced, path)
    except FileExistsError:
        return False
    except OSError:  # not every share can
        if os.path.lexists(path):
            return False
        os.rename(synced, path)
    sync_folder(os.path.dirname(path))
    return True


def free(path: str, ending: str = "") -> str:
    """A path, without its ending, that nothing has: this one, or with the first number from 2 on that makes it free."""
    paths = itertools.chain([path], (f"{path}-{number}" for number in itertools.count(2)))
    return next(found for found in paths if not os.path.lexists(found + ending))


def claim(path: str, data: bytes, mode: int) -> bool:
    """Write a file whole unless there is one; False where another was first. It is never seen half written."""
    draft = _draft(path)
    place_bytes(draft, data, mode, os.path.dirname(path))
    try:
        os.link(draft, path)
    except FileExistsError:
        return False
    finally:
        discard(draft)
        sync_folder(os.path.dirname(path))
    return True


def sync(path: str) -> None:
    """Have a file, or a folder's own entries, on the disk."""
    descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def sync_tree(path: str) -> None:
    """Have a folder on the disk with all that is in it, innermost first."""
    for base, _folders, names in os.walk(path, topdown=False):
        for name in names:
            full = os.path.join(base, name)
            if stat.S_ISREG(os.lstat(full).st_mode):
                sync(full)
        sync(base)


def discard(path: str) -> None:
    """Remove a file; one that is gone is fine."""
    with contextlib.suppress(FileNotFoundError):
        os.unlink(path)


def remove(path: str) -> None:
    """Remove a file durably; one that is gone is fine."""
    discard(path)
    sync_folder(os.path.dirname(path))


def sync_folder(path: str) -> None:
    """Make a rename or removal in this folder durable."""
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def free_bytes(path: str) -> int | None:
    """Bytes that are free for root on a path's file system; None where it cannot be seen from here."""
    try:
        facts = os.statvfs(path)
    except OSError:
        return None
    return facts.f_frsize * facts.f_bavail


def public_folder(path: str) -> None:
    """Make a folder, and those above it that are missing, that other users may enter, whatever this process's mask.

    :raises OSError: it cannot be made.
    """
    if not os.path.isdir(path):
        if not os.path.isdir(os.path.dirname(path)):
            public_folder(os.path.dirname(path))
        with contextlib.suppress(FileExistsError):
            os.mkdir(path)
            sync_folder(os.path.dirname(path))
    if os.stat(path).st_mode & PUBLIC != PUBLIC:
        os.chmod(path, PUBLIC)


def _make_lasting(path: str) -> None:
    """Make a folder, and those above it that are missing: what is synced in a folder is lost with the folder's name."""
    if os.path.isdir(path):
        return
    above = os.path.dirname(os.path.abspath(path))
    _make_lasting(above)
    with contextlib.suppress(FileExistsError):
        os.mkdir(path, 0o700)
        sync_folder(above)


def private_folder(path: str) -> str:
    """Make a folder of mode 0700, or check the one that is there (DS-T14).

    :raises StoreFailure: it is a symbolic link or belongs to another user.
    """
    try:
        _make_lasting(path)
        facts = os.lstat(path)
        if not stat.S_ISDIR(facts.st_mode) or facts.st_uid != os.geteuid():
            raise StoreFailure(
                "is a symbolic link or belongs to another user",
                subject=path,
                remedy=f"Remove it, or set {setting('state_dir')}.",
            )
        if stat.S_IMODE(facts.st_mode) & 0o077:
            os.chmod(path, 0o700)
    except OSError as error:
        raise StoreFailure(
            f"cannot be made: {error.strerror}",
            subject=path,
            remedy=f"Run as root (become), or set {setting('state_dir')}.",
        ) from error
    return path
