# Copyright: (c) 2026, tidegate.platform contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The only file that runs git.

Credentials reach git by files of a private folder, never by an argument or a variable (DP-T15); the folder is gone
before anything else is done with the tree, and so is `.git`.
"""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import typing as t

from ..host import filesystem, process
from ..host.clock import Clock
from ..values.errors import CommandFailure
from ..values.recipe import Source
from .access import Opener

SHA = re.compile(r"[0-9a-f]{40}(?:[0-9a-f]{24})?")
_UNKNOWN_HOST = "Host key verification failed"
_REDIRECTED = re.compile(r"returned error: 30\d")


class Git:
    """One repository, and what opens it.

    :param folder: a private folder for this run's files; `close` removes it.
    :param known_hosts: where the first key that a host shows is kept.
    """

    def __init__(self, source: Source, folder: str, clock: Clock, known_hosts: str) -> None:
        self.source, self.folder, self.clock = source, folder, clock
        shutil.rmtree(folder, ignore_errors=True)
        filesystem.private_folder(folder)
        self._opener = Opener(source, folder, known_hosts)
        self._env = self._opener.environment()

    def close(self) -> None:
        """Remove the credentials."""
        shutil.rmtree(self.folder, ignore_errors=True)

    def commit(self) -> str:
        """The commit that the ref stands for now; an exact one is not asked for.

        :raises CommandFailure: the repository cannot be reached, or has no such ref.
        """
        ref = self.source.ref
        if SHA.fullmatch(ref):
            return ref
        exact = ref == "HEAD" or ref.startswith("refs/")
        # The commit of an annotated tag is told beside the tag's own object.
        names = [ref] if exact else [f"refs/tags/{ref}^{{}}", f"refs/tags/{ref}", f"refs/heads/{ref}"]
        rows = self._git("ls-remote", "--", self.source.location, *names).splitlines()
        found = dict(line.split("\t")[::-1] for line in rows)
        for name in names:
            if name in found:
                return str(found[name])
        raise CommandFailure(f"has no branch or tag {ref!r}", subject=self.source.location, remedy="Correct it.")

    def checkout(self, commit: str, target: str) -> None:
        """Put the tree of a commit, without its history, into a new folder.

        :raises CommandFailure: the commit cannot be fetched.
        """
        self._git("init", "--quiet", "--", target)
        fetch = ("-C", target, "fetch", "--quiet", "--no-tags", "--depth", "1", "--", self.source.location)
        self._git(*fetch, commit)
        self._git("-C", target, "checkout", "--quiet", "--detach", commit)
        if self.source.submodules:
            self._git("-C", target, "submodule", "--quiet", "update", "--init", "--recursive", "--depth", "1")
        for folder, directories, files in os.walk(target):
            if ".git" in directories:
                directories.remove(".git")
                shutil.rmtree(os.path.join(folder, ".git"))
            if ".git" in files:
                filesystem.discard(os.path.join(folder, ".git"))

    def _git(self, *words: str) -> str:
        done = process.run(["git", *words], self.clock, self.source.timeout, env=self._env)
        if done.code:
            raise self._failure(done)
        return done.out

    def _failure(self, done: process.Done) -> CommandFailure:
        said = (done.err.strip().splitlines()[-1:] or [f"exit code {done.code}"])[0]
        remedy = "Correct source.git and source.ref, and what opens it: source.token or source.deploy_key."
        if _UNKNOWN_HOST in done.err:
            said = "its host shows another key than the one it is known by, or none"
            place = "source.known_hosts" if self.source.access.known_hosts else self._opener.known_hosts
            remedy = f"If the new key is right by what its owner says, change it in {place}."
        elif _REDIRECTED.search(done.err) and self.source.access.token:
            remedy = (
                "A token goes nowhere else. Give the URL that it redirects to, often the same with .git at its end."
            )
        return CommandFailure(f"git cannot read it: {said}", subject=self.source.location, remedy=remedy)


def opened(source: Source, folder: str, clock: Clock, known_hosts: str) -> t.ContextManager[Git]:
    """A repository for the length of a block."""
    return contextlib.closing(Git(source, folder, clock, known_hosts))
