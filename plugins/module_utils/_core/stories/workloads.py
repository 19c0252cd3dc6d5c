# Copyright: (c) 2026, tidegate.platform contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What `workloads` does with its list: declare it, take it back, restart it, as a whole or phase by phase.

Rollbacks and restarts have the phases of a deployment, because they are one.
"""

from __future__ import annotations

import typing as t
from dataclasses import replace

from ..decide.phase_plans import Phase
from ..decide.rollback import rollback_target
from ..deploy.batch import Batch, Manner
from ..deploy.converge import Declare
from ..deploy.redeclare import as_released
from ..deploy.run import Run
from ..options.checks import positive
from ..options.snapshot import terms
from ..values.errors import StoreFailure
from ..values.release import Standing
from ..values.workload import State, Workload, nothing
from .call import Call, Result
from .declare import declare_many, fleet_of, subject_of
from .result import documents, together

ENDING = (Phase.FINISH, Phase.REVERT)


def workloads(call: Call) -> Result:
    """`workloads`: what is to be done with the workloads of a list."""
    verb, phase = call.params["verb"], Phase(call.params["phase"])
    if verb == "declare":
        return declare_many(call)
    positive("concurrency", call.params["concurrency"])
    subjects = [subject_of(row) for row in call.params["workloads"]]
    manner = Manner(
        check=call.check,
        phase=phase,
        fleet=fleet_of(call),
        reason=call.params["reason"],
        concurrency=call.params["concurrency"],
        stop_on_failure=call.params["stop_on_failure"],
        declare=None if phase in ENDING else VERBS[verb](call),
    )
    wants = [nothing(subject, State.PRESENT if phase in ENDING else State.ABSENT) for subject in subjects]
    try:
        ended = Batch(call.on, manner, call.interrupts, call.tell).run(wants)
    finally:
        call.end_progress()
    return together(documents(ended, call), call.diff)


def _back(call: Call) -> Declare:
    def earlier(run: Run) -> Workload:
        known = run.on.store.known(run.subject).get(run.subject, Standing())
        chosen = rollback_target(run.on.store.releases(run.subject), known, call.params["to"], run.subject.workload)
        if known.live is not None and known.live.id != chosen.id:
            run.deployment.leaves = (known.live.id, f"rolled back to {chosen.id}")
        return _led(as_released(run, chosen, known), call)

    return earlier


def _restart(call: Call) -> Declare:
    def running(run: Run) -> Workload:
        known = run.on.store.known(run.subject).get(run.subject, Standing())
        if known.live is None:
            cause = f"has no release in {run.subject.environment}"
            raise StoreFailure(cause, subject=run.subject.workload, remedy="Deploy it first.")
        return replace(_led(as_released(run, replace(known.live, state="running"), known), call), force=True)

    return running


def _led(want: Workload, call: Call) -> Workload:
    """The declaration without its release command, where another host runs that for all."""
    elsewhere = want.name in call.params["skip_release_commands"] and terms(want).release_command_once
    return replace(want, release_command=()) if elsewhere else want


VERBS: dict[str, t.Callable[[Call], Declare]] = {"rollback": _back, "restart": _restart}
