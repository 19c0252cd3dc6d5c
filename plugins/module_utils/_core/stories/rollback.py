# Copyright: (c) 2026, tidegate.platform contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The story of `workload_rollback`."""

from __future__ import annotations

from ..decide.rollback import rollback_target
from ..deploy.batch import Manner, alone
from ..deploy.redeclare import as_released
from ..deploy.run import Run
from ..values.release import Release, Standing
from ..values.workload import Workload, nothing
from .call import Call, Result
from .result import documents


def rollback(call: Call) -> Result:
    """`workload_rollback`: make an earlier release live again, by its own snapshot and artifact."""
    subject = call.subject
    goal: list[Release] = []

    def earlier(run: Run) -> Workload:
        known = run.on.store.known(subject).get(subject, Standing())
        chosen = rollback_target(run.on.store.releases(subject), known, call.params["to"], subject.workload)
        goal.append(chosen)
        if known.live is not None and known.live.id != chosen.id:
            run.deployment.leaves = (known.live.id, f"rolled back to {chosen.id}")
        return as_released(run, chosen, known)

    ended = alone(call.on, nothing(subject), Manner(check=call.check, declare=earlier), call.interrupts)
    (document,) = documents([ended], call)
    document["target"] = goal[-1].id if goal else None
    return document
