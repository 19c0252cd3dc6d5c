# Copyright: (c) 2026, tidegate.platform contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The phases of a deployment (stage, switch, finish, revert), and what a run does about one that was interrupted."""

from __future__ import annotations

import os
import typing as t
from dataclasses import replace

from ..decide import fleet, recovery
from ..decide.fleet import NO_FLEET
from ..decide.phase_plans import Phase, stage_part, switch_part
from ..options.parse import nothing
from ..options.snapshot import terms
from ..values import identity
from ..values.errors import Superseded, Unhealthy
from ..values.plan import Plan, Verb
from ..values.workload import State, Workload
from .apply import carry_out
from .attempt import conclude, prepare_and_decide, superseded, take_on
from .observe import observe
from .redeclare import released, take_candidates_declaration
from .run import World
from .unrecorded import refuse_no_way_back

Told = t.Tuple[Plan, str]
"""What was carried out, and how the deployment is concluded; an empty text leaves it open for the next phase."""


def _deploy(world: World) -> Told:
    plan = prepare_and_decide(world)
    carry_out(world, plan)
    return plan, "succeeded" if plan.steps else "skipped"


def staged_already(world: World) -> bool:
    """True for a run of the same fleet that came here before, as to the host whose release command is for all."""
    attempt = world.have.attempt
    mine = attempt is not None and attempt.status == "staged" and attempt.fleet == world.fleet.name
    return mine and fleet.waits(attempt, world.on.clock.now())


def _stage(world: World) -> Told:
    """Everything that users do not notice; the candidate then waits for its switch."""
    if staged_already(world):
        return Plan(reason="it is staged already"), ""
    if world.want.state is State.PRESENT:
        refuse_no_way_back(world.on, world.subject, world.have)
    if world.want.stack is not None:
        return Plan(reason="the services of a stack are rolled when all hosts switch"), ""
    whole = prepare_and_decide(world)
    plan = stage_part(whole)
    carry_out(world, plan)
    if whole.candidate is not None:
        world.on.store.staged(world.deployment)
        _hold(world)
    return plan, "skipped" if whole.skipped else ""


def _switch(world: World) -> Told:
    """From a staged candidate to a live one; what cannot be staged is done here as a whole, up to its commit."""
    attempt = world.have.attempt
    if world.want.state is not State.PRESENT:
        return Plan(reason="it is done when all hosts have switched, because nothing would take it back"), ""
    if (
        attempt is not None
        and world.have.live is not None
        and attempt.id == world.have.live.id
        and attempt.fleet == world.fleet.name
    ):
        return Plan(reason="it is switched already"), ""
    refuse_no_way_back(world.on, world.subject, world.have)
    staged = attempt.candidate if attempt and attempt.status == "staged" and not attempt.withdrawn else None
    if attempt is not None and staged is not None:
        take_on(world, attempt.id)
        _hold(world)
    plan = prepare_and_decide(world, staged)
    ahead = bool(stage_part(plan).steps)
    if (ahead or attempt is not None) and (staged is None or plan.candidate is None or staged.id != plan.candidate.id):
        raise superseded(world, "its staged candidate is gone: another run came in between")
    plan = switch_part(plan, ahead)
    carry_out(world, plan)
    _hold(world)
    return plan, "" if plan.candidate else "succeeded" if plan.steps else "skipped"


def _finish(world: World) -> Told:
    """Drain and reap what the switch left running, so that a revert stayed possible until now."""
    attempt, live = world.have.attempt, world.have.live
    if world.want.state is not State.PRESENT:
        return _deploy(world)
    if attempt is None:
        return Plan(reason="nothing was left to finish"), ""
    take_on(world, attempt.id)
    take_candidates_declaration(world, attempt)
    if live is None or attempt.candidate is None or live.id != attempt.id:
        return _revert(world)
    world.committed = True
    plan = Plan(recovery.finish(world.want, world.have, live), "switched with all hosts", live)
    carry_out(world, plan)
    return plan, "succeeded"


def _revert(world: World) -> Told:
    """Go back, because it failed somewhere else."""
    attempt = world.have.attempt
    if attempt is None:
        return _revert_finished(world)
    take_on(world, attempt.id)
    take_candidates_declaration(world, attempt)
    if world.want.stack is not None or (attempt.candidate and terms(attempt.candidate).is_stack):
        return _revert_stack(world)
    world.undoing = True
    plan = recovery.revert(world.want, world.have)
    plan = replace(plan, reason=world.failure or plan.reason)
    carry_out(world, plan)
    return plan, "failed"


