# Copyright: (c) 2026, tidegate.platform contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A deployment's row on record: begun before anything is touched, with its candidate, and concluded once."""

from __future__ import annotations

import typing as t
from dataclasses import replace

from ..decide.candidate import candidate
from ..decide.claims import claims_of, refuse_claimed
from ..decide.plan import decide, prepare
from ..host import filesystem
from ..host.host_access import refuse_missing
from ..values.errors import Canceled, StoreFailure, Superseded, TidegateError, Unhealthy
from ..values.identity import canonical
from ..values.plan import Plan, Verb
from ..values.release import Release
from . import reach
from .apply import carry_out
from .observe import observe
from .run import Run
from .store import NewAttempt

# Ample for a deployment's rows and their write-ahead log, some tens of pages of 4 KiB.
ROOM = 256 * 1024
_MAKING = (Verb.PULL, Verb.BUILD, Verb.PLACE, Verb.START, Verb.STAND_IN, Verb.RELEASE_COMMAND, Verb.ROLL, Verb.UP)


def superseded(run: Run, cause: str) -> Superseded:
    """The error of a switch that has no candidate; what is on record stays open, for whoever takes it back."""
    run.deployment.recorded = False
    return Superseded(cause, subject=run.key, remedy="Run the deployment again.")


def take_on(run: Run, deployment: str) -> None:
    """Go on with a deployment that is on record."""
    run.deployment.id, run.deployment.recorded = deployment, True


def prepare_and_decide(run: Run, staged: Release | None = None) -> Plan:
    """Fetch the artifact, then decide with what is known of it, and record the attempt before its first act.

    :param staged: the candidate that an earlier phase made.
    """
    want = run.want
    fetch = prepare(want, run.have, candidate(want, run.have, run.deployment.id))
    refuse_unmountable(run, fetch)
    if fetch.steps:
        begin(run)
        carry_out(run, fetch)
        run.have = observe(replace(want, pull="missing"), run.on)
    proposed = candidate(want, run.have, run.deployment.id)
    if staged is not None:
        if staged.fingerprint != proposed.fingerprint:
            raise superseded(run, "what was staged is not what is declared now")
        proposed = staged
    plan = fetch if fetch.skipped else decide(want, run.have, proposed)
    if plan.skipped:
        begin(run)
    elif plan.candidate is not None:
        reach.require_network(want, plan, run.on)
        refuse_unmountable(run, plan)
        begin(run)
        _propose(run, plan.candidate)
    return plan


def refuse_unmountable(run: Run, plan: Plan) -> None:
    """Refuse to make containers that mount what is not there, and to fetch what they are made of, if it can be known.

    :raises InvalidOption: names the source; nothing is touched yet.
    """
    if any(step.verb in _MAKING for step in plan.steps):
        model = run.have.definition.model if run.have.definition else {}
        mounts = [m for facts in (model.get("services") or {}).values() for m in facts.get("volumes") or ()]
        binds = [str(mount.get("source") or "") for mount in mounts if mount.get("type") == "bind"]
        refuse_missing([*(mount.source for mount in run.want.container.mounts), *binds], run.on.state_dir)


def _propose(run: Run, green: Release) -> None:
    """Record the candidate with its routes; those of what is live stay its own as well, until this is over.

    :raises InvalidOption: another workload came to have one of the routes in the meantime.
    """
    live = run.have.live
    claims = [*claims_of(green), *(claims_of(live) if live else ())]
    taken = run.on.store.propose(run.deployment.id, green, claims)
    refuse_claimed(tuple((claim, f"{owner.workload} ({owner.environment})") for claim, owner in taken.items()))


def begin(run: Run) -> None:
    """Record the attempt, once, and only where all of it can be recorded.

    :raises StoreFailure: the disk is full; nothing was touched.
    """
    if run.deployment.recorded:
        return
    want, on = run.want, run.on
    free = filesystem.free_bytes(on.state_dir)
    if free is not None and free < ROOM:
        cause = f"has {free // 1024} KiB free, less than the record of a deployment may take ({ROOM // 1024} KiB)"
        raise StoreFailure(cause, subject=on.state_dir, remedy="Free space on its file system.")
    on.secrets.keep_key()
    attempt = NewAttempt(
        id=run.deployment.id,
        workload=want.name,
        environment=want.environment,
        strategy=want.strategy.value,
        snapshot=canonical(want.snapshot),
        begun_at=on.clock.now(),
        sequence=want.sequence,
        fleet=run.fleet.name,
        held_until=on.clock.now() + run.fleet.seconds if run.fleet.name else 0,
        leaves=run.deployment.leaves[0],
        leaves_why=run.deployment.leaves[1],
    )
    on.store.begin(attempt)
    run.deployment.recorded = True


def conclude(run: Run, conclusion: str, reason: str) -> None:
    """End the deployment on record, if there is one; `reason` loses its secrets on the way."""
    if run.deployment.recorded:
        run.on.store.conclude(run.deployment.id, conclusion, run.redact(reason), run.on.clock.now())


def conclude_failed(run: Run, error: TidegateError) -> None:
    """Conclude without any output of the application (DS-T6); what cannot be written is left to the next run."""
    try:
        conclude(run, conclusion_of(error), reason_of(error))
    except StoreFailure as second:
        run.warnings.append(f"The deployment could not be concluded: {second}")


def conclusion_of(error: TidegateError) -> str:
    """How a deployment ends that met this error."""
    return {Canceled: "canceled", Superseded: "skipped"}.get(type(error), "failed")


def reason_of(error: TidegateError) -> str:
    """What is kept of an error: our own words where they hold no output, else just its kind."""
    kind = f"{error.step or 'decide'}: {type(error).__name__}"
    return f"{kind}: {error.cause}" if isinstance(error, (Unhealthy, Canceled, Superseded)) else kind


def document(run: Run, conclusion: str) -> dict[str, t.Any] | None:
    """The recorded attempt as it is returned; None when none was needed."""
    if not run.deployment.recorded:
        return None
    return {
        "id": run.deployment.id,
        "status": "completed" if conclusion else "deploy",
        "conclusion": conclusion or None,
        "strategy": run.want.strategy.value,
    }
