# Copyright: (c) 2026, tidegate.platform contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A deployment in parts, so that many hosts can go together: stage, switch, finish or revert.

Every part is a cut of the one plan that a whole deployment is.
"""

from __future__ import annotations

import enum
from dataclasses import replace

from ..values.plan import Plan, Step, Verb

_MADE_BY_STAGING = (Verb.RELEASE_COMMAND, Verb.START)
_STAGING = (*_MADE_BY_STAGING, Verb.GATE)  # a stand-in is not staged: it lives for the length of one switch
_COMMITTING = (Verb.PERSIST, Verb.BAKE)


class Phase(str, enum.Enum):
    """Which part of a deployment is wanted."""

    DEPLOY = "deploy"
    STAGE = "stage"
    SWITCH = "switch"
    FINISH = "finish"
    REVERT = "revert"


def stage_part(plan: Plan) -> Plan:
    """What can be done while nothing changes for users: of a blue-green deployment all up to its gate."""
    if plan.candidate is None or not plan.steps or plan.steps[0].verb not in _STAGING:
        return Plan(reason=plan.reason)
    last = next(number for number, step in enumerate(plan.steps) if step.verb is Verb.GATE)
    return replace(plan, steps=plan.steps[: last + 1])


def switch_part(plan: Plan, staged: bool) -> Plan:
    """The rest up to the commit; the gate is asked once more, because staging may have been long ago.

    :param staged: the candidate was started by an earlier phase; if anything fails it is removed all the same.
    """
    steps = plan.steps
    if staged:
        undo = tuple(taken for step in steps if step.verb in _MADE_BY_STAGING for taken in step.undo)
        gate, *rest = (step for step in steps if step.verb not in _MADE_BY_STAGING)
        steps = (replace(gate, undo=undo), *rest)
    return replace(plan, steps=steps[: committed_at(steps) + 1] if plan.candidate else steps)


def committed_at(steps: tuple[Step, ...]) -> int:
    """Position of the step after which nothing is taken back any more; -1 without one."""
    return max((number for number, step in enumerate(steps) if step.verb in _COMMITTING), default=-1)
