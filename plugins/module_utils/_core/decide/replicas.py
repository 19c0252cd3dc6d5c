# Copyright: (c) 2026, tidegate.platform contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The containers of a release beside the places that they are for."""

from __future__ import annotations

import typing as t

from ..values.actual import Container
from ..values.release import Release
from ..values.stack import Definition
from .stacks import good


class Replica(t.NamedTuple):
    """A container of a workload; `good` when it is of the `live` release and does what it is declared to do."""

    name: str | None
    service: str
    state: str
    health: str
    deployment: str
    live: bool
    good: bool


def replicas(live: Release | None, have: t.Sequence[Container], definition: Definition | None) -> list[Replica]:
    """One row for every container, and one for every replica that the live release has no container for.

    :param definition: what a Compose project's services are declared as.
    """
    services = {service.name: service for service in definition.services} if definition else {}
    rows = []
    for c in have:
        service = services.get(c.service)
        own = service is not None or (live is not None and c.name in live.containers)
        fine = good(c, service) if service else own and c.serves
        rows.append(Replica(c.name, c.service, c.state, c.health, c.deployment, own, fine))
    known = {c.name for c in have}
    gone = [(name, "") for name in live.containers if name not in known] if live and not services else []
    for service in services.values():
        count = service.replicas - sum(row.service == service.name for row in rows)
        gone += [("", service.name)] * count
    return [*rows, *(Replica(name or None, of, "missing", "", "", True, False) for name, of in gone)]
