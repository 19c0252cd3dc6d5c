# Copyright: (c) 2026, tidegate.platform contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One function a verb: the only code that changes the host. Private to tidegate.platform.

Each act can be repeated: after a crash the same step is simply done again.
"""

from __future__ import annotations

import typing as t

from . import _drain, _gate, _options
from ._create import ContainerExtra
from ._declared import ContainerSpec
from ._engine import (
    LABEL_DEPLOYMENT,
    LABEL_ENVIRONMENT,
    LABEL_FINGERPRINT,
    LABEL_STATE_DIR,
    LABEL_WORKLOAD,
)
from ._errors import TidegateError, Unhealthy
from ._model import Release, Step, Verb
from ._names import SUFFIX_LENGTH
from ._secrets import user_ids
from ._world import World

Act = t.Callable[[World, Step], str]
"""Does one step and gives a short detail for people, or an empty text."""


def pull(world: World, _step: Step) -> str:
    """Fetch the artifact."""
    with world.interrupts.waiting():
        world.on.engine.pull(world.want.container.image, world.want.registry)
    return world.want.container.image


def start(world: World, step: Step) -> str:
    """Create the candidate's containers complete, then start them."""
    release = _release(step)
    spec = world.want.container
    for network in spec.networks:
        world.on.engine.ensure_network(network)
    for mount in spec.mounts:
        if not mount.source.startswith("/"):
            world.on.engine.ensure_volume(mount.source, {LABEL_WORKLOAD: world.want.name})
    for name in step.containers:
        _create(world, name, release, spec)
    for name in step.containers:
        world.on.engine.start(name)
    return ", ".join(step.containers)


def release_command(world: World, step: Step) -> str:
    """Run the release command once, in a container of the candidate's make, and remove that container."""
    release = _release(step)
    name = f"{world.want.name}-{release.id[-SUFFIX_LENGTH:]}-release"
    engine, seconds = world.on.engine, world.want.release_command_timeout
    try:
        for network in world.want.container.networks:
            engine.ensure_network(network)
        _create(world, name, release, world.want.container, world.want.release_command)
        engine.start(name)
        with world.interrupts.waiting():
            code = engine.wait(name, seconds)
        if code != 0:
            how = f"did not end within {seconds:g} s" if code is None else f"ended with exit code {code}"
            remedy = "What served before still serves; the output is in `logs`."
            raise Unhealthy(f"the release command {how}", subject=name, remedy=remedy, logs=engine.tail(name))
    except TidegateError:
        engine.remove(name)
        _prune_secrets(world)
        raise
    engine.remove(name)
    return f"exit code {code}"


def _create(
    world: World, name: str, release: Release, spec: ContainerSpec, command: tuple[str, ...] | None = None
) -> None:
    """Create one container with labels, environment and secret files that its user may read."""
    want = world.want
    suffix = release.id[-SUFFIX_LENGTH:]
    folder = world.on.secrets.write(world.key, suffix, want.secrets)
    extra = ContainerExtra(
        labels={
            LABEL_STATE_DIR: world.on.state_dir,
            LABEL_WORKLOAD: want.name,
            LABEL_ENVIRONMENT: want.environment,
            LABEL_DEPLOYMENT: release.id,
            LABEL_FINGERPRINT: release.fingerprint if command is None else "",
        },
        env={s.name: s.value for s in want.secrets if s.delivery == "environment"},
        secrets_dir=folder,
        command=command,
        one_off=command is not None,
    )
    world.on.engine.create(name, release.image_id, spec, extra)
    if folder:
        user = spec.user if spec.user is not None else (world.have.image.user if world.have.image else "")
        uid_given = user.partition(":")[0].isdigit() and ":" in user
        world.on.secrets.give(folder, *user_ids(user, "" if uid_given else world.on.engine.passwd(name)))


