# Copyright: (c) 2026, tidegate.platform contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The archive of a backup: a compressed tar file whose last entry names every file with its size and SHA-256."""

from __future__ import annotations

import contextlib
import gzip
import hashlib
import io
import json
import os
import tarfile
import typing as t
import zlib

from ..values.errors import BackupFailure
from ..values.grammar import inside

FORMAT = 2
MANIFEST = "manifest.json"
LEVEL = 1  # images and dumps are most of it, and a backup should not keep a small host busy
_REMEDY = "Nothing was touched. Use another archive."


class Part(t.NamedTuple):
    """A file or directory, and what it is called in the archive."""

    path: str
    name: str


class _Hashed:
    """A file that is hashed while it is read."""

    def __init__(self, stream: t.IO[bytes]) -> None:
        self._stream, self.digest, self.size = stream, hashlib.sha256(), 0

    def read(self, size: int = -1) -> bytes:
        """The next bytes."""
        data = self._stream.read(size)
        self.digest.update(data)
        self.size += len(data)
        return data

    @property
    def facts(self) -> dict[str, t.Any]:
        """What the manifest says of it."""
        return {"size": self.size, "sha256": self.digest.hexdigest()}


def parts_of(folder: str, top: str, without: t.Collection[str]) -> list[Part]:
    """Directories and regular files below a folder, in a lasting order.

    :param top: what the folder is called in the archive.
    :param without: first parts of paths that are left out.
    """
    found = [Part(folder, top)]
    for base, folders, files in os.walk(folder):
        left_out = without if base == folder else ()
        folders[:] = sorted(name for name in folders if name not in left_out)
        for name in (*folders, *sorted(set(files) - set(left_out))):
            path = os.path.join(base, name)
            if os.path.isdir(path) or (os.path.isfile(path) and not os.path.islink(path)):
                found.append(Part(path, os.path.join(top, os.path.relpath(path, folder))))
    return found


def write(stream: t.IO[bytes], parts: t.Iterable[Part], facts: dict[str, t.Any]) -> dict[str, t.Any]:
    """Write an archive; its manifest. What a deployment beside it removed meanwhile is not part of it.

    :param facts: what the manifest says beside the files.
    """
    files: dict[str, t.Any] = {}
    with tarfile.open(fileobj=stream, mode="w:gz", format=tarfile.PAX_FORMAT, compresslevel=LEVEL) as tar:
        for part in parts:
            with contextlib.suppress(FileNotFoundError):
                files.update(_add(tar, part))
        manifest = {"format": FORMAT, **facts, "files": files}
        text = json.dumps(manifest, sort_keys=True).encode()
        last = tarfile.TarInfo(MANIFEST)
        last.size, last.mode = len(text), 0o600
        tar.addfile(last, io.BytesIO(text))
    return manifest


def _add(tar: tarfile.TarFile, part: Part) -> dict[str, t.Any]:
    """Add a file or directory; what the manifest says of it."""
    if os.path.isdir(part.path):
        tar.addfile(tar.gettarinfo(part.path, part.name))
        return {}
    with open(part.path, "rb") as content:
        hashed = _Hashed(content)
        tar.addfile(tar.gettarinfo(arcname=part.name, fileobj=content), t.cast("t.IO[bytes]", hashed))
    return {part.name: hashed.facts}


def verify(path: str) -> dict[str, t.Any]:
    """The manifest of an archive of which every byte is as it was written.

    :raises BackupFailure: it is not, or of a later format.
    """
    try:
        manifest, found = _looked_through(path)
    except (tarfile.TarError, OSError, EOFError, ValueError, zlib.error) as error:
        raise BackupFailure(f"cannot be read: {error}", subject=path, remedy=_REMEDY) from error
    if not manifest:
        raise BackupFailure("has no manifest: it is not complete, or no backup", subject=path, remedy=_REMEDY)
    if manifest.get("format") != FORMAT:
        cause = f"has format {manifest.get('format')}, this version knows {FORMAT}"
        raise BackupFailure(cause, subject=path, remedy="Use the collection's version that wrote it, or a newer one.")
    wrong = sorted(name for name in {*found, *manifest["files"]} if found.get(name) != manifest["files"].get(name))
    if wrong:
        raise BackupFailure(f"{wrong[0]} is not what was written", subject=path, remedy=_REMEDY)
    return manifest


@contextlib.contextmanager
def _opened(path: str) -> t.Iterator[tarfile.TarFile]:
    """An archive as a stream. Python's own reader of compressed streams trips over damaged headers; gzip's says so.

    What lies behind the last entry is read, too: the checksum of everything, modes and owners included, is at the end.
    """
    with gzip.open(path) as plain:
        with tarfile.open(fileobj=plain, mode="r|") as tar:
            yield tar
        while plain.read(2**20):
            pass


def _looked_through(path: str) -> tuple[dict[str, t.Any], dict[str, t.Any]]:
    """The manifest, and what the manifest should say of the files."""
    manifest: dict[str, t.Any] = {}
    found: dict[str, t.Any] = {}
    with _opened(path) as tar:
        for entry in tar:
            content = tar.extractfile(entry) if entry.isreg() else None
            if content is None:
                continue
            if entry.name == MANIFEST:
                manifest = json.load(content)
                continue
            hashed = _Hashed(content)
            while hashed.read(2**20):
                pass
            found[entry.name] = hashed.facts
    return manifest, found


def is_folder(path: str) -> bool:
    """Whether a copy, as the engine makes one of a place, is that of a folder; an empty file is not."""
    if not os.path.getsize(path):
        return False
    with tarfile.open(path, "r:") as tar:
        first = tar.next()
    return first is not None and first.isdir()


def unpack(path: str, top: str, into: str) -> None:
    """Write one part of a verified archive, a file or a directory, with owners and modes.

    :param top: what the part is called in the archive.
    """
    with _opened(path) as tar:
        for entry in tar:
            if entry.name != top and not entry.name.startswith(f"{top}/"):
                continue
            relative = inside("archive", entry.name[len(top) + 1 :])
            target = into if relative == "." else os.path.join(into, relative)
            content = tar.extractfile(entry) if entry.isreg() else None
            if entry.isdir():
                os.makedirs(target, mode=0o700, exist_ok=True)
            elif content is not None:
                with open(target, "xb") as stream:
                    while True:
                        data = content.read(2**20)
                        if not data:
                            break
                        stream.write(data)
            else:
                raise BackupFailure(f"{entry.name} is no file or directory", subject=path, remedy=_REMEDY)
            os.chown(target, entry.uid, entry.gid)
            os.chmod(target, entry.mode & 0o7777)
            os.utime(target, (entry.mtime, entry.mtime))
