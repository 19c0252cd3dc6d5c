"""Runs that are stopped or killed where no deployment is on record: stops, teardowns, backups, restores."""

from __future__ import annotations

import io
import os
import signal
import subprocess
import sys
import tarfile
import typing as t
from pathlib import Path

import compose
import names
import pytest
from ansible_collections.tidegate.platform.plugins.module_utils._core.engine.engine import Engine
from harness.looks import contents
from harness.platforms import Options, Platform, Task, containers, docker
from harness.runs import Driver, environment

from .test_leftovers import until

App = t.Callable[..., Options]
SOCKET = "unix:///var/run/docker.sock"
COMPOSE = "tidegate.platform.workload_compose"


def state_of(platform: Platform, name: str) -> list[t.Any]:
    """The run state of a workload on record."""
    return [row[0] for row in platform.rows("SELECT state FROM live WHERE workload = ?", name)]


def status_of(container: str) -> str:
    """Whether a container runs."""
    return docker("inspect", "--format", "{{.State.Status}}", container)


@pytest.mark.parametrize("step", ["hold", "drain", "stop"])
def test_a_stop_that_is_interrupted_is_taken_back(platform: Platform, app: App, name: str, step: str) -> None:
    """B3: by a signal, and, for all that is on record, after a kill; users had 503 until somebody reconciled."""
    assert not platform.apply(**app())["failed"]
    driver = Driver(platform)
    fault = {"step": step, "when": "after", "signal": "SIGTERM"}
    stopped = driver.run("control", fault, name=name, state="stopped")
    assert (stopped["failed"], stopped["kind"]) == (True, "Canceled"), stopped
    assert (platform.version(f"{name}.test"), state_of(platform, name)) == ("1", ["running"])
    if step == "drain":
        driver.killed(step, "after", "control", name=name, state="stopped")
        again = driver.run("control", fault, name=name, state="stopped")
        assert (again["kind"], platform.version(f"{name}.test")) == ("Canceled", "1"), again
        driver.killed(step, "after", "control", name=name, state="stopped")
        (row,) = driver.run("reconcile", names=[name])["workloads"]
        assert (row["state"], platform.version(f"{name}.test")) == ("repaired", "1"), row
        driver.killed(step, "after", "control", name=name, state="stopped")
        assert not driver.run("control", name=name, state="stopped")["failed"]
        assert (platform.get(f"{name}.test")[0], state_of(platform, name)) == (503, ["stopped"])


@pytest.mark.parametrize("step", ["unroute", "drain"])
def test_a_teardown_that_is_interrupted_in_time_is_taken_back(
    platform: Platform, app: App, name: str, step: str
) -> None:
    """B3: by a signal, as long as it is on record."""
    assert not platform.apply(**app())["failed"]
    absent = Driver(platform).run(
        "image", {"step": step, "when": "after", "signal": "SIGTERM"}, name=name, state="absent"
    )
    assert absent["failed"], absent
    assert (platform.version(f"{name}.test"), state_of(platform, name)) == ("1", ["running"])


@pytest.mark.parametrize("step", ["forget", "reap", "remove_volumes"])
def test_a_teardown_that_is_killed_never_comes_back_with_empty_volumes(
    platform: Platform, app: App, name: str, step: str
) -> None:
    """The timer made it run again, on the volume that it had just emptied."""
    volume = f"{name}-data"
    assert not platform.apply(**app(strategy="recreate", volumes=[{"source": volume, "target": "/data"}]))["failed"]
    away: Options = {"name": name, "state": "absent", "remove_volumes": True, "drain": {"timeout": 0}}
    driver = Driver(platform)
    driver.killed(step, "after", **away)
    driver.run("reconcile", names=[name])
    assert (containers(name), platform.get(f"{name}.test")[0]) == ([], 404)
    assert not driver.run("image", **away)["failed"]
    assert volume not in docker("volume", "ls", "-q").split()
    assert not driver.run("image", **away)["changed"]


