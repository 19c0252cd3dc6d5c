# Copyright: (c) 2026, tidegate.platform contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The phases of a deployment (stage, switch, finish, revert), and what a run does about one that was interrupted."""

from __future__ import annotations

import typing as t
from dataclasses import replace

from ..decide import fleet, recovery
from ..decide.fleet import NO_FLEET
from ..decide.phase_plans import Phase, stage_part, switch_part
from ..options.snapshot import terms
from ..values.errors import Superseded, Unhealthy
from ..values.plan import Plan, Verb
from ..values.workload import State, Workload, nothing
from .apply import carry_out
from .attempt import conclude, prepare_and_decide, superseded, take_on
from .observe import observe
from .redeclare import released, take_candidates_declaration
from .run import Deployment, Run, new_deployment
from .unrecorded import refuse_no_way_back

PhaseResult = t.Tuple[Plan, str]
"""What was carried out, and how the deployment is concluded; an empty text leaves it open for the next phase."""


def _deploy(run: Run) -> PhaseResult:
    plan = prepare_and_decide(run)
    carry_out(run, plan)
    return plan, "succeeded" if plan.steps else "skipped"


def staged_already(run: Run) -> bool:
    """True for a run of the same fleet that came here before, as to the host whose release command is for all."""
    attempt = run.have.attempt
    mine = attempt is not None and attempt.status == "staged" and attempt.fleet == run.fleet.name
    return mine and fleet.waits(attempt, run.on.clock.now())


def _stage(run: Run) -> PhaseResult:
    """Everything that users do not notice; the candidate then waits for its switch."""
    if staged_already(run):
        return Plan(reason="it is staged already"), ""
    if run.want.state is State.PRESENT:
        refuse_no_way_back(run.on, run.subject, run.have)
    if run.want.stack is not None:
        return Plan(reason="the services of a stack are rolled when all hosts switch"), ""
    whole = prepare_and_decide(run)
    plan = stage_part(whole)
    carry_out(run, plan)
    if whole.candidate is not None:
        run.on.store.mark_staged(run.deployment.id)
        _hold(run)
    return plan, "skipped" if whole.skipped else ""


def _switch(run: Run) -> PhaseResult:
    """From a staged candidate to a live one; what cannot be staged is done here as a whole, up to its commit."""
    attempt = run.have.attempt
    if run.want.state is not State.PRESENT:
        return Plan(reason="it is done when all hosts have switched, because nothing would take it back"), ""
    if (
        attempt is not None
        and run.have.live is not None
        and attempt.id == run.have.live.id
        and attempt.fleet == run.fleet.name
    ):
        return Plan(reason="it is switched already"), ""
    refuse_no_way_back(run.on, run.subject, run.have)
    staged = attempt.candidate if attempt and attempt.status == "staged" and not attempt.withdrawn else None
    if attempt is not None and staged is not None:
        take_on(run, attempt.id)
        _hold(run)
    plan = prepare_and_decide(run, staged)
    ahead = bool(stage_part(plan).steps)
    if (ahead or attempt is not None) and (staged is None or plan.candidate is None or staged.id != plan.candidate.id):
        raise superseded(run, "its staged candidate is gone: another run came in between")
    plan = switch_part(plan, ahead)
    carry_out(run, plan)
    _hold(run)
    return plan, "" if plan.candidate else "succeeded" if plan.steps else "skipped"


def _finish(run: Run) -> PhaseResult:
    """Drain and reap what the switch left running, so that a revert stayed possible until now."""
    attempt, live = run.have.attempt, run.have.live
    if run.want.state is not State.PRESENT:
        return _deploy(run)
    if attempt is None:
        return Plan(reason="nothing was left to finish"), ""
    take_on(run, attempt.id)
    take_candidates_declaration(run, attempt)
    if live is None or attempt.candidate is None or live.id != attempt.id:
        return _revert(run)
    run.deployment.committed = True
    plan = Plan(recovery.finish(run.want, run.have, live), "switched with all hosts", live)
    carry_out(run, plan)
    return plan, "succeeded"


def _revert(run: Run) -> PhaseResult:
    """Go back, because it failed somewhere else."""
    attempt = run.have.attempt
    if attempt is None:
        return _revert_finished(run)
    take_on(run, attempt.id)
    take_candidates_declaration(run, attempt)
    if run.want.stack is not None or (attempt.candidate and terms(attempt.candidate).is_stack):
        return _revert_stack(run)
    run.deployment.undoing = True
    plan = recovery.revert(run.want, run.have)
    plan = replace(plan, reason=run.deployment.failure or plan.reason)
    carry_out(run, plan)
    return plan, "failed"