def gate(world: World, step: Step) -> str:
    """Wait until every container passed its release's gate."""
    image = world.on.engine.image(step.release.image_id) if step.release else world.have.image
    declared = world.want.gate if step.release is None else _options.gate(step.release.snapshot)
    settled = _gate.settle(declared, bool(image and image.has_healthcheck))
    said = ""
    for name in step.containers:
        facts = world.on.engine.inspect(name)
        with world.interrupts.waiting():
            # A container made by this very deployment may not have restarted even once.
            resumed = step.release is None or step.release.id != world.deployment
            entry = _gate.Entry(name, settled, facts.restarts if facts and resumed else 0)
            said = _gate.pass_gate(world.on.engine, world.on.clock, entry)
    return said


def place_route(world: World, step: Step) -> str:
    """Switch or hold: write the route file and have it confirmed."""
    if step.route is None:
        raise ValueError("a switch step carries its route")
    world.on.traefik.place(world.key, step.route)
    servers = [s for v in step.route["http"].get("services", {}).values() for s in v["loadBalancer"]["servers"]]
    return "confirmed: " + (", ".join(s["url"] for s in servers) or "no server, 503 with Retry-After")


def unroute(world: World, _step: Step) -> str:
    """Take the routes away."""
    world.on.traefik.withdraw(world.key)
    return ""


def resume(world: World, step: Step) -> str:
    """Start containers that exist."""
    for name in step.containers:
        world.on.engine.start(name)
    return ", ".join(step.containers)


def stop(world: World, step: Step) -> str:
    """Stop containers, but keep them."""
    for name in step.containers:
        world.on.engine.stop(name, _stop_timeout(world))
    return ", ".join(step.containers)


def persist(world: World, step: Step) -> str:
    """Make the candidate live, in one transaction, before anything of blue is touched."""
    release = _release(step)
    on = world.on
    claims = [claim for route in _options.routes(release.snapshot) for claim in route.claims()]
    on.store.persist(world.subject, release, claims, on.clock.now())
    _prune_secrets(world)
    return release.id


def _prune_secrets(world: World) -> None:
    """Keep the secret files of the live and the previous release only."""
    kept = [name for release in world.on.store.live(*world.subject) if release for name in release.containers]
    world.on.secrets.prune(world.key, {name.rpartition("-")[0][-SUFFIX_LENGTH:] for name in kept})


def drain(world: World, step: Step) -> str:
    """Wait until nothing is in flight to these containers; count what had to be cut."""
    live = world.have.live
    port = live.snapshot["port"] if live else world.want.container.port
    limits = _options.drain(live.snapshot) if live else world.want.drain
    facts = [world.on.engine.inspect(name) for name in step.containers]
    pids = [f.pid for f in facts if f is not None and f.pid]
    if port is None or not pids:
        return "nothing listens"
    with world.interrupts.waiting():
        drained = _drain.drain(lambda: _drain.open_connections(pids, port), limits, world.on.clock)
    world.drained = _drain.Drained(world.drained.outlived + drained.outlived, world.drained.cut + drained.cut)
    return f"cut {drained.cut}" if drained.cut else "none in flight"


def reap(world: World, step: Step) -> str:
    """Stop and remove containers."""
    for name in step.containers:
        world.on.engine.stop(name, _stop_timeout(world))
        world.on.engine.remove(name)
    _prune_secrets(world)
    return ", ".join(step.containers)


def forget(world: World, _step: Step) -> str:
    """Nothing of the workload is live any more."""
    world.on.store.forget(world.subject)
    world.on.secrets.prune(world.key, ())
    return ""


def _release(step: Step) -> Release:
    if step.release is None:
        raise ValueError(f"a {step.verb.value} step carries its release")
    return step.release


def _stop_timeout(world: World) -> int:
    live = world.have.live
    return int(live.snapshot["stop_timeout"] if live else world.want.container.stop_timeout)


ACTS: dict[Verb, Act] = {
    Verb.PULL: pull,
    Verb.HOLD: place_route,
    Verb.STOP: stop,
    Verb.RELEASE_COMMAND: release_command,
    Verb.START: start,
    Verb.RESUME: resume,
    Verb.GATE: gate,
    Verb.SWITCH: place_route,
    Verb.UNROUTE: unroute,
    Verb.PERSIST: persist,
    Verb.DRAIN: drain,
    Verb.REAP: reap,
    Verb.FORGET: forget,
}
