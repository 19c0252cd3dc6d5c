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
from ..host.secrets import user_ids
from ..options.snapshot import terms
from ..values.container import ContainerSpec, Mount
from ..values.identity import SUFFIX_LENGTH, suffix_of
from ..values.plan import Step
from ..values.release import Release
from ..values.workload import TRAEFIK
from . import volumes
from .run import Run


def start(run: Run, step: Step) -> str:
    """Create the candidate's containers complete, then start them."""
    release = release_of(step)
    spec = run.want.container
    write_down(run, release)
    make_ground(run)
    for name in step.containers:
        create_container(run, name, release, _placed(run, spec, 0))
    each(step.containers, run.on.engine.containers.start)
    return ", ".join(step.containers)


def write_down(run: Run, release: Release) -> None:
    """Keep what a lost store is derived from; a stack's containers are Compose's, and say whose they are.

    :raises OSError: the disk is full; nothing was written.
    """
    if not terms(release).is_stack:
        release_files.keep(run.on.state_dir, run.key, release)


def make_ground(run: Run) -> None:
    """Make what its containers need as it is declared, before the first of any kind: the engine has its own way."""
    spec = run.want.container
    for network in spec.networks:
        run.on.engine.networks.ensure(network, dict(spec.addresses).get(network, ""))
    for mount in spec.mounts:
        if not mount.source.startswith("/"):
            run.on.engine.volumes.ensure(mount.source, listing.ownership(run.on.state_dir, run.subject))


def stand_in(run: Run, step: Step) -> str:
    """Start the candidate without its ports, to take its connections while they change hands.

    What has one writer is only read by it: what it would write from its own memory, it read before blue wrote last.
    """
    release = release_of(step)
    write_down(run, release)
    make_ground(run)
    spec = run.want.container
    mounts = tuple(replace(mount, read_only=mount.read_only or mount.one_writer) for mount in spec.mounts)
    for name in step.containers:
        plain = replace(spec, ports=(), addresses=(), mounts=mounts)
        create_container(run, name, release, _placed(run, plain, 1))
        run.on.engine.containers.start(name)
    return ", ".join(step.containers)


def _placed(run: Run, spec: ContainerSpec, number: int) -> ContainerSpec:
    """The proxy has the addresses that its networks keep for it, by which they tell it from everybody else.

    :param number: which of those that are kept; its stand-in has the second.
    """
    if run.subject != TRAEFIK:
        return spec
    kept = {network: run.on.engine.networks.kept_for_proxy(network) for network in spec.networks}
    found = {network: str(ipaddress.ip_network(prefix)[number]) for network, prefix in kept.items() if prefix}
    return replace(spec, addresses=tuple(sorted({**dict(spec.addresses), **found}.items())))


def _known_in(run: Run, spec: ContainerSpec) -> tuple[str, ...]:
    """Networks in which others may call it by its aliases.

    Behind the wall nobody may, so that where it has other networks, the names lead to it by those.
    """
    if not spec.aliases or not proxy_entry.wall_is_wanted(run.on.state_dir):
        return spec.networks
    return (
        tuple(network for network in spec.networks if not run.on.engine.networks.kept_for_proxy(network))
        or spec.networks
    )


def create_container(
    run: Run, name: str, release: Release, spec: ContainerSpec, command: tuple[str, ...] | None = None
) -> None:
    """Create one container with labels, environment and secret files that its user may read."""
    want = run.want
    suffix = release.id[-SUFFIX_LENGTH:]
    folder = run.on.secrets.write(run.key, suffix, want.secrets)
    extra = ContainerExtra(
        labels={
            **listing.ownership(run.on.state_dir, run.subject),
            listing.LABEL_DEPLOYMENT: release.id,
        },
        env={s.name: s.value for s in want.secrets if s.delivery == "environment"},
        secrets_dir=folder,
        command=command,
        one_off=command is not None,
        known_in=_known_in(run, spec),
    )
    run.on.engine.containers.create(name, release.image_id, replace(spec, mounts=(*spec.mounts, *_carried(run))), extra)
    if folder:
        image = run.have.image
        user = spec.user if spec.user is not None else ((image.user or "") if image else "")
        uid_given = user.partition(":")[0].isdigit() and ":" in user
        uid, gid = user_ids(user, "" if uid_given else run.on.engine.containers.passwd(name))
        first_uid, first_gid = listing.user_namespace(run.on.engine.facts())
        run.on.secrets.give(folder, first_uid + uid, first_gid + gid)


def _carried(run: Run) -> tuple[Mount, ...]:
    """The volumes without a name of the release before, which hold what was written where only its image declares one.

    The engine would give the new container empty ones.
    """
    image, live = run.have.image, run.have.live
    paths = stateful_paths(run.want, image) if image is not None and run.want.container.replicas == 1 else ()
    found: dict[str, str] = {}
    for name in live.containers if live is not None and paths else ():
        found = {**run.on.engine.containers.unnamed_volumes(name), **found}
    return tuple(Mount(found[path], path) for path in paths if path in found)


def each(names: t.Collection[str], act: t.Callable[[str], None]) -> None:
    """The same for every replica, at once: an engine takes its time for each, but not for all together."""
    if len(names) == 1:
        act(*names)
        return
    with ThreadPoolExecutor(max_workers=max(1, len(names))) as pool:
        for done in [pool.submit(act, name) for name in names]:
            done.result()


def prune_kept(run: Run) -> None:
    """Keep the files of releases that can be gone back to: their secrets, and what they are derived from.

    Where the record is lost, a container that nobody remembers needs its own all the same.
    """
    on, subject = run.on, run.subject
    kept = retained(on.store.releases(subject), on.store.known(subject).get(subject))
    suffixes = {suffix_of(name) for release in kept for name in release.containers}
    if not {*on.secrets.held(run.key), *release_files.held(on.state_dir, run.key)} <= suffixes:
        suffixes |= {suffix_of(c.name) for c in on.engine.containers.by_subject(subject).get(subject, ())}
    on.secrets.prune(run.key, suffixes)
    release_files.prune(on.state_dir, run.key, suffixes)


def release_of(step: Step) -> Release:
    """The release that a step of this kind always carries."""
    if step.release is None:
        raise ValueError(f"a {step.verb.value} step carries its release")
    return step.release


def resume(run: Run, step: Step) -> str:
    """Start containers that exist."""
    each(step.containers, run.on.engine.containers.resume)
    return ", ".join(step.containers)


def stop(run: Run, step: Step) -> str:
    """Stop containers, but keep them."""
    each(step.containers, lambda name: run.on.engine.containers.stop(name, step.leaving.stop_timeout))
    return ", ".join(step.containers)


def reap(run: Run, step: Step) -> str:
    """Stop and remove containers."""

    def away(name: str) -> None:
        run.on.engine.containers.stop(name, step.leaving.stop_timeout)
        volumes.remove_container(run, name)

    each(step.containers, away)
    prune_kept(run)
    return ", ".join(step.containers)


def remove_volumes(run: Run, step: Step) -> str:
    """Remove the workload's volumes with their data, because that was asked for."""
    for name in step.volumes:
        run.on.engine.volumes.remove(name)
    return ", ".join(step.volumes)
