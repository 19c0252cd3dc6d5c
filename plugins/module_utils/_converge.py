# Copyright: (c) 2026, tidegate.platform contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The story of one run: read, recover, prepare, decide, act. Private to tidegate.platform."""

from __future__ import annotations

import os
import typing as t
from dataclasses import dataclass, field

from . import _lock, _names, _routing
from ._after import after
from ._apply import carry_out
from ._clock import Clock
from ._declared import State, Workload, canonical
from ._engine import Engine
from ._errors import Canceled, InvalidOption, StoreFailure, TidegateError, Unhealthy
from ._model import Actual, Image, Plan, Release
from ._parse import is_root
from ._plan import Routing, decide, prepare, recover
from ._secrets import Secrets
from ._store import NewAttempt, Store
from ._traefik import Traefik
from ._view import view
from ._world import Platform, World

ROUTING = Routing(_routing.document, _routing.hold)
Params = t.Mapping[str, t.Any]


@dataclass
class Outcome:
    """What a run did, or in check mode would do."""

    changed: bool
    reason: str
    steps: list[dict[str, t.Any]]
    before: dict[str, t.Any]
    after: dict[str, t.Any]
    live: Release | None = None
    previous: Release | None = None
    deployment: dict[str, t.Any] | None = None
    cut: dict[str, int] = field(default_factory=lambda: {"outlived": 0, "cut": 0})


def open_platform(params: Params, secrets: Secrets, clock: Clock) -> Platform:
    """The parts of this host, by the module's connection options."""
    return Platform(
        engine=Engine(params["docker_host"], params["state_dir"]),
        store=Store(params["state_dir"]),
        traefik=Traefik(params["routes_dir"], params["traefik_api"], params["traefik_timeout"], clock),
        secrets=secrets,
        clock=clock,
        state_dir=params["state_dir"],
        lock_timeout=params["lock_timeout"],
    )


def preview(want: Workload, on: Platform) -> Outcome:
    """What `converge` would do now; touches nothing."""
    have = observe(want, on)
    plans: list[Plan] = []
    now = have
    if have.attempt:
        plans.append(recover(have))
        now = after(have, plans[-1])
    plans.append(prepare(want, now))
    plans.append(decide(want, now, _candidate(want, now, _new_id(on)), ROUTING))
    later = after(now, plans[-1])
    steps = [{"name": verb, "seconds": 0.0, "detail": ""} for plan in plans for verb in plan.verbs()]
    changed = bool(steps) or have.attempt is not None
    return Outcome(
        changed, plans[-1].reason, steps, view(have, ROUTING), view(later, ROUTING), later.live, later.previous
    )


def converge(want: Workload, world: World) -> Outcome:
    """Make the host as declared, under the workload's lock.

    :raises TidegateError: nothing that served was taken away; `world` holds the steps done so far.
    """
    on = world.on
    with _lock.held(on.state_dir, world.subject, on.lock_timeout, on.clock):
        first = world.have = observe(want, on)
        recovered = _recover(world)
        try:
            plan = _prepare_and_decide(want, world)
            carry_out(world, plan)
        except TidegateError as error:
            _conclude_failed(world, error)
            raise
        if world.recorded:
            _conclude(world, "succeeded" if plan.steps else "skipped", plan.reason)
        last = observe(want, on) if world.steps else world.have
    return Outcome(
        changed=bool(world.steps) or recovered,
        reason=plan.reason,
        steps=world.steps,
        before=view(first, ROUTING),
        after=view(last, ROUTING),
        live=last.live,
        previous=last.previous,
        deployment=_deployment(world, "succeeded" if plan.steps else "skipped"),
        cut={"outlived": world.drained.outlived, "cut": world.drained.cut},
    )


def observe(want: Workload, on: Platform) -> Actual:
    """Everything that deciding needs: one filtered listing, one image, one file, three queries."""
    live, previous = on.store.live(want.name, want.environment)
    image, pull_needed = _image(want, on)
    return Actual(
        containers=on.engine.containers(want.name, want.environment),
        live=live,
        previous=previous,
        attempt=on.store.attempt(want.name, want.environment),
        route=on.traefik.read(_names.key_of(want.name, want.environment)),
        image=image,
        pull_needed=pull_needed,
        claimed=on.store.owners(want.claims, want.name, want.environment),
    )


