"""Builds that are tried again, and those that are not."""

from __future__ import annotations

import io
import typing as t

import pytest
from ansible_collections.tidegate.platform.plugins.module_utils._core.engine.builds import BuildRequest, refusal
from ansible_collections.tidegate.platform.plugins.module_utils._core.sources.builder import ATTEMPTS, Builder
from ansible_collections.tidegate.platform.plugins.module_utils._core.values.errors import BuildFailure
from ansible_collections.tidegate.platform.plugins.module_utils._core.values.recipe import Recipe, Source

# Said by a real engine while four others built and removed images of the same layers.
LOST = (
    "failed to get digest sha256:5719: open /var/lib/docker/image/overlay2/imagedb/content/sha256/5719: no such file",
    "No such image: sha256:c4ff",
    "unknown parent image ID sha256:5719",
)


def attempts(said: t.Sequence[str], monkeypatch: pytest.MonkeyPatch) -> tuple[list[bool], str]:
    """Whether each attempt of a build had the cache, where the engine refuses with each of these in turn."""
    tried: list[bool] = []

    def stream(_self: object, _recipe: Recipe, request: BuildRequest) -> None:
        assert request.context.read() == b"context", "an attempt begins at the context's begin"
        tried.append(request.cached)
        if len(tried) <= len(said):
            raise refusal(said[len(tried) - 1], request.reference)

    monkeypatch.setattr(Builder, "_stream", stream)
    builder = Builder.__new__(Builder)
    builder.tell = lambda _line: None
    try:
        builder._attempt(
            Recipe(Source("path", "/a")), BuildRequest(Recipe(Source("path", "/a")), io.BytesIO(b"context"), "a:b", {})
        )
    except BuildFailure as error:
        return tried, str(error)
    return tried, ""


@pytest.mark.parametrize("said", LOST)
def test_a_build_starts_again_if_its_cache_was_removed(said: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Removing another workload's image removes layers that a build beside it has just found."""
    assert attempts([said, said], monkeypatch) == ([True, True, True], "")
    tried, error = attempts([said] * 99, monkeypatch)
    assert tried == [True] * (ATTEMPTS - 1) + [False], "the last attempt needs no cache"
    assert said in error


def test_a_failing_step_is_not_tried_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """What the Dockerfile does wrong it does wrong again."""
    assert attempts(["The command '/bin/sh -c false' returned a non-zero code: 1"], monkeypatch)[0] == [True]