def test_absent_leaves_no_secret_of_what_never_was_live(
    platform: Platform, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A Compose project whose first deployment failed; it was absent, and its password stayed."""
    monkeypatch.setenv("DOCKER_CONFIG", str(compose.config()))
    web = {"image": names.image("app"), "command": ["false"], "environment": {"P": "${PW}"}}
    check = {"test": ["CMD", "true"], "interval": "300ms"}
    given = {"definition": {"services": {"web": {**web, "healthcheck": check}}}, "services": []}
    secret = {"name": "PW", "value": f"password-of-{name}"}
    failed, gone, again = platform.directly(
        Task({"name": name, "strategy": "rolling", "compose": {**given, "secrets": [secret]}}, module=COMPOSE),
        Task({"name": name, "state": "absent"}, module=COMPOSE),
        Task({"name": name, "state": "absent"}, module=COMPOSE),
    )
    assert failed["failed"], failed
    assert (gone["failed"], gone["changed"], again["changed"]) == (False, True, False)
    assert [path for path, text in contents(platform.state) if secret["value"].encode() in text] == []
    assert docker("network", "ls", "-q", "--filter", f"label=tidegate.workload={name}") == ""


def test_what_fills_a_volume_is_gone_afterwards(platform: Platform) -> None:
    """It stayed, and with it the volume could not be removed any more; one that is left is no workload's."""
    engine, volume, empty = Engine(SOCKET, str(platform.state)), f"v{os.urandom(4).hex()}", io.BytesIO()
    tarfile.open(fileobj=empty, mode="w").close()
    filler, real = f"tidegate-restore-{volume}", engine.client.api.put_archive

    def looked_at(*arguments: t.Any) -> t.Any:
        assert filler in docker("ps", "-a", "--format", "{{.Names}}").split()
        assert filler not in str(engine.containers.by_subject())
        return real(*arguments)

    engine.client.api.put_archive = looked_at
    engine.volumes.ensure(volume, {}, managed=False)
    try:
        for _time in range(2):
            empty.seek(0)
            engine.volumes.fill(volume, "/data", empty)
        assert filler not in docker("ps", "-a", "--format", "{{.Names}}").split()
        assert docker("image", "ls", "-q", "tidegate-nothing") == ""
        engine.volumes.remove(volume)
        assert volume not in docker("volume", "ls", "-q").split()
    finally:
        docker("rm", "-f", filler, check=False)
        docker("volume", "rm", "-f", volume, check=False)


def test_what_stands_still_for_a_backup_goes_on_when_that_is_killed(
    platform: Platform, app: App, name: str, tmp_path: Path
) -> None:
    """Users of a backup that was killed had no answers until somebody reconciled."""
    volumes = [{"source": f"{name}-data", "target": "/data"}]
    assert not platform.apply(**app(strategy="recreate", volumes=volumes))["failed"]
    (container,) = containers(name)
    code = f"""
import os, signal
from ansible_collections.tidegate.platform.plugins.module_utils._core.engine.engine import Engine
engine = Engine({SOCKET!r}, {str(platform.state)!r})
with engine.containers.pause({container!r}):
    print(engine.containers.inspect({container!r}).state, flush=True)
    os.kill(os.getpid(), signal.SIGKILL)
"""
    done = subprocess.run([sys.executable, "-c", code], env=environment(), capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (-signal.SIGKILL, "paused\n"), done.stderr
    assert until(lambda: status_of(container) == "running", 20)
    assert platform.version(f"{name}.test") == "1"
    (saved,) = platform.stories([{"story": "platform_backup", "params": {"directory": str(tmp_path), "images": False}}])
    assert not saved["failed"], saved
    (still,) = [row for row in saved["paused"] if row["container"] == container]
    assert 0 < still["seconds"] < 60
    assert status_of(container) == "running"
    platform.apply(name=name, state="absent", remove_volumes=True, drain={"timeout": 0})
