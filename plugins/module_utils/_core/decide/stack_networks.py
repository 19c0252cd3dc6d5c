# Copyright: (c) 2026, tidegate.platform contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a stack's networks lead to: names that mean others, and networks that nobody has."""

from __future__ import annotations

from ..sources.compose_model import NETWORK_KEY
from ..values.actual import Actual
from ..values.errors import InvalidOption
from ..values.identity import Document
from ..values.stack import Definition
from ..values.workload import Strategy, Workload


def misled(model: Document) -> dict[str, str]:
    """Routed services whose names lead over the public network, and the network by which they reach each other.

    The engine answers a name with the address in the first of the asker's networks, by the networks' own names. Behind
    the wall that address is refused.
    """
    named = {key: str(row.get("name") or key) for key, row in (model.get("networks") or {}).items()}
    has = {name: {named[key] for key in row.get("networks") or ()} for name, row in model["services"].items()}
    public = named.get(NETWORK_KEY)
    routed = sorted(name for name, networks in has.items() if public in networks)
    found: dict[str, str] = {}
    for name in routed:
        shared = {network for other in routed if other != name for network in has[name] & has[other]} - {public}
        if shared and public is not None and public < min(shared):
            found[name] = min(shared)
    return found


def refuse_networks(want: Workload, have: Actual, wanted: Definition) -> None:
    """Containers cannot be on the old and on the new network of one name; whoever rolls one by one needs both.

    :raises InvalidOption: names the network.
    """
    if want.strategy is not Strategy.ROLLING or have.live_definition is None:
        return
    before, now = (part.model.get("networks") or {} for part in (have.live_definition, wanted))
    for name in sorted({*before} & {*now}):
        if before[name] != now[name]:
            cause = "is declared otherwise than it was made, which cannot be rolled service by service"
            remedy = "Set strategy to recreate for this deployment, or give the network another name."
            raise InvalidOption("compose", f"networks.{name}", cause, remedy)
