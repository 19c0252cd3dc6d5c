# Copyright: (c) 2026, tidegate.platform contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The story of one run: read, recover, prepare, decide, act."""

from __future__ import annotations

import typing as t
from dataclasses import replace

from ..decide import fleet
from ..decide.candidate import candidate
from ..decide.foretell import after, view
from ..decide.phase_plans import Phase
from ..decide.plan import decide, prepare
from ..decide.recovery import adopt, decide_recovery
from ..host import locks
from ..values.actual import Actual
from ..values.errors import TidegateError, explained_at_least
from ..values.plan import Plan
from ..values.workload import State, Workload
from . import reach
from .attempt import conclude, conclude_failed, document, refuse_unmountable
from .observe import Survey, observe
from .outcome import Outcome
from .phases import PHASES, PhaseResult, is_declared, recover, staged_already
from .preview_end import preview_end
from .run import Run
from .unrecorded import refusal, refuse_no_way_back, unrecorded

# Seconds that a pruning of images may take, for which a deployment waits.
PRUNING = 60.0
Declare = t.Callable[[Run], Workload]
"""Gives the declaration once the workload is locked and recovered: a rollback chooses its target only then."""


def unchanged(want: Workload, survey: Survey) -> Outcome | None:
    """The outcome of a workload that is as declared, without its lock; None when it takes a closer look."""
    if want.force or want.pull == "always" or want.remove_volumes:
        return None
    have = survey.of(want)
    proposed = candidate(want, have, "")
    if have.attempt is not None or adopt(have, is_declared(want)).steps or prepare(want, have, proposed).steps:
        return None
    plan = decide(want, have, proposed)
    if plan.steps or plan.skipped:
        return None
    seen = view(have)
    return Outcome(False, plan.reason, [], seen, seen, have.live, have.previous)


def preview(run: Run, phase: Phase = Phase.DEPLOY, declare: Declare | None = None, deep: bool = False) -> Outcome:
    """What `converge` would do now; touches nothing."""
    have = now = run.have = observe(run.want, run.on, deep)
    fleet.refuse(have.attempt, run.fleet, run.on.clock.now(), run.key)
    if phase in (Phase.FINISH, Phase.REVERT):
        return _preview_of_end(run, phase)
    plans: list[Plan] = []
    adopted = adopt(have, is_declared(run.want))
    recovery = decide_recovery(run.want, have) if have.attempt else adopted
    if have.attempt or recovery.steps:
        plans.append(recovery)
        now = after(have, recovery)
    if declare is not None:
        run.want = declare(run)
        have = now = _spared(run, deep)
    want = run.want
    if phase is not Phase.DEPLOY and want.state is State.PRESENT:
        refuse_no_way_back(run.on, run.subject, now)
    proposed = candidate(want, now, run.deployment.id)
    plans += [prepare(want, now, proposed), decide(want, now, proposed)]
    reach.require_network(want, plans[-1], run.on)
    for plan in plans[-2:]:
        refuse_unmountable(run, plan)
    return _foreseen(have, now, plans)


def _preview_of_end(run: Run, phase: Phase) -> Outcome:
    """The same of the end of a fleet's deployment, which is decided by the record."""
    have = run.have
    plan = preview_end(run, phase)
    if plan is not None:
        foreseen = _foreseen(have, have, [plan])
        return replace(foreseen, changed=bool(foreseen.steps))
    want, now = run.want, run.have
    proposed = candidate(want, now, run.deployment.id)
    plan = decide(want, now, proposed)
    plan = replace(plan, reason=run.deployment.failure or plan.reason)
    return _foreseen(have, now, [prepare(want, now, proposed), plan])


def _foreseen(have: Actual, now: Actual, plans: list[Plan]) -> Outcome:
    """What these plans come to, of which the last is what was asked for.

    :param now: what that one begins with.
    """
    later = after(now, plans[-1])
    steps = [{"name": verb, "seconds": 0.0, "detail": ""} for plan in plans for verb in plan.verbs()]
    changed = bool(steps) or have.attempt is not None
    before = view(have)
    return Outcome(changed, plans[-1].reason, steps, before, view(later), later.live, later.previous)


def _spared(run: Run, deep: bool) -> Actual:
    """A look that leaves out what is not on record: who declares from the record must not remove it."""
    have = run.have = observe(run.want, run.on, deep)
    own = have.live.containers if have.live else ()
    spared = unrecorded(run.on, run.subject, [c for c in have.containers if c.name not in own])
    if not spared or have.live is None:
        return have
    refused = refusal(run.key, spared)
    if len(have.named(own)) < len(own):
        raise refused  # what serves may be what is not on record
    run.warnings.append(str(refused))
    run.have = replace(have, containers=tuple(c for c in have.containers if c not in spared))
    return run.have


def seen_after(outcome: Outcome, want: Workload, survey: Survey) -> Outcome:
    """The same outcome, with what a look at the whole host shows of it."""
    last = survey.of(replace(want, pull="missing"))
    return replace(outcome, after=view(last), live=last.live, previous=last.previous)


def _do(run: Run, phase: Phase) -> PhaseResult:
    """Do one phase, and conclude the deployment where that ends it, for better or worse."""
    try:
        with explained_at_least():
            plan, conclusion = PHASES[phase](run)
    except TidegateError as error:
        conclude_failed(run, error)
        raise
    if run.deployment.recorded and conclusion:
        conclude(run, conclusion, plan.reason)
    return plan, conclusion


def converge(
    run: Run,
    phase: Phase = Phase.DEPLOY,
    declare: Declare | None = None,
    deep: bool = False,
    look: bool = True,
    before: Survey | None = None,
) -> Outcome:
    """Make the host as declared, or do one phase of that, under the workload's lock.

    :param before: a look at the whole host that this run has just made.
    :param look: see what it came to; else `after` is what was there before, until `seen_after`.
    :raises TidegateError: nothing that served was taken away; `run` holds the steps done so far.
    """
    on = run.on
    with (
        locks.held(on.state_dir, run.subject, on.lock_timeout, run.watch),
        locks.images(on.state_dir, max(on.lock_timeout, PRUNING), run.watch),
    ):
        first = run.have = observe(run.want, on, deep, before)
        fleet.refuse(first.attempt, run.fleet, on.clock.now(), run.key)
        again = phase is Phase.STAGE and staged_already(run)
        tidied = phase in (Phase.DEPLOY, Phase.STAGE) and not again and recover(run)
        if declare is not None:
            run.want = declare(run)
            run.have = _spared(run, deep)
        elif tidied:
            run.have = observe(run.want, on, deep)
        plan, conclusion = _do(run, phase)
        last = observe(replace(run.want, pull="missing"), on) if run.steps and look else run.have
    return Outcome(
        changed=bool(run.steps) or tidied,
        reason=plan.reason,
        steps=run.steps,
        before=view(first),
        after=view(last),
        live=last.live,
        previous=last.previous,
        deployment=document(run, conclusion),
        cut={"outlived": run.drained.outlived, "cut": run.drained.cut},
    )
