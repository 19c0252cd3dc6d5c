# Copyright: (c) 2026, tidegate.platform contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A release's containers: made, started, stopped, resumed, removed; its stand-in and its release command."""

from __future__ import annotations

import ipaddress
import typing as t
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

from ..decide.plan import stateful_paths
from ..decide.retention import retained
from ..engine import listing
from ..engine.arguments import ContainerExtra
from ..host import proxy_entry, release_files
from ..host.clock import attempts
from ..host.secrets import user_ids
from ..options.snapshot import terms
from ..values.container import ContainerSpec, Mount
from ..values.errors import Unhealthy
from ..values.identity import SUFFIX_LENGTH, suffix_of
from ..values.plan import Step
from ..values.release import Release
from ..values.workload import TRAEFIK
from . import volumes
from .run import World


def start(world: World, step: Step) -> str:
    """Create the candidate's containers complete, then start them."""
    release = release_of(step)
    spec = world.want.container
    write_down(world, release)
    _ground(world)
    for name in step.containers:
        _create(world, name, release, _placed(world, spec, 0))
    each(step.containers, world.on.engine.containers.start)
    return ", ".join(step.containers)


def write_down(world: World, release: Release) -> None:
    """Keep what a lost store is derived from; a stack's containers are Compose's, and say whose they are.

    :raises OSError: the disk is full; nothing was written.
    """
    if not terms(release).is_stack:
        release_files.keep(world.on.state_dir, world.key, release)


def _ground(world: World) -> None:
    """Make what its containers need as it is declared, before the first of any kind: the engine has its own way."""
    spec = world.want.container
    for network in spec.networks:
        world.on.engine.networks.ensure(network, dict(spec.addresses).get(network, ""))
    for mount in spec.mounts:
        if not mount.source.startswith("/"):
            world.on.engine.volumes.ensure(mount.source, listing.ownership(world.on.state_dir, world.subject))


def stand_in(world: World, step: Step) -> str:
    """Start the candidate without its ports, to take its connections while they change hands.

    What has one writer is only read by it: what it would write from its own memory, it read before blue wrote last.
    """
    release = release_of(step)
    write_down(world, release)
    _ground(world)
    spec = world.want.container
    mounts = tuple(replace(mount, read_only=mount.read_only or mount.one_writer) for mount in spec.mounts)
    for name in step.containers:
        plain = replace(spec, ports=(), addresses=(), mounts=mounts)
        _create(world, name, release, _placed(world, plain, 1))
        world.on.engine.containers.start(name)
    return ", ".join(step.containers)


def _placed(world: World, spec: ContainerSpec, number: int) -> ContainerSpec:
    """The proxy has the addresses that its networks keep for it, by which they tell it from everybody else.

    :param number: which of those that are kept; its stand-in has the second.
    """
    if world.subject != TRAEFIK:
        return spec
    kept = {network: world.on.engine.networks.kept_for_proxy(network) for network in spec.networks}
    found = {network: str(ipaddress.ip_network(prefix)[number]) for network, prefix in kept.items() if prefix}
    return replace(spec, addresses=tuple(sorted({**dict(spec.addresses), **found}.items())))


def _known_in(world: World, spec: ContainerSpec) -> tuple[str, ...]:
    """Networks in which others may call it by its aliases.

    Behind the wall nobody may, so that where it has other networks, the names lead to it by those.
    """
    if not spec.aliases or not proxy_entry.wall_is_wanted(world.on.state_dir):
        return spec.networks
    return (
        tuple(network for network in spec.networks if not world.on.engine.networks.kept_for_proxy(network))
        or spec.networks
    )


def release_command(world: World, step: Step) -> str:
    """Run the release command once, in a container of the candidate's make, and remove that container."""
    release = release_of(step)
    name = f"{world.want.name}-{release.id[-SUFFIX_LENGTH:]}-release"
    engine, seconds, passed = world.on.engine, world.want.release_command_timeout, False
    try:
        _ground(world)
        # Nobody calls it: it has neither an address nor a name of those that serve.
        spec = replace(world.want.container, addresses=(), aliases=())
        _create(world, name, release, spec, world.want.release_command)
        engine.containers.start(name)
        code = _exit_code(world, name, seconds)
        if code != 0:
            how = f"did not end within {seconds:g} s" if code is None else f"ended with exit code {code}"
            remedy = "What served before still serves; the output is in `logs`."
            raise Unhealthy(
                f"the release command {how}", subject=name, remedy=remedy, logs=engine.containers.tail(name)
            )
        passed = True
    finally:  # whatever ended it: no step takes this back
        engine.containers.remove(name, volumes=True)
        if not passed:
            prune_kept(world)
    return f"exit code {code}"


