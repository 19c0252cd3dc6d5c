# Copyright: (c) 2026, tidegate.platform contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One deployment on record: begun, cut in phases, recovered, concluded."""

from __future__ import annotations

import os
import typing as t
from dataclasses import replace

from ..decide import fleet, recovery
from ..decide.candidate import candidate, claims_of
from ..decide.fleet import NO_FLEET
from ..decide.phases import Phase, staging, switching
from ..decide.plan import Routing, decide, prepare, refuse_claimed
from ..decide.stacks import StackRouting
from ..host import filesystem
from ..host.walls import refuse_missing
from ..options.parse import Here, again, nothing
from ..proxy import documents
from ..values import grammar
from ..values.actual import Attempt, Plan, Release, Verb
from ..values.errors import Canceled, StoreFailure, Superseded, TidegateError, Unhealthy
from ..values.workload import State, Subject, Workload, canonical
from . import reach
from .apply import carry_out
from .observe import observe
from .run import Platform, World
from .store import NewAttempt

ROUTING = Routing(documents.document, documents.hold, StackRouting(documents.stack_document, documents.stack_hold))
# Ample for a deployment's rows and their write-ahead log, some tens of pages of 4 KiB.
ROOM = 256 * 1024
_MAKING = (Verb.PULL, Verb.BUILD, Verb.PLACE, Verb.START, Verb.STAND_IN, Verb.RELEASE_COMMAND, Verb.ROLL, Verb.UP)
Told = t.Tuple[Plan, str]
"""What was carried out, and how the deployment is concluded; an empty text leaves it open for the next phase."""


def _deploy(world: World) -> Told:
    plan = _prepare_and_decide(world)
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
    if world.want.stack is not None:
        return Plan(reason="the services of a stack are rolled when all hosts switch"), ""
    whole = _prepare_and_decide(world)
    plan = staging(whole)
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
    staged = attempt.candidate if attempt and attempt.status == "staged" and not attempt.withdrawn else None
    if attempt is not None and staged is not None:
        _take_on(world, attempt.id)
        _hold(world)
    plan = _prepare_and_decide(world, staged)
    ahead = bool(staging(plan).steps)
    if (ahead or attempt is not None) and (staged is None or plan.candidate is None or staged.id != plan.candidate.id):
        raise _superseded(world, "its staged candidate is gone: another run came in between")
    plan = switching(plan, ahead)
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
    _take_on(world, attempt.id)
    as_recorded(world, attempt)
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
    _take_on(world, attempt.id)
    as_recorded(world, attempt)
    if world.want.stack is not None or (attempt.candidate and attempt.candidate.snapshot.get("compose")):
        return _revert_stack(world)
    world.undoing = True
    plan = recovery.revert(world.want, world.have, ROUTING.hold)
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
    plan = replace(_prepare_and_decide(world), reason=world.failure)
    carry_out(world, plan)
    return plan, "succeeded"


def as_recorded(world: World, attempt: Attempt) -> None:
    """Where the declaration was not given, it is the candidate's: its drain and its time to stop count."""
    if attempt.candidate is not None and not world.want.container.image and world.want.stack is None:
        world.want = released(world.on, world.subject, attempt.candidate)


def released(on: Platform, subject: Subject, release: Release) -> Workload:
    """The declaration of a release, with its secrets as they are kept; a stack's are in its definition.

    :raises InvalidOption: a secret is not kept any more.
    """
    kept = release.containers and not release.snapshot.get("compose")
    values = on.secrets.read(grammar.key_of(*subject), grammar.suffix_of(release.containers[0])) if kept else {}
    return again(release, values, Here(on.secrets.version, on.state_dir))


def _revert_stack(world: World) -> Told:
    """Roll a stack back to the release before: its old containers are gone, so that it is a deployment of its own."""
    have, on = world.have, world.on
    switched = have.live is not None and have.live.id == world.deployment
    back = have.previous if switched else have.live
    if switched:
        on.store.withdraw(world.subject, world.failure, back, ())
    conclude(world, "failed", world.failure)
    world.deployment = grammar.deployment_id(
        max(int(on.clock.now() * 1000), grammar.time_of(world.deployment) + 1), os.urandom(10)
    )
    world.recorded = False
    if back is None:
        plan = recovery.unmade(world.failure)
        carry_out(world, plan)
        return plan, ""
    world.want = released(on, world.subject, back)
    world.have = observe(world.want, on)
    plan = replace(_prepare_and_decide(world), reason=world.failure)
    carry_out(world, plan)
    return plan, "succeeded"


PHASES: dict[Phase, t.Callable[[World], Told]] = {
    Phase.DEPLOY: _deploy,
    Phase.STAGE: _stage,
    Phase.SWITCH: _switch,
    Phase.FINISH: _finish,
    Phase.REVERT: _revert,
}


def _superseded(world: World, cause: str) -> Superseded:
    """The error of a switch that has no candidate; what is on record stays open, for whoever takes it back."""
    world.recorded = False
    return Superseded(cause, subject=world.key, remedy="Run the deployment again.")


def _hold(world: World) -> None:
    """The fleet's run goes on: count its time anew."""
    world.on.store.hold(world.deployment, world.on.clock.now() + world.fleet.seconds)


