# Copyright: (c) 2026, tidegate.platform contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether requests get from the proxy to a candidate.

A gate asks from the host, which is in every network; the proxy is not. So that nobody is sent where no answer comes
from, a network in common is looked for before anything is made, and once Traefik has the routes it is itself asked for
an answer of every server behind them.
"""

from __future__ import annotations

import typing as t
from urllib.parse import urlsplit

from ..options.snapshot import terms
from ..proxy.questions import Ask
from ..proxy.traefik import Reached
from ..values.errors import InvalidOption
from ..values.plan import Plan
from ..values.release import Release
from ..values.stack import Exposed
from ..values.traffic import Gate, Route
from ..values.workload import Workload
from . import gates
from .run import Platform, Run

# Traefik answers it by itself, on the entry point that the questions come to.
_PING = "/ping"
# Names of containers do not resolve in the engine's own network.
_NAMELESS = "bridge"


def require_network(want: Workload, plan: Plan, on: Platform) -> None:
    """Refuse a candidate that the proxy shares no network with.

    :raises InvalidOption: names the networks of both.
    """
    if plan.candidate is None or all(route.redirect_to for route in want.routes):
        return
    port = urlsplit(on.traefik.api.url).port or 80
    proxy = on.engine.containers.publisher(port)
    if proxy is None:
        return  # no container, or one that uses the host's network: it is asked once it has the routes
    option, own = ("compose.network", (want.stack.network,)) if want.stack else ("networks", want.container.networks)
    if not {*own} & {*proxy.networks} - {_NAMELESS}:
        there = ", ".join(proxy.networks)
        cause = f"has no network in common with the proxy ({proxy.name} on {there}), so that no request would arrive"
        raise InvalidOption(option, list(own), cause, f"Use {proxy.networks[0]}.")


def asks(release: Release) -> dict[str, Ask]:
    """What the servers of a release are asked for, by service."""
    recorded = terms(release)
    if recorded.is_stack:
        return of_services(recorded.key, recorded.exposed)
    return {recorded.key: _ask(recorded.gate, recorded.routes)}


def of_services(key: str, exposed: t.Iterable[Exposed]) -> dict[str, Ask]:
    """The same for the routed services of a Compose project."""
    return {f"{key}-{e.service}": _ask(e.gate, e.routes) for e in exposed}


def _ask(gate: Gate, routes: t.Sequence[Route]) -> Ask:
    hosts = [host for route in routes for host in route.hosts if "*" not in host]
    own = gate.kind == "http" and gate.port == gate.routed and not gate.path.startswith(_PING)
    return Ask(gate.path if own else "/", gate.host or (hosts[0] if hosts else ""))


def judge(run: Run, answers: t.Sequence[Reached]) -> str:
    """What Traefik's answers say; in words.

    :raises Unhealthy: it does not reach a server.
    """
    for answer in answers:
        if answer.asked and not answer.reached:
            name = urlsplit(answer.url).hostname or answer.url
            cause = f"Traefik does not reach it at {answer.url} ({answer.said})"
            remedy = "It has to listen on all addresses (0.0.0.0), in a network of Traefik's. What served still does."
            raise gates.unhealthy(run.on.engine, name, cause, remedy)
        if not answer.asked:
            run.warnings.append(f"Traefik could not be asked whether it reaches {answer.url}: {answer.said}.")
    return "; ".join(answer.said for answer in answers)
