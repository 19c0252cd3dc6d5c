# Copyright: (c) 2026, tidegate.platform contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Images: what there is, here and in registries, and how they come and go."""

from __future__ import annotations

import typing as t

from ..values.actual import Image
from ..values.errors import EngineFailure
from ..values.workload import Registry, registry_of
from . import listing
from .client import Client, explain_errors, is_conflict, write_whole


class Images:
    """The engine's images.

    :param first: those of another connection of this run: what was inspected once holds for its length; a pull is the
        one thing that moves a reference.
    """

    def __init__(self, client: Client, first: Images | None = None) -> None:
        self._client, self._api = client, client.api
        self._seen: dict[str, Image] = first._seen if first else {}

    def get(self, reference: str, *, fresh: bool = False) -> Image | None:
        """An image by reference or id, or None.

        :param fresh: ask again, because it was made just now.
        """
        if fresh:
            self._seen.pop(reference, None)
        if reference not in self._seen:
            facts = self._client.ask("inspect the image", reference, lambda: self._api.inspect_image(reference))
            if not facts:
                return None
            self._seen[reference] = self._seen[facts["Id"]] = listing.image_of(facts)
        return self._seen[reference]

    def by_name(self) -> dict[str, Image]:
        """Every image by every name it has; without what only an inspection tells."""
        with explain_errors("list images", "all"):
            return listing.images_of(self._api.images())

    def remote_digest(self, reference: str, registry: Registry | None) -> str:
        """Manifest digest that the registry has for a reference now."""
        with explain_errors("ask the registry for", reference):
            answer = self._api.inspect_distribution(reference, auth_config=_auth(reference, registry))
        return str(answer["Descriptor"]["digest"])

    def in_use(self, image_id: str) -> bool:
        """True while any container, whoever owns it, is made from an image."""
        with explain_errors("look for users of the image", image_id):
            return bool(self._api.containers(all=True, filters={"ancestor": image_id}, limit=1))

    def layers_size(self) -> int:
        """Bytes that all images take together, shared layers counted once."""
        with explain_errors("measure its images", "the engine"):
            return int(self._api.df()["LayersSize"] or 0)

    def save(self, reference: str, into: t.IO[bytes]) -> None:
        """Write an image as `docker save` does.

        :param into: is read again.
        """
        with explain_errors("save the image", reference):
            chunks = self._api.get_image(reference)
        write_whole("save the image", reference, chunks, into)

    def pull(self, reference: str, registry: Registry | None, check: t.Callable[[], None]) -> None:
        """Fetch an image; returns when it is complete.

        :param check: called at every sign of progress; raises to stop.
        """
        with explain_errors("pull", reference):
            for event in self._api.pull(reference, auth_config=_auth(reference, registry), stream=True, decode=True):
                check()
                self._seen.pop(reference, None)
                if "error" in event:
                    raise EngineFailure(f"the pull failed: {event['error']}", subject=reference)

    def load(self, stream: t.IO[bytes]) -> None:
        """Take in an image that was saved."""
        with explain_errors("load an image", ""):
            for event in self._api.load_image(stream):
                if "error" in event:
                    raise EngineFailure(f"the image was refused: {event['error']}", subject=self._client.docker_host)

    def tag(self, image_id: str, repository: str, tag: str) -> None:
        """Give an image one more name."""
        with explain_errors("name the image", image_id):
            self._api.tag(image_id, repository, tag)

    def remove(self, reference: str) -> bool:
        """Take a reference away, and the image with its last one; False while a container uses it."""
        try:
            self._client.ask("remove the image", reference, lambda: self._api.remove_image(reference))
        except EngineFailure as error:
            if is_conflict(error):
                return False
            raise
        return True


def _auth(reference: str, registry: Registry | None) -> dict[str, str] | None:
    """Credentials for a reference, if they are its registry's: any other would be told them."""
    if registry is None or registry_of(reference) != registry.host:
        return None
    return {"username": registry.username, "password": registry.password}
