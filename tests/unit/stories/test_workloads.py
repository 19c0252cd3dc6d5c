"""Many workloads at once, without an engine: what follows from a failure."""

from __future__ import annotations

import typing as t
from pathlib import Path

import docker.errors
import pytest
from ansible_collections.tidegate.platform.plugins.module_utils._core.engine import client
from ansible_collections.tidegate.platform.plugins.module_utils._core.options import argument_specs
from ansible_collections.tidegate.platform.plugins.module_utils._core.stories import workloads
from ansible_collections.tidegate.platform.plugins.module_utils._core.stories.call import Call


class Once:
    """An SDK client that can be made once: there is no room for another connection."""

    made: t.ClassVar[list[str]] = []

    def __init__(self, **options: t.Any) -> None:
        if Once.made:
            raise docker.errors.DockerException("Too many open files")
        Once.made.append(options["base_url"])
        self.api_version = "1.41"
        self.trust_env = True
        self.hooks: dict[str, list[t.Any]] = {"response": []}


@pytest.mark.parametrize(("verb", "phase"), [("declare", "finish"), ("rollback", "deploy"), ("restart", "deploy")])
@pytest.mark.parametrize("stop", [True, False])
def test_nothing_more_is_begun_after_a_failure_where_that_is_asked_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, verb: str, phase: str, stop: bool
) -> None:
    """It was not heard with rollbacks and restarts, nor where what failed was the connection of a thread."""
    monkeypatch.setattr(client, "APIClient", Once)
    monkeypatch.setattr(Once, "made", [])
    rows = [
        argument_specs.filled(argument_specs.DECLARATION, {"name": name, "environment": "production"})
        for name in ("one", "two")
    ]
    told = {"workloads": rows, "verb": verb, "phase": phase, "concurrency": 1, "stop_on_failure": stop}
    params = argument_specs.filled(
        argument_specs.WORKLOADS, {**told, "state_dir": str(tmp_path), "docker_host": "unix:///nowhere"}
    )
    done = workloads.workloads(Call(params))
    assert [row["kind"] for row in done["workloads"]] == ["EngineFailure", "Canceled" if stop else "EngineFailure"]