def _revert_finished(run: Run) -> PhaseResult:
    """Go back although somebody has finished it: to the release before, by a deployment of its own."""
    have, on, live = run.have, run.on, run.have.live
    if live is None or not run.fleet.name or live.id not in on.store.of_fleet(run.subject, run.fleet.name):
        return Plan(reason="nothing was left to revert"), ""
    run.fleet = NO_FLEET
    if have.previous is None:
        run.want = nothing(run.subject)
        plan, ended = _deploy(run)
        return replace(plan, reason=run.deployment.failure), ended
    run.want = released(on, run.subject, have.previous)
    run.have = observe(run.want, on)
    run.deployment.leaves = (live.id, run.deployment.failure)
    plan = replace(prepare_and_decide(run), reason=run.deployment.failure)
    carry_out(run, plan)
    return plan, "succeeded"


def _revert_stack(run: Run) -> PhaseResult:
    """Roll a stack back to the release before: its old containers are gone, so that it is a deployment of its own."""
    have, on = run.have, run.on
    switched = have.live is not None and have.live.id == run.deployment.id
    back = have.previous if switched else have.live
    if switched:
        on.store.withdraw(run.subject, run.deployment.failure, back, ())
    conclude(run, "failed", run.deployment.failure)
    run.deployment = replace(new_deployment(on, run.deployment.id), failure=run.deployment.failure)
    if back is None:
        plan = recovery.unmade(run.deployment.failure)
        carry_out(run, plan)
        return plan, ""
    run.want = released(on, run.subject, back)
    run.have = observe(run.want, on)
    plan = replace(prepare_and_decide(run), reason=run.deployment.failure)
    carry_out(run, plan)
    return plan, "succeeded"


PHASES: dict[Phase, t.Callable[[Run], PhaseResult]] = {
    Phase.DEPLOY: _deploy,
    Phase.STAGE: _stage,
    Phase.SWITCH: _switch,
    Phase.FINISH: _finish,
    Phase.REVERT: _revert,
}


def _hold(run: Run) -> None:
    """The fleet's run goes on: count its time anew."""
    run.on.store.hold(run.deployment.id, run.on.clock.now() + run.fleet.seconds)


def is_declared(want: Workload) -> bool:
    """Whether somebody says that the workload is to be here; what begins from the record begins with `nothing`."""
    return want.state is not State.ABSENT


def recover(run: Run) -> bool:
    """Finish or take back an earlier run's unfinished deployment, or put a lost record back; true if there was one."""
    attempt = run.have.attempt
    if attempt is None:
        plan = recovery.adopt(run.have, is_declared(run.want))
        carry_out(run, plan)
        if plan.steps:
            run.warnings.append(f"Release {plan.candidate.id if plan.candidate else ''} was adopted: {plan.reason}.")
        return bool(plan.steps)
    if attempt.status == "staged" and attempt.id > run.deployment.id:
        raise Superseded("a newer deployment is staged", subject=run.key, remedy="Let that one finish.")
    plan = recovery.decide_recovery(run.want, run.have)
    succeeded = plan.candidate is not None
    mine = run.deployment
    why = "it did not serve when it was found interrupted"
    run.deployment = Deployment(attempt.id, recorded=True, undoing=True, failure=why)
    try:
        carry_out(run, plan)
    except Unhealthy as error:
        if succeeded and error.step != Verb.SWITCH.value:
            raise
        # Blue may not serve any more, whatever is done; that must not keep a better declaration from being deployed.
        run.warnings.append(f"While going on with deployment {attempt.id}: {error}")
        if succeeded:
            plan, succeeded = _give_up(run), False
    how = "rolled forward" if succeeded else "taken back"
    canceled = run.on.store.canceling(attempt.id)
    given_up = "canceled" if canceled else "skipped" if attempt.status == "staged" else "failed"
    conclude(run, "succeeded" if succeeded else given_up, f"interrupted and {how}: {plan.reason}")
    run.warnings.append(f"Deployment {attempt.id} had been interrupted; it was {how}, because {plan.reason}.")
    run.deployment = mine
    return True


def _give_up(run: Run) -> Plan:
    """Take back what was switched to and does not answer through the proxy."""
    plan = recovery.give_up(run.want, run.have)
    try:
        carry_out(run, plan)
    except Unhealthy as error:
        run.warnings.append(f"While taking it back: {error}")
    return plan
