# Copyright: (c) 2026, tidegate.platform contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From a source to the tree of files that it stands for now."""

from __future__ import annotations

import contextlib
import os
import shutil
import tempfile
import threading
import typing as t

from ..host import filesystem
from ..host.clock import Clock
from ..host.places import Places
from ..values.errors import InvalidOption
from ..values.recipe import Source
from . import trees, unpack
from .git import Git, opened


class SourceTrees:
    """Where the trees of one workload are put while they are looked at or built, apart for every process.

    :param key: the workload's key.
    """

    def __init__(self, state_dir: str, key: str, clock: Clock) -> None:
        self.state_dir, self.key, self.clock = state_dir, key, clock
        there = os.path.isdir(state_dir)  # check mode on a host that has nothing yet creates nothing
        self._shared = Places(state_dir).work if there else os.path.join(tempfile.gettempdir(), "tidegate-work")
        self.folder = os.path.join(self._shared, f"{key}.{os.getpid()}-{threading.get_ident()}")

    def sweep(self) -> None:
        """Remove what runs left that were killed."""
        for name in os.listdir(self._shared) if os.path.isdir(self._shared) else ():
            process = name.rpartition(".")[2].partition("-")[0]
            if name.startswith(self.key + ".") and not os.path.exists(f"/proc/{process}"):
                shutil.rmtree(os.path.join(self._shared, name), ignore_errors=True)

    def identity(self, source: Source, paths_of: t.Callable[[str], t.Collection[str]]) -> str:
        """What a source is now: a commit for git, which is asked without fetching it; else a digest of the content.

        :raises InvalidOption, CommandFailure: there is no such source.
        """
        if source.kind != "git":
            with self.tree(source) as (root, _commit):
                return f"tree {trees.digest(root, paths_of(root), source.max_size)}"
        try:
            with self._git(source) as git:
                return _committed(source, git.commit())
        finally:
            self.clear()

    @contextlib.contextmanager
    def tree(self, source: Source) -> t.Iterator[tuple[str, str]]:
        """The source as a directory, for the length of a block; and its identity, if it is a commit.

        :raises InvalidOption, CommandFailure: it cannot be read.
        """
        if source.kind == "path" and os.path.isdir(source.location):
            yield trees.below(source.location, source.subdirectory), ""
            return
        place, commit = self._empty("tree"), ""
        try:
            if source.kind == "git":
                with self._git(source) as git:
                    sha = git.commit()
                    git.checkout(sha, place)
                    commit = _committed(source, sha)
            elif os.path.isfile(source.location):
                os.makedirs(place)
                unpack.unpack(source.location, place, source.max_size)
            else:
                remedy = "Correct source.path; source.remote says on which host it is."
                raise InvalidOption("source.path", source.location, "is not there", remedy)
            yield trees.below(place, source.subdirectory), commit
        finally:
            self.clear()

    def file(self, name: str) -> str:
        """A place for a file in the folder."""
        filesystem.private_folder(self._shared)
        return os.path.join(filesystem.private_folder(self.folder), name)

    def keep(self, name: str, text: str) -> str:
        """A file that only this user may read, until it is forgotten."""
        path = self.file(name)
        filesystem.place(path, text, 0o600, self.folder)
        return path

    def forget(self, names: t.Iterable[str]) -> None:
        """Remove files again."""
        for name in names:
            filesystem.discard(self.file(name))

    def temporary(self) -> t.IO[bytes]:
        """A file without a name, on the state directory's file system."""
        return tempfile.TemporaryFile(dir=os.path.dirname(self.file("")))

    def clear(self) -> None:
        """Remove everything."""
        shutil.rmtree(self.folder, ignore_errors=True)

    def _git(self, source: Source) -> t.ContextManager[Git]:
        folder = self.file("access")
        there = self._shared == Places(self.state_dir).work
        known = Places(self.state_dir).known_hosts if there else f"{folder}.hosts"
        return opened(source, folder, self.clock, known)

    def _empty(self, name: str) -> str:
        place = self.file(name)
        shutil.rmtree(place, ignore_errors=True)
        return place


def _committed(source: Source, sha: str) -> str:
    return f"git {sha} {source.subdirectory} {source.submodules}"
