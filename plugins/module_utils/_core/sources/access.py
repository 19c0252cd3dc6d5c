# Copyright: (c) 2026, tidegate.platform contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What opens a git repository, as files of a private folder.

A token goes to the source's own scheme, host and port, a deploy key to its own host and port: never to a submodule's,
never to where a server redirects to, whatever git, curl or ssh would do by themselves.
"""

from __future__ import annotations

import contextlib
import os
import re
import shlex
import typing as t
from urllib.parse import urlsplit

from ..host import filesystem
from ..values.recipe import Source

_USUAL_PORTS = {"https": 443, "http": 80, "ssh": 22}
_SCP = re.compile(r"[^@/]+@([^:/]+):")
_KNOWN = re.compile(r"\[([A-Za-z0-9._:-]+)\]:(\d+)|([A-Za-z0-9._:-]+)")
# git asks who it shall say that it is, in lines of key=value (gitcredentials(7)).
_HELPER = """#!/bin/sh
[ "$1" = get ] || exit 0
matched=
while IFS= read -r line; do
  case "$line" in
    {scheme} | {hosts}) matched="$matched+" ;;
    protocol=* | host=*) exit 0 ;;
  esac
done
[ "$matched" = ++ ] || exit 0
printf 'username=%s\\npassword=%s\\n' "$(cat {username})" "$(cat {token})"
"""


class Origin(t.NamedTuple):
    """Whom a URL is asked from; an empty host for a local one."""

    scheme: str
    host: str
    port: int

    @property
    def names(self) -> list[str]:
        """How URLs may write host and port."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        usual = [host] if self.port == _USUAL_PORTS.get(self.scheme) else []
        return [*usual, f"{host}:{self.port}"]


def origin(url: str) -> Origin:
    """Scheme, host and port of a repository's URL."""
    scp = _SCP.match(url)
    if scp and "://" not in url:
        return Origin("ssh", scp[1].lower(), _USUAL_PORTS["ssh"])
    parts = urlsplit(url)
    return Origin(parts.scheme, (parts.hostname or "").lower(), parts.port or _USUAL_PORTS.get(parts.scheme, 0))


def _written(url: str) -> str:
    """Host and port just as a URL has them: programs compare letters."""
    scp = _SCP.match(url)
    return scp[1] if scp and "://" not in url else urlsplit(url).netloc.rpartition("@")[2]


class Opener:
    """The files by which one source is opened.

    :param folder: a private folder, gone after the fetch.
    :param known_hosts: where the first key that a host shows is kept.
    """

    def __init__(self, source: Source, folder: str, known_hosts: str) -> None:
        self.source, self.folder = source, folder
        self.origin = origin(source.location)
        self.known_hosts = self._keep("known_hosts", source.access.known_hosts)
        if not source.access.known_hosts:
            self.known_hosts = known_hosts
            os.close(os.open(known_hosts, os.O_WRONLY | os.O_CREAT | os.O_NOFOLLOW, 0o600))

    def environment(self) -> dict[str, str]:
        """What git is run with; nothing of this process's own environment decides whom it trusts."""
        self._keep(".gitconfig", self._settings())
        words = ["ssh", "-F", self._keep("ssh_config", self._ssh_settings())]
        return {
            "PATH": os.environ.get("PATH", "/usr/bin:/bin"),
            "HOME": self.folder,
            "LC_ALL": "C.UTF-8",
            "GIT_TERMINAL_PROMPT": "0",
            "GIT_CONFIG_NOSYSTEM": "1",
            "GIT_ALLOW_PROTOCOL": "https:http:ssh:git" + (":file" if self.origin.scheme == "file" else ""),
            "GIT_SSH_COMMAND": " ".join(shlex.quote(word) for word in words),
        }

    def _settings(self) -> str:
        """The settings of git, those of its submodules' processes, too."""
        lines = ["[protocol]", "version = 2", "[safe]", "directory = *", "[core]", "hooksPath = /dev/null"]
        lines += ["[credential]", "helper ="]
        if self.source.access.token:
            lines += [f"helper = {_quoted(shlex.quote(self._helper()))}"]
            for name in self.origin.names:
                lines += [f'[http "{self.origin.scheme}://{name}/"]', "followRedirects = false"]
        return "\n".join(lines) + "\n"

    def _helper(self) -> str:
        access = self.source.access
        places = {name: shlex.quote(self._keep(name, getattr(access, name))) for name in ("username", "token")}
        written = {*self.origin.names, _written(self.source.location)}
        hosts = " | ".join(shlex.quote(f"host={name}") for name in sorted(written))
        scheme = shlex.quote(f"protocol={self.origin.scheme}")
        return self._keep("helper", _HELPER.format(scheme=scheme, hosts=hosts, **places), 0o700)

    def _ssh_settings(self) -> str:
        """The settings of ssh: a host that is known has to show a key that it is known by, not one of another kind."""
        lines = []
        if self.source.access.deploy_key:
            key = self._keep("deploy_key", self.source.access.deploy_key.rstrip("\n") + "\n")
            host = f"{self.origin.host},{_written(self.source.location).partition(':')[0]}"
            lines += [_match(host, self.origin.port), f"  IdentityFile {_quoted(key)}"]
        for host, port in sorted(known(self.known_hosts)):
            lines += [_match(host, port), "  StrictHostKeyChecking yes"]
        checking = "yes" if self.source.access.known_hosts else "accept-new"
        lines += ["Match all", "  BatchMode yes", "  CheckHostIP no", "  HashKnownHosts no", "  UpdateHostKeys no"]
        lines += [f"  StrictHostKeyChecking {checking}", f"  UserKnownHostsFile {_quoted(self.known_hosts)}"]
        lines += ["  IdentitiesOnly yes"] if self.source.access.deploy_key else []
        return "\n".join(lines) + "\n"

    def _keep(self, name: str, text: str, mode: int = 0o600) -> str:
        path = os.path.join(self.folder, name)
        filesystem.place(path, text, mode, self.folder)
        return path


def known(path: str) -> set[tuple[str, int]]:
    """Hosts and ports of which a key is known; hashed names and patterns are ssh's own matter."""
    found: set[tuple[str, int]] = set()
    with contextlib.suppress(FileNotFoundError), open(path, encoding="utf-8", errors="replace") as stream:
        for line in stream:
            for name in (line.split() or [""])[0].split(","):
                match = _KNOWN.fullmatch(name)
                if match:
                    found.add((match[1] or match[3], int(match[2] or _USUAL_PORTS["ssh"])))
    return found


def _match(host: str, port: int) -> str:
    return f'Match originalhost {host} exec "test %p = {port}"'


def _quoted(text: str) -> str:
    """A text in quotes, as git's and ssh's settings have them."""
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'
