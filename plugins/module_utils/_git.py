# Copyright: (c) 2026, tidegate.platform contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The only file that runs git. Private to tidegate.platform.

Credentials reach git by files of a private folder, never by an argument or a variable (DP-T15); the folder is gone
before anything else is done with the tree, and so is `.git`.
"""

from __future__ import annotations

import contextlib
import os
import re
import shlex
import shutil
import typing as t

from . import _files, _process
from ._clock import Clock
from ._errors import CommandFailure
from ._sources import Source

SHA = re.compile(r"[0-9a-f]{40}(?:[0-9a-f]{24})?")
_ASKPASS = '#!/bin/sh\ncase "$1" in\n  Username*) exec cat {username} ;;\n  *) exec cat {token} ;;\nesac\n'
_SETTINGS = ("-c", "protocol.version=2", "-c", "safe.directory=*", "-c", "core.hooksPath=/dev/null")


class Git:
    """One repository, and what opens it.

    :param folder: a private folder for this run's files; `close` removes it.
    """

    def __init__(self, source: Source, folder: str, clock: Clock) -> None:
        self.source, self.folder, self.clock = source, folder, clock
        shutil.rmtree(folder, ignore_errors=True)
        _files.private_folder(folder)
        self._env = self._environment()

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
                _files.discard(os.path.join(folder, ".git"))

    def _git(self, *words: str) -> str:
        done = _process.run(["git", *_SETTINGS, *words], self.clock, self.source.timeout, env=self._env)
        if done.code:
            said = done.err.strip().splitlines()[-1:] or [f"exit code {done.code}"]
            remedy = "Correct source.git and source.ref, and what opens it: source.token or source.deploy_key."
            raise CommandFailure(f"git cannot read it: {said[0]}", subject=self.source.location, remedy=remedy)
        return done.out

    def _environment(self) -> dict[str, str]:
        access = self.source.access
        env = {
            "PATH": os.environ.get("PATH", "/usr/bin:/bin"),
            "HOME": self.folder,
            "LC_ALL": "C.UTF-8",
            "GIT_TERMINAL_PROMPT": "0",
            "GIT_CONFIG_NOSYSTEM": "1",
            "GIT_ALLOW_PROTOCOL": "https:http:ssh:git" + (":file" if self.source.location.startswith("file:") else ""),
        }
        if access.token:
            place = {name: self._keep(name, getattr(access, name)) for name in ("username", "token")}
            script = _ASKPASS.format(**{name: shlex.quote(path) for name, path in place.items()})
            env["GIT_ASKPASS"] = self._keep("askpass", script, 0o700)
        known = self._keep("known_hosts", access.known_hosts)
        checking = "yes" if access.known_hosts else "accept-new"
        ssh = ["ssh", "-F", "/dev/null", "-o", "BatchMode=yes", "-o", f"UserKnownHostsFile={known}"]
        ssh += ["-o", f"StrictHostKeyChecking={checking}"]
        if access.deploy_key:
            key = access.deploy_key.rstrip("\n") + "\n"
            ssh += ["-o", "IdentitiesOnly=yes", "-i", self._keep("deploy_key", key)]
        env["GIT_SSH_COMMAND"] = " ".join(shlex.quote(word) for word in ssh)
        return env

    def _keep(self, name: str, text: str, mode: int = 0o600) -> str:
        path = os.path.join(self.folder, name)
        _files.place(path, text, mode, self.folder)
        return path


def opened(source: Source, folder: str, clock: Clock) -> t.ContextManager[Git]:
    """A repository for the length of a block."""
    return contextlib.closing(Git(source, folder, clock))
