# Copyright: (c) 2026, tidegate.platform contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The option `static`: a recipe for a site and the server in front of it."""

from __future__ import annotations

import re
import typing as t

from ..sources import runners, site
from ..values import grammar
from ..values.errors import InvalidOption
from ..values.grammar import inside
from ..values.identity import Document, canonical
from ..values.recipe import Recipe
from . import checks
from .build import LIMITS, build_network, limits
from .checks import Params, Spec, positive
from .source import source

STATIC: Spec = {
    "static": {
        "type": "dict",
        "options": {
            "server": {"type": "str", "choices": ["caddy", "nginx"], "default": "caddy"},
            "image": {"type": "str"},
            "build_command": {"type": "str"},
            "build_image": {"type": "str"},
            "output": {"type": "str", "default": "."},
            "spa": {"type": "bool", "default": False},
            "not_found": {"type": "str"},
            "headers": {"type": "dict"},
            "keep_assets": {"type": "float", "default": 86400.0},
            **LIMITS,
        },
    },
}


_SERVERS = {"caddy": "docker.io/library/caddy:2.11.7", "nginx": "docker.io/library/nginx:1.29.3"}
_HEADER = re.compile(r"[A-Za-z0-9][A-Za-z0-9-]*")  # a hyphen before it orders Caddy to remove the header
NO_TEXT = re.compile(r"[\r\n{}$]|`.*\\|\\.*`")  # the last two: what neither way of quoting can hold


def static(params: Params, catalog: Document) -> Recipe:
    """A recipe that puts a site into the image of a static server: `source` and `static`, checked.

    :raises InvalidOption: names option, value and remedy.
    """
    given = params["static"] or {}
    server = given.get("server") or "caddy"
    command, maker = given.get("build_command"), given.get("build_image")
    if bool(command) != bool(maker):
        raise InvalidOption("static.build_image", maker, "goes with static.build_command", "Give both, or neither.")
    if maker and ":" not in maker and "@" not in maker:
        maker = runners.runner_of(catalog, maker, ())["image"]
    for option, reference in (("static.image", given.get("image")), ("static.build_image", maker)):
        if reference:
            grammar.IMAGE.check(option, reference)
    missing = given.get("not_found")
    if missing and given.get("spa"):
        raise InvalidOption("static.not_found", missing, "contradicts static.spa", "Remove one of them.")
    facts = {
        "server": server,
        "image": given.get("image") or _SERVERS[server],
        "build_command": command,
        "build_image": maker,
        "output": _plain("static.output", given.get("output") or "."),
        "spa": bool(given.get("spa")),
        "not_found": _plain("static.not_found", missing) if missing else None,
        "headers": dict(_headers(given.get("headers"))),
    }
    return Recipe(
        source=source(params),
        dockerfile=site.GENERATED,
        generated="static",
        facts=canonical(facts),
        network=build_network(given.get("network")),
        limits=limits(given),
    )


def _plain(option: str, path: str) -> str:
    if not re.fullmatch(r"[A-Za-z0-9._/-]+", path):
        raise InvalidOption(option, path, "is not a plain path", "Use letters, digits and . _ - /")
    return inside(option, path)


def _headers(given: Params | None) -> t.Iterator[tuple[str, str]]:
    for name, value in sorted((given or {}).items()):
        text = checks.scalar(f"static.headers.{name}", value)
        if not _HEADER.fullmatch(str(name)) or NO_TEXT.search(text):
            remedy = "Use plain text without braces and $, and not both of ` and \\."
            raise InvalidOption("static.headers", name, "is not a header", remedy)
        yield str(name), text


def serves(params: Params, old: str) -> dict[str, t.Any]:
    """The parameters of a site's container: nothing of it can be written but /tmp.

    :param old: the folder of the host that old assets are kept in.
    """
    given = params["static"] or {}
    positive("static.keep_assets", given.get("keep_assets", 0.0), strict=False)
    found = dict(params)
    found.update(port=params["port"] or site.PORT, read_only=True, tmpfs=sorted({*params["tmpfs"], "/tmp"}))  # noqa: S108
    if found["port"] != site.PORT:
        raise InvalidOption("port", found["port"], f"is not the server's, {site.PORT}", "Remove it.")
    if given.get("keep_assets", 0.0):
        mount = {"source": old, "target": site.OLD, "read_only": True, "shared": False, "engine": False}
        found["volumes"] = [*(v for v in params["volumes"] if v["target"] != site.OLD), mount]
    if (given.get("server") or "caddy") == "caddy":
        # Its binary carries this file capability, and could not even be executed without it in the bounding set.
        found["cap_add"] = sorted({*params["cap_add"], "NET_BIND_SERVICE"})
    return found
