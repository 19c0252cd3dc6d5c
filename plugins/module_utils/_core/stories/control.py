# Copyright: (c) 2026, tidegate.platform contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The story of `workload_control`: start, stop and restart what was deployed before."""

from __future__ import annotations

from dataclasses import replace

from ..deploy.batch import Manner, alone
from ..deploy.redeclare import as_released
from ..deploy.run import Run
from ..values.errors import StoreFailure
from ..values.identity import Subject
from ..values.release import Release, Standing
from ..values.workload import State, Workload, nothing
from .call import Call, Result
from .result import documents


def control(call: Call) -> Result:
    """`workload_control`: the live release is to run, to be stopped, or to be replaced by a new start of itself."""
    subject, state = call.subject, call.params["state"]

    def declared(run: Run) -> Workload:
        known = run.on.store.known(subject).get(subject, Standing())
        live = live_release(known, subject)
        if state == State.STOPPED.value:
            return nothing(subject, State.STOPPED)
        running = as_released(run, replace(live, state="running"), known)
        return replace(running, force=state == "restarted")

    manner = Manner(check=call.check, declare=declared)
    return documents([alone(call.on, nothing(subject), manner, call.interrupts)], call)[0]


def live_release(known: Standing, subject: Subject) -> Release:
    """The release that serves.

    :raises StoreFailure: there is none.
    """
    if known.live is None:
        cause = f"has no release in {subject.environment}"
        raise StoreFailure(
            cause, subject=subject.workload, remedy="Deploy it first; workload_info shows what there is."
        )
    return known.live
