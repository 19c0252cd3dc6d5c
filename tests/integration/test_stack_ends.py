"""Projects of which nothing is: a service of no replicas is all there is, or nothing was before the first deployment."""

from __future__ import annotations

import typing as t

import compose
import names
import pytest

from .harness import Options, Platform, Task, containers

MODULE = "tidegate.platform.workload_compose"


@pytest.fixture(autouse=True)
def real_compose(monkeypatch: pytest.MonkeyPatch) -> None:
    """The real Compose of the testbed."""
    monkeypatch.setenv("DOCKER_CONFIG", str(compose.config()))


@pytest.fixture
def declared(platform: Platform, name: str) -> t.Iterator[t.Callable[..., Options]]:
    """A project of one service; what is left of it is removed."""

    def options(**facts: t.Any) -> Options:
        web = {"image": names.image("app"), "stop_grace_period": "1s", **facts}
        given = {"network": platform.network, "project": f"p{name}", "definition": {"services": {"web": web}}}
        return {"name": name, "compose": given, "drain": {"timeout": 0}}

    yield options
    platform.directly(Task({"name": name, "state": "absent"}, module=MODULE))


def test_a_project_that_is_scaled_to_nothing_is_looked_at_and_operated(
    platform: Platform, name: str, declared: t.Callable[..., Options]
) -> None:
    """A look at the host asked for the first of its containers, of which it has none, and told nobody anything."""
    for environment in ({"V": "1"}, {"V": "2"}):
        (made,) = platform.directly(Task(declared(deploy={"replicas": 0}, environment=environment), module=MODULE))
        assert not made["failed"], made
    assert containers(name) == []
    own: Options = {"name": name}
    look, stopped, started, back, repaired, again = platform.stories(
        [
            {"story": "info", "params": {}},
            {"story": "control", "params": {**own, "state": "stopped"}},
            {"story": "control", "params": {**own, "state": "started"}},
            {"story": "rollback", "params": own},
            {"story": "reconcile", "params": {"names": [name]}},
            {"story": "info", "params": {"names": [name]}},
        ]
    )
    (row,) = [row for row in look["workloads"] if row["name"] == name]
    assert (row["state"], row["health"], row["drift"]) == ("running", "healthy", ""), row
    for done in (stopped, started, back, repaired):
        assert not done["failed"], done
    (row,) = again["workloads"]
    assert (row["state"], row["drift"]) == ("running", ""), row
