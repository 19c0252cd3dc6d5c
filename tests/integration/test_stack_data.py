"""Data of Compose projects: whatever is declared, taken over, renamed, changed or lost, no key is lost with it."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import typing as t
from pathlib import Path

import compose
import images
import names
import pytest
from ansible_collections.tidegate.platform.plugins.module_utils._core.stories import backup_archive
from harness.platforms import Options, Platform, Task, containers, docker

MODULE = "tidegate.platform.workload_compose"
Declare = t.Callable[..., Options]
ANSWERS = {"test": ["CMD", "redis-cli", "ping"], "interval": "300ms"}
VOLUME = {
    "image": names.image("redis", "7"),
    "volumes": ["data:/data"],
    "stop_grace_period": "3s",
    "healthcheck": ANSWERS,
}


@pytest.fixture(autouse=True)
def real_compose(monkeypatch: pytest.MonkeyPatch) -> None:
    """`docker compose` is the real one."""
    monkeypatch.setenv("DOCKER_CONFIG", str(compose.config()))


@pytest.fixture
def project() -> t.Iterator[str]:
    """A project's name; whatever the test left of it is removed."""
    images.up(images.STACK_IMAGES)
    unique = f"p{os.urandom(4).hex()}"
    yield unique
    form = ["--filter", f"label=com.docker.compose.project={unique}"]
    for kind, remove in (("container", ["rm", "-f", "-v"]), ("network", ["rm"]), ("volume", ["rm", "-f"])):
        everything = ["-a"] if kind == "container" else []
        left = docker(kind, "ls", "-q", *everything, *form).split()
        if left:
            docker(kind, *remove, *left)


@pytest.fixture
def declare(platform: Platform, name: str, project: str) -> Declare:
    """Options of a project with a cache that keeps its data in a named volume."""

    def options(volume: Options | None = None, **more: t.Any) -> Options:
        definition = {"services": {"cache": VOLUME}, "volumes": {"data": volume or {}}}
        given = {"network": platform.network, "project": project, "definition": definition, **more.pop("compose", {})}
        return {"name": name, "strategy": "rolling", "compose": given, **more}

    return options


def run(platform: Platform, *declared: Options, check: bool = False) -> list[Options]:
    """Results of these declarations, one after the other."""
    return platform.directly(*(Task(options, check, module=MODULE) for options in declared))


def good(result: Options) -> Options:
    """The same result, of a run that succeeded."""
    assert not result["failed"], result
    return result


def bare(project: str, tmp_path: Path, *words: str, volume: Options | None = None) -> None:
    """Run Compose itself, without the platform."""
    path = tmp_path / "bare.json"
    path.write_text(json.dumps({"services": {"cache": VOLUME}, "volumes": {"data": volume or {}}}))
    argv = ["docker", "compose", "--project-name", project, "--file", str(path), *words]
    done = subprocess.run(argv, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL)
    assert done.returncode == 0, done.stderr


def redis(container: str, *words: str) -> str:
    """What the real server answers."""
    return docker("exec", container, "redis-cli", *words)


def keep(container: str, value: str = "kept") -> None:
    """Write a key to the server's disk."""
    assert redis(container, "SET", "key", value) == "OK"
    assert redis(container, "SAVE") == "OK"


def kept(name: str) -> str:
    """The key, as the workload's server has it."""
    (cache,) = (one for one in containers(name) if "cache" in one)
    docker("exec", cache, "sh", "-c", "for n in $(seq 50); do redis-cli ping | grep -q PONG && exit; sleep 0.1; done")
    return redis(cache, "GET", "key")


def made(volume: str) -> str:
    """By whom a volume was made, and as what."""
    (row,) = json.loads(docker("volume", "inspect", volume))
    labels = {name: value for name, value in (row["Labels"] or {}).items() if name != "tidegate.restored"}
    return json.dumps([labels, row["Driver"], row["Options"]])


def test_a_project_that_ran_before_keeps_its_data(
    platform: Platform, name: str, project: str, declare: Declare, tmp_path: Path
) -> None:
    """A1: what bare Compose made is used as it is; while it runs it is not touched; it is never ours to remove."""
    bare(project, tmp_path, "up", "--detach", "--wait")
    keep(f"{project}-cache-1")
    before = made(f"{project}_data")
    (refused,) = run(platform, declare())
    assert refused["failed"]
    assert "docker compose" in refused["msg"], refused["msg"]
    assert redis(f"{project}-cache-1", "GET", "key") == "kept"
    bare(project, tmp_path, "down")
    good(run(platform, declare())[0])
    assert (kept(name), made(f"{project}_data")) == ("kept", before)
    good(run(platform, {"name": name, "state": "absent", "remove_volumes": True})[0])
    assert made(f"{project}_data") == before
    bare(project, tmp_path, "up", "--detach", "--wait")
    assert redis(f"{project}-cache-1", "GET", "key") == "kept"


