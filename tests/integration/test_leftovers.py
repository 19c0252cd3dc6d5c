"""A run that is killed while Compose works: nothing of Compose goes on without the lock, and the next run gets there."""

from __future__ import annotations

import signal
import time
import typing as t
from pathlib import Path

import compose
import names
import pytest
from harness.platforms import Options, Platform, Task, containers, docker
from harness.runs import Driver

MODULE = "tidegate.platform.workload_compose"


def commands(word: str) -> list[int]:
    """Processes that have a word in their command line, and run."""
    found = []
    for entry in Path("/proc").iterdir():
        try:
            if entry.name.isdigit() and word in (entry / "cmdline").read_text():
                found.append(int(entry.name))
        except OSError:
            continue
    return found


def until(condition: t.Callable[[], bool], seconds: float) -> bool:
    """Whether it came true in time."""
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            return False
        time.sleep(0.02)
    return True


@pytest.fixture
def config(monkeypatch: pytest.MonkeyPatch) -> None:
    """Docker's client finds Compose."""
    monkeypatch.setenv("DOCKER_CONFIG", str(compose.config()))


@pytest.mark.usefixtures("config")
def test_compose_ends_with_the_run_that_is_killed(platform: Platform, name: str) -> None:
    """B8: `up` waits for a service that does not become healthy yet, when the run is killed."""
    plain = {"image": names.image("app"), "init": True, "stop_grace_period": "1s", "labels": {names.LABEL: "1"}}
    check = {"test": ["CMD", "test", "-e", "/tmp/ready"], "interval": "1s", "retries": 100}
    slow = {**plain, "healthcheck": check, "tmpfs": ["/tmp:mode=1777"]}
    web = {**plain, "depends_on": {"slow": {"condition": "service_healthy"}}}

    def options(services: Options) -> Options:
        own = {"network": platform.network, "definition": {"services": services}}
        return {"name": name, "strategy": "recreate", "compose": own}

    run = Driver(platform).begin("compose", **options({"slow": slow, "web": web}))
    word = f"/stacks/{name}.production/"
    try:
        assert until(lambda: len(commands(word)) >= 2, 60)
        run.send_signal(signal.SIGKILL)
        run.wait()
        assert until(lambda: not commands(word), 10), commands(word)
        (result,) = platform.directly(Task(options({"slow": plain, "web": web | {"depends_on": []}}), module=MODULE))
        assert not result["failed"], result
    finally:
        run.kill()
        platform.directly(Task({"name": name, "state": "absent"}, module=MODULE))


def project(platform: Platform, name: str, **web: t.Any) -> Options:
    """A project whose `web` is to be restarted with its `db`."""
    plain: Options = {"image": names.image("redis", "7"), "stop_grace_period": "1s", "labels": {names.LABEL: "1"}}
    after = {"depends_on": {"db": {"condition": "service_started", "restart": True}}}
    definition = {"services": {"db": plain, "web": {**plain, **after, **web}}}
    own: Options = {"name": name, "strategy": "rolling", "drain": {"timeout": 0}}
    return {**own, "compose": {"network": platform.network, "definition": definition}}


@pytest.mark.usefixtures("config")
def test_who_depends_on_what_a_killed_repair_made_anew_is_restarted_by_the_next(platform: Platform, name: str) -> None:
    """The database was as declared by then, and who was to be restarted with it kept dead connections for good."""
    own = project(platform, name)
    driver = Driver(platform)
    assert not driver.run("compose", **own)["failed"]
    (web,) = (one for one in containers(name) if "-web-" in one)
    (db,) = (one for one in containers(name) if "-db-" in one)
    docker("rm", "-f", db)
    driver.killed("roll", "after", "compose", **own)
    assert len(containers(name)) == 2
    done = driver.reconciled(name)
    assert web not in containers(name), done
    assert len(containers(name)) == 2
    assert not driver.run("compose", **own)["changed"]
    platform.directly(Task({"name": name, "state": "absent"}, module=MODULE))


@pytest.mark.usefixtures("config")
def test_what_has_data_without_a_name_is_restarted_in_its_place(platform: Platform, name: str) -> None:
    """Restarted after a killed repair, it was made beside itself, on an empty volume, and the one with its data went."""
    own = project(platform, name, image=names.image("postgres", "15"), environment={"POSTGRES_PASSWORD": "x"})
    driver = Driver(platform)

    def data() -> tuple[str, list[str]]:
        (web,) = (one for one in containers(name) if "-web-" in one)
        mounts = docker("inspect", "--format", "{{range .Mounts}}{{.Name}} {{end}}", web).split()
        return docker("inspect", "--format", "{{.Created}}", web), mounts

    assert not driver.run("compose", **own)["failed"]
    made, volumes = data()
    docker("rm", "-f", *(one for one in containers(name) if "-db-" in one))
    driver.killed("roll", "after", "compose", **own)
    done = driver.reconciled(name)
    assert not done.get("failed"), done
    assert volumes
    assert (data()[1], data()[0] != made) == (volumes, True), done
    platform.directly(Task({"name": name, "state": "absent", "remove_volumes": True}, module=MODULE))
