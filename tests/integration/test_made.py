"""What a release needs is made before the first container of it, whichever comes first; and goes when that fails."""

from __future__ import annotations

import os
import typing as t

import pytest
from harness.platforms import Options, Platform, containers, docker, free_ports
from harness.runs import Driver

App = t.Callable[..., Options]


@pytest.fixture
def network() -> t.Iterator[str]:
    """The name of a network that is not there yet."""
    unique = f"n{os.urandom(4).hex()}"
    yield unique
    docker("network", "rm", unique, check=False)


def subnet() -> str:
    """The beginning of addresses that no other test has."""
    first, second = os.urandom(2)
    return f"10.{200 + first % 50}.{second}"


def labels(volume: str) -> str:
    """The labels of a volume."""
    return docker("volume", "inspect", "--format", "{{json .Labels}}", volume)


def test_a_stand_in_has_the_networks_and_volumes_that_its_release_declares(
    platform: Platform, app: App, name: str, network: str
) -> None:
    """Review (heirs): a handover with one more network failed, and the engine made volumes that nobody owned."""
    (port,) = free_ports(1)
    own: Options = {"strategy": "handover", "routes": [], "ports": [{"container": 8000, "host": port}]}
    first = platform.apply(**app("1", **own))
    assert not first["failed"], first
    own["networks"] = [platform.network, network]
    own["addresses"] = {network: f"{subnet()}.2"}
    own["volumes"] = [{"source": f"{name}-data", "target": "/data", "shared": True}]
    second = platform.apply(**app("2", **own))
    assert not second["failed"], second
    assert "stand_in" in [row["name"] for row in second["steps"]]
    (green,) = containers(name)
    assert own["addresses"][network] in docker("inspect", green)
    assert f'"tidegate.workload":"{name}"' in labels(f"{name}-data")
    platform.apply(name=name, state="absent", remove_volumes=True)  # what is on the network keeps it


def test_a_release_command_runs_where_its_release_will(platform: Platform, app: App, name: str, network: str) -> None:
    """Review (heirs): it made the network without its addresses, so that no start was possible; and nobody's volumes."""
    (port,) = free_ports(1)
    own: Options = {"strategy": "handover", "routes": [], "ports": [{"container": 8000, "host": port}]}
    own |= {"networks": [platform.network, network], "addresses": {network: f"{subnet()}.2"}}
    own["volumes"] = [{"source": f"{name}-data", "target": "/data", "shared": True}]
    result = platform.apply(**app("1", release_command=["true"], **own))
    assert not result["failed"], result
    assert f'"tidegate.workload":"{name}"' in labels(f"{name}-data")
    gone = platform.apply(name=name, state="absent", remove_volumes=True)
    assert not gone["failed"], gone
    assert f"{name}-data" not in docker("volume", "ls", "-q").split()


def test_a_release_command_leaves_no_container_whatever_ends_it(platform: Platform, app: App, name: str) -> None:
    """Review (heirs): what the host refused, unlike what the engine did, left its container with all its secrets."""
    fault = {"step": "release_command", "when": "middle", "run": ["/no/such/program"]}
    secrets = [{"name": "TOKEN", "value": "of-nobody"}]
    options = app("1", release_command=["sleep", "60"], secrets=secrets)
    result = Driver(platform).run("image", fault, **options)
    assert (result["failed"], result["step"]) == (True, "release_command"), result
    assert containers(name) == []
    folder = platform.state / "secrets" / f"{name}.production"
    assert not folder.exists() or list(folder.iterdir()) == []
