# Copyright: (c) 2026, tidegate.platform contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Building an image: its turn, its base images, its progress, its limits."""

from __future__ import annotations

import json
import math
import os
import queue
import threading
import typing as t

from ..engine.builds import BuildRequest, BuildStream, CacheLost, context_paths
from ..engine.engine import Engine
from ..host import locks, process
from ..host.clock import Clock
from ..values.actual import Image
from ..values.errors import BuildFailure, InvalidOption, TidegateError
from ..values.identity import digest
from ..values.recipe import Recipe
from ..values.workload import Registry
from . import base_images, buildkit, generated, trees
from .source_trees import SourceTrees

LABEL_BASES = "tidegate.bases"
LABEL_RECIPE = "tidegate.recipe"
REPOSITORY = "tidegate.local"
TAIL_LINES = 40
ATTEMPTS = 5  # one in twelve failed while four others built and removed images of the same layers all the time
IDENTITY_LENGTH = 32


class Tree(t.NamedTuple):
    """A source on this host, and which of its paths take part in a build."""

    root: str
    paths: t.Collection[str]


class Builder:
    """What a build needs of the host.

    :param tell: called with a line of progress.
    """

    def __init__(
        self, engine: Engine, workshop: SourceTrees, clock: Clock, tell: t.Callable[[str], None] = lambda _line: None
    ) -> None:
        self.engine, self.workshop, self.clock, self.tell = engine, workshop, clock, tell
        self.repository = f"{REPOSITORY}/{workshop.key}"

    def _name(self, recipe: Recipe, tree: str) -> str:
        """What the image of a recipe is called, whether it is built or not: by source and options."""
        return f"{self.repository}:{digest(recipe.identity(tree))[:IDENTITY_LENGTH]}"

    def find(self, recipe: Recipe, pull: str, registry: Registry | None) -> tuple[str, Image | None]:
        """The name of a recipe's image, and the image, unless one of those that it was built from is another by now.

        :param pull: with `always`, the registry is asked what each of them is.
        :raises InvalidOption, CommandFailure: the source cannot be read.
        """
        tree = self.workshop.identity(recipe.source, lambda root: context_paths(root, recipe.dockerfile))
        reference = self._name(recipe, tree)
        image = self.engine.images.get(reference)
        known: dict[str, str] = json.loads(image.labels.get(LABEL_BASES) or "{}") if image else {}
        current = all(self._still(name, identity, pull, registry) for name, identity in known.items())
        return reference, image if current else None

    def _still(self, name: str, identity: str, pull: str, registry: Registry | None) -> bool:
        """True while a base image is what it was; one that was removed still is."""
        base = self.engine.images.get(name)
        if base is not None and base.id != identity:
            return False
        if pull != "always" or "@" in name or name.startswith("sha256:"):
            return True
        return base is not None and self.engine.images.remote_digest(name, registry) in base.digests

    def build(self, recipe: Recipe, pull: str, registry: Registry | None) -> tuple[str, Image]:
        """Build the image and give it its name; an image that is too large is removed again.

        :raises BuildFailure: with the last lines of the build.
        """
        self.workshop.sweep()
        limits = recipe.limits
        # Those before it have times of their own, so that its turn comes; a signal or a cancellation ends the wait.
        with locks.turn(self.workshop.state_dir, "build", limits.concurrency, math.inf, self.clock):
            try:
                with self.workshop.tree(recipe.source) as (root, commit):
                    paths = context_paths(root, recipe.dockerfile)
                    found = trees.digest(root, paths, recipe.source.max_size)
                    reference = self._name(recipe, commit or f"tree {found}")
                    return reference, self._build(recipe, Tree(root, paths), reference, pull, registry)
            finally:
                self.workshop.clear()

    def _build(self, recipe: Recipe, tree: Tree, reference: str, pull: str, registry: Registry | None) -> Image:
        root, paths = tree
        written = generated.files(recipe, root)
        text = written.get(recipe.dockerfile) or _text_of(recipe, root)
        found = {name: self._base(name, pull, registry) for name in _bases(recipe, text)}
        labels = {**dict(recipe.labels), LABEL_BASES: json.dumps(found, sort_keys=True), LABEL_RECIPE: reference}
        before = self.engine.images.get(reference)
        if before is not None:  # its name goes to the new one, but a release may be made of it
            self.engine.images.tag(before.id, self.repository, before.id.rpartition(":")[2][:IDENTITY_LENGTH])
        if recipe.builder == "buildkit":
            self._buildkit(recipe, root, reference, labels)
        else:
            with self.workshop.temporary() as context:
                trees.pack(root, paths, context, top=generated.TREE if written else "", extra=written)
                self._attempt(recipe, BuildRequest(recipe, context, reference, labels))
        image = self.engine.images.get(reference, fresh=True)
        if image is None:
            raise BuildFailure("the engine has no image after the build", subject=reference)
        most = recipe.limits.max_size
        if most and image.size > most:
            self.engine.images.remove(reference)
            cause = f"the image has {image.size // 2**20} MiB, more than build.max_size ({most // 2**20} MiB)"
            raise BuildFailure(cause, subject=self.workshop.key, remedy="Make it smaller, or raise build.max_size.")
        return image

    def _base(self, name: str, pull: str, registry: Registry | None) -> str:
        """Have a base image here; its id."""
        image = self.engine.images.get(name)
        if pull == "always" and image is not None and "@" not in name:
            image = image if self.engine.images.remote_digest(name, registry) in image.digests else None
        if image is None and pull == "never":
            raise InvalidOption("pull", "never", f"but the base image {name} is not in the engine", "Load it, or pull.")
        if image is None:
            self.tell(f"pull {name}")
            whole = name if "@" in name or ":" in name.rpartition("/")[2] else f"{name}:latest"
            self.engine.images.pull(whole, registry, lambda: self.clock.sleep(0))
            image = self.engine.images.get(name, fresh=True)
        if image is None:
            raise BuildFailure("is not in the engine after its pull", subject=name)
        return image.id

    def _buildkit(self, recipe: Recipe, root: str, reference: str, labels: dict[str, str]) -> None:
        secrets = {name: self.workshop.keep(f"secret-{name}", value) for name, value in recipe.secrets}
        argv = buildkit.command(recipe, root, reference, labels, secrets)
        env = {**os.environ, **buildkit.ENVIRONMENT, "DOCKER_HOST": self.engine.docker_host}
        try:
            done = process.run(argv, self.clock, recipe.limits.timeout, env=env, tell=self.tell)
        finally:
            self.workshop.forget(f"secret-{name}" for name in secrets)
        if done.code:
            tail = done.err.splitlines()[-TAIL_LINES:]
            raise BuildFailure("the build failed", subject=self.workshop.key, remedy="See logs.", logs="\n".join(tail))

    def _attempt(self, recipe: Recipe, request: BuildRequest) -> None:
        """Run the build, again where images were removed under it; the last time without the cache."""
        for attempt in range(1, ATTEMPTS + 1):
            request.context.seek(0)
            try:
                return self._stream(recipe, request._replace(cached=attempt < ATTEMPTS))
            except CacheLost as error:
                if attempt == ATTEMPTS:
                    raise
                self.tell(f"{error.cause}; starting again")
        return None

    def _stream(self, recipe: Recipe, request: BuildRequest) -> None:
        """Run the build beside this thread, so that it can be stopped even while it says nothing."""
        lines: queue.Queue[str | TidegateError | None] = queue.Queue()
        tail: list[str] = []
        stream = BuildStream(self.engine.another(), request)

        def read() -> None:
            try:
                for line in stream:
                    lines.put(line)
            except TidegateError as error:  # it is raised where it is waited for
                lines.put(error)
            finally:
                lines.put(None)

        threading.Thread(target=read, daemon=True).start()
        end = self.clock.monotonic() + recipe.limits.timeout
        try:
            while self._take(lines, tail):
                if self.clock.monotonic() >= end:
                    cause = f"took longer than build.timeout ({recipe.limits.timeout:g} s)"
                    raise BuildFailure(cause, subject=self.workshop.key, remedy="Raise it.", logs="\n".join(tail))
        finally:
            stream.close()

    def _take(self, lines: queue.Queue[str | TidegateError | None], tail: list[str]) -> bool:
        """Take what there is; false at the end."""
        self.clock.sleep(0)  # here a run is told to stop
        try:
            line = lines.get(timeout=0.1)
        except queue.Empty:
            return True
        if isinstance(line, TidegateError):
            line.logs = "\n".join([*tail, line.cause][-TAIL_LINES:])
            raise line
        if line is None:
            return False
        tail[:] = [*tail, *line.splitlines()][-TAIL_LINES:]
        if line.startswith("Step "):
            self.tell(line.splitlines()[0])
        return True


def _bases(recipe: Recipe, text: str) -> tuple[str, ...]:
    """What the recipe's builder would begin from."""
    own = None
    if recipe.builder == "buildkit":
        own = base_images.platform_arguments(recipe.platform or "", os.uname().machine)
    return base_images.bases(text, dict(recipe.args), recipe.target, own)


def _text_of(recipe: Recipe, root: str) -> str:
    path = os.path.join(root, recipe.dockerfile)
    if not os.path.isfile(path) or not os.path.realpath(path).startswith(os.path.realpath(root) + os.sep):
        cause = "is not a file of the source"
        raise InvalidOption("build.dockerfile", recipe.dockerfile, cause, "Correct it, or source.subdirectory.")
    with open(path, encoding="utf-8", errors="replace") as stream:
        return stream.read()
