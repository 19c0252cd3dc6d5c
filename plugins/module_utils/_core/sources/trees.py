# Copyright: (c) 2026, tidegate.platform contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A tree of files on this host: its digest and its archive."""

from __future__ import annotations

import gzip
import hashlib
import io
import os
import stat
import tarfile
import time
import typing as t

from ..values.errors import InvalidOption
from .unpack import CHUNK, limit

# The specification of Git LFS: a pointer is smaller, and begins so.
_POINTER, _POINTER_SIZE = b"version https://git-lfs.github.com/spec/v1\n", 1024


def below(root: str, subdirectory: str) -> str:
    """A directory of a tree, reached without following a link out of it.

    :raises InvalidOption: there is none.
    """
    path = os.path.realpath(os.path.join(root, subdirectory))
    if path != os.path.realpath(root) and not path.startswith(os.path.realpath(root) + os.sep):
        raise InvalidOption("source.subdirectory", subdirectory, "is a link out of the source", "Use a real directory.")
    if not os.path.isdir(path):
        raise InvalidOption("source.subdirectory", subdirectory, "is not a directory of the source", "Correct it.")
    return path


def digest(root: str, paths: t.Iterable[str], most: int = 0) -> str:
    """SHA-256 over names, kinds, executable bits and contents; times and owners do not count.

    :param paths: what to look at, relative to `root`.
    :param most: bytes of all files together; 0 is no limit.
    :raises InvalidOption: too large, or neither file, directory nor link.
    """
    whole, size = hashlib.sha256(), 0
    for path in sorted(set(paths)):
        full = os.path.join(root, path)
        facts = os.lstat(full)
        kind, text = _kind(path, facts), b""
        if kind == "l":
            text = os.readlink(full).encode()
        elif kind == "f":
            size += facts.st_size
            limit(size, most)
            if facts.st_size < _POINTER_SIZE:
                _refuse_pointer(path, full)
            text = _content(full) + (b"x" if facts.st_mode & stat.S_IXUSR else b"-")
        whole.update(b"%s %s\0%s\n" % (kind.encode(), path.encode("utf-8", "surrogateescape"), text))
    return whole.hexdigest()


def _refuse_pointer(path: str, full: str) -> None:
    """Refuse what Git LFS leaves in the place of a file that was not fetched."""
    with open(full, "rb") as stream:
        if stream.read(len(_POINTER)) == _POINTER:
            remedy = "Put the file itself into the source: run `git lfs pull` and give it as source.path, or leave LFS."
            raise InvalidOption("source", path, "is a Git LFS pointer, not the file that it stands for", remedy)


def _content(path: str) -> bytes:
    found = hashlib.sha256()
    with open(path, "rb") as stream:
        for chunk in iter(lambda: stream.read(CHUNK), b""):
            found.update(chunk)
    return found.hexdigest().encode()


def _kind(path: str, facts: os.stat_result) -> str:
    for kind, test in (("l", stat.S_ISLNK), ("f", stat.S_ISREG), ("d", stat.S_ISDIR)):
        if test(facts.st_mode):
            return kind
    raise InvalidOption("source", path, "is neither file, directory nor link", "Remove it from the source.")


def pack(
    root: str,
    paths: t.Iterable[str],
    stream: t.IO[bytes] | gzip.GzipFile,
    top: str = "",
    extra: t.Mapping[str, str] | None = None,
) -> None:
    """Write a tar archive; owners do not count, and times only as what a web server tells versions by.

    :param top: a directory to put the tree into.
    :param extra: texts of files that are added beside it.
    """
    extra, now = extra or {}, int(time.time())
    with tarfile.open(fileobj=stream, mode="w", format=tarfile.PAX_FORMAT) as tar:
        if top:
            folder = tarfile.TarInfo(top)
            folder.type, folder.mode = tarfile.DIRTYPE, 0o755
            tar.addfile(folder)
        for path in sorted(set(paths)):
            full = os.path.join(root, path)
            entry = tar.gettarinfo(full, os.path.join(top, path))
            entry.uid = entry.gid = 0
            entry.uname = entry.gname = ""
            entry.mtime = now
            if not entry.issym():
                entry.mode = 0o755 if entry.isdir() or entry.mode & stat.S_IXUSR else 0o644
            if entry.isreg():
                with open(full, "rb") as content:
                    tar.addfile(entry, content)
            else:
                tar.addfile(entry)
        for path, text in extra.items():
            data = text.encode()
            entry = tarfile.TarInfo(path)
            entry.size, entry.mode, entry.mtime = len(data), 0o644, now
            tar.addfile(entry, io.BytesIO(data))


def every_path(root: str) -> list[str]:
    """All paths of a tree but git's own, relative to it; directories too."""
    found: list[str] = []
    for folder, directories, files in os.walk(root):
        directories[:] = [name for name in directories if name != ".git"]
        here = os.path.relpath(folder, root)
        found += [os.path.normpath(os.path.join(here, name)) for name in (*directories, *files) if name != ".git"]
    return found