def _image(want: Workload, on: Platform) -> tuple[Image | None, bool]:
    """The wanted image in the engine, and whether it has to be fetched."""
    if want.state is not State.PRESENT:
        return None, False
    reference = want.container.image
    image = on.engine.image(reference)
    if image is not None and not want.container.allow_root and want.container.user is None and is_root(image.user):
        raise InvalidOption(
            "allow_root", False, f"but {reference} runs as root", "Set user, or set allow_root to true."
        )
    if want.pull == "never" and image is None:
        raise InvalidOption(
            "pull", "never", f"but {reference} is not in the engine", "Load it, or set pull to missing."
        )
    if want.pull == "always" and image is not None and "@" not in reference:
        stale = on.engine.remote_digest(reference, want.registry) not in image.digests
        return (None, True) if stale else (image, False)
    return image, image is None


def _recover(world: World) -> bool:
    """Finish or take back an earlier run's unfinished deployment; true when there was one."""
    attempt = world.have.attempt
    if attempt is None:
        return False
    plan = recover(world.have)
    mine, world.deployment, world.recorded = world.deployment, attempt.id, True
    succeeded = plan.candidate is not None
    try:
        carry_out(world, plan)
    except Unhealthy as error:
        if succeeded:
            raise
        # Blue cannot serve any more, whatever is done; that must not keep a better declaration from being deployed.
        world.warnings.append(f"While taking back deployment {attempt.id}: {error}")
    how = "rolled forward" if succeeded else "taken back"
    _conclude(world, "succeeded" if succeeded else "failed", f"interrupted and {how}: {plan.reason}")
    world.warnings.append(f"Deployment {attempt.id} had been interrupted; it was {how}, because {plan.reason}.")
    world.deployment, world.recorded = mine, False
    world.have = observe(world.want, world.on)
    return True


def _prepare_and_decide(want: Workload, world: World) -> Plan:
    """Fetch the artifact, then decide with what is known of it, and record the attempt before its first act."""
    fetch = prepare(want, world.have)
    if fetch.steps:
        _begin(world)
        carry_out(world, fetch)
        world.have = observe(want, world.on)
    plan = decide(want, world.have, _candidate(want, world.have, world.deployment), ROUTING)
    if plan.candidate is not None:
        if not world.recorded:
            _begin(world)
        world.on.store.propose(world.deployment, plan.candidate)
    return plan


def _begin(world: World) -> None:
    want, on = world.want, world.on
    on.secrets.keep_key()
    snapshot = canonical(want.snapshot)
    on.store.begin(
        NewAttempt(world.deployment, want.name, want.environment, want.strategy.value, snapshot, on.clock.now())
    )
    world.recorded = True


def _conclude(world: World, conclusion: str, reason: str) -> None:
    if world.recorded:
        world.on.store.conclude(world.deployment, conclusion, world.redact(reason), world.on.clock.now())


def _conclude_failed(world: World, error: TidegateError) -> None:
    """Conclude without any output of the application (DS-T6); what cannot be written is left to the next run."""
    conclusion = "canceled" if isinstance(error, Canceled) else "failed"
    try:
        _conclude(world, conclusion, f"{error.step or 'decide'}: {type(error).__name__}")
    except StoreFailure as second:
        world.warnings.append(f"The deployment could not be concluded: {second}")


def _deployment(world: World, conclusion: str) -> dict[str, t.Any] | None:
    if not world.recorded:
        return None
    return {
        "id": world.deployment,
        "status": "completed",
        "conclusion": conclusion,
        "strategy": world.want.strategy.value,
    }


def _candidate(want: Workload, have: Actual, identity: str) -> Release:
    image_id = have.image.id if have.image else "not known before the pull"
    return Release(
        id=identity,
        image=want.container.image,
        image_id=image_id,
        fingerprint=want.container.fingerprint(image_id),
        containers=_names.container_names(want.name, identity, want.container.replicas),
        route=None,
        snapshot=want.snapshot,
    )


def _new_id(on: Platform) -> str:
    return _names.deployment_id(int(on.clock.now() * 1000), os.urandom(10))


def new_world(want: Workload, on: Platform) -> World:
    """A run that has not looked yet."""
    return World(on=on, want=want, have=Actual(), deployment=_new_id(on))
