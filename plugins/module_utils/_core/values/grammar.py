# Copyright: (c) 2026, tidegate.platform contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The grammar of every name that comes from outside.

A name that passes here can be a container name, a DNS label, a file name and a Traefik object name at once,
and can never be read as a flag, a path outside its root or a piece of a routing rule.
"""

from __future__ import annotations

import posixpath
import re
import typing as t

from .errors import InvalidOption
from .identity import BASE32, SUFFIX_LENGTH, suffix_of

ID_LENGTH = 26

_LABEL = r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?"


class Grammar(t.NamedTuple):
    """A pattern and how to say it."""

    pattern: t.Pattern[str]
    words: str

    def check(self, option: str, value: str) -> str:
        """The value, if it is of this grammar.

        :raises InvalidOption: names the option, the value and the grammar.
        """
        if not self.pattern.fullmatch(value):
            raise InvalidOption(option, value, f"is not {self.words}", "Correct the value.")
        return value


# 40 + "-" + 8 + "-" + 3 digits of replica stay below the 63 characters of a DNS label (RFC 1035, section 2.3.4).
WORKLOAD = Grammar(
    re.compile(r"[a-z0-9](?:[a-z0-9-]{0,38}[a-z0-9])?"),
    "a name of 1 to 40 lower-case letters, digits and inner hyphens",
)
ENVIRONMENT = Grammar(
    re.compile(r"[a-z0-9](?:[a-z0-9-]{0,18}[a-z0-9])?"),
    "a name of 1 to 20 lower-case letters, digits and inner hyphens",
)
HOST = Grammar(
    re.compile(rf"(?=.{{1,253}}$)(?:\*\.)?{_LABEL}(?:\.{_LABEL})*|\*"),
    "a lower-case DNS name, a wildcard such as *.example.org, or * for any host",
)
PATH = Grammar(re.compile(r"/[A-Za-z0-9._~/-]*"), "an absolute path of letters, digits and . _ ~ - /")
PROBE_PATH = Grammar(re.compile(r"/[A-Za-z0-9._~/?&=%+,:@-]*"), "an absolute HTTP path without blanks")
REFERENCE = Grammar(re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]*(?:@[a-z]+)?"), "the name of a Traefik object")
ENV_KEY = Grammar(re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,99}"), "a variable name of letters, digits and underscores")
SECRET = Grammar(re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,99}"), "a file name of letters, digits and _ . -")
VOLUME = Grammar(re.compile(r"[a-zA-Z0-9][a-zA-Z0-9_.-]+"), "a volume name")
ABSOLUTE = Grammar(re.compile(r"/(?!.*(?:^|/)\.\.(?:/|$))[^\x00:]*"), "an absolute path without '..' and ':'")
NETWORK = Grammar(re.compile(r"[a-zA-Z0-9][a-zA-Z0-9_.-]*"), "a network name")
REGISTRY = Grammar(
    re.compile(r"(?=.*[.:]|localhost$)[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?(?::[0-9]+)?"),
    "a registry as images name it: a host, or host:port, such as registry.example.org",
)
# The engine's own reference grammar, without its length limits (distribution/reference).
IMAGE = Grammar(
    re.compile(
        r"(?:[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?(?::[0-9]+)?/)?"
        r"[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*(?:/[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*)*"
        r"(?::[A-Za-z0-9_][A-Za-z0-9_.-]{0,127})?(?:@sha256:[0-9a-f]{64})?"
    ),
    "an image reference such as registry.example.org/team/app:1.4 or app@sha256:…",
)


def place(directory: str) -> str:
    """A directory in its one spelling, by which a platform is told: no slash at its end, none twice, no `/./`.

    What `..` means is the file system's to say.
    """
    parts = [part for part in directory.split("/") if part not in ("", ".")]
    return ("/" if directory.startswith("/") else "") + "/".join(parts)


def is_deployment(text: str) -> bool:
    """True for what `deployment_id` makes: labels, which anybody can write, name files by it."""
    return len(text) == ID_LENGTH and set(text) <= set(BASE32)


def made_by(container: str, deployment: str) -> bool:
    """True when a container of this name is one that this deployment made."""
    return bool(deployment) and suffix_of(container) == deployment[-SUFFIX_LENGTH:]


def inside(option: str, path: str) -> str:
    """A relative path in its plainest form, `./src` as `src` (AW-T20, DP-T16).

    :raises InvalidOption: it is absolute, or leads out.
    """
    parts = path.split("/")
    if path.startswith("/") or ".." in parts or "\x00" in path or "\\" in path:
        raise InvalidOption(option, path, "leads out of the source", "Use a path below it, without '..'.")
    return posixpath.normpath(path or ".")
