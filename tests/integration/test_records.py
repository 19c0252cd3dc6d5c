"""What is on record and what is not: lost records, secrets, retention, what a run leaves when the world fails it."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import typing as t
from pathlib import Path

import names
import pytest

from .harness import Options, Platform, Task, containers, docker

App = t.Callable[..., Options]
COLLECTION = "tidegate.platform"
WINDOW = {"type": "window", "window": 0.1}


def call(module: str, **options: t.Any) -> Task:
    """A call of another module than `workload_image`."""
    return Task(options, False, f"{COLLECTION}.{module}")


def states(workload: str) -> dict[str, str]:
    """A workload's containers and how they are, as the engine says."""
    form = "{{.Names}} {{.State}}"
    rows = docker("ps", "-a", "--filter", f"label=tidegate.workload={workload}", "--format", form).splitlines()
    return dict(row.split() for row in rows)


def lose_the_record(state: Path) -> None:
    """The database is gone, and with it all that was on record."""
    for file in state.glob("tidegate.db*"):
        file.unlink()


def timer(platform: Platform, own: Options) -> subprocess.CompletedProcess[str]:
    """What the host's own timer runs."""
    code = f"import sys; from ansible_collections.{COLLECTION}.plugins.module_utils._command import main; sys.exit(main(sys.argv[1:]))"
    words = [f"--{name.replace('_', '-')}={value}" for name, value in {**platform.places(), **own}.items()]
    env = {**os.environ, "PYTHONPATH": platform.collections}
    return subprocess.run([sys.executable, "-c", code, *words], env=env, capture_output=True, text=True, check=False)


@pytest.fixture
def idle(app: App, tmp_path: Path) -> App:
    """Options of a workload without routes, on a state directory of the test's own."""

    def options(**more: t.Any) -> Options:
        given: Options = {
            "routes": [],
            "port": None,
            "health": WINDOW,
            "stop_timeout": 0,
            "state_dir": str(tmp_path / "state"),
        }
        return app(**{**given, "command": ["sleep", "600"], **more})

    return options


@pytest.fixture
def second(name: str) -> t.Iterator[str]:
    """The name of another workload; whatever is left of it is removed."""
    yield f"{name}b"
    left = containers(f"{name}b")
    if left:
        docker("rm", "-f", *left)


# -- a lost record ---------------------------------------------------------------------------------------------------


def test_without_a_record_nothing_is_removed(platform: Platform, idle: App, second: str, tmp_path: Path) -> None:
    """A6: of two workers one is down, another workload is stopped: reconcile, timer and prune leave all of it.

    They say so, with what to do; then the declaration takes over what is there, and only what is down is started.
    """
    own = {"state_dir": str(tmp_path / "state")}
    workers = idle(replicas=2, secrets=[{"name": "key", "value": "kept-without-record"}])
    stopped = {**idle(), "name": second}
    made = platform.directly(Task(workers), Task(stopped), Task({"name": second, "state": "stopped", **own}))
    assert all(row["changed"] for row in made), made
    docker("kill", made[0]["release"]["containers"][0])
    before = {**states(workers["name"]), **states(second)}
    assert sorted(before.values()) == ["exited", "exited", "running"]
    lose_the_record(tmp_path / "state")
    done, pruned, info = platform.directly(
        call("reconcile", **own), call("workload_prune", **own), call("workload_info", **own)
    )
    said = timer(platform, own)
    assert {**states(workers["name"]), **states(second)} == before
    assert [row["state"] for row in done["workloads"]] == ["unknown", "unknown"]
    assert (done["failed"], done["changed"], done["summary"]["unknown"]) == (False, False, 2)
    assert all("Deploy its declaration" in text for text in done["warnings"])
    assert (said.returncode, said.stdout.count('"state": "unknown"')) == (1, 2), said
    assert pruned["removed"]["containers"] == pruned["removed"]["secrets"] == []
    assert [row["health"] for row in info["workloads"]] == ["unknown", "unknown"]
    assert "not on record" in info["workloads"][0]["drift"]
    back, again = platform.directly(Task(workers), Task(workers))
    assert [row["name"] for row in back["steps"]] == ["persist", "resume", "gate"], back
    assert sorted(states(workers["name"])) == sorted(made[0]["release"]["containers"])
    assert not again["changed"], again["reason"]


def test_what_a_failed_deployment_left_is_removed_though_nothing_is_live(platform: Platform, idle: App) -> None:
    """A6: what belongs to a deployment that is concluded on record is no unknown thing."""
    options = idle(command=["false"])
    failed = platform.apply(**options)
    assert failed["failed"], failed
    deployment = failed["deployment"]["id"]
    owner = {"state_dir": options["state_dir"], "workload": options["name"], "environment": "production"}
    labels = [f"--label=tidegate.{key}={value}" for key, value in {**owner, "deployment": deployment}.items()]
    docker(
        "run",
        "-d",
        "--stop-signal",
        "KILL",
        "--name",
        f"{options['name']}-left-1",
        *labels,
        names.image("base"),
        "sleep",
        "60",
    )
    (done,) = platform.directly(call("reconcile", state_dir=options["state_dir"]))
    assert [row["state"] for row in done["workloads"]] == ["repaired"], done
    assert containers(options["name"]) == []


def test_an_older_record_does_not_take_what_is_younger(platform: Platform, app: App, tmp_path: Path) -> None:
    """A6: a database of before the last deployment: what serves is not on it, and stays until it is declared."""
    own = {"state_dir": str(tmp_path / "state")}
    platform.apply(**app("1", **own))
    shutil.copytree(tmp_path / "state", tmp_path / "older")
    live = platform.apply(**app("2", **own))
    lose_the_record(tmp_path / "state")
    for file in (tmp_path / "older").glob("tidegate.db*"):
        shutil.copy2(file, tmp_path / "state")
    done, pruned = platform.directly(call("reconcile", **own), call("workload_prune", **own))
    assert [row["state"] for row in done["workloads"]] == ["unknown"], done
    assert pruned["removed"]["containers"] == []
    assert containers(app()["name"]) == live["release"]["containers"]
    assert platform.version(f"{app()['name']}.test") == "2"
    assert platform.apply(**app("2", **own))["changed"]
    assert platform.version(f"{app()['name']}.test") == "2"


def test_a_deployment_that_fails_leaves_the_secrets_of_what_nobody_remembers(
    platform: Platform, idle: App, tmp_path: Path
) -> None:
    """A6: an unknown container has its secrets mounted; without them it could never be started again."""
    options = idle(secrets=[{"name": "key", "value": "still-mounted-1"}])
    made = platform.apply(**options)
    docker("rename", made["release"]["containers"][0], f"{options['name']}-renamed01-1")  # so that nothing adopts it
    folder = tmp_path / "state" / "secrets" / f"{options['name']}.production"
    (before,) = folder.iterdir()
    docker("rename", f"{options['name']}-renamed01-1", f"{options['name']}-{before.name}-9")
    lose_the_record(tmp_path / "state")
    failed = platform.apply(**{**options, "image": names.image("app", "2"), "release_command": ["false"]})
    assert failed["failed"], failed
    assert [path.name for path in folder.iterdir()] == [before.name]
    assert list(states(options["name"]).values()) == ["running"]
    assert json.dumps(failed).count("still-mounted-1") == 0
