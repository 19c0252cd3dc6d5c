# Copyright: (c) 2026, tidegate.platform contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What to do about a deployment that was begun and not concluded, and about a lost record.

Decided from the route file and the record, never from "newest" or a tag.
"""

from __future__ import annotations

from dataclasses import replace

from ..options.snapshot import terms
from ..proxy import routing_documents
from ..values import release_text
from ..values.actual import Actual
from ..values.identity import stand_in_name
from ..values.plan import Plan, Step, Verb
from ..values.release import Release
from ..values.workload import Strategy, Workload
from . import leave
from .routes_today import current
from .strategies import route_back


def decide_recovery(want: Workload, have: Actual) -> Plan:
    """Finish or take back: routed already → roll forward, else → remove green and make blue serve."""
    attempt = have.attempt
    green = attempt.candidate if attempt else None
    if attempt is None or green is None:
        return Plan(reason="it had changed nothing yet")
    if terms(green).is_stack:
        live = have.live is not None and have.live.id == green.id
        return Plan((), "each service is brought to its declaration now", green if live else None)
    if have.live is not None and have.live.id == green.id:
        if _all_serve(have, green) or not _all_there(have, have.previous):
            return Plan(finish(want, have, green), "it had been made live", green)
        return replace(revert(want, have), reason="it had been made live, but does not serve any more")
    switched = _switched(have, green)
    if switched and not attempt.withdrawn:
        route = (Step(Verb.SWITCH, route=green.route, release=green),) if green.route is not None else ()
        return Plan(
            (*route, Step(Verb.PERSIST, release=green), *finish(want, have, green)),
            "its routes had been switched",
            green,
        )
    why = "it had been withdrawn or canceled" if attempt.withdrawn else "its routes had not been switched"
    return Plan(_take_back(want, have, green), why)


def revert(want: Workload, have: Actual) -> Plan:
    """Go back to the release before the attempt, even if its candidate is live already."""
    green = have.attempt.candidate if have.attempt else None
    if green is None:
        return Plan(reason="it had changed nothing yet")
    if have.live is None or have.live.id != green.id:
        return Plan(_take_back(want, have, green), "it was not live yet")
    blue = replace(have, live=have.previous, previous=None)
    return Plan((Step(Verb.WITHDRAW, release=have.previous), *_take_back(want, blue, green)), "it was live")


def give_up(want: Workload, have: Actual) -> Plan:
    """Take back what was switched to, and does not answer."""
    green = have.attempt.candidate if have.attempt else None
    if green is None:
        return Plan(reason="it had changed nothing yet")
    return Plan(_take_back(want, have, green), "it did not answer through the proxy")


def finish(want: Workload, have: Actual, green: Release) -> tuple[Step, ...]:
    """Drain and reap whatever is not the live release's."""
    leftovers = have.others(green.containers)
    return leave.leave(want, have, leftovers, green)


def unmade(reason: str) -> Plan:
    """Take away a stack that nothing was before: its routes, then all that Compose made of it."""
    return Plan((Step(Verb.UNROUTE), Step(Verb.UNROLL), Step(Verb.FORGET), Step(Verb.CLEAR)), reason)


def adopt(have: Actual, declared: bool = False) -> Plan:
    """Put a live release back on record whose store was lost: the one whose containers serve what is routed.

    :param declared: somebody says that the workload is to be here. Then it is also one that does not serve (any more),
        if there is no other: its successor is made, and a failure of that undone, as if nothing had been lost.
    """
    if have.live is not None or have.attempt is not None:
        return Plan(reason="it is on record")
    labelled = {c.deployment: release_text.found(c.record) for c in have.containers if c.record}
    there = [r for r in labelled.values() if r is not None and _all_there(have, r)]
    found = [r for r in there if _routed(have, r) and _all_serve(have, r)]
    if not found and declared:
        found = there
    if len(found) != 1:
        return Plan(reason="no container says what release it is of")
    (release,) = found
    return Plan((Step(Verb.PERSIST, release=release),), "the record of the release that serves had been lost", release)


def _routed(have: Actual, release: Release) -> bool:
    """True when the route file is the release's, be it in the form of an earlier version."""
    return have.route in (release.route, current(release).route)


