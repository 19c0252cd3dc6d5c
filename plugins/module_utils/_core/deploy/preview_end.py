# Copyright: (c) 2026, tidegate.platform contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Check mode: what the end of a fleet's deployment would come to.

The same decisions as of the phases `finish` and `revert`, by what is on record; nothing is touched.
"""

from __future__ import annotations

from dataclasses import replace

from ..decide import recovery
from ..decide.phase_plans import Phase
from ..options.parse import nothing
from ..options.snapshot import terms
from ..values.plan import Plan
from ..values.release import Attempt
from ..values.workload import State
from .observe import observe
from .redeclare import released, take_candidates_declaration
from .run import World


def preview_end(world: World, phase: Phase) -> Plan | None:
    """The plan of the phase; None where it is a deployment of its own of what `world` wants from now on."""
    attempt, live = world.have.attempt, world.have.live
    if phase not in (Phase.FINISH, Phase.REVERT) or (phase is Phase.FINISH and world.want.state is not State.PRESENT):
        return None
    if attempt is None:
        return Plan(reason="nothing was left to finish") if phase is Phase.FINISH else _finished(world)
    take_candidates_declaration(world, attempt)
    if phase is Phase.FINISH and live is not None and attempt.candidate is not None and live.id == attempt.id:
        return Plan(recovery.finish(world.want, world.have, live), "switched with all hosts", live)
    if world.want.stack is not None or (attempt.candidate and terms(attempt.candidate).is_stack):
        return _stack(world, attempt)
    plan = recovery.revert(world.want, world.have)
    return replace(plan, reason=world.failure or plan.reason)


def _finished(world: World) -> Plan | None:
    """Of what somebody has finished: the release before, or nothing."""
    have, live = world.have, world.have.live
    if live is None or not world.fleet.name or live.id not in world.on.store.of_fleet(world.subject, world.fleet.name):
        return Plan(reason="nothing was left to revert")
    world.want = released(world.on, world.subject, have.previous) if have.previous else nothing(world.subject)
    world.have = observe(world.want, world.on)
    return None


def _stack(world: World, attempt: Attempt) -> Plan | None:
    """Of a stack, whose old containers are gone: the release before is rolled out again; nothing where none was."""
    have = world.have
    switched = have.live is not None and have.live.id == attempt.id
    back = have.previous if switched else have.live
    if back is None:
        return recovery.unmade(world.failure)
    world.want = released(world.on, world.subject, back)
    world.have = observe(world.want, world.on)
    return None
