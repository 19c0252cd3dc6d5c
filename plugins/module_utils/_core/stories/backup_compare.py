# Copyright: (c) 2026, tidegate.platform contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether the copy of a volume has all that is in it.

What the engine cannot look at, it writes into its log and leaves out, and ends its archive as if all was well.
"""

from __future__ import annotations

import hashlib
import os
import stat
import tarfile
import typing as t

COARSE = 0.1  # seconds by which a file system's clock may be behind


class Look(t.NamedTuple):
    """A directory as it was when it had been copied, and since when; what changed since then may be copied or not."""

    place: str
    begun: float
    told: tuple[int, int]


def look(place: str, begun: float) -> Look:
    """Look into a directory while nobody writes into it: the short part of a comparison.

    :raises OSError: a directory that is there cannot be read; the engine leaves out what is in it.
    """
    return Look(place, begun, _told(_below(place)))


def left_out(copy: str, had: Look) -> str:
    """What is in a directory and not in the copy of it; an empty text where all is."""
    if _told(_copied(copy)) == had.told:
        return ""
    place, begun = had.place, had.begun
    names = set(_copied(copy))
    return next((name for name in _below(place) if name not in names and _was(os.path.join(place, name), begun)), "")


def _told(names: t.Iterable[str]) -> tuple[int, int]:
    """How many names, and the sum of their digests: there may be millions, in any order."""
    count = total = 0
    for name in names:
        digest = hashlib.blake2b(os.fsencode(name), digest_size=16).digest()
        count, total = count + 1, total + int.from_bytes(digest, "big")
    return count, total


def _copied(copy: str) -> t.Iterator[str]:
    """The names in an archive, below its top."""
    with tarfile.open(copy, "r:") as tar:
        while (entry := tar.next()) is not None:
            t.cast("t.Any", tar).members.clear()
            name = entry.name.rstrip("/").partition("/")[2]
            if name:
                yield name


def _below(place: str) -> t.Iterator[str]:
    """The names below a directory, but for sockets, of which nobody makes a copy."""
    todo = [""]
    while todo:
        top = todo.pop()
        try:
            with os.scandir(os.path.join(place, top)) as entries:
                for entry in entries:
                    name = os.path.join(top, entry.name)
                    if entry.is_dir(follow_symlinks=False):
                        todo.append(name)
                    elif not entry.is_file(follow_symlinks=False) and not entry.is_symlink() and _is_socket(entry):
                        continue
                    yield name
        except FileNotFoundError:
            if os.path.lexists(os.path.join(place, top)):
                raise


def _is_socket(entry: os.DirEntry[str]) -> bool:
    try:
        return stat.S_ISSOCK(entry.stat(follow_symlinks=False).st_mode)
    except OSError:
        return False


def _was(path: str, begun: float) -> bool:
    """Whether something was there before a copy began, as it is; of what cannot be looked at nobody knows better."""
    try:
        return os.lstat(path).st_ctime < begun - COARSE
    except FileNotFoundError:
        return False
    except OSError:
        return True
