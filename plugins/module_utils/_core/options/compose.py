# Copyright: (c) 2026, tidegate.platform contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Parsing of the options of a Compose project."""

from __future__ import annotations

import re
import typing as t

from ..values import grammar
from ..values.container import Secret
from ..values.errors import InvalidOption
from ..values.grammar import inside
from ..values.identity import canonical
from ..values.stack import Exposed, Stack
from . import checks, traffic
from .build import pairs
from .checks import DEFAULT_NETWORK, Params, Spec
from .source import source
from .traffic import HEALTH, ROUTES

_FLAGLIKE = re.compile(r"[^a-z0-9_-]+")


def stack(params: Params, version_of: t.Callable[[str], str]) -> Stack:
    """`compose`, checked: what is read, with which variables, and which services are routed.

    :raises InvalidOption: names option, value and remedy.
    """
    given = params["compose"] or {}
    inline, origin = given.get("definition"), params["source"]
    if not inline and not origin:
        raise InvalidOption("compose.definition", None, "is missing, and so is source", "Give one of them.")
    return Stack(
        project=project_name(given.get("project"), params["name"], params["environment"]),
        source=source(params) if origin else None,
        inline=canonical(inline) if inline else "",
        file=inside("compose.file", given.get("file") or "compose.yaml"),
        env=pairs("compose.env", given.get("env")),
        exposed=exposed_services(given),
        network=grammar.NETWORK.check("compose.network", given["network"]),
        secrets=tuple(_variable(row, given.get("env") or {}, version_of) for row in given.get("secrets") or ()),
        unsafe=bool(params["unsafe"]),
    )


def _variable(row: Params, env: Params, version_of: t.Callable[[str], str]) -> Secret:
    """A secret that the file is read with; a record has its keyed hash in the place of its value."""
    name = grammar.ENV_KEY.check("compose.secrets.name", row["name"])
    if name in env:
        raise InvalidOption("compose.secrets.name", name, "is also in compose.env", "Keep it in secrets only.")
    value = row.get("value") or ""
    if not value.strip() and not row.get("version"):  # a record has it without its value
        raise InvalidOption("compose.secrets.value", "", f"of {name} is empty", "Give the value, or remove it.")
    return Secret(name, value, "environment", row.get("version") or version_of(value))


def exposed_services(given: Params) -> tuple[Exposed, ...]:
    """The routed services of `compose`, checked; also used on a release's snapshot."""
    rows = given.get("services") or ()
    checks.unique("compose.services.name", (row["name"] for row in rows))
    found = tuple(_exposed(row) for row in rows)
    checks.unique("routes", (claim for row in found for route in row.routes for claim in route.claims()))
    return found


def _exposed(row: Params) -> Exposed:
    facts = {"port": checks.port_number("compose.services.port", row["port"]), "routes": row["routes"] or ()}
    gate = traffic.gate({**facts, "health": row.get("health")})
    return Exposed(row["name"], row["port"], traffic.routes(facts), gate)


def project_name(given: str | None, name: str, environment: str) -> str:
    """A name that Compose takes: the given one in its plain form, else one of the workload's (DS-12, DS-T7, DS-T9)."""
    plain = _FLAGLIKE.sub("-", (given or "").lower()).strip("-_")[:63].strip("-_")
    return plain or f"tg-{name}-{environment}"


COMPOSE: Spec = {
    "compose": {
        "type": "dict",
        "options": {
            "project": {"type": "str"},
            "file": {"type": "str", "default": "compose.yaml"},
            "definition": {"type": "dict"},
            "env": {"type": "dict"},
            "secrets": {
                "type": "list",
                "elements": "dict",
                "no_log": False,
                "options": {
                    "name": {"type": "str", "required": True},
                    "value": {"type": "str", "required": True, "no_log": True},
                },
            },
            "network": {"type": "str", "default": DEFAULT_NETWORK},
            "services": {
                "type": "list",
                "elements": "dict",
                "options": {
                    "name": {"type": "str", "required": True},
                    "port": {"type": "int", "required": True},
                    "health": HEALTH["health"],
                    "routes": ROUTES["routes"],
                },
            },
        },
    },
}
