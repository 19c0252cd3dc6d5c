# Copyright: (c) 2026, tidegate.platform contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where something is built from: the option `source`."""

from __future__ import annotations

import re
import typing as t
from urllib.parse import urlsplit

from ..values import grammar
from ..values.errors import InvalidOption
from ..values.grammar import inside
from ..values.recipe import Access, Source
from . import checks
from .checks import Params, Spec, positive

SOURCE: Spec = {
    "source": {
        "type": "dict",
        "options": {
            "path": {"type": "str"},
            "remote": {"type": "bool", "default": False},
            "git": {"type": "str"},
            "ref": {"type": "str", "default": "HEAD"},
            "subdirectory": {"type": "str", "default": "."},
            "submodules": {"type": "bool", "default": False},
            "username": {"type": "str"},
            "token": {"type": "str", "no_log": True},
            "deploy_key": {"type": "str", "no_log": True},
            "known_hosts": {"type": "str"},
            "timeout": {"type": "float", "default": 300.0},
            "max_size": {"type": "str", "default": "1g"},
            "archive": {"type": "path"},
        },
    },
}


_SCP = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*@[A-Za-z0-9][A-Za-z0-9.-]*:[A-Za-z0-9._~/][^\s\x00]*")
_HOST = re.compile(r"(?:[A-Za-z0-9_][A-Za-z0-9._-]*|\[[0-9A-Fa-f:.]+\])(?::[0-9]{1,5})?")
_REF = re.compile(r"(?!.*(?:\.\.|//|@\{))[A-Za-z0-9_][A-Za-z0-9._/+@#-]*(?<![/.])")


def source(params: Params) -> Source:
    """`source`, checked.

    :raises InvalidOption: names option, value and remedy.
    """
    given = params["source"]
    if not given or bool(given["path"]) == bool(given["git"]):
        value = (given or {}).get("path")
        raise InvalidOption("source", value, "has to have either path or git", "Give one of them.")
    positive("source.timeout", given["timeout"])
    common = {
        "subdirectory": inside("source.subdirectory", given["subdirectory"]),
        "timeout": given["timeout"],
        "max_size": checks.size("source.max_size", given["max_size"]),
    }
    if given["path"]:
        return _local(given, common)
    url, ref = _url(given["git"]), _ref(given["ref"])
    return Source("git", url, ref, submodules=given["submodules"], access=_access(given, url), **common)


def _local(given: Params, common: dict[str, t.Any]) -> Source:
    for option in ("token", "deploy_key", "username", "known_hosts"):
        if given.get(option):
            raise InvalidOption(f"source.{option}", "***", "means nothing for a path", "Remove it, or use git.")
    if given["submodules"]:
        raise InvalidOption("source.submodules", True, "means nothing for a path", "Remove it, or use git.")
    path = given.get("archive") or given["path"]
    grammar.ABSOLUTE.check("source.path", path)
    return Source("path", path, **common)


def _url(url: str) -> str:
    parts = urlsplit(url)
    user, at, host = parts.netloc.rpartition("@")
    if parts.password is not None or (at and parts.scheme not in ("ssh", "")):  # a token may be a user name, too
        shown = url.replace(f"{user}@", "***@")
        remedy = "Put what it is into source.username and source.token."
        raise InvalidOption("source.git", shown, "holds a user name or password", remedy)
    if parts.scheme in ("https", "http") and (parts.query or parts.fragment):
        shown = url.partition("?")[0].partition("#")[0]
        raise InvalidOption("source.git", shown, "has something behind its path", "A token belongs in source.token.")
    web = parts.scheme in ("https", "http", "ssh", "git") and _HOST.fullmatch(host)
    local = parts.scheme == "file" and parts.path.startswith("/") and not parts.netloc
    if re.search(r"[\s\x00-\x1f]", url) or not (web or local or _SCP.fullmatch(url)):
        remedy = "Write https://host/path, ssh://user@host/path or user@host:path."
        raise InvalidOption("source.git", url, "is not the URL of a git repository", remedy)
    return url


def _ref(ref: str) -> str:
    if not _REF.fullmatch(ref):
        raise InvalidOption("source.ref", ref, "is not a branch, tag or commit", "Correct the value.")
    return ref


def _access(given: Params, url: str) -> Access:
    token, key = given.get("token") or "", given.get("deploy_key") or ""
    if token and key:
        raise InvalidOption("source.deploy_key", "***", "contradicts source.token", "Give one of them.")
    parts = urlsplit(url)
    web = parts.scheme in ("https", "http")
    if token and parts.scheme != "https" and not (web and _loopback(parts.hostname or "")):
        cause = "would be sent where everybody on the way can read it" if web else "means nothing for this URL"
        raise InvalidOption("source.token", "***", cause, "Write https:// in source.git, or remove the token.")
    if key and parts.scheme not in ("ssh", ""):
        remedy = "Write ssh:// in source.git, or give a token."
        raise InvalidOption("source.deploy_key", "***", "means nothing for this URL", remedy)
    if re.search(r"[\r\n]", token):
        raise InvalidOption("source.token", "***", "has more than one line", "Give the token alone.")
    return Access(given["username"] or "git", token, key, given["known_hosts"] or "")


def _loopback(host: str) -> bool:
    """True for an address that does not leave this host."""
    return host == "::1" or re.fullmatch(r"127(?:\.\d{1,3}){3}", host) is not None
