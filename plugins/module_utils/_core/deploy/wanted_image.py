# Copyright: (c) 2026, tidegate.platform contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The image that is to run, as far as it is here: named (`pull`) or built; root's is refused (`allow_root`)."""

from __future__ import annotations

import typing as t

from ..options.snapshot import terms
from ..values import identity
from ..values.actual import Image
from ..values.container import is_root
from ..values.errors import InvalidOption
from ..values.stack import Definition
from ..values.workload import State, Workload
from .run import Platform

FindImage = t.Callable[[str], t.Optional[Image]]


def images_of(on: Platform, definition: Definition) -> dict[str, Image]:
    """The images of all services, as far as the engine has them: those that they are pinned to."""
    names = {service.image: service.image_id or service.image for service in definition.services}
    rows = {name: on.engine.images.get(reference) for name, reference in sorted(names.items())}
    return {name: image for name, image in rows.items() if image is not None}


def find_artifact(want: Workload, on: Platform, find: FindImage) -> tuple[Image | None, bool, str]:
    """The wanted image, whether it has to be fetched or built, and its name if it is one that is built."""
    if want.recipe is None or want.artifact or want.state is not State.PRESENT:
        return (*_image(want, on, find), "")
    from ..sources.builder import Builder  # loaded only for what is built
    from ..sources.source_trees import SourceTrees

    builder = Builder(on.engine, SourceTrees(on.state_dir, identity.key_of(*want.subject), on.clock), on.clock)
    reference, image = builder.find(want.recipe, want.pull, want.registry)
    if image is not None and image.user is not None and not want.container.allow_root and want.container.user is None:
        _refuse_root(reference, image.user)
    return image, image is None, reference


def _image(want: Workload, on: Platform, find: FindImage) -> tuple[Image | None, bool]:
    """The wanted image in the engine, and whether it has to be fetched."""
    if want.state is not State.PRESENT or not want.container.image:
        return None, False
    reference = want.container.image
    image = find(want.reference)
    if want.artifact and image is None:
        if terms(want).source == "image":  # what a registry has; anything else was built here
            return None, True
        remedy = "Nothing was touched. Deploy the declaration, which brings it again."
        raise InvalidOption("image", reference, f"is not in the engine any more ({want.artifact})", remedy)
    if image is not None and image.user is not None and not want.container.allow_root and want.container.user is None:
        _refuse_root(reference, image.user)
    if want.pull == "never" and image is None:
        raise InvalidOption(
            "pull", "never", f"but {reference} is not in the engine", "Load it, or set pull to missing."
        )
    if want.pull == "always" and image is not None and "@" not in reference:
        stale = on.engine.images.remote_digest(reference, want.registry) not in image.digests
        return (None, True) if stale else (image, False)
    return image, image is None


def _refuse_root(reference: str, user: str) -> None:
    if is_root(user):
        raise InvalidOption(
            "allow_root", False, f"but {reference} runs as root", "Set user, or set allow_root to true."
        )
