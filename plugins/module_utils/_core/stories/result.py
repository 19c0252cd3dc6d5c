# Copyright: (c) 2026, tidegate.platform contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From outcomes and errors to the documents that modules return. Pure."""

from __future__ import annotations

import typing as t

from ..deploy.batch import Ended
from ..deploy.converge import Outcome
from ..deploy.phases import conclusion_of
from ..deploy.run import World
from ..values.actual import Release
from ..values.errors import TidegateError

Result = t.Dict[str, t.Any]
Redact = t.Callable[[str], str]


def result(ended: Ended, with_diff: bool, redact: Redact) -> Result:
    """What one workload's run came to."""
    if ended.outcome is not None:
        return {**_whose(ended), **_success(ended.outcome, with_diff), "failed": False}
    if ended.error is None:
        raise ValueError("a run ends with an outcome or with an error")
    return {**_whose(ended), **failure(ended.error, ended.world, redact), "failed": True}


def _whose(ended: Ended) -> Result:
    return {"name": ended.want.name, "environment": ended.want.environment}


def _success(outcome: Outcome, with_diff: bool) -> Result:
    document: Result = {
        "changed": outcome.changed,
        "reason": outcome.reason,
        "steps": outcome.steps,
        "deployment": outcome.deployment,
        "release": release_document(outcome.live),
        "previous": release_document(outcome.previous),
        "connections": outcome.cut,
    }
    if with_diff:
        document["diff"] = {"before": outcome.before, "after": outcome.after}
    return document


def failure(error: TidegateError, world: World | None, redact: Redact) -> Result:
    """What an error came to; secrets are taken out of every text."""
    deployment = None
    if world is not None and world.recorded:
        deployment = {"id": world.deployment, "status": "completed", "conclusion": conclusion_of(error)}
    return {
        "msg": redact(str(error)),
        "step": error.step,
        "kind": type(error).__name__,
        "remedy": error.remedy,
        "logs": redact(error.logs).splitlines(),
        "steps": [{**row, "detail": redact(row["detail"])} for row in world.steps] if world else [],
        "deployment": deployment,
        "changed": False,
    }


def release_document(release: Release | None) -> Result | None:
    """A release as it is returned."""
    if release is None:
        return None
    return {
        "id": release.id,
        "image": release.image,
        "image_id": release.image_id,
        "containers": list(release.containers),
        "state": release.state,
    }
