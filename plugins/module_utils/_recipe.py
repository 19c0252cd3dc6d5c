# Copyright: (c) 2026, tidegate.platform contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Parsing of the options that say what an artifact is made from: source, build. Pure. Private to tidegate.platform."""

from __future__ import annotations

import re
import typing as t
from urllib.parse import urlsplit

from . import _names, _options
from ._errors import InvalidOption
from ._options import Params, inside, positive
from ._sources import Access, BuildLimits, Recipe, Source

_SCP = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*@[A-Za-z0-9][A-Za-z0-9.-]*:[A-Za-z0-9._~/][^\s\x00]*")
_REF = re.compile(r"(?!.*(?:\.\.|//|@\{))[A-Za-z0-9_][A-Za-z0-9._/+@#-]*(?<![/.])")
_PLATFORM = re.compile(r"[a-z0-9]+(?:/[a-z0-9]+){1,2}")
_TARGET = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]*")


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
        "max_size": _options.size("source.max_size", given["max_size"]),
    }
    if given["path"]:
        return _local(given, common)
    url, ref = _url(given["git"]), _ref(given["ref"])
    return Source("git", url, ref, submodules=given["submodules"], access=_access(given), **common)


def _local(given: Params, common: dict[str, t.Any]) -> Source:
    for option in ("token", "deploy_key", "username", "known_hosts"):
        if given.get(option):
            raise InvalidOption(f"source.{option}", "***", "means nothing for a path", "Remove it, or use git.")
    if given["submodules"]:
        raise InvalidOption("source.submodules", True, "means nothing for a path", "Remove it, or use git.")
    path = given.get("archive") or given["path"]
    _names.ABSOLUTE.check("source.path", path)
    return Source("path", path, **common)


def _url(url: str) -> str:
    parts = urlsplit(url)
    if parts.password:
        shown = url.replace(parts.password, "***")
        raise InvalidOption("source.git", shown, "holds a password", "Put it into source.token.")
    web = parts.scheme in ("https", "http", "ssh", "git") and parts.hostname and not parts.hostname.startswith("-")
    local = parts.scheme == "file" and parts.path.startswith("/") and not parts.netloc
    if re.search(r"[\s\x00-\x1f]", url) or not (web or local or _SCP.fullmatch(url)):
        remedy = "Write https://host/path, ssh://user@host/path or user@host:path."
        raise InvalidOption("source.git", url, "is not the URL of a git repository", remedy)
    return url


def _ref(ref: str) -> str:
    if not _REF.fullmatch(ref):
        raise InvalidOption("source.ref", ref, "is not a branch, tag or commit", "Correct the value.")
    return ref


def _access(given: Params) -> Access:
    token, key = given.get("token") or "", given.get("deploy_key") or ""
    if token and key:
        raise InvalidOption("source.deploy_key", "***", "contradicts source.token", "Give one of them.")
    if re.search(r"[\r\n]", token):
        raise InvalidOption("source.token", "***", "has more than one line", "Give the token alone.")
    return Access(given["username"] or "git", token, key, given["known_hosts"] or "")


def dockerfile(params: Params) -> Recipe:
    """A recipe whose Dockerfile is part of the source: `source` and `build`, checked.

    :raises InvalidOption: names option, value and remedy.
    """
    given = params["build"] or {}
    builder = given.get("builder") or "classic"
    secrets = tuple((s["name"], s["value"]) for s in given.get("secrets") or ())
    for name, _value in secrets:
        _names.SECRET.check("build.secrets.name", name)
    if secrets and builder != "buildkit":
        raise InvalidOption("build.secrets", secrets[0][0], "needs BuildKit", "Set build.builder to buildkit.")
    for reference in given.get("cache_from") or ():
        _names.IMAGE.check("build.cache_from", reference)
    return Recipe(
        source=source(params),
        dockerfile=inside("build.dockerfile", given.get("dockerfile") or "Dockerfile"),
        target=_matching("build.target", given.get("target"), _TARGET, "the name of a stage"),
        args=_pairs("build.args", given.get("args")),
        platform=_matching("build.platform", given.get("platform"), _PLATFORM, "a platform such as linux/amd64"),
        labels=_pairs("build.labels", given.get("labels")),
        network=_network(given.get("network")),
        builder=builder,
        cache_from=tuple(given.get("cache_from") or ()),
        secrets=secrets,
        limits=limits(given),
    )


def limits(given: Params) -> BuildLimits:
    """How long, how large and how many, checked."""
    found = BuildLimits(
        timeout=float(given.get("timeout", BuildLimits.timeout)),
        max_size=_options.size("build.max_size", given.get("max_size") or "0"),
        concurrency=given.get("concurrency", BuildLimits.concurrency),
    )
    positive("build.timeout", found.timeout)
    positive("build.concurrency", found.concurrency)
    return found


def _matching(option: str, value: str | None, pattern: t.Pattern[str], words: str) -> str | None:
    if value is not None and not pattern.fullmatch(value):
        raise InvalidOption(option, value, f"is not {words}", "Correct the value.")
    return value


def _network(value: str | None) -> str | None:
    return None if value is None else _names.NETWORK.check("build.network", value)


def _pairs(option: str, given: Params | None) -> tuple[tuple[str, str], ...]:
    pairs = []
    for key, value in (given or {}).items():
        if not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_.-]*", str(key)):
            raise InvalidOption(option, key, "is not a name", "Use letters, digits and _ . -")
        pairs.append((str(key), _options.scalar(f"{option}.{key}", value)))
    return tuple(sorted(pairs))
