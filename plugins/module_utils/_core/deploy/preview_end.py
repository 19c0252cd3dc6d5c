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
from ..options.snapshot import terms
from ..values.plan import Plan
from ..values.release import Attempt
from ..values.workload import State, nothing
from .observe import observe
from .redeclare import released, take_candidates_declaration
from .run import Run


def preview_end(run: Run, phase: Phase) -> Plan | None:
    """The plan of the phase; None where it is a deployment of its own of what `run` wants from now on."""
    attempt, live = run.have.attempt, run.have.live
    if phase not in (Phase.FINISH, Phase.REVERT) or (phase is Phase.FINISH and run.want.state is not State.PRESENT):
        return None
    if attempt is None:
        return Plan(reason="nothing was left to finish") if phase is Phase.FINISH else _finished(run)
    take_candidates_declaration(run, attempt)
    if phase is Phase.FINISH and live is not None and attempt.candidate is not None and live.id == attempt.id:
        return Plan(recovery.finish(run.want, run.have, live), "switched with all hosts", live)
    if run.want.stack is not None or (attempt.candidate and terms(attempt.candidate).is_stack):
        return _stack(run, attempt)
    plan = recovery.revert(run.want, run.have)
    return replace(plan, reason=run.deployment.failure or plan.reason)


def _finished(run: Run) -> Plan | None:
    """Of what somebody has finished: the release before, or nothing."""
    have, live = run.have, run.have.live
    if live is None or not run.fleet.name or live.id not in run.on.store.of_fleet(run.subject, run.fleet.name):
        return Plan(reason="nothing was left to revert")
    run.want = released(run.on, run.subject, have.previous) if have.previous else nothing(run.subject)
    run.have = observe(run.want, run.on)
    return None


def _stack(run: Run, attempt: Attempt) -> Plan | None:
    """Of a stack, whose old containers are gone: the release before is rolled out again; nothing where none was."""
    have = run.have
    switched = have.live is not None and have.live.id == attempt.id
    back = have.previous if switched else have.live
    if back is None:
        return recovery.unmade(run.deployment.failure)
    run.want = released(run.on, run.subject, back)
    run.have = observe(run.want, run.on)
    return None