@pytest.mark.parametrize("strategy", ["rolling", pytest.param("recreate", marks=pytest.mark.second)])
def test_what_would_need_another_volume_is_refused(
    platform: Platform, project: str, name: str, declare: Declare, strategy: str
) -> None:
    """A1: refused before anything is touched, by volume and difference; in check mode, too; the data stays."""
    before = {"labels": {"a": "1"}}
    good(run(platform, declare(before, strategy=strategy))[0])
    (cache,) = containers(name)
    keep(cache)
    facts = made(f"{project}_data"), docker("inspect", "--format", "{{.Id}} {{.State.StartedAt}}", cache)
    cases: list[tuple[Options, str]] = [
        ({"labels": {"a": "2"}}, "label a is '1', not '2'"),
        ({"labels": {"b": ""}}, "label b is missing, not ''"),
        ({**before, "driver_opts": {"type": "tmpfs", "device": "tmpfs"}}, "driver_opts device is missing, not 'tmpfs'"),
        ({**before, "driver": "another"}, "driver is 'local', not 'another'"),
        ({"external": True, "name": "nowhere"}, "nowhere"),
    ]
    for check in (True, False):
        for (after, words), refused in zip(
            cases, run(platform, *(declare(c[0], strategy=strategy) for c in cases), check=check), strict=True
        ):
            assert refused["failed"], refused
            assert after.get("name") or f"{project}_data" in refused["msg"]
            assert words in refused["msg"]
    assert facts == (made(f"{project}_data"), docker("inspect", "--format", "{{.Id}} {{.State.StartedAt}}", cache))
    (again,) = run(platform, declare(before, strategy=strategy))
    assert (again["changed"], kept(name)) == (False, "kept")


def test_another_name_and_another_platform_keep_the_data(
    platform: Platform, name: str, project: str, declare: Declare, tmp_path: Path
) -> None:
    """A1: a renamed workload and another state directory use the volume as it is, which stays the first one's."""
    good(run(platform, declare())[0])
    (cache,) = containers(name)
    keep(cache)
    before = made(f"{project}_data")
    good(run(platform, {"name": name, "state": "absent"})[0])
    second = f"{name}b"
    try:
        good(run(platform, {**declare(), "name": second})[0])
        assert (kept(second), made(f"{project}_data")) == ("kept", before)
        (gone,) = run(platform, {"name": name, "state": "absent", "remove_volumes": True})
        assert gone["failed"], gone
        assert kept(second) == "kept"
        keep(containers(second)[0], "newer")
    finally:
        good(run(platform, {"name": second, "state": "absent"})[0])
    elsewhere = {"state_dir": str(tmp_path / "state"), "routes_dir": str(tmp_path / "state" / "routes")}
    good(run(platform, {**declare(), **elsewhere})[0])
    assert (kept(name), made(f"{project}_data")) == ("newer", before)
    good(run(platform, {"name": name, "state": "absent", "remove_volumes": True, **elsewhere})[0])
    assert made(f"{project}_data") == before


@pytest.fixture
def server(tmp_path: Path) -> t.Iterator[str]:
    """The real server under a name of the test's own, in the registry, writing every key to the disk at once."""
    images.up(images.STACK_IMAGES)
    reference = f"{names.REGISTRY}/tidegate/redis-{os.urandom(4).hex()}:7"
    lines = [f"FROM {VOLUME['image']}", "LABEL own=1", 'CMD ["redis-server", "--bind", "0.0.0.0", "--protected-mode",']
    lines[2] += ' "no", "--dir", "/data", "--appendonly", "yes", "--appendfsync", "always", "--save", ""]'
    (tmp_path / "Dockerfile").write_text("\n".join(lines))
    docker("build", "-q", "--label", f"{names.LABEL}=1", "-t", reference, str(tmp_path))
    docker("push", "-q", reference)
    yield reference
    docker("rmi", "-f", reference, check=False)


