"""Images of releases: what is gone from the engine comes back as what it was, from the registry or an archive."""

from __future__ import annotations

import json
import os
import tarfile
import typing as t
from pathlib import Path

import compose
import names
import pytest
from harness.platforms import Options, Platform, Task, containers, docker

MODULE = "tidegate.platform.workload_compose"


@pytest.fixture(autouse=True)
def real_compose(monkeypatch: pytest.MonkeyPatch) -> None:
    """`docker compose` is the real one."""
    monkeypatch.setenv("DOCKER_CONFIG", str(compose.config()))


@pytest.fixture
def published(tmp_path: Path) -> t.Iterator[t.Callable[[str], str]]:
    """Builds and pushes an image of the test's own; each time another one under the same name."""
    reference = f"{names.REGISTRY}/tidegate/own-{os.urandom(4).hex()}:1"

    def build(text: str) -> str:
        (tmp_path / "Dockerfile").write_text(f"FROM {names.image('app')}\nLABEL text={text}\n")
        docker("build", "-q", "-t", reference, str(tmp_path))
        docker("push", "-q", reference)
        return reference

    yield build
    docker("rmi", "-f", reference, check=False)


@pytest.fixture
def tag(name: str) -> t.Iterator[str]:
    """A name that this host alone has, of the first image."""
    reference = f"tidegate.own/{name}:1"
    docker("tag", names.image("app", "1"), reference)
    yield reference
    docker("rmi", reference, check=False)


def gone(name: str, reference: str) -> str:
    """The containers of a workload and their image are lost; the image's id."""
    identity = docker("image", "inspect", "--format", "{{.Id}}", reference)
    docker("rm", "-f", *containers(name))
    docker("rmi", "-f", identity)
    return identity


def running(name: str) -> list[str]:
    """Images of a workload's running containers."""
    return docker("inspect", "--format", "{{.Image}}", *containers(name, everything=False)).split()


def call(platform: Platform, module: str, **options: t.Any) -> Options:
    """The result of a run that succeeded."""
    (result,) = platform.directly(Task(options, module=f"tidegate.platform.{module}"))
    assert not result["failed"], result
    return result


@pytest.mark.parametrize("source", ["compose", "image"])
def test_a_lost_image_comes_back(
    platform: Platform, name: str, published: t.Callable[[str], str], source: str, tmp_path: Path
) -> None:
    """A5: by the same declaration and by reconcile; of a project, by digest although its tag is another image by now."""
    reference = published("one")
    plain: Options = {"image": reference, "command": ["sleep", "1000"], "init": True}
    declared = {**plain, "name": name, "health": {"window": 0.5}}
    if source == "compose":
        check = {"test": ["CMD", "true"], "interval": "300ms"}
        service = {**plain, "stop_grace_period": "1s", "healthcheck": check}
        project = {"network": platform.network, "definition": {"services": {"web": service}}}
        declared = {"name": name, "strategy": "rolling", "compose": project}
    call(platform, f"workload_{source}", **declared)
    if source == "compose":
        backup = call(platform, "platform_backup", directory=str(tmp_path / "backups"))
        with tarfile.open(backup["archive"]) as archive:
            (manifest,) = [archive.extractfile(m) for m in archive.getmembers() if m.name.endswith("manifest.json")]
            rows = json.load(t.cast("t.IO[bytes]", manifest))["elsewhere"]
        assert [row["live"] for row in rows if row["reference"] == reference] == [True]
        assert all("@sha256:" in one for row in rows if row["reference"] == reference for one in row["exact"])
    identity = gone(name, reference)
    assert call(platform, f"workload_{source}", **declared)["changed"]
    assert running(name) == [identity]
    gone(name, reference)
    if source == "compose":
        published("two")
        gone_too = docker("image", "inspect", "--format", "{{.Id}}", reference)
        docker("rmi", "-f", gone_too)
    (row,) = call(platform, "reconcile", names=[name])["workloads"]
    assert row["state"] == "repaired", row
    assert running(name) == [identity]
    call(platform, "workload_prune")
    assert docker("image", "inspect", "--format", "{{.Id}}", identity) == identity


@pytest.mark.parametrize("strategy", ["rolling", "recreate"])
def test_a_release_runs_the_images_that_it_was_made_of(platform: Platform, name: str, tag: str, strategy: str) -> None:
    """A5: by a rollback and a repair, though their name means another image now; the name stays that one's."""
    check = {"test": ["CMD", "true"], "interval": "300ms"}
    plain: Options = {"command": ["sleep", "1000"], "init": True, "stop_grace_period": "1s", "healthcheck": check}

    def declare(value: str) -> Options:
        web = {**plain, "image": tag, "environment": {"V": value}}
        both = {"web": web, "aside": {**plain, "image": names.image("app", "1")}}
        project = {"network": platform.network, "definition": {"services": both}}
        return call(platform, "workload_compose", name=name, strategy=strategy, compose=project)

    def ids() -> dict[str, str]:
        text = '{{index .Config.Labels "com.docker.compose.service"}} {{.Image}} {{.Id}}'
        rows = docker("inspect", "--format", text, *containers(name, everything=False)).splitlines()
        return {row.split()[0]: row.partition(" ")[2] for row in rows}

    first, second = (docker("image", "inspect", "--format", "{{.Id}}", names.image("app", n)) for n in "12")
    declare("one")
    aside = ids()["aside"]
    docker("tag", names.image("app", "2"), tag)
    docker("rm", "-f", *(ids()["web"].split()[1:]))
    call(platform, "reconcile", names=[name])
    assert ids()["web"].split()[0] == first
    declare("two")
    assert ids()["web"].split()[0] == second
    call(platform, "workload_rollback", name=name)
    assert ids()["web"].split()[0] == first
    assert ids()["aside"] == aside
    assert docker("image", "inspect", "--format", "{{.Id}}", tag) == second
    assert not declare("one")["changed"]
