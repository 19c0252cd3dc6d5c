# Copyright: (c) 2026, tidegate.platform contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The engine's own builder, line by line."""

from __future__ import annotations

import contextlib
import os
import re
import socket
import typing as t

from ..values.errors import BuildFailure
from ..values.recipe import Recipe
from .client import explain_errors
from .engine import Engine

with contextlib.suppress(ImportError):  # `client` says what is missing
    from docker.utils.build import exclude_paths

# What the engine says when an image that it was about to build upon was removed meanwhile, by its cause: removing any
# image removes the layers that only it had, also those that a build beside it has just found in the cache.
_LOST = re.compile(
    r"failed to get digest sha256:|[Nn]o such image: sha256:|unknown parent image ID|layer does not exist"
)


class CacheLost(BuildFailure):
    """Somebody removed what the build was about to build upon: it is to be started again."""


def refusal(said: str, reference: str) -> BuildFailure:
    """The failure that the engine told of."""
    kind = CacheLost if _LOST.search(said) else BuildFailure
    remedy = "What served before still serves; the build's last lines are in `logs`."
    return kind(f"the build failed: {said}", subject=reference, remedy=remedy)


def context_paths(root: str, dockerfile: str) -> set[str]:
    """The paths of a build context: all of a tree but git's own and what its `.dockerignore` leaves out."""
    try:
        with open(os.path.join(root, ".dockerignore"), encoding="utf-8") as stream:
            lines = [line.strip() for line in stream]
    except FileNotFoundError:
        lines = []
    patterns = [line for line in lines if line and not line.startswith("#")]
    return set(exclude_paths(root, ["**/.git", *patterns], dockerfile=dockerfile))


class BuildRequest(t.NamedTuple):
    """What the engine is told of a build."""

    recipe: Recipe
    context: t.IO[bytes]
    reference: str
    labels: dict[str, str]
    cached: bool = True


class BuildStream:
    """The lines that a build writes; closing it from another thread ends the build."""

    def __init__(self, engine: Engine, request: BuildRequest) -> None:
        self._api, self._request = engine.client.api, request
        self._responses: list[t.Any] = []
        self._api.hooks["response"].append(lambda response, **_options: self._responses.append(response))

    def __iter__(self) -> t.Iterator[str]:
        """Build; ends when the image is complete.

        :raises CacheLost: another build of the same may succeed.
        :raises BuildFailure: a step failed.
        """
        recipe = self._request.recipe
        with explain_errors("build", self._request.reference):
            for event in self._api.build(
                fileobj=self._request.context,
                custom_context=True,
                tag=self._request.reference,
                dockerfile=recipe.dockerfile,
                target=recipe.target,
                buildargs=dict(recipe.args),
                labels=self._request.labels,
                platform=recipe.platform,
                network_mode=recipe.network,
                cache_from=list(recipe.cache_from) or None,
                nocache=not self._request.cached,
                rm=True,
                forcerm=True,
                timeout=None,
                decode=True,
            ):
                if "error" in event:
                    raise refusal(event["error"].strip(), self._request.reference)
                if event.get("stream", "").strip():
                    yield event["stream"].rstrip()

    def close(self) -> None:
        """End the build, if it runs: the engine stops one whose asker is gone."""
        for response in self._responses:
            connection = getattr(response.raw, "_original_connection", None)
            if connection is not None and connection.sock is not None:
                with contextlib.suppress(OSError):
                    connection.sock.shutdown(socket.SHUT_RDWR)
        self._api.close()
