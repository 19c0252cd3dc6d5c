# Copyright: (c) 2026, tidegate.platform contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Route files: one a workload, and the notice that makes Traefik read them. Traefik v3.

Traefik watches one directory, and at every event reads all that is in and below it (0.2 ms a file): fifty renames into
it would be fifty readings. So the files lie one level below, where it does not look for events, and a notice beside
that folder is written when they are in place. Of several events of one file that nobody took yet, the kernel makes one.
"""

from __future__ import annotations

import contextlib
import json
import os
import typing as t

from ..host import filesystem
from ..values.actual import UNREADABLE
from ..values.errors import ProxyFailure
from ..values.identity import Document
from .questions import plain
from .routing_documents import problems
from .rules import ordered, outdated

# A notice is no route file: its name does not end in .yml. Nor is the mark that all of them have priorities.
FOLDER, NOTICE, ORDERED = "workloads", "changed", "ordered"
_TEXT = b"Traefik reads its routes again whenever this is written.\n"
_REMEDY = "Make the directory writable for root and free space on its file system."


def as_text(doc: Document) -> str:
    """The text of a route file. JSON is YAML; it needs no library on the host and no quoting rules."""
    return json.dumps(doc, indent=1, sort_keys=True) + "\n"


class RouteFiles:
    """The route files of one host.

    :param routes_dir: what Traefik's file provider watches; only the platform writes there.
    """

    def __init__(self, routes_dir: str) -> None:
        self.directory = routes_dir
        self._folder = os.path.join(routes_dir, FOLDER)
        self._notice = os.path.join(routes_dir, NOTICE)

    def path(self, key: str) -> str:
        """The route file of a workload."""
        return os.path.join(self._folder, f"{key}.yml")

    def read(self, key: str, served: t.Callable[[Document], bool] | None = None) -> Document | None:
        """The routes in place; a file that is not ours, or that Traefik was not told of, equals nothing.

        A run that is killed between a change and its notice leaves such a file, and so does a change by hand. But what
        links or owns the file otherwise, or a clock that was put back, makes one only look so: Traefik knows.

        :param served: whether Traefik has a document that it may not have been told of; None is no.
        """
        try:
            with open(self.path(key), encoding="utf-8") as stream:
                text, changed = stream.read(), os.fstat(stream.fileno()).st_ctime_ns
        except FileNotFoundError:
            return None
        except OSError as error:
            raise ProxyFailure(f"cannot be read: {error.strerror}", subject=self.path(key)) from error
        try:
            found = json.loads(text)
        except ValueError:
            return {UNREADABLE: text}
        good = isinstance(found, dict) and not problems(found)
        if good and (changed <= self._told() or (served is not None and served(found))):
            return plain(found)
        return {UNREADABLE: text}

    def place(self, key: str, text: str) -> None:
        """Write a route file; Traefik reads it after the next notice.

        :raises ProxyFailure: the directory cannot be written; the file is as it was.
        """
        try:
            filesystem.public_folder(self._folder)  # Traefik is another user
            if not self._told():
                self.announce()  # from here on a notice needs no space on the disk, so that what is placed is told
            filesystem.place(self.path(key), text, 0o644, os.path.dirname(self.directory.rstrip("/")))
        except OSError as error:
            raise self._unwritable(self.path(key), error) from error

    def outdated(self) -> list[str]:
        """Whose routes have no priorities yet, as an earlier version wrote them; looked for until there are none."""
        mark = os.path.join(self._folder, ORDERED)
        if not os.path.isdir(self._folder) or os.path.exists(mark):
            return []
        names = [name[: -len(".yml")] for name in sorted(os.listdir(self._folder)) if name.endswith(".yml")]
        found = [key for key in names if outdated(self.document(key) or {})]
        if not found:
            with contextlib.suppress(OSError):  # it spares a look, no more
                filesystem.place(mark, "", 0o644, os.path.dirname(self.directory.rstrip("/")))
        return found

    def order(self, key: str) -> None:
        """Give a workload's routes their priorities, if they still lack them."""
        found = self.document(key)
        if found and outdated(found):
            self.place(key, as_text(ordered(found)))

    def document(self, key: str) -> Document | None:
        """What a route file says, if it is one of the platform's."""
        try:
            with open(self.path(key), encoding="utf-8") as stream:
                found = json.load(stream)
        except (OSError, ValueError):
            return None
        return found if isinstance(found, dict) and not problems(found) else None

    def remove(self, key: str) -> None:
        """Remove a route file; one that is gone is fine.

        :raises ProxyFailure: the directory cannot be written.
        """
        try:
            if os.path.isdir(self._folder):
                filesystem.remove(self.path(key))
        except OSError as error:
            raise self._unwritable(self.path(key), error) from error

    def announce(self) -> None:
        """Make Traefik read what is in place now.

        :raises ProxyFailure: the directory cannot be written.
        """
        try:
            descriptor = os.open(self._notice, os.O_WRONLY | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o644)
            with os.fdopen(descriptor, "wb") as stream:  # nothing is cut off first: that would be an event of its own
                stream.write(_TEXT)
        except OSError as error:
            raise self._unwritable(self._notice, error) from error

    def _told(self) -> int:
        """When Traefik was told last, in nanoseconds."""
        try:
            return os.stat(self._notice).st_mtime_ns
        except FileNotFoundError:
            return 0

    def _unwritable(self, path: str, error: OSError) -> ProxyFailure:
        return ProxyFailure(f"cannot be written: {error.strerror}", subject=path, remedy=_REMEDY)
