# Copyright: (c) 2026, tidegate.platform contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Placing files whole, and refusing those that somebody else could have put there. Private to tidegate.platform."""

from __future__ import annotations

import contextlib
import os
import stat

from ._errors import StoreFailure

PUBLIC = 0o755


def place(path: str, text: str, mode: int, staging: str) -> None:
    """Write a file atomically: temporary file in `staging` (same file system), fsync, rename, fsync of the folder.

    The temporary file is kept out of the target's folder: one that appears in a folder which Traefik watches can
    swallow the change that follows.

    :raises OSError: the folder cannot be written; nothing of the old file is lost.
    """
    temporary = os.path.join(staging, f".{os.path.basename(path)}.{os.getpid()}")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW, mode)
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as stream:
            os.fchmod(stream.fileno(), mode)
            stream.write(text)
            stream.flush()
            os.fsync(stream.fileno())
        os.rename(temporary, path)
    except OSError:
        discard(temporary)
        raise
    sync_folder(os.path.dirname(path))


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
    if os.stat(path).st_mode & PUBLIC != PUBLIC:
        os.chmod(path, PUBLIC)


def private_folder(path: str) -> str:
    """Make a folder of mode 0700, or check the one that is there (DS-T14).

    :raises StoreFailure: it is a symbolic link or belongs to another user.
    """
    try:
        os.makedirs(path, mode=0o700, exist_ok=True)
        facts = os.lstat(path)
        if not stat.S_ISDIR(facts.st_mode) or facts.st_uid != os.geteuid():
            raise StoreFailure(
                "is a symbolic link or belongs to another user", subject=path, remedy="Remove it, or set state_dir."
            )
        if stat.S_IMODE(facts.st_mode) & 0o077:
            os.chmod(path, 0o700)
    except OSError as error:
        raise StoreFailure(
            f"cannot be made: {error.strerror}", subject=path, remedy="Run as root (become), or set state_dir."
        ) from error
    return path
