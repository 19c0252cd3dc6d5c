# Copyright: (c) 2026, tidegate.platform contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What an archive of a volume's files says of them."""

from __future__ import annotations

import tarfile
import typing as t

_END = bytes(2 * tarfile.BLOCKSIZE)  # of a tar archive


class _Chunks:
    """A stream of chunks that is read as a file."""

    def __init__(self, chunks: t.Iterable[bytes]) -> None:
        self._chunks, self._left, self._last = iter(chunks), b"", b""

    def read(self, size: int) -> bytes:
        """The next bytes; fewer at the end."""
        for chunk in self._chunks if len(self._left) < size else ():
            self._left += chunk
            if len(self._left) >= size:
                break
        found, self._left = self._left[:size], self._left[size:]
        self._last = (self._last + found)[-len(_END) :]
        return found

    def ended(self) -> bool:
        """Whether the rest, which is read, is the end of a tar archive."""
        while self.read(2**20):
            pass
        return self._last == _END


def nothing_in(chunks: t.Iterable[bytes]) -> bool:
    """Whether the archive of a directory has nothing but the directory, and what each new file system has.

    Of one that ends in its middle nobody knows.
    """
    stream = _Chunks(chunks)
    with tarfile.open(fileobj=t.cast("t.IO[bytes]", stream), mode="r|") as tar:
        nothing = all(entry.name.strip("/").split("/")[1:2] in ([], ["lost+found"]) for entry in tar)
    return nothing and stream.ended()


def newer_in(chunks: t.Iterable[bytes], moment: float, now: float) -> bool:
    """Whether the archive of a directory has something that was written since a moment, or ends in its middle."""
    stream = _Chunks(chunks)
    try:
        with tarfile.open(fileobj=t.cast("t.IO[bytes]", stream), mode="r|") as tar:
            if any(moment < entry.mtime <= now for entry in tar):
                return True
    except tarfile.ReadError:
        return True
    return not stream.ended()


def whole(archive: t.IO[bytes]) -> bool:
    """Whether a tar archive has all of its last entry, and behind that the end that each archive has."""
    archive.seek(0)
    try:
        with tarfile.open(fileobj=archive, mode="r:") as tar:
            while tar.next() is not None:
                t.cast("t.Any", tar).members.clear()  # there may be millions
            archive.seek(tar.offset)
    except tarfile.TarError:
        return False
    return archive.read(len(_END)) == _END