def _take_on(world: World, deployment: str) -> None:
    """Go on with a deployment that is on record."""
    world.deployment, world.recorded = deployment, True


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
    plan = recovery.decide_recovery(world.want, world.have, ROUTING.hold)
    succeeded = plan.candidate is not None
    mine = world.deployment
    _take_on(world, attempt.id)
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
    plan = recovery.give_up(world.want, world.have, ROUTING.hold)
    try:
        carry_out(world, plan)
    except Unhealthy as error:
        world.warnings.append(f"While taking it back: {error}")
    return plan


def _prepare_and_decide(world: World, staged: Release | None = None) -> Plan:
    """Fetch the artifact, then decide with what is known of it, and record the attempt before its first act.

    :param staged: the candidate that an earlier phase made.
    """
    want = world.want
    fetch = prepare(want, world.have, candidate(want, world.have, world.deployment))
    refuse_unmountable(world, fetch)
    if fetch.steps:
        _begin(world)
        carry_out(world, fetch)
        world.have = observe(replace(want, pull="missing"), world.on)
    proposed = candidate(want, world.have, world.deployment)
    if staged is not None:
        if staged.fingerprint != proposed.fingerprint:
            raise _superseded(world, "what was staged is not what is declared now")
        proposed = staged
    plan = fetch if fetch.skipped else decide(want, world.have, proposed, ROUTING)
    if plan.skipped:
        _begin(world)
    elif plan.candidate is not None:
        reach.require_network(want, plan, world.on)
        refuse_unmountable(world, plan)
        _begin(world)
        _propose(world, plan.candidate)
    return plan


def refuse_unmountable(world: World, plan: Plan) -> None:
    """Refuse to make containers that mount what is not there, and to fetch what they are made of, if it can be known.

    :raises InvalidOption: names the source; nothing is touched yet.
    """
    if any(step.verb in _MAKING for step in plan.steps):
        model = world.have.definition.model if world.have.definition else {}
        mounts = [m for facts in (model.get("services") or {}).values() for m in facts.get("volumes") or ()]
        binds = [str(mount.get("source") or "") for mount in mounts if mount.get("type") == "bind"]
        refuse_missing([*(mount.source for mount in world.want.container.mounts), *binds], world.on.state_dir)


def _propose(world: World, green: Release) -> None:
    """Record the candidate with its routes; those of what is live stay its own as well, until this is over.

    :raises InvalidOption: another workload came to have one of the routes in the meantime.
    """
    live = world.have.live
    claims = [*claims_of(green), *(claims_of(live) if live else ())]
    taken = world.on.store.propose(world.deployment, green, claims)
    refuse_claimed(tuple((claim, f"{owner.workload} ({owner.environment})") for claim, owner in taken.items()))


def _begin(world: World) -> None:
    """Record the attempt, once, and only where all of it can be recorded.

    :raises StoreFailure: the disk is full; nothing was touched.
    """
    if world.recorded:
        return
    want, on = world.want, world.on
    free = filesystem.free_bytes(on.state_dir)
    if free is not None and free < ROOM:
        cause = f"has {free // 1024} KiB free, less than the record of a deployment may take ({ROOM // 1024} KiB)"
        raise StoreFailure(cause, subject=on.state_dir, remedy="Free space on its file system.")
    on.secrets.keep_key()
    attempt = NewAttempt(
        id=world.deployment,
        workload=want.name,
        environment=want.environment,
        strategy=want.strategy.value,
        snapshot=canonical(want.snapshot),
        begun_at=on.clock.now(),
        sequence=want.sequence,
        fleet=world.fleet.name,
        held_until=on.clock.now() + world.fleet.seconds if world.fleet.name else 0,
        leaves=world.leaves[0],
        leaves_why=world.leaves[1],
    )
    on.store.begin(attempt)
    world.recorded = True


def conclude(world: World, conclusion: str, reason: str) -> None:
    """End the deployment on record, if there is one; `reason` loses its secrets on the way."""
    if world.recorded:
        world.on.store.conclude(world.deployment, conclusion, world.redact(reason), world.on.clock.now())


def conclude_failed(world: World, error: TidegateError) -> None:
    """Conclude without any output of the application (DS-T6); what cannot be written is left to the next run."""
    try:
        conclude(world, conclusion_of(error), reason_of(error))
    except StoreFailure as second:
        world.warnings.append(f"The deployment could not be concluded: {second}")


def conclusion_of(error: TidegateError) -> str:
    """How a deployment ends that met this error."""
    return {Canceled: "canceled", Superseded: "skipped"}.get(type(error), "failed")


def reason_of(error: TidegateError) -> str:
    """What is kept of an error: our own words where they hold no output, else just its kind."""
    kind = f"{error.step or 'decide'}: {type(error).__name__}"
    return f"{kind}: {error.cause}" if isinstance(error, (Unhealthy, Canceled, Superseded)) else kind


def document(world: World, conclusion: str) -> dict[str, t.Any] | None:
    """The recorded attempt as it is returned; None when none was needed."""
    if not world.recorded:
        return None
    return {
        "id": world.deployment,
        "status": "completed" if conclusion else "deploy",
        "conclusion": conclusion or None,
        "strategy": world.want.strategy.value,
    }
