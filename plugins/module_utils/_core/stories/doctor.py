# Copyright: (c) 2026, tidegate.platform contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The story of `platform_doctor`: what on a host is not as the platform needs it, and what to do about it.

Each check is a pure function from what was read to findings.
"""

from __future__ import annotations

import os
import typing as t

from ..deploy.unrecorded import containers_left, volumes_left
from ..engine import client
from ..host import proxy_entry, published_ports
from ..host.database import DAMAGED
from ..host.machine import (
    connect_problem,
    distribution,
    kernel,
    listeners,
    memory,
    own_addresses,
    resolved,
    space,
    synchronized,
)
from ..options import checks
from ..options.snapshot import terms
from ..proxy import certificates
from ..sources import compose_version
from ..values.errors import EngineFailure, ProxyFailure, TidegateError, setting
from ..values.identity import Subject, key_of
from ..values.release import Release, Standing
from ..values.workload import TRAEFIK
from .call import Call, Result
from .findings import (
    FAILURE,
    OK,
    WARNING,
    Finding,
    of_certificates,
    of_clock,
    of_closed,
    of_compose,
    of_containers,
    of_distribution,
    of_engine,
    of_entry,
    of_kernel,
    of_memory,
    of_name,
    of_port,
    of_reach,
    of_space,
    of_volumes,
    of_wall,
    of_walls,
)
from .result import table

Recorded = t.Mapping[Subject, Standing]


def doctor(call: Call) -> Result:
    """Every finding, the worst state among them, and a table of both for people."""
    params = call.params
    record, known = _record(call)
    found = [
        of_kernel(*kernel()),
        of_distribution(*distribution()),
        of_memory(memory()),
        of_clock(synchronized(call.clock), params["now"], call.clock.now()),
        *_of_the_engine(call, known),
        record,
        *_of_the_known(call, known),
        *_of_the_certificates(call, known),
        of_compose(compose_version.version(call.clock, compose_version.environment()), _projects(known or {})),
        *_ports(call, known),
        *_names(call),
        *(of_reach(target, connect_problem(target)) for target in params["reach"]),
    ]
    states = [finding.state for finding in found]
    return {
        "changed": False,
        "findings": [finding._asdict() for finding in found],
        "worst": max(states, key=(OK, WARNING, FAILURE).index),
        "table": table(("CHECK", "STATE", "FOUND", "REMEDY"), found),
    }


def _of_the_engine(call: Call, known: Recorded | None) -> t.Iterator[Finding]:
    places = {call.params["state_dir"]}
    socket = call.params["docker_host"].partition("unix://")[2]
    if client.IMPORT_ERROR or (socket and not os.path.exists(socket)):
        found = "no Docker SDK" if client.IMPORT_ERROR else f"no engine at {socket}"
        yield Finding("engine", WARNING, found, "The playbook site, or the role docker, installs it.")
    else:
        try:
            facts = call.on.engine.facts()
            yield from of_engine(facts)
            places.add(facts["DockerRootDir"])
            if known is not None:
                left = containers_left(call.on, known)
                yield from of_containers(left)
                yield from of_volumes(volumes_left(call.on, known), left)
        except EngineFailure as error:
            yield Finding("engine", FAILURE, str(error), f"Start the engine, or correct {setting('docker_host')}.")
    reserve = checks.size("disk_reserve", call.params["disk_reserve"])
    yield from (of_space(space(place), reserve) for place in sorted(places))


def _record(call: Call) -> tuple[Finding, Recorded | None]:
    """The record, and what it says; None where it cannot be read."""
    store = call.store
    try:
        damage, known = store.damage(), store.known()
    except TidegateError as error:
        return Finding("record", FAILURE, error.cause, error.remedy), None
    return Finding("record", FAILURE if damage else OK, damage or "whole", DAMAGED if damage else ""), known


def _of_the_known(call: Call, known: Recorded | None) -> t.Iterator[Finding]:
    """What the record says of walls, and the proxy where it says that there is one."""
    if known is None:
        return
    yield of_walls(known)
    yield from of_closed(known)
    live = known.get(TRAEFIK, Standing()).live
    if live is not None:
        try:
            yield Finding("proxy", OK, f"{len(call.traefik.api.table())} routers")
        except ProxyFailure as error:
            yield Finding("proxy", FAILURE, str(error), "Run the playbook reconcile, or the role traefik.")
        yield of_entry(*_entry_of(call, live))
        yield of_wall(proxy_entry.wall_problem(call.params["state_dir"], call.clock))


def _projects(known: Recorded) -> list[str]:
    """Live workloads that are Compose projects, as far as the record tells."""
    return sorted(key_of(*one) for one, has in known.items() if has.live and terms(has.live).is_stack)


def _of_the_certificates(call: Call, known: Recorded | None) -> t.Iterator[Finding]:
    if known is None or known.get(TRAEFIK, Standing()).live is None:
        return
    hosts = {claim.partition("/")[0] for claim in call.store.claims()}
    days = call.params["certificate_days"]
    found, unread = certificates.served(call.params["state_dir"])
    yield from of_certificates(found, unread, hosts, days, call.clock.now())
    for host in certificates.missing(found, _ordered(known)):
        remedy = "See the logs of traefik (platform). It is ordered again at the next change of any route."
        yield Finding(f"certificate {host}", WARNING, "is not there: its order is under way, or was refused", remedy)


def _ordered(known: Recorded) -> t.Iterator[str]:
    """Host names of live workloads whose certificates the proxy orders."""
    routes = [route for has in known.values() if has.live for route in terms(has.live).routes if route.resolver]
    return (host for route in routes for host in route.hosts)


def _entry_of(call: Call, live: Release) -> tuple[int, list[str], bool]:
    ways = published_ports.ways(terms(live).ports, own_addresses(call.clock))
    closed = [way.target for way in ways if connect_problem(way.target)]
    return len(ways), closed, proxy_entry.rules_stand(call.params["state_dir"], call.clock)


def _ports(call: Call, known: Recorded | None) -> t.Iterator[Finding]:
    """Ports of the proxy; whose the programs are that have them, only the record can say."""
    if known is None:
        return
    live = known.get(TRAEFIK, Standing()).live
    ours = {port.host for port in terms(live).ports} if live else set()
    taken = listeners(call.params["ports"])
    yield from (of_port(port, taken.get(port), port in ours) for port in call.params["ports"])


def _names(call: Call) -> t.Iterator[Finding]:
    addresses = call.params["addresses"]
    own = addresses or own_addresses(call.clock)
    for domain in call.params["domains"]:
        yield of_name(domain, resolved(domain), own, certain=bool(addresses))