def _exit_code(world: World, name: str, seconds: float) -> int | None:
    """How a one-off container ended, or None when it has not after `seconds`."""
    for _left in attempts(world.watch, seconds, first=0.02):
        facts = world.on.engine.containers.inspect(name)
        if facts is not None and facts.state in ("exited", "dead"):
            return facts.exit_code
    return None


def _create(
    world: World, name: str, release: Release, spec: ContainerSpec, command: tuple[str, ...] | None = None
) -> None:
    """Create one container with labels, environment and secret files that its user may read."""
    want = world.want
    suffix = release.id[-SUFFIX_LENGTH:]
    folder = world.on.secrets.write(world.key, suffix, want.secrets)
    extra = ContainerExtra(
        labels={
            **listing.ownership(world.on.state_dir, world.subject),
            listing.LABEL_DEPLOYMENT: release.id,
        },
        env={s.name: s.value for s in want.secrets if s.delivery == "environment"},
        secrets_dir=folder,
        command=command,
        one_off=command is not None,
        known_in=_known_in(world, spec),
    )
    world.on.engine.containers.create(
        name, release.image_id, replace(spec, mounts=(*spec.mounts, *_carried(world))), extra
    )
    if folder:
        image = world.have.image
        user = spec.user if spec.user is not None else ((image.user or "") if image else "")
        uid_given = user.partition(":")[0].isdigit() and ":" in user
        uid, gid = user_ids(user, "" if uid_given else world.on.engine.containers.passwd(name))
        first_uid, first_gid = listing.user_namespace(world.on.engine.facts())
        world.on.secrets.give(folder, first_uid + uid, first_gid + gid)


def _carried(world: World) -> tuple[Mount, ...]:
    """The volumes without a name of the release before, which hold what was written where only its image declares one.

    The engine would give the new container empty ones.
    """
    image, live = world.have.image, world.have.live
    paths = stateful_paths(world.want, image) if image is not None and world.want.container.replicas == 1 else ()
    found: dict[str, str] = {}
    for name in live.containers if live is not None and paths else ():
        found = {**world.on.engine.containers.unnamed_volumes(name), **found}
    return tuple(Mount(found[path], path) for path in paths if path in found)


def each(names: t.Collection[str], act: t.Callable[[str], None]) -> None:
    """The same for every replica, at once: an engine takes its time for each, but not for all together."""
    if len(names) == 1:
        act(*names)
        return
    with ThreadPoolExecutor(max_workers=max(1, len(names))) as pool:
        for done in [pool.submit(act, name) for name in names]:
            done.result()


def prune_kept(world: World) -> None:
    """Keep the files of releases that can be gone back to: their secrets, and what they are derived from.

    Where the record is lost, a container that nobody remembers needs its own all the same.
    """
    on, subject = world.on, world.subject
    kept = retained(on.store.releases(subject), on.store.known(subject).get(subject))
    suffixes = {suffix_of(name) for release in kept for name in release.containers}
    if not {*on.secrets.held(world.key), *release_files.held(on.state_dir, world.key)} <= suffixes:
        suffixes |= {suffix_of(c.name) for c in on.engine.containers.by_subject(subject).get(subject, ())}
    on.secrets.prune(world.key, suffixes)
    release_files.prune(on.state_dir, world.key, suffixes)


def release_of(step: Step) -> Release:
    """The release that a step of this kind always carries."""
    if step.release is None:
        raise ValueError(f"a {step.verb.value} step carries its release")
    return step.release


def resume(world: World, step: Step) -> str:
    """Start containers that exist."""
    each(step.containers, world.on.engine.containers.resume)
    return ", ".join(step.containers)


def stop(world: World, step: Step) -> str:
    """Stop containers, but keep them."""
    each(step.containers, lambda name: world.on.engine.containers.stop(name, step.leaving.stop_timeout))
    return ", ".join(step.containers)


def reap(world: World, step: Step) -> str:
    """Stop and remove containers."""

    def away(name: str) -> None:
        world.on.engine.containers.stop(name, step.leaving.stop_timeout)
        volumes.remove_container(world, name)

    each(step.containers, away)
    prune_kept(world)
    return ", ".join(step.containers)


def remove_volumes(world: World, step: Step) -> str:
    """Remove the workload's volumes with their data, because that was asked for."""
    for name in step.volumes:
        world.on.engine.volumes.remove(name)
    return ", ".join(step.volumes)
