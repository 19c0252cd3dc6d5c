"""Projects of which nothing is: a service of no replicas is all there is, or nothing was before the first deployment."""

from __future__ import annotations

import typing as t

import compose
import names
import pytest
from harness.platforms import Options, Platform, Task, containers

MODULE = "tidegate.platform.workload_compose"


@pytest.fixture(autouse=True)
def real_compose(monkeypatch: pytest.MonkeyPatch) -> None:
    """The real Compose of the testbed."""
    monkeypatch.setenv("DOCKER_CONFIG", str(compose.config()))


@pytest.fixture
def declared(platform: Platform, name: str) -> t.Iterator[t.Callable[..., Options]]:
    """A project of one service; what is left of it is removed."""

    def options(**facts: t.Any) -> Options:
        web = {"image": names.image("app"), "init": True, "stop_grace_period": "1s", **facts}
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


def phase(platform: Platform, declaration: Options, what: str, *, check: bool = False) -> Options:
    """How the workload of a fleet's phase ended, with what a difference shows of it then."""
    call = {"workloads": [{**declaration, "type": "compose"}], "phase": what, "reason": "another host failed"}
    (result,) = platform.stories([{"story": "declare_many", "params": call, "check": check, "diff": True}])
    (done,) = result["workloads"]
    assert not done["failed"], done
    return {**done, "after": [row["after"] for row in result["diff"]]}


def goes_back(platform: Platform, declaration: Options) -> list[str]:
    """The steps of a revert, once it has been foretold just so."""
    foretold, done = (phase(platform, declaration, "revert", check=check) for check in (True, False))
    steps, told = ([step["name"] for step in one["steps"]] for one in (done, foretold))
    assert (told, foretold["changed"], foretold["after"]) == (steps, done["changed"], done["after"])
    assert foretold["reason"] == done["reason"] == "another host failed"
    return steps


def test_check_mode_foretells_how_a_first_deployment_is_gone_back_from(
    platform: Platform, name: str, declared: t.Callable[..., Options]
) -> None:
    """Other steps were foretold than were done, for another reason."""
    phase(platform, declared(), "switch")
    assert goes_back(platform, declared()) == ["unroute", "unroll", "forget", "clear"]
    assert containers(name) == []


@pytest.mark.second
def test_check_mode_foretells_how_later_deployments_are_gone_back_from(
    platform: Platform, declared: t.Callable[..., Options]
) -> None:
    """Another reason was foretold; also where somebody has finished it meanwhile."""
    one, two, three = (declared(environment={"V": version}) for version in "123")
    phase(platform, one, "deploy")
    phase(platform, two, "switch")
    assert goes_back(platform, two)[-1] == "persist"
    phase(platform, three, "switch")
    phase(platform, three, "finish")
    assert goes_back(platform, three)[-1] == "persist"
