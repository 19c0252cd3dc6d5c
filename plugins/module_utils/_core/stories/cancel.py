# Copyright: (c) 2026, tidegate.platform contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The story of `workload_cancel`."""

from __future__ import annotations

from dataclasses import replace

from ..decide.fleet import remedy, whose_until
from ..deploy.batch import Manner, alone
from ..deploy.redeclare import by_record
from ..host.clock import Watch, attempts
from ..values.errors import Canceled, LockHeld, Unrecorded
from ..values.identity import Subject, key_of
from ..values.release import Standing
from ..values.workload import nothing
from .call import Call, Result


def cancel(call: Call) -> Result:
    """`workload_cancel`: end a deployment that is under way, before it is live."""
    subject = call.subject
    store = call.store
    attempt = store.known(subject).get(subject, Standing()).attempt
    if attempt is None:
        return {"changed": False, "reason": "no deployment is under way", "deployment": None}
    document = {"id": attempt.id, "status": attempt.status, "conclusion": None}
    if call.check:
        return {"changed": True, "reason": "it is to be canceled", "deployment": document}
    if not store.cancel(attempt.id):
        cause = f"deployment {attempt.id} is live already"
        if attempt.fleet:
            cause += f", as a {whose_until(attempt)}"
            raise Canceled(cause, subject=subject.workload, remedy=f"To end that, {remedy(key_of(*subject))}")
        raise Canceled(cause, subject=subject.workload, remedy="Use workload_rollback to go back.")
    conclusion = _wait_or_take_back(call, subject, attempt.id)
    if conclusion != "canceled":
        cause = f"deployment {attempt.id} ended {conclusion or 'not'} before it could be canceled"
        raise Canceled(cause, subject=subject.workload, remedy="See workload_info.")
    reason = f"deployment {attempt.id} was canceled"
    return {
        "changed": True,
        "reason": reason,
        "deployment": {**document, "status": "completed", "conclusion": conclusion},
    }


def _wait_or_take_back(call: Call, subject: Subject, deployment: str) -> str | None:
    """Wait until the run has stopped; where it was killed before, take back what it left."""
    watch = Watch(call.clock, call.interrupts.check)
    impatient = replace(call.on, lock_timeout=0)
    for _left in attempts(watch, call.params["timeout"]):
        conclusion = call.store.conclusion(deployment)
        if conclusion is not None:
            return conclusion
        ended = alone(impatient, nothing(subject), Manner(declare=by_record), call.interrupts)
        if ended.error is not None and not isinstance(ended.error, (LockHeld, Unrecorded)):
            raise ended.error
    return None
