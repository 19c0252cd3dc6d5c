# Copyright: (c) 2026, tidegate.platform contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a diff shows: the managed part of a workload, before and after.

Names with a random part are left out, so that what check mode predicts is what the real run then shows.
"""

from __future__ import annotations

import typing as t

from ..values.actual import Actual, Release
from .plan import Routing

_ABSENT = {"state": "absent"}


def view(have: Actual, routing: Routing) -> dict[str, t.Any]:
    """The workload as it is (or would be): release, containers, routes."""
    live = have.live
    if live is None:
        found = [c.state for c in have.containers]
        return {**_ABSENT, "containers": found} if found else dict(_ABSENT)
    own = {c.name: c.state for c in have.named(live.containers)}
    if live.snapshot.get("compose"):
        return {**_common(live), "services": _services(have), "routes": _rules(live)}
    return {
        "state": live.state,
        "image": live.image,
        "image_id": live.image_id,
        "containers": [own.get(name, "missing") for name in live.containers],
        "leftovers": len(have.others(live.containers)),
        "routes": _rules(live),
        "route_file": _route_file(have, live, routing),
        "declaration": live.snapshot,
    }


def _common(live: Release) -> dict[str, t.Any]:
    return {"state": live.state, "image": live.image, "image_id": live.image_id, "declaration": live.snapshot}


def _services(have: Actual) -> dict[str, list[str]]:
    """The states of each service's containers, with what tells their definition."""
    found: dict[str, list[str]] = {}
    for container in have.containers:
        found.setdefault(container.service, []).append(f"{container.state} {container.fingerprint[:12]}")
    return {name: sorted(rows) for name, rows in sorted(found.items())}


def _rules(live: Release) -> list[str]:
    routers = (live.route or {}).get("http", {}).get("routers", {})
    return [routers[name]["rule"] for name in sorted(routers)]


def _route_file(have: Actual, live: Release, routing: Routing) -> str:
    if have.route == live.route:
        return "in place" if live.route else "none"
    if have.route is None:
        return "missing"
    held = live.route is not None and have.route == routing.hold(live.route)
    return "held" if held else "differs"
