# Copyright: (c) 2026, tidegate.platform contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""An archive's content as files.

Archives come from anywhere, and this runs as root: everything is made below one opened directory, no link is followed
on the way, and what is written is counted as it is written, whatever the archive says of itself.
"""

from __future__ import annotations

import contextlib
import errno
import lzma
import os
import posixpath
import shutil
import stat
import tarfile
import typing as t
import zipfile
import zlib

from ..values.errors import InvalidOption
from ..values.grammar import inside

CHUNK = 2**20
_ZIP = b"PK"
_ENCRYPTED = 1
_BROKEN = (
    *(tarfile.TarError, zipfile.BadZipFile, zlib.error, lzma.LZMAError, EOFError, OSError),
    *(KeyError, ValueError, RuntimeError),  # a link to nothing, a header that is none, a method that is not there
)


def limit(size: int, most: int) -> None:
    """Refuse more bytes than a source may hold; 0 is no limit.

    :raises InvalidOption: says what the limit is.
    """
    if most and size > most:
        raise InvalidOption("source.max_size", f"{most // 2**20} MiB", "is less than the source holds", "Raise it.")


def unpack(archive: str, folder: str, most: int = 0) -> None:
    """Unpack a tar (plain, gz, bz2, xz) or zip archive; a single directory at its top is left out.

    :param most: bytes of all files together, as they are unpacked; 0 is no limit.
    :raises InvalidOption: no archive, encrypted, too large, or an entry that leads out of the folder.
    """
    try:
        with open(archive, "rb") as stream:
            zipped = stream.read(len(_ZIP)) == _ZIP
        with contextlib.closing(_Target(folder, most)) as target:
            (_unzip if zipped else _untar)(archive, target)
    except _BROKEN as error:
        said = str(error) or type(error).__name__
        raise InvalidOption("source.path", archive, f"cannot be unpacked: {said}", "Give tar or zip.") from error
    _lift(folder)
    _refuse_links_out(folder)


class _Target:
    """The directory that an archive is unpacked into."""

    def __init__(self, folder: str, most: int) -> None:
        self.most, self.size = most, 0
        self._root = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)

    def close(self) -> None:
        """Let go of the directory."""
        os.close(self._root)

    def folder(self, path: str) -> None:
        """Make a directory."""
        with self._opened(path):
            pass

    def link(self, path: str, target: str) -> None:
        """Make a symbolic link that stays inside."""
        reached = posixpath.normpath(posixpath.join(posixpath.dirname(path), target))
        if target.startswith("/") or reached.split("/")[0] == "..":
            raise InvalidOption("source.path", path, f"is a link out of the archive ({target})", "Remove it.")
        with self._place(path) as (parent, name):
            os.symlink(target, name, dir_fd=parent)

    def file(self, path: str, content: t.IO[bytes], executable: bool) -> None:
        """Write a file, as far as there is room for it."""
        mode = 0o755 if executable else 0o644
        with self._place(path) as (parent, name):
            flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW
            with os.fdopen(os.open(name, flags, mode, dir_fd=parent), "wb") as stream:
                os.fchmod(stream.fileno(), mode)
                for chunk in iter(lambda: content.read(CHUNK), b""):
                    self.size += len(chunk)
                    limit(self.size, self.most)
                    stream.write(chunk)

    @contextlib.contextmanager
    def _place(self, path: str) -> t.Iterator[tuple[int, str]]:
        """The opened directory that an entry goes to, and its name there, which is free: of two, the later counts."""
        with self._opened(posixpath.dirname(path)) as parent:
            name = posixpath.basename(path)
            with contextlib.suppress(FileNotFoundError):
                os.unlink(name, dir_fd=parent)
            yield parent, name

    @contextlib.contextmanager
    def _opened(self, path: str) -> t.Iterator[int]:
        """A directory, made where it is missing, with none on the way that is a link."""
        here = os.dup(self._root)
        try:
            for part in path.split("/") if path not in ("", ".") else ():
                with contextlib.suppress(FileExistsError):
                    os.mkdir(part, 0o755, dir_fd=here)
                below = _entered(part, here, path)
                os.close(here)
                here = below
            yield here
        finally:
            os.close(here)


def _entered(part: str, parent: int, path: str) -> int:
    try:
        return os.open(part, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW, dir_fd=parent)
    except OSError as error:
        if error.errno not in (errno.ELOOP, errno.ENOTDIR):
            raise
        cause = "leads through a link or a file"
        raise InvalidOption("source.path", path, cause, "Remove it from the archive.") from error


def _untar(archive: str, target: _Target) -> None:
    with tarfile.open(archive) as tar:
        for entry in tar:
            path = inside("source.path", entry.name)
            if entry.isdir():
                target.folder(path)
            elif entry.issym():
                target.link(path, entry.linkname)
            elif entry.isreg() or entry.islnk():
                limit(target.size + entry.size, target.most)
                content = tar.extractfile(entry)  # of a hard link, what it is linked to
                if content is None:
                    raise tarfile.ReadError(f"{entry.name} is a link to no file")
                target.file(path, content, bool(entry.mode & stat.S_IXUSR))
            else:
                raise InvalidOption("source.path", entry.name, "is a device or a pipe", "Remove it from the archive.")


def _unzip(archive: str, target: _Target) -> None:
    with zipfile.ZipFile(archive) as packed:
        for entry in packed.infolist():
            path, mode = inside("source.path", entry.filename.rstrip("/")), entry.external_attr >> 16
            if entry.flag_bits & _ENCRYPTED:
                raise InvalidOption("source.path", entry.filename, "is encrypted", "Give an archive without password.")
            if entry.is_dir():
                target.folder(path)
            elif stat.S_ISLNK(mode):
                with packed.open(entry) as content:
                    target.link(path, content.read(CHUNK).decode())
            else:
                with packed.open(entry) as content:
                    target.file(path, content, bool(mode & stat.S_IXUSR))


def _lift(folder: str) -> None:
    """Make the one directory at the top the folder itself, as archives of releases have it."""
    names = os.listdir(folder)
    top = os.path.join(folder, names[0]) if len(names) == 1 else ""
    if not top or os.path.islink(top) or not os.path.isdir(top):
        return
    aside = folder + ".top"
    shutil.rmtree(aside, ignore_errors=True)
    os.rename(top, aside)
    os.rmdir(folder)
    os.rename(aside, folder)


def _refuse_links_out(folder: str) -> None:
    """Links may lead out together where each alone does not."""
    root = os.path.realpath(folder)
    for base, folders, files in os.walk(folder):
        for path in (os.path.join(base, name) for name in (*folders, *files)):
            if os.path.islink(path) and not f"{os.path.realpath(path)}/".startswith(f"{root}/"):
                shown = os.path.relpath(path, folder)
                raise InvalidOption("source.path", shown, "is a link out of the archive", "Remove it.")
