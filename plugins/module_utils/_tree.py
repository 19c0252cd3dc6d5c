# Copyright: (c) 2026, tidegate.platform contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A tree of files on this host: its digest, its archive, and an archive's content. Private to tidegate.platform."""

from __future__ import annotations

import gzip
import hashlib
import io
import os
import posixpath
import stat
import tarfile
import time
import typing as t
import zipfile

from ._errors import InvalidOption
from ._options import inside

CHUNK = 2**20


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
            _limit(size, most)
            text = _content(full) + (b"x" if facts.st_mode & stat.S_IXUSR else b"-")
        whole.update(b"%s %s\0%s\n" % (kind.encode(), path.encode("utf-8", "surrogateescape"), text))
    return whole.hexdigest()


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


def _limit(size: int, most: int) -> None:
    if most and size > most:
        raise InvalidOption("source.max_size", f"{most // 2**20} MiB", "is less than the source holds", "Raise it.")


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


def unpack(archive: str, folder: str, most: int = 0) -> None:
    """Unpack a tar (plain, gz, bz2, xz) or zip archive; a single directory at its top is left out.

    :raises InvalidOption: no archive, too large, or an entry that leads out of the folder.
    """
    try:
        if zipfile.is_zipfile(archive):
            _unzip(archive, folder, most)
        else:
            _untar(archive, folder, most)
    except (tarfile.TarError, zipfile.BadZipFile, EOFError, OSError) as error:
        raise InvalidOption("source.path", archive, f"cannot be unpacked: {error}", "Give tar or zip.") from error
    _lift(folder)


def _untar(archive: str, folder: str, most: int) -> None:
    size = 0
    with tarfile.open(archive) as tar:
        for entry in tar:
            path = inside("source.path", entry.name)
            size += entry.size
            _limit(size, most)
            full = _place_of(folder, path)
            if entry.isdir():
                os.makedirs(full, exist_ok=True)
            elif entry.issym():
                _check_link(path, entry.linkname)
                os.symlink(entry.linkname, full)
            elif entry.isreg() or entry.islnk():
                content = tar.extractfile(entry)
                _write(full, content, 0o755 if entry.mode & stat.S_IXUSR else 0o644)
            else:
                raise InvalidOption("source.path", entry.name, "is a device or a pipe", "Remove it from the archive.")


def _unzip(archive: str, folder: str, most: int) -> None:
    size = 0
    with zipfile.ZipFile(archive) as packed:
        for entry in packed.infolist():
            path = inside("source.path", entry.filename.rstrip("/"))
            size += entry.file_size
            _limit(size, most)
            full, mode = _place_of(folder, path), entry.external_attr >> 16
            if entry.is_dir():
                os.makedirs(full, exist_ok=True)
            elif stat.S_ISLNK(mode):
                target = packed.read(entry).decode()
                _check_link(path, target)
                os.symlink(target, full)
            else:
                with packed.open(entry) as content:
                    _write(full, content, 0o755 if mode & stat.S_IXUSR else 0o644)


def _place_of(folder: str, path: str) -> str:
    """Where an entry goes; no directory on the way there is a link."""
    full = os.path.join(folder, path)
    os.makedirs(os.path.dirname(full), exist_ok=True)
    parent = os.path.realpath(os.path.dirname(full))
    if parent != os.path.realpath(folder) and not parent.startswith(os.path.realpath(folder) + os.sep):
        raise InvalidOption("source.path", path, "leads through a link", "Remove it from the archive.")
    return full


def _check_link(path: str, target: str) -> None:
    reached = posixpath.normpath(posixpath.join(posixpath.dirname(path), target))
    if target.startswith("/") or reached.split("/")[0] == "..":
        raise InvalidOption("source.path", path, f"is a link out of the archive ({target})", "Remove it.")


def _write(path: str, content: t.IO[bytes] | None, mode: int) -> None:
    if content is None:
        return
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW, mode)
    with os.fdopen(descriptor, "wb") as stream:
        os.fchmod(stream.fileno(), mode)
        for chunk in iter(lambda: content.read(CHUNK), b""):
            stream.write(chunk)


def _lift(folder: str) -> None:
    """Make the one directory at the top the folder itself, as archives of releases have it."""
    names = os.listdir(folder)
    top = os.path.join(folder, names[0]) if len(names) == 1 else ""
    if not top or os.path.islink(top) or not os.path.isdir(top):
        return
    aside = folder + ".top"
    os.rename(top, aside)
    os.rmdir(folder)
    os.rename(aside, folder)


def every_path(root: str) -> list[str]:
    """All paths of a tree but git's own, relative to it; directories too."""
    found: list[str] = []
    for folder, directories, files in os.walk(root):
        directories[:] = [name for name in directories if name != ".git"]
        here = os.path.relpath(folder, root)
        found += [os.path.normpath(os.path.join(here, name)) for name in (*directories, *files) if name != ".git"]
    return found
