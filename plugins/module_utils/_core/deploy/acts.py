# Copyright: (c) 2026, tidegate.platform contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The table from a step's verb to the function that does it, and the acts that are one call to a part of the host.

Each act can be repeated: after a crash the same step is simply done again.
"""

from __future__ import annotations

import shutil
import tempfile
import typing as t

from ..decide.claims import claims_of
from ..decide.retention import retained
from ..engine.release_images import NeededImage, bring_back
from ..host import packet_filter, published_ports, release_files
from ..host.places import Places
from ..options.snapshot import terms
from ..proxy.routing_documents import servers_of
from ..values.errors import Unhealthy
from ..values.plan import Step, Verb
from . import gates, reach
from .bake import bake
from .containers import prune_kept, reap, release_of, remove_volumes, resume, stand_in, start, stop, write_down
from .disk_space import refuse_full_disk
from .drain import drain
from .gates import gate
from .release_command import run_release_command
from .run import Run

Act = t.Callable[[Run, Step], str]
"""Does one step and gives a short detail for people, or an empty text."""


def build(run: Run, _step: Step) -> str:
    """Build the artifact, and remember that it is here because of us."""
    want, on = run.want, run.on
    if want.recipe is None:
        raise ValueError("a build step comes of a declaration with a recipe")
    from ..sources.builder import Builder  # loaded only for what is built
    from ..sources.source_trees import SourceTrees

    refuse_full_disk(run)
    workshop = SourceTrees(on.state_dir, run.key, run.watch)
    builder = Builder(on.engine, workshop, run.watch, lambda line: run.tell(run.key, line))
    reference, image = builder.build(want.recipe, want.pull, want.registry)
    on.store.remember_pull(image.id, reference, on.clock.now())
    return reference


def keep_assets(run: Run, step: Step) -> str:
    """Keep what an open page of the live release may still ask for, and let go of what was kept long enough."""
    from ..sources import site, site_assets  # loaded only for sites

    folder = Places(run.on.state_dir).site(run.key)
    site_assets.expire(folder, run.want.keep_assets, run.on.clock.now())
    kept = 0
    with tempfile.TemporaryFile(dir=run.on.state_dir) as archive:
        for name in step.containers[:1]:  # its replicas have the same site
            if run.on.engine.containers.get_archive(name, site.SITE, archive):
                kept = site_assets.keep(folder, archive, run.on.clock.now())
    return f"{kept} files"


def pull(run: Run, _step: Step) -> str:
    """Fetch the artifact, if that leaves room on the disk, and remember that it is here because of us."""
    want, on = run.want, run.on
    refuse_full_disk(run)
    if want.artifact:
        bring_back(on.engine, NeededImage(want.artifact, want.container.image, [], True), run.check)
    else:
        on.engine.images.pull(want.container.image, want.registry, run.check)
    image = on.engine.images.get(want.container.image)
    if image is not None:
        on.store.remember_pull(image.id, want.container.image, on.clock.now())
    return want.container.image


def divert(run: Run, step: Step) -> str:
    """Send new connections for the release's ports to its stand-in."""
    (name,) = step.containers
    facts = run.on.engine.containers.inspect(name)
    if facts is None or not facts.address:
        raise Unhealthy("the stand-in has no address", subject=name, remedy=gates.STILL_SERVES)
    target = packet_filter.Target(facts.address, facts.address6)
    packet_filter.begin(packet_filter.whose(run.key, run.on.state_dir), terms(release_of(step)).ports, target)
    return f"new connections go to {name}"


def undivert(run: Run, _step: Step) -> str:
    """Let connections go to the owner of the ports again."""
    packet_filter.end(packet_filter.whose(run.key, run.on.state_dir))
    return ""


def place_route(run: Run, step: Step) -> str:
    """Switch or hold: write the route file and have it confirmed; of a new release, its servers are asked before."""
    if step.route is None:
        raise ValueError("a switch step carries its route")
    asks = reach.asks(step.release) if step.release is not None else {}
    said = reach.judge(run, run.on.traefik.ask(run.key, step.route, asks, run.have.routed))
    run.on.traefik.place(run.key, step.route)
    confirmed = ", ".join(servers_of(step.route)) or "no server, 503 with Retry-After"
    return f"confirmed: {confirmed}" + (f"; {said}" if said else "")


def unroute(run: Run, _step: Step) -> str:
    """Take the routes away."""
    run.on.traefik.unroute(run.key)
    return ""


def persist(run: Run, step: Step) -> str:
    """Make the candidate live, in one transaction, before anything of blue is touched."""
    release = release_of(step)
    on = run.on
    if run.want.stack is not None and release.state == "running":
        from .stacks import with_containers

        release = with_containers(run, release)
    write_down(run, release)
    on.store.persist(run.subject, release, claims_of(release), on.clock.now())
    prune_kept(run)
    if run.want.stack is not None:
        kept = retained(on.store.releases(run.subject), on.store.known(run.subject).get(run.subject))
        from .definitions import compose_of

        compose_of(run).prune({entry.image_id for entry in kept})
    return release.id


def withdraw(run: Run, step: Step) -> str:
    """Make the release before live again, in one transaction; what was live is remembered as not good."""
    back = step.release
    if back is not None:
        write_down(run, back)
    run.on.store.withdraw(run.subject, run.deployment.failure, back, claims_of(back) if back else ())
    return back.id if back else "nothing is live"


def forget(run: Run, _step: Step) -> str:
    """Nothing of the workload is live any more; what its containers still need stays until they are gone."""
    run.on.store.forget(run.subject)
    release_files.prune(run.on.state_dir, run.key, ())
    return ""


def clear(run: Run, _step: Step) -> str:
    """Remove what is left of a workload that has no containers: its files, its secrets and its networks."""
    run.on.secrets.prune(run.key, ())
    release_files.prune(run.on.state_dir, run.key, ())
    published_ports.give_up(run.on.state_dir, run.key, {})
    run.on.engine.networks.remove(run.subject)
    for place in (Places(run.on.state_dir).site(run.key), Places(run.on.state_dir).stack(run.key)):
        shutil.rmtree(place, ignore_errors=True)
    return ""


def _of_project(name: str) -> Act:
    """An act of Compose projects, whose file is loaded only for one."""

    def act(run: Run, step: Step) -> str:
        from . import stacks

        return t.cast("Act", getattr(stacks, name))(run, step)

    return act


ACTS: dict[Verb, Act] = {
    Verb.PULL: pull,
    Verb.BUILD: build,
    Verb.PLACE: _of_project("place"),
    Verb.ROLL: _of_project("roll"),
    Verb.UNROLL: _of_project("unroll"),
    Verb.UP: _of_project("up"),
    Verb.HOLD: place_route,
    Verb.STOP: stop,
    Verb.STAND_IN: stand_in,
    Verb.DIVERT: divert,
    Verb.UNDIVERT: undivert,
    Verb.KEEP_ASSETS: keep_assets,
    Verb.RELEASE_COMMAND: run_release_command,
    Verb.START: start,
    Verb.RESUME: resume,
    Verb.GATE: gate,
    Verb.SWITCH: place_route,
    Verb.UNROUTE: unroute,
    Verb.PERSIST: persist,
    Verb.BAKE: bake,
    Verb.WITHDRAW: withdraw,
    Verb.DRAIN: drain,
    Verb.REAP: reap,
    Verb.REMOVE_VOLUMES: remove_volumes,
    Verb.FORGET: forget,
    Verb.CLEAR: clear,
}