def _revert_finished(world: World) -> Told:
    """Go back although somebody has finished it: to the release before, by a deployment of its own."""
    have, on, live = world.have, world.on, world.have.live
    if live is None or not world.fleet.name or live.id not in on.store.of_fleet(world.subject, world.fleet.name):
        return Plan(reason="nothing was left to revert"), ""
    world.fleet = NO_FLEET
    if have.previous is None:
        world.want = nothing(world.subject)
        plan, ended = _deploy(world)
        return replace(plan, reason=world.failure), ended
    world.want = released(on, world.subject, have.previous)
    world.have = observe(world.want, on)
    world.leaves = (live.id, world.failure)
    plan = replace(prepare_and_decide(world), reason=world.failure)
    carry_out(world, plan)
    return plan, "succeeded"


def _revert_stack(world: World) -> Told:
    """Roll a stack back to the release before: its old containers are gone, so that it is a deployment of its own."""
    have, on = world.have, world.on
    switched = have.live is not None and have.live.id == world.deployment
    back = have.previous if switched else have.live
    if switched:
        on.store.withdraw(world.subject, world.failure, back, ())
    conclude(world, "failed", world.failure)
    world.deployment = identity.deployment_id(
        max(int(on.clock.now() * 1000), identity.time_of(world.deployment) + 1), os.urandom(10)
    )
    world.recorded = False
    if back is None:
        plan = recovery.unmade(world.failure)
        carry_out(world, plan)
        return plan, ""
    world.want = released(on, world.subject, back)
    world.have = observe(world.want, on)
    plan = replace(prepare_and_decide(world), reason=world.failure)
    carry_out(world, plan)
    return plan, "succeeded"


PHASES: dict[Phase, t.Callable[[World], Told]] = {
    Phase.DEPLOY: _deploy,
    Phase.STAGE: _stage,
    Phase.SWITCH: _switch,
    Phase.FINISH: _finish,
    Phase.REVERT: _revert,
}


def _hold(world: World) -> None:
    """The fleet's run goes on: count its time anew."""
    world.on.store.hold(world.deployment, world.on.clock.now() + world.fleet.seconds)


def is_declared(want: Workload) -> bool:
    """Whether somebody says that the workload is to be here; what begins from the record begins with `nothing`."""
    return want.state is not State.ABSENT


def recover(world: World) -> bool:
    """Finish or take back an earlier run's unfinished deployment, or put a lost record back; true if there was one."""
    attempt = world.have.attempt
    if attempt is None:
        plan = recovery.adopt(world.have, is_declared(world.want))
        carry_out(world, plan)
        if plan.steps:
            world.warnings.append(f"Release {plan.candidate.id if plan.candidate else ''} was adopted: {plan.reason}.")
        return bool(plan.steps)
    if attempt.status == "staged" and attempt.id > world.deployment:
        raise Superseded("a newer deployment is staged", subject=world.key, remedy="Let that one finish.")
    plan = recovery.decide_recovery(world.want, world.have)
    succeeded = plan.candidate is not None
    mine = world.deployment
    take_on(world, attempt.id)
    world.undoing, world.failure = True, "it did not serve when it was found interrupted"
    try:
        carry_out(world, plan)
    except Unhealthy as error:
        if succeeded and error.step != Verb.SWITCH.value:
            raise
        # Blue may not serve any more, whatever is done; that must not keep a better declaration from being deployed.
        world.warnings.append(f"While going on with deployment {attempt.id}: {error}")
        if succeeded:
            plan, succeeded = _give_up(world), False
    how = "rolled forward" if succeeded else "taken back"
    canceled = world.on.store.canceling(attempt.id)
    given_up = "canceled" if canceled else "skipped" if attempt.status == "staged" else "failed"
    conclude(world, "succeeded" if succeeded else given_up, f"interrupted and {how}: {plan.reason}")
    world.warnings.append(f"Deployment {attempt.id} had been interrupted; it was {how}, because {plan.reason}.")
    world.deployment, world.recorded, world.undoing, world.committed, world.failure = mine, False, False, False, ""
    return True


def _give_up(world: World) -> Plan:
    """Take back what was switched to and does not answer through the proxy."""
    plan = recovery.give_up(world.want, world.have)
    try:
        carry_out(world, plan)
    except Unhealthy as error:
        world.warnings.append(f"While taking it back: {error}")
    return plan
