# Copyright: (c) 2026, tidegate.platform contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Measured drain: waiting until nothing is in flight to containers that are left.

Traefik closes idle connections to a workload after half a second, so that after that the count of connections is the
number of requests in flight.
"""

from __future__ import annotations

import contextlib
import typing as t
from urllib.parse import urlsplit

from ..host.clock import Clock, attempts
from ..host.connections import DrainResult, Sockets
from ..host.socket_diag import Diag
from ..proxy.middleware_waits import HOLDS, Held, Holds, holds
from ..proxy.routing_documents import routers_of
from ..values.actual import Leaving
from ..values.errors import ProxyFailure
from ..values.plan import Step
from ..values.traffic import Drain
from .run import Run

# One reading of zero may fall between Traefik's choice of a server and its dial; two, this far apart, do not.
SETTLE_SECONDS = 0.05
ZEROS = 2


def wait_until_idle(
    count: t.Callable[[], int], limits: Drain, clock: Clock, unsure: t.Callable[[], bool] = lambda: False
) -> DrainResult:
    """Wait until nothing is in flight.

    What is still open after `timeout` cannot be told from an upgraded connection by its socket, and gets
    `upgraded_timeout`; both count from the begin.

    :param unsure: whether there may be what was not counted; that is waited for until `timeout`, and is nothing cut.
    """
    begun, zeros, outlived = clock.monotonic(), 0, 0
    left_open, more = 0, False
    for _left in attempts(clock, limits.upgraded_timeout, first=SETTLE_SECONDS, most=2 * SETTLE_SECONDS):
        left_open, more = count(), unsure()
        late = clock.monotonic() - begun >= limits.timeout
        zeros = 0 if left_open or (more and not late) else zeros + 1
        if zeros >= ZEROS:
            break
        if not outlived and late:
            outlived = left_open
    return DrainResult(outlived, left_open, more)


def drain(run: Run, step: Step) -> str:
    """Wait until nothing is in flight to these containers; count what had to be cut."""
    drained = drain_containers(run, step.containers, step.leaving)
    if drained is None:
        return "nothing listens"
    return f"cut {drained.cut}" if drained.cut else "none in flight"


@contextlib.contextmanager
def _held_by_traefik(run: Run, leaving: Leaving) -> t.Iterator[Held]:
    """Counts the requests that Traefik holds before it dials: none, where it has nothing to hold them with."""
    api, diag = run.on.traefik.api, None
    what = Holds()
    try:
        routers = [router.name for router in routers_of(run.on.traefik.read(run.key))]
        what = holds({*leaving.middlewares, *api.middlewares(routers)}, api.middleware)
        if what.ports:
            proxy = run.on.engine.containers.publisher(urlsplit(api.url).port or 80)
            facts = run.on.engine.containers.inspect(proxy.name) if proxy else None
            diag = Diag(facts.pid if facts else None)
    except (ProxyFailure, OSError) as error:
        run.warnings.append(f"What Traefik still holds cannot be counted: {error}.")
        what = what if what.ports or not leaving.middlewares else Holds((), HOLDS["forwardAuth"])
    try:
        yield Held(what, run.on.clock, diag)
    finally:
        if diag is not None:
            diag.close()


def drain_containers(run: Run, names: t.Collection[str], leaving: Leaving) -> DrainResult | None:
    """Wait until nothing is in flight to these containers, and count what had to be cut; None if nothing listens."""
    facts = {name: run.on.engine.containers.inspect(name) for name, _ports in leaving.ports if name in names}
    ports = {f.pid: ports for name, ports in leaving.ports if (f := facts.get(name)) is not None and f.pid}
    if not ports:
        return None
    sockets = Sockets(ports)
    with _held_by_traefik(run, leaving) as held:
        drained = wait_until_idle(lambda: sockets() + held(), leaving.limits, run.watch, held.unsure)
    if drained.unsure and leaving.limits.timeout > 0:
        given = f"drain.timeout ({leaving.limits.timeout:g} s)"
        run.warnings.append(f"Whether middlewares still held requests after {given} cannot be told.")
    run.drained = DrainResult(run.drained.outlived + drained.outlived, run.drained.cut + drained.cut)
    return drained