def _switched(have: Actual, green: Release) -> bool:
    """True when users get green: it is routed; or it has the ports, and nothing is diverted from them any more.

    That is so after a power cut, too, wherever it came: the rules are gone, blue stays stopped, and green starts by
    itself. What tells whether green ever passed its gate is the journal; rows that the cut took only take green back.
    """
    if not _all_serve(have, green):
        return False
    if terms(green).strategy is Strategy.HANDOVER:
        proven = have.attempt is not None and have.attempt.proven
        return proven and have.live is not None and not have.diverted and not _all_serve(have, have.live)
    return green.route is not None and have.route == green.route


def _take_back(want: Workload, have: Actual, green: Release) -> tuple[Step, ...]:
    live = have.live
    steps: list[Step] = []
    down: tuple[str, ...] = ()
    if live is not None and live.state == "running":
        down = tuple(c.name for c in have.named(live.containers) if not c.serves)
    away = _away(want, have, green, live.containers if live else ())
    ending = _ending(have)
    down += ending
    if have.diverted:
        return _hand_back(want, have, green, down, ending)
    if down and away and terms(green).strategy in (Strategy.RECREATE, Strategy.HANDOVER):
        # The two must not run at once: they may share host ports or a volume.
        if green.route is not None and _may_serve(have, green):
            steps.append(Step(Verb.HOLD, route=routing_documents.without_servers(green.route)))
        steps += away
        away = ()
    if down:
        steps += [*_ended(want, have, ending), Step(Verb.RESUME, down), Step(Verb.GATE, down, release=live)]
    if have.route != (live.route if live else None):
        steps += route_back(replace(have, route=None))
    return (*steps, *away)


def _ending(have: Actual) -> tuple[str, ...]:
    """Containers of the live release that run, but that the engine may be about to stop for the run that was killed.

    To stop them waits for the end of that. Nobody is sent to them meanwhile: their routes are held, or a stand-in takes
    their connections.
    """
    live, attempt = have.live, have.attempt
    if live is None or live.state != "running" or attempt is None or not attempt.stopping:
        return ()
    aside = have.diverted or have.route != live.route or live.route is None
    return tuple(c.name for c in have.named(live.containers) if c.serves) if aside else ()


def _ended(want: Workload, have: Actual, ending: tuple[str, ...]) -> tuple[Step, ...]:
    return (leave.stop(want, have, ending),) if ending else ()


def _hand_back(
    want: Workload, have: Actual, green: Release, down: tuple[str, ...], ending: tuple[str, ...]
) -> tuple[Step, ...]:
    """Green lets the ports go, blue takes them again, and only then the stand-in's connections are its own again.

    Where green has the ports, some of its connections may be its own already: all go to the stand-in first.
    """
    named = tuple(c.name for c in have.named(green.containers))
    rest = tuple(c.name for c in have.containers if c.deployment == green.id and c.name not in named)
    aside = stand_in_name(want.name, green.id)
    serves = any(c.serves for c in have.named((aside,)))
    again_aside = (Step(Verb.DIVERT, (aside,), release=green),) if named and serves else ()
    first = (*again_aside, leave.reap(want, have, named, green)) if named else ()
    up = (Step(Verb.RESUME, down), Step(Verb.GATE, down, release=have.live)) if down else ()
    again = (*_ended(want, have, ending), *up)
    last = (leave.reap(want, have, rest, green),) if rest else ()
    return (*first, *again, Step(Verb.UNDIVERT), *last)


def _away(want: Workload, have: Actual, green: Release, kept: tuple[str, ...]) -> tuple[Step, ...]:
    """Remove green, by label, too: a release command that outlived its run is the deployment's as well."""
    own = {c.name for c in have.containers if c.deployment == green.id} | set(green.containers)
    mine = tuple(c.name for c in have.named(own) if c.name not in kept)
    if green.route is not None:  # it may have been routed to, even if it is not any more
        return leave.leave(want, have, mine, green)
    return (leave.reap(want, have, mine, green),) if mine else ()


def _may_serve(have: Actual, green: Release) -> bool:
    """True unless the routes are surely blue's, or held: a file that is nobody's may be read as green's any moment."""
    blue = have.live.route if have.live else None
    return green.route is not None and have.route not in (
        blue,
        routing_documents.without_servers(blue) if blue else None,
    )


def _all_serve(have: Actual, release: Release) -> bool:
    return _all_there(have, release) and all(c.serves for c in have.named(release.containers))


def _all_there(have: Actual, release: Release | None) -> bool:
    return release is not None and len(have.named(release.containers)) == len(release.containers)
