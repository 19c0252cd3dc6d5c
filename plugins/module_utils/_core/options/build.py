# Copyright: (c) 2026, tidegate.platform contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The options that say how an image is built: `build`, and the limits that all builds have."""

from __future__ import annotations

import re
import typing as t

from ..values import grammar
from ..values.errors import InvalidOption
from ..values.grammar import inside
from ..values.identity import Document
from ..values.recipe import BuildLimits, Recipe
from . import checks
from .checks import Params, Spec, positive
from .source import source

_PLATFORM = re.compile(r"[a-z0-9]+(?:/[a-z0-9]+){1,2}")
_TARGET = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]*")


def dockerfile(params: Params, _catalog: Document) -> Recipe:
    """A recipe whose Dockerfile is part of the source: `source` and `build`, checked.

    :raises InvalidOption: names option, value and remedy.
    """
    given = params["build"] or {}
    builder = given.get("builder") or "classic"
    secrets = tuple((s["name"], s["value"]) for s in given.get("secrets") or ())
    for name, _value in secrets:
        grammar.SECRET.check("build.secrets.name", name)
    if secrets and builder != "buildkit":
        raise InvalidOption("build.secrets", secrets[0][0], "needs BuildKit", "Set build.builder to buildkit.")
    for reference in given.get("cache_from") or ():
        grammar.IMAGE.check("build.cache_from", reference)
    return Recipe(
        source=source(params),
        dockerfile=inside("build.dockerfile", given.get("dockerfile") or "Dockerfile"),
        target=_matching("build.target", given.get("target"), _TARGET, "the name of a stage"),
        args=pairs("build.args", given.get("args")),
        platform=_matching("build.platform", given.get("platform"), _PLATFORM, "a platform such as linux/amd64"),
        labels=pairs("build.labels", given.get("labels")),
        network=build_network(given.get("network")),
        builder=builder,
        cache_from=tuple(given.get("cache_from") or ()),
        secrets=secrets,
        limits=limits(given),
    )


def limits(given: Params) -> BuildLimits:
    """How long, how large and how many, checked."""
    found = BuildLimits(
        timeout=float(given.get("timeout", BuildLimits.timeout)),
        max_size=checks.size("build.max_size", given.get("max_size") or "0"),
        concurrency=given.get("concurrency", BuildLimits.concurrency),
    )
    positive("build.timeout", found.timeout)
    positive("build.concurrency", found.concurrency)
    return found


def _matching(option: str, value: str | None, pattern: t.Pattern[str], words: str) -> str | None:
    if value is not None and not pattern.fullmatch(value):
        raise InvalidOption(option, value, f"is not {words}", "Correct the value.")
    return value


def build_network(value: str | None) -> str | None:
    """The network of a build, which has to be the name of one.

    :raises InvalidOption: it is none.
    """
    return None if value is None else grammar.NETWORK.check("build.network", value)


def pairs(option: str, given: Params | None) -> tuple[tuple[str, str], ...]:
    """A dictionary of an option as names and texts, in its order."""
    pairs = []
    for key, value in (given or {}).items():
        if not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_.-]*", str(key)):
            raise InvalidOption(option, key, "is not a name", "Use letters, digits and _ . -")
        pairs.append((str(key), checks.scalar(f"{option}.{key}", value)))
    return tuple(sorted(pairs))


def refuse_lines(option: str, env: t.Mapping[str, str]) -> None:
    """What stands behind a line break would be an instruction of the Dockerfile."""
    for key, value in env.items():
        if re.search(r"[\r\n]", value):
            remedy = "Give one line, or put it into a file of the source."
            raise InvalidOption(option, key, "has more than one line", remedy)


BUILD: Spec = {
    "build": {
        "type": "dict",
        "options": {
            "dockerfile": {"type": "str", "default": "Dockerfile"},
            "target": {"type": "str"},
            "args": {"type": "dict"},
            "secrets": {
                "type": "list",
                "elements": "dict",
                "no_log": False,
                "options": {
                    "name": {"type": "str", "required": True},
                    "value": {"type": "str", "required": True, "no_log": True},
                },
            },
            "cache_from": {"type": "list", "elements": "str"},
            "platform": {"type": "str"},
            "labels": {"type": "dict"},
            "network": {"type": "str"},
            "builder": {"type": "str", "choices": ["classic", "buildkit"], "default": "classic"},
            "timeout": {"type": "float", "default": 1800.0},
            "max_size": {"type": "str", "default": "0"},
            "concurrency": {"type": "int", "default": 2},
        },
    },
}

LIMITS: Spec = {name: BUILD["build"]["options"][name] for name in ("network", "timeout", "max_size", "concurrency")}
