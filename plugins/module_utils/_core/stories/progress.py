# Copyright: (c) 2026, tidegate.platform contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The file that steps and lines of progress are appended to while a module runs.

A user names it, and this runs as root: only a file that this run made is written to, and only that file is removed.
"""

from __future__ import annotations

import contextlib
import os
import threading

_ONLY_NEW = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC


class Progress:
    """One new file, made with the first line; whatever has its name already is left alone."""

    def __init__(self, path: str | None) -> None:
        self._path, self._turn = path, threading.Lock()
        self._descriptor: int | None = None
        self._tried = False
        self.refused = ""

    def tell(self, key: str, what: str) -> None:
        """Append a line; one that cannot be written stops nothing."""
        with self._turn, contextlib.suppress(OSError):
            self._make()
            if self._descriptor is not None:
                os.write(self._descriptor, f"{key}: {what}\n".encode(errors="backslashreplace"))

    def end(self) -> None:
        """Remove what was made, unless something else has its name now: what happened is in the result."""
        with self._turn:
            if self._descriptor is None or self._path is None:
                return
            with contextlib.suppress(OSError):
                # The open descriptor keeps the inode's number from being given to another file.
                if os.path.samestat(os.fstat(self._descriptor), os.lstat(self._path)):
                    os.unlink(self._path)
            os.close(self._descriptor)
            self._descriptor = None

    def _make(self) -> None:
        if not self._path or self._tried:
            return
        self._tried = True
        try:
            self._descriptor = os.open(self._path, _ONLY_NEW, 0o600)
        except OSError as error:
            self.refused = f"progress_file={self._path} is not written: {error.strerror}. Name a new file."
