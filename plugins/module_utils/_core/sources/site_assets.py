# Copyright: (c) 2026, tidegate.platform contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What pages of an earlier release may still ask for, kept beside a site for a while."""

from __future__ import annotations

import os
import shutil
import tarfile
import typing as t

from ..host import filesystem
from ..values.grammar import inside
from . import site


def keep(place: str, archive: t.IO[bytes], now: float) -> int:
    """Copy everything of a site but its pages; how many files.

    :param archive: the site as a tar archive, below one directory.
    :param now: Unix time; files are let go of by it later.
    """
    _ready(place)
    ready = []
    with tarfile.open(fileobj=archive) as tar:
        for entry in tar:
            path = inside("site", entry.name.partition("/")[2] or ".")
            content = tar.extractfile(entry) if entry.isreg() and site.kept(path) else None
            if content is None:
                continue
            full = os.path.join(place, path)
            _make_way(place, path)
            filesystem.public_folder(os.path.dirname(full))
            temporary = f"{full}.{os.getpid()}.part"
            with open(temporary, "wb") as stream:
                shutil.copyfileobj(content, stream)
                os.fchmod(stream.fileno(), 0o644)
                stream.flush()
                os.fsync(stream.fileno())
            os.utime(temporary, (now, now))
            ready.append((temporary, full))
    for temporary, full in ready:
        os.rename(temporary, full)
    for above in sorted({os.path.dirname(full) for _temporary, full in ready}):
        filesystem.sync_folder(above)
    return len(ready)


def expire(place: str, seconds: float, now: float) -> None:
    """Let go of what was replaced longer than this ago."""
    _ready(place)
    for base, _folders, names in os.walk(place, topdown=False):
        for name in names:
            path = os.path.join(base, name)
            if os.lstat(path).st_mtime < now - seconds:
                filesystem.discard(path)
        if base != place and not os.listdir(base):
            os.rmdir(base)


def _make_way(place: str, path: str) -> None:
    """Let go of what an earlier site had as a file where this one has a folder, or as a folder where it has a file."""
    full = os.path.join(place, path)
    if os.path.isdir(full):
        shutil.rmtree(full)
    above = os.path.dirname(path)
    while above:
        if os.path.isfile(os.path.join(place, above)):
            filesystem.discard(os.path.join(place, above))
        above = os.path.dirname(above)


def _ready(place: str) -> None:
    """The folder; the server runs as another user and reads it."""
    filesystem.private_folder(os.path.dirname(os.path.dirname(place)))
    filesystem.public_folder(place)
