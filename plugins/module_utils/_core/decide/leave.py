# Copyright: (c) 2026, tidegate.platform contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How containers leave: the one rule for every drain, stop and removal, whichever way it comes.

Where requests are counted is for the release to say whose containers leave; how long they
are given is for what is declared now, and where nothing is declared for what is on record.
"""

from __future__ import annotations

import typing as t

from ..options.snapshot import terms
from ..proxy import routing_documents
from ..values.actual import Actual, Leaving
from ..values.identity import Document
from ..values.plan import Step, Verb
from ..values.release import Release
from ..values.traffic import Drain
from ..values.workload import Workload


def leave(want: Workload, have: Actual, names: tuple[str, ...], *made: Release) -> tuple[Step, ...]:
    """Drain, then remove; nothing for nobody."""
    return (drain(want, have, names, *made), reap(want, have, names, *made)) if names else ()


def drain(want: Workload, have: Actual, names: tuple[str, ...], *made: Release) -> Step:
    """Wait until nothing is in flight to these containers."""
    return Step(Verb.DRAIN, names, leaving=leaving(want, have, names, *made))


def stop(want: Workload, have: Actual, names: tuple[str, ...], *made: Release, undo: tuple[Step, ...] = ()) -> Step:
    """Stop these containers, but keep them."""
    return Step(Verb.STOP, names, leaving=leaving(want, have, names, *made), undo=undo)


def again(have: Actual, names: tuple[str, ...]) -> tuple[Step, ...]:
    """What was stopped goes on; only what ran has its gate to pass, and a service's is not its release's."""
    ran = tuple(c.name for c in have.named(names) if c.state == "running")
    rest = tuple(name for name in names if name not in ran)
    release = None if have.live is None or terms(have.live).is_stack else have.live
    first = (Step(Verb.RESUME, ran), Step(Verb.GATE, ran, release=release)) if ran else ()
    return (*first, Step(Verb.RESUME, rest)) if rest else first


def reap(want: Workload, have: Actual, names: tuple[str, ...], *made: Release) -> Step:
    """Stop and remove these containers."""
    return Step(Verb.REAP, names, leaving=leaving(want, have, names, *made))


def leaving(want: Workload, have: Actual, names: t.Iterable[str], *made: Release) -> Leaving:
    """What these containers are given to leave.

    :param made: releases that are on no record yet, as a candidate is.
    """
    names = tuple(names)
    recorded = (have.live, have.previous, have.attempt.candidate if have.attempt else None)
    releases = tuple({release.id: release for release in (*recorded, *made) if release is not None}.values())
    of = {name: _releases_of(name, have, releases) for name in names}
    concerned = tuple(release for release in releases if any(release in found for found in of.values()))
    routes = [release.route for release in releases] + [have.route]
    ports = tuple((name, _ports(name, have, found, routes)) for name, found in of.items())
    services = any(container.service for container in have.named(names))
    return Leaving(
        ports=tuple((name, found) for name, found in ports if found),
        limits=_limits(want, concerned),
        stop_timeout=None if services else _stop_timeout(want, concerned),
        # Those in which some requests may still be; the platform's own hold nothing.
        middlewares=tuple(
            sorted(routing_documents.middlewares_of([*(release.route for release in concerned), have.route]))
        ),
    )


def _releases_of(name: str, have: Actual, releases: tuple[Release, ...]) -> tuple[Release, ...]:
    """The releases that a container may be of: all that are known, for one that nobody knows."""
    made_by = {container.deployment for container in have.named([name])}
    own = tuple(r for r in releases if name in r.containers) or tuple(r for r in releases if r.id in made_by)
    return own or releases


def _ports(
    name: str, have: Actual, releases: t.Iterable[Release], routes: t.Iterable[Document | None]
) -> tuple[int, ...]:
    """Where a container's requests come in: by its releases, and by every route that names it."""
    services = {container.service for container in have.named([name])}
    found = {terms(release).port_of(service) for release in releases for service in services or {""}}
    found |= {port for route in routes for target, port in routing_documents.targets_of(route) if target == name}
    return tuple(sorted(port for port in found if port is not None))


def _limits(want: Workload, releases: tuple[Release, ...]) -> Drain:
    """What is declared now; else the longest of what is on record."""
    recorded = [terms(release).drain for release in releases]
    if want.drain is not None and (not want.artifact or not recorded):
        return want.drain
    if not recorded:
        return Drain()
    return Drain(max(r.timeout for r in recorded), max(r.upgraded_timeout for r in recorded))


def _stop_timeout(want: Workload, releases: tuple[Release, ...]) -> int | None:
    """The same for the time between stop signal and kill; None is what each container was made with."""
    recorded = [given for r in releases if (given := terms(r).stop_timeout) is not None]
    if want.stop_timeout is not None and (not want.artifact or not recorded):
        return want.stop_timeout
    return max(recorded, default=None)
