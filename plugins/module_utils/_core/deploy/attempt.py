# Copyright: (c) 2026, tidegate.platform contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A deployment's row on record: begun before anything is touched, with its candidate, and concluded once."""

from __future__ import annotations

import typing as t
from dataclasses import replace

from ..decide.candidate import candidate, claims_of
from ..decide.plan import decide, prepare, refuse_claimed
from ..host import filesystem
from ..host.host_access import refuse_missing
from ..values.errors import Canceled, StoreFailure, Superseded, TidegateError, Unhealthy
from ..values.identity import canonical
from ..values.plan import Plan, Verb
from ..values.release import Release
from . import reach
from .apply import carry_out
from .observe import observe
from .run import World
from .store import NewAttempt

# Ample for a deployment's rows and their write-ahead log, some tens of pages of 4 KiB.
ROOM = 256 * 1024
_MAKING = (Verb.PULL, Verb.BUILD, Verb.PLACE, Verb.START, Verb.STAND_IN, Verb.RELEASE_COMMAND, Verb.ROLL, Verb.UP)


def superseded(world: World, cause: str) -> Superseded:
    """The error of a switch that has no candidate; what is on record stays open, for whoever takes it back."""
    world.recorded = False
    return Superseded(cause, subject=world.key, remedy="Run the deployment again.")


def take_on(world: World, deployment: str) -> None:
    """Go on with a deployment that is on record."""
    world.deployment, world.recorded = deployment, True


def prepare_and_decide(world: World, staged: Release | None = None) -> Plan:
    """Fetch the artifact, then decide with what is known of it, and record the attempt before its first act.

    :param staged: the candidate that an earlier phase made.
    """
    want = world.want
    fetch = prepare(want, world.have, candidate(want, world.have, world.deployment))
    refuse_unmountable(world, fetch)
    if fetch.steps:
        begin(world)
        carry_out(world, fetch)
        world.have = observe(replace(want, pull="missing"), world.on)
    proposed = candidate(want, world.have, world.deployment)
    if staged is not None:
        if staged.fingerprint != proposed.fingerprint:
            raise superseded(world, "what was staged is not what is declared now")
        proposed = staged
    plan = fetch if fetch.skipped else decide(want, world.have, proposed)
    if plan.skipped:
        begin(world)
    elif plan.candidate is not None:
        reach.require_network(want, plan, world.on)
        refuse_unmountable(world, plan)
        begin(world)
        _propose(world, plan.candidate)
    return plan


def refuse_unmountable(world: World, plan: Plan) -> None:
    """Refuse to make containers that mount what is not there, and to fetch what they are made of, if it can be known.

    :raises InvalidOption: names the source; nothing is touched yet.
    """
    if any(step.verb in _MAKING for step in plan.steps):
        model = world.have.definition.model if world.have.definition else {}
        mounts = [m for facts in (model.get("services") or {}).values() for m in facts.get("volumes") or ()]
        binds = [str(mount.get("source") or "") for mount in mounts if mount.get("type") == "bind"]
        refuse_missing([*(mount.source for mount in world.want.container.mounts), *binds], world.on.state_dir)


def _propose(world: World, green: Release) -> None:
    """Record the candidate with its routes; those of what is live stay its own as well, until this is over.

    :raises InvalidOption: another workload came to have one of the routes in the meantime.
    """
    live = world.have.live
    claims = [*claims_of(green), *(claims_of(live) if live else ())]
    taken = world.on.store.propose(world.deployment, green, claims)
    refuse_claimed(tuple((claim, f"{owner.workload} ({owner.environment})") for claim, owner in taken.items()))


def begin(world: World) -> None:
    """Record the attempt, once, and only where all of it can be recorded.

    :raises StoreFailure: the disk is full; nothing was touched.
    """
    if world.recorded:
        return
    want, on = world.want, world.on
    free = filesystem.free_bytes(on.state_dir)
    if free is not None and free < ROOM:
        cause = f"has {free // 1024} KiB free, less than the record of a deployment may take ({ROOM // 1024} KiB)"
        raise StoreFailure(cause, subject=on.state_dir, remedy="Free space on its file system.")
    on.secrets.keep_key()
    attempt = NewAttempt(
        id=world.deployment,
        workload=want.name,
        environment=want.environment,
        strategy=want.strategy.value,
        snapshot=canonical(want.snapshot),
        begun_at=on.clock.now(),
        sequence=want.sequence,
        fleet=world.fleet.name,
        held_until=on.clock.now() + world.fleet.seconds if world.fleet.name else 0,
        leaves=world.leaves[0],
        leaves_why=world.leaves[1],
    )
    on.store.begin(attempt)
    world.recorded = True


def conclude(world: World, conclusion: str, reason: str) -> None:
    """End the deployment on record, if there is one; `reason` loses its secrets on the way."""
    if world.recorded:
        world.on.store.conclude(world.deployment, conclusion, world.redact(reason), world.on.clock.now())


def conclude_failed(world: World, error: TidegateError) -> None:
    """Conclude without any output of the application (DS-T6); what cannot be written is left to the next run."""
    try:
        conclude(world, conclusion_of(error), reason_of(error))
    except StoreFailure as second:
        world.warnings.append(f"The deployment could not be concluded: {second}")


def conclusion_of(error: TidegateError) -> str:
    """How a deployment ends that met this error."""
    return {Canceled: "canceled", Superseded: "skipped"}.get(type(error), "failed")


def reason_of(error: TidegateError) -> str:
    """What is kept of an error: our own words where they hold no output, else just its kind."""
    kind = f"{error.step or 'decide'}: {type(error).__name__}"
    return f"{kind}: {error.cause}" if isinstance(error, (Unhealthy, Canceled, Superseded)) else kind


def document(world: World, conclusion: str) -> dict[str, t.Any] | None:
    """The recorded attempt as it is returned; None when none was needed."""
    if not world.recorded:
        return None
    return {
        "id": world.deployment,
        "status": "completed" if conclusion else "deploy",
        "conclusion": conclusion or None,
        "strategy": world.want.strategy.value,
    }