class Host(t.NamedTuple):
    """A platform of its own beside the session's, without a proxy, and the project that lives on it."""

    platform: Platform
    root: Path
    project: str
    server: str

    @property
    def places(self) -> Options:
        """Its module options."""
        return {"state_dir": str(self.root / "state"), "routes_dir": str(self.root / "state" / "routes")}

    def service(self, *mounts: str) -> Options:
        """The project's service."""
        return {**VOLUME, "image": self.server, "volumes": ["data:/data", *mounts]}

    def call(self, module: str, **options: t.Any) -> Options:
        """The result of one call."""
        return self.platform.directly(Task({**self.places, **options}, module=f"tidegate.platform.{module}"))[0]

    def declare(self, name: str, *mounts: str, **volumes: Options) -> Options:
        """The result of declaring the project."""
        definition = {"services": {"cache": self.service(*mounts)}, "volumes": {"data": {}, **volumes}}
        given = {"network": self.platform.network, "project": self.project, "definition": definition}
        return self.call("workload_compose", name=name, strategy="rolling", compose=given)

    def bare(self, tmp_path: Path, *words: str) -> None:
        """Run Compose itself on the project."""
        path = tmp_path / "bare.json"
        path.write_text(json.dumps({"services": {"cache": self.service()}, "volumes": {"data": {}}}))
        argv = ["docker", "compose", "--project-name", self.project, "--file", str(path), *words]
        subprocess.run(argv, check=True, capture_output=True, stdin=subprocess.DEVNULL)

    def lose(self, name: str) -> None:
        """Everything is gone, as if this were another host."""
        docker("rm", "-f", *containers(name))
        docker("volume", "rm", f"{self.project}_data", f"{self.project}_more")
        docker("network", "rm", f"{self.project}_default")
        docker("rmi", "-f", docker("image", "inspect", "--format", "{{.Id}}", self.server))
        shutil.rmtree(self.root)

    def interrupted(self, volume: str) -> None:
        """A restore was killed before it had filled this volume."""
        self.root.mkdir()
        docker("volume", "create", "--label", "tidegate.restored=a-mark", volume)
        Path(f"{self.places['state_dir']}.volumes").write_text(json.dumps({volume: "a-mark"}))

    def volumes(self) -> tuple[str, str]:
        """By whom its volumes were made, and as what."""
        return made(f"{self.project}_data"), made(f"{self.project}_more")


def add(container: str, key: str) -> None:
    """Write a key, which is on the disk when the server answers."""
    assert redis(container, "SADD", "key", key) == "1"


def keys(name: str) -> set[str]:
    """The keys, as the workload's server has them."""
    (cache,) = containers(name)
    ready = "for n in $(seq 50); do redis-cli ping | grep -q PONG && exit; sleep 0.1; done"
    docker("exec", cache, "sh", "-c", ready)
    return set(redis(cache, "SMEMBERS", "key").split())


def test_a_project_with_data_through_everything(
    platform: Platform, name: str, project: str, tmp_path: Path, server: str
) -> None:
    """A1, A5: taken over, renamed, its volumes changed, backed up, lost and restored on a bare host: no key is lost."""
    host, second = Host(platform, tmp_path / "host", project, server), f"{name}b"
    more: Options = {"labels": {"a": "1"}}
    host.bare(tmp_path, "up", "--detach", "--wait")
    add(f"{project}-cache-1", "bare")
    host.bare(tmp_path, "down")
    good(host.declare(name))
    add(containers(name)[0], "taken-over")
    good(host.call("workload_compose", name=name, state="absent"))
    good(host.declare(second))
    add(containers(second)[0], "renamed")
    assert f"{project}_data" in host.declare(second, data=more)["msg"]
    good(host.declare(second, "more:/more", more=more))
    add(containers(second)[0], "changed")
    before = host.volumes()
    backup = good(host.call("platform_backup", directory=str(tmp_path / "backups")))
    add(containers(second)[0], "after")
    host.lose(second)
    host.interrupted(f"{project}_data")
    restored = good(host.call("platform_restore", archive=backup["archive"]))
    assert restored["volumes"] == [f"{project}_data", f"{project}_more"]
    (row,) = good(host.call("reconcile", names=[second]))["workloads"]
    assert row["state"] == "repaired", row
    assert keys(second) == {"bare", "taken-over", "renamed", "changed"}
    assert host.volumes() == before
    assert not Path(f"{host.places['state_dir']}.volumes").exists()
    assert not good(host.declare(second, "more:/more", more=more))["changed"]
    add(containers(second)[0], "newer")
    again = good(host.call("platform_restore", archive=backup["archive"], replace=True))
    assert f"{project}_data was there already" in str(again["warnings"])
    good(host.call("reconcile", names=[second]))
    assert "newer" in keys(second)
    good(host.call("workload_compose", name=second, state="absent", remove_volumes=True))
    assert made(f"{project}_data") == before[0], "what bare Compose made is not ours to remove"
    assert f"{project}_more" not in docker("volume", "ls", "-q").split()


def test_a_service_that_has_no_container_has_its_volume_in_the_archive(
    platform: Platform, name: str, project: str, declare: Declare, tmp_path: Path
) -> None:
    """It was left out without a word, and the archives that had it were rotated away.

    The project is not started on what a restore half filled, and then uses what somebody said is right.
    """
    (note := Path(f"{platform.state}.volumes")).write_text(json.dumps({f"{project}_data": "a-mark"}))
    docker("volume", "create", "--label", "tidegate.restored=a-mark", f"{project}_data")
    (refused,) = run(platform, declare())
    note.unlink()
    assert "half filled by a restore" in refused["msg"], refused
    good(run(platform, declare())[0])
    (cache,) = containers(name)
    keep(cache)
    docker("rm", "-f", cache)
    options = {"directory": str(tmp_path), "images": False}
    (saved,) = platform.directly(Task(options, module="tidegate.platform.platform_backup"))
    assert not saved["failed"], saved
    rows = backup_archive.verify(saved["archive"])["volumes"]
    docker("volume", "rm", f"{project}_data")
    assert f"{project}_data" in [row["name"] for row in rows]
