# Copyright: (c) 2026, tidegate.platform contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The containers of a stack: which there are, and how they leave."""

from __future__ import annotations

import typing as t
from dataclasses import replace

from ..decide import leave, stacks
from ..values.actual import Container
from ..values.errors import EngineFailure
from ..values.release import Release
from ..values.stack import Service
from ..values.workload import Workload
from . import drain
from .run import Run


def everything(run: Run) -> tuple[Container, ...]:
    """All containers of the project, as they are now."""
    return run.on.engine.containers.by_subject(run.subject).get(run.subject, ())


def members(run: Run, service: Service) -> list[Container]:
    """Those of one service, as they are now."""
    return [c for c in everything(run) if c.service == service.name]


def bury(run: Run, service: Service) -> None:
    """Remove what is dead of a service and would be counted by Compose, which carries over what is in place.

    What runs may answer although it is unhealthy: it leaves as others do, once there is something better.
    """
    if service.in_place:
        return
    for container in members(run, service):
        if container.state != "running" and not stacks.good(container, service):
            run.on.engine.containers.remove(container.name)


def drain_out(run: Run, want: Workload, names: t.Sequence[str]) -> None:
    """Wait until nothing is in flight to containers of any release; what is not routed has no port to look at."""
    if names:
        have = replace(run.have, containers=everything(run))
        drain.drain_containers(run, names, leave.leaving(want, have, names, _proposed(run)))


def _proposed(run: Run) -> Release:
    """What is declared, as a release that is on no record yet."""
    return Release(run.deployment.id, run.want.container.image, "", "", (), None, run.want.snapshot)


def stop_and_remove(run: Run, name: str) -> None:
    """Stop by the container's own grace period, and remove it; one that another run removed is fine."""
    facts = run.on.engine.containers.inspect(name)
    if facts is None:
        return
    try:
        run.on.engine.containers.stop(name, None)
    except EngineFailure:
        if run.on.engine.containers.inspect(name) is not None:
            raise
    run.on.engine.containers.remove(name)
