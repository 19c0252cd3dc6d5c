# Copyright: (c) 2026, tidegate.platform contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How a candidate replaces the live release: one pure function a strategy.

Blue is what serves, green is the candidate. Every step carries what takes it back, so that a failure anywhere
before `persist` ends with blue serving.
"""

from __future__ import annotations

import typing as t

from ..proxy import routing_documents
from ..values.actual import Actual
from ..values.identity import stand_in_name
from ..values.plan import Step, Verb
from ..values.release import Release
from ..values.workload import Strategy, Workload
from . import leave


def blue_green(want: Workload, have: Actual, green: Release) -> tuple[Step, ...]:
    """Start green beside blue, gate it, switch, persist, and only then drain and reap blue (DS-04, DS-09)."""
    blue = have.others(green.containers)
    return (
        *_make(want, have, green, blue),
        *_switch(want, have, green, route_back(have)),
        *_commit(want, have, green),
        *leave.leave(want, have, blue),
    )


def recreate(want: Workload, have: Actual, green: Release) -> tuple[Step, ...]:
    """Stop blue, start green in its place; blue is kept until green passed its gate, and started again if it did not.

    While neither serves, the routes answer 503 with Retry-After.
    """
    blue = have.others(green.containers)
    active, serving = _active(have, blue)
    steps: list[Step] = []
    undo_switch = route_back(have)
    if active and have.routed is not None:
        held = routing_documents.without_servers(have.routed)
        steps.append(Step(Verb.HOLD, route=held, undo=route_back(have)))
        undo_switch = (Step(Verb.HOLD, route=held),)
    if serving:
        steps.append(leave.drain(want, have, serving))
    if active:
        steps.append(leave.stop(want, have, active, undo=leave.again(have, active)))
    return (
        *steps,
        *_make(want, have, green, blue),
        *_switch(want, have, green, undo_switch),
        *_commit(want, have, green),
        *_reap(want, have, blue),
    )


def handover(want: Workload, have: Actual, green: Release) -> tuple[Step, ...]:
    """Replace a container that publishes ports, which two cannot at once: a stand-in takes new connections meanwhile.

    The stand-in is green without its ports. Once it passed the gate, new connections are diverted to it; blue finishes
    what it has and goes; green takes the ports, passes the gate, and gets the connections back.
    """
    blue = have.others(green.containers)
    active, serving = _active(have, blue)
    if not serving:
        return recreate(want, have, green)
    stand_in = (stand_in_name(want.name, green.id),)
    return (
        Step(Verb.STAND_IN, stand_in, release=green, undo=_reap(want, have, stand_in, green)),
        Step(Verb.GATE, stand_in, release=green),
        Step(Verb.DIVERT, stand_in, release=green, undo=(Step(Verb.UNDIVERT),)),
        *_unrouted(want, have, serving),
        leave.stop(want, have, active, undo=leave.again(have, active)),
        *_make(want, have, green, blue),
        Step(Verb.UNDIVERT, undo=(Step(Verb.DIVERT, stand_in, release=green),)),
        *_commit(want, have, green),
        *_reap(want, have, (*blue, *stand_in), green),
    )


def _active(have: Actual, blue: tuple[str, ...]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """What of blue has to stand still before green starts in its place, and what of that serves and can be drained."""
    found = have.named(blue)
    return tuple(c.name for c in found if c.goes_on), tuple(c.name for c in found if c.state == "running")


def _unrouted(want: Workload, have: Actual, serving: tuple[str, ...]) -> tuple[Step, ...]:
    """A workload that gives up its routes for published ports: what came by them is drained before blue is stopped."""
    if have.route is None and have.routed is None:
        return ()
    return (Step(Verb.UNROUTE, undo=route_back(have)), leave.drain(want, have, serving))


STRATEGIES: dict[Strategy, t.Callable[[Workload, Actual, Release], tuple[Step, ...]]] = {
    Strategy.BLUE_GREEN: blue_green,
    Strategy.RECREATE: recreate,
    Strategy.HANDOVER: handover,
}


def route_back(have: Actual) -> tuple[Step, ...]:
    """The step that makes the routes what they were."""
    if have.routed is None:
        return (Step(Verb.UNROUTE),)
    return (Step(Verb.SWITCH, route=have.routed),)


def _make(want: Workload, have: Actual, green: Release, blue: tuple[str, ...]) -> tuple[Step, ...]:
    """Release command, start, gate.

    The release command runs before green starts, not after: an application that needs its migrated schema to boot
    would otherwise never pass its gate.
    """
    command = (Step(Verb.RELEASE_COMMAND, release=green),) if want.release_command else ()
    if want.keep_assets:
        command = (Step(Verb.KEEP_ASSETS, blue), *command)
    start = Step(Verb.START, green.containers, release=green, undo=_reap(want, have, green.containers, green))
    return (*command, start, Step(Verb.GATE, green.containers, release=green))


def _switch(want: Workload, have: Actual, green: Release, back: tuple[Step, ...]) -> tuple[Step, ...]:
    undo = (*back, leave.drain(want, have, green.containers, green))
    if green.route is not None:
        return (Step(Verb.SWITCH, route=green.route, release=green, undo=undo),)
    if have.route is None and have.routed is None:
        return ()
    return (Step(Verb.UNROUTE, undo=back),)  # of a recreate, `hold` may have put a missing file back


def _commit(want: Workload, have: Actual, green: Release) -> tuple[Step, ...]:
    """Make green live; with a bake, that can still be taken back."""
    if want.bake is None:
        return (Step(Verb.PERSIST, release=green),)
    persist = Step(Verb.PERSIST, release=green, undo=(Step(Verb.WITHDRAW, release=have.live),))
    return (persist, Step(Verb.BAKE, green.containers, release=green))


def _reap(want: Workload, have: Actual, names: tuple[str, ...], *made: Release) -> tuple[Step, ...]:
    return (leave.reap(want, have, names, *made),) if names else ()
