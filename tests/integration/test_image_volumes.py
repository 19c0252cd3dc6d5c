"""Data where only the image declares a volume: never beside itself, never lost, whatever the source."""

from __future__ import annotations

import os
import re
import typing as t
from pathlib import Path

import compose
import names
import pytest
from harness.platforms import Options, Platform, Task, containers, docker


@pytest.fixture(autouse=True)
def real_compose(monkeypatch: pytest.MonkeyPatch) -> None:
    """`docker compose` is the real one."""
    monkeypatch.setenv("DOCKER_CONFIG", str(compose.config()))


@pytest.fixture
def stateful(tmp_path: Path) -> t.Iterator[str]:
    """An image that declares a volume."""
    reference = f"tidegate.local/volume-{os.urandom(4).hex()}:1"
    (tmp_path / "Dockerfile").write_text(
        f"FROM {names.image('app')}\nUSER root\nRUN mkdir /data && chown 1000 /data\nUSER 1000\nVOLUME /data\n"
        'CMD ["sleep", "1000"]\n'
    )
    docker("build", "-q", "--label", f"{names.LABEL}=1", "-t", reference, str(tmp_path))
    yield reference
    docker("rmi", "-f", reference, check=False)


def run(platform: Platform, module: str = "workload_image", **options: t.Any) -> Options:
    """The result of one call."""
    return platform.directly(Task(options, module=f"tidegate.platform.{module}"))[0]


def good(platform: Platform, module: str = "workload_image", **options: t.Any) -> Options:
    """The same, of one that succeeded."""
    result = run(platform, module, **options)
    assert not result["failed"], result
    return result


def one(name: str) -> str:
    """The workload's only container."""
    (found,) = containers(name)
    return found


def write(name: str) -> None:
    """Put data where the image declares a volume."""
    docker("exec", one(name), "sh", "-c", "echo kept > /data/key")


def read(name: str) -> str:
    """The data that is there."""
    return docker("exec", one(name), "sh", "-c", "cat /data/key || echo lost")


def volume(name: str) -> str:
    """The volume at that place."""
    return docker("inspect", "--format", "{{range .Mounts}}{{.Name}}{{end}}", one(name))


def there(volume_: str) -> bool:
    """Whether a volume exists."""
    return volume_ in docker("volume", "ls", "-q").split()


def test_an_image_with_a_volume_is_only_replaced_in_its_place(platform: Platform, name: str, stateful: str) -> None:
    """A3: refused beside itself; carried over by a deployment, a failing one, a rollback and a repair; kept at the end."""
    declared: Options = {"name": name, "image": stateful, "init": True, "stop_timeout": 1, "health": {"window": 0.5}}
    refusals: list[tuple[Options, str]] = [
        ({}, "strategy='blue-green'"),
        ({"replicas": 2, "strategy": "recreate"}, "replicas=2"),
    ]
    for options, words in refusals:
        refused = run(platform, **declared, **options)
        assert refused["failed"]
        assert all(word in refused["msg"] for word in (words, "/data", "image_volumes")), refused["msg"]
    assert containers(name) == []
    declared["strategy"] = "recreate"
    good(platform, **declared)
    write(name)
    before = volume(name)
    good(platform, **declared, env={"A": "1"}, release_command=["grep", "-q", "kept", "/data/key"])
    assert (read(name), volume(name)) == ("kept", before)
    failing = run(platform, **declared, command=["false"])
    assert failing["failed"]
    assert (read(name), volume(name)) == ("kept", before)
    good(platform, "workload_rollback", name=name)
    assert read(name) == "kept"
    refused = run(platform, **{**declared, "strategy": "blue-green", "env": {"B": "1"}})
    assert "/data" in refused["msg"]
    assert read(name) == "kept"
    gone = good(platform, name=name, state="absent")
    assert before in str(gone["warnings"]), gone
    assert there(before)
    docker("volume", "rm", before)
    good(platform, **declared)
    before = volume(name)
    good(platform, **declared, env={"A": "1"})
    good(platform, name=name, state="absent", remove_volumes=True)
    assert not there(before)


def test_what_is_worth_nothing_is_replaced_beside_itself(platform: Platform, name: str, stateful: str) -> None:
    """A3: by an explicit option only; each container then has a volume of its own, which goes with it."""
    declared: Options = {"name": name, "image": stateful, "init": True, "image_volumes": "discard"}
    declared |= {"stop_timeout": 1, "health": {"window": 0.5}}
    good(platform, **declared)
    before = volume(name)
    good(platform, **declared, env={"A": "1"})
    assert not there(before)
    good(platform, **{**declared, "image_volumes": "keep", "tmpfs": ["/data"]})
    assert volume(name) == ""


@pytest.mark.parametrize("strategy", ["rolling", pytest.param("recreate", marks=pytest.mark.second)])
def test_a_service_whose_image_has_a_volume_stays_in_its_place(
    platform: Platform, name: str, stateful: str, strategy: str
) -> None:
    """A3: carried over by a change, a failing one, a crash and a rollback, whatever rolls beside it."""

    def declared(**more: t.Any) -> Options:
        check = {"test": ["CMD", "true"], "interval": "300ms"}
        service = {"image": stateful, "init": True, "stop_grace_period": "1s", "healthcheck": check, **more}
        project = {"network": platform.network, "definition": {"services": {"db": service}}}
        return {"name": name, "strategy": strategy, "compose": project}

    good(platform, "workload_compose", **declared())
    write(name)
    before = volume(name)
    good(platform, "workload_compose", **declared(environment={"A": "1"}))
    assert (read(name), volume(name)) == ("kept", before)
    assert run(platform, "workload_compose", **declared(command=["false"]))["failed"]
    assert (read(name), volume(name)) == ("kept", before)
    docker("kill", one(name))
    good(platform, "workload_compose", **declared(environment={"B": "1"}))
    assert (read(name), volume(name)) == ("kept", before)
    good(platform, "workload_rollback", name=name)
    assert read(name) == "kept"
    gone = good(platform, "workload_compose", name=name, state="absent")
    assert re.search("without a name", str(gone["warnings"]))
    assert there(before)
    docker("volume", "rm", before)
