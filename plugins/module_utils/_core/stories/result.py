# Copyright: (c) 2026, tidegate.platform contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From outcomes and errors to the documents that modules return, and the only `except` around a story."""

from __future__ import annotations

import typing as t

from ..deploy.attempt import conclusion_of
from ..deploy.outcome import Outcome, WorkloadOutcome
from ..deploy.run import Run
from ..values.errors import TidegateError, explained_at_least
from ..values.release import Release
from .call import Call, Params, Result, redactor

Redact = t.Callable[[str], str]
Story = t.Callable[[Call], Result]
"""What a module does with a call; the document says `failed` where not everything went well."""


def told(story: Story, call: Call, redact: Redact) -> Result:
    """What a story comes to: its own document, or that of the error that it ended with. A signal ends it in order."""
    call.interrupts.install()
    try:
        with explained_at_least():
            return story(call)
    except TidegateError as error:
        return {**failure(error, None, redact), "failed": True}


def result(ended: WorkloadOutcome, with_diff: bool, redact: Redact) -> Result:
    """What one workload's run came to."""
    if ended.outcome is not None:
        return {**_whose(ended), **_success(ended.outcome, with_diff), "failed": False}
    if ended.error is None:
        raise ValueError("a run ends with an outcome or with an error")
    return {**_whose(ended), **failure(ended.error, ended.run, redact), "failed": True}


def _whose(ended: WorkloadOutcome) -> Result:
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


def failure(error: TidegateError, run: Run | None, redact: Redact) -> Result:
    """What an error came to; secrets are taken out of every text."""
    deployment = None
    if run is not None and run.deployment.recorded:
        deployment = {"id": run.deployment.id, "status": "completed", "conclusion": conclusion_of(error)}
    return {
        "msg": redact(str(error)),
        "step": error.step,
        "kind": type(error).__name__,
        "remedy": error.remedy,
        "logs": redact(error.logs).splitlines(),
        "steps": [{**row, "detail": redact(row["detail"])} for row in run.steps] if run else [],
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


def documents(ended: t.Sequence[WorkloadOutcome], call: Call, declarations: t.Sequence[Params] = ()) -> list[Result]:
    """A document a workload; what is to be warned of is kept for the call."""
    found = []
    for one in ended:
        redact = one.run.redact if one.run else redactor(declarations)
        call.warnings += [redact(text) for text in (one.run.warnings if one.run else ())]
        found.append(result(one, call.diff, redact))
    return found


def together(rows: t.Sequence[Result], with_diff: bool) -> Result:
    """One document for all workloads."""
    failed = [row for row in rows if row["failed"]]
    done: Result = {
        "changed": any(row["changed"] for row in rows),
        "failed": bool(failed),
        "workloads": rows,
        "summary": {
            "changed": sum(row["changed"] for row in rows),
            "unchanged": sum(not row["changed"] and not row["failed"] for row in rows),
            "failed": len(failed),
        },
    }
    if failed:
        causes = "; ".join(f"{row['name']} ({row['environment']}): {row['msg']}" for row in failed)
        done["msg"] = f"{len(failed)} of {len(rows)} workloads failed: {causes}"
    if with_diff:
        done["diff"] = [_headed(row) for row in rows if row["changed"]]
        for row in rows:
            row.pop("diff", None)
    return done


def _headed(row: Result) -> Result:
    header = f"{row['name']} ({row['environment']})"
    return {**row.get("diff", {}), "before_header": header, "after_header": header}


def table(headings: t.Sequence[str], rows: t.Iterable[t.Sequence[str]]) -> list[str]:
    """One line a row below the headings, columns as wide as they need."""
    lines = [headings, *rows]
    widths = [max(len(line[column]) for line in lines) for column in range(len(headings))]
    return ["  ".join(cell.ljust(width) for cell, width in zip(line, widths)).rstrip() for line in lines]
