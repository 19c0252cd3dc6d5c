# Copyright: (c) 2026, tidegate.platform contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The release that a deployment would make."""

from __future__ import annotations

from dataclasses import asdict

from ..values.actual import Actual
from ..values.identity import container_names, digest
from ..values.release import Release
from ..values.workload import Workload


def candidate(want: Workload, have: Actual, identity: str) -> Release:
    """The release that a deployment of this id would make; its routes are filled in by the decision."""
    if want.stack is not None:
        return _stack_candidate(want, have, identity)
    made = "pull" if want.recipe is None else "build"
    image_id = have.image.id if have.image else f"not known before the {made}"
    return Release(
        id=identity,
        image=have.reference or want.container.image,
        image_id=image_id,
        fingerprint=want.container.fingerprint(image_id),
        containers=container_names(want.name, identity, want.container.replicas),
        route=None,
        snapshot=want.snapshot,
    )


def _stack_candidate(want: Workload, have: Actual, identity: str) -> Release:
    """A stack's release; what its containers are called is known once they are there."""
    definition = have.definition.identity if have.definition else ""
    routes = [asdict(exposed) for exposed in (want.stack.exposed if want.stack else ())]
    return Release(
        id=identity,
        image=want.container.image,
        image_id=definition,
        fingerprint=digest([definition, routes]),
        containers=(),
        route=None,
        snapshot=want.snapshot,
    )
