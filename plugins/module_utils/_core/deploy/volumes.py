# Copyright: (c) 2026, tidegate.platform contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Volumes at a container's end and begin: those without a name go or stay, half restored ones are refused.

They are data until it is known that they are not: they go when that was asked for, or when nobody ever used them.
"""

from __future__ import annotations

import typing as t

from ..decide.plan import stateful_paths
from ..engine.engine import Engine
from ..engine.listing import LABEL_RESTORED
from ..host.places import Places
from ..host.restoring import unfilled
from ..options.snapshot import terms
from ..values.errors import StoreFailure
from ..values.workload import State
from .run import Run


def remove_container(run: Run, name: str) -> None:
    """Remove a container; what it leaves behind without a name is told."""
    engine, want = run.on.engine, run.want
    left = engine.containers.unnamed_volumes(name)
    if want.remove_volumes:
        engine.containers.remove(name, volumes=True)
        for volume in left.values():  # those that were carried over belong to no container alone
            engine.volumes.remove(volume)
        return
    engine.containers.remove(name, volumes=_worthless(run))
    one = want.state is State.PRESENT and want.container.replicas == 1
    image = run.have.image if one else None
    carried = stateful_paths(want, image) if image is not None else ()
    rows = [f"{volume} ({path})" for path, volume in sorted(left.items()) if path not in carried]
    if rows and not _worthless(run):
        run.warnings.append(f"Data of {name} was kept in volumes without a name: {', '.join(rows)}.")


def _worthless(run: Run) -> bool:
    """True where the declaration says so, and for what never was live."""
    live = run.have.live
    if run.deployment.undoing and live is None and run.want.bake is None:
        return True
    return not terms(live if live is not None else run.want).keeps_image_volumes


def refuse_unfilled(engine: Engine, state_dir: str, names: t.Iterable[str]) -> None:
    """Refuse to have a container on a volume of which only a part came back.

    Whoever else has a container on it may only have looked. What a workload was deployed on it before goes on.

    :raises StoreFailure: says how to end the restore, or that the volume is right as it is.
    """
    marks = {name: half.mark for name, half in unfilled(state_dir).items()}
    chosen = [name for name in names if name in marks]
    here = engine.volumes.by_name() if chosen else {}
    for name in chosen:
        if name not in here or here[name].labels.get(LABEL_RESTORED) != marks[name]:
            continue
        if not any(subject.workload for subject in engine.volumes.users(name).values()):
            instead = f"or, if what is in it is right, remove {Places(state_dir).filling}"
            remedy = f"Run the playbook restore again, with its archive; {instead}."
            raise StoreFailure("was half filled by a restore that was interrupted", subject=name, remedy=remedy)
