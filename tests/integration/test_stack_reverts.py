"""Projects that are gone back from: what is said of them on the way, and what stays where their record is lost."""

from __future__ import annotations

import contextlib
import json
import threading
import typing as t
from pathlib import Path

import compose
import names
import pytest
from ansible_collections.tidegate.platform.plugins.module_utils._core.host.clock import Clock, attempts
from harness.platforms import Options, Platform, Task, containers, docker

MODULE = "tidegate.platform.workload_compose"
TOKEN = "hunter2-is-secret"


@pytest.fixture(autouse=True)
def real_compose(monkeypatch: pytest.MonkeyPatch) -> None:
    """The real Compose of the testbed."""
    monkeypatch.setenv("DOCKER_CONFIG", str(compose.config()))


def test_a_secret_of_a_project_is_in_no_result_of_what_brings_it_back(
    platform: Platform, name: str, tmp_path: Path
) -> None:
    """A13 (review): a release brought back says its secret on its way to fail, and that is in the result."""
    tmp_path.chmod(0o755)

    def declared(version: str) -> Options:
        fail = "echo connecting with $$TOKEN; test -e /flag/bad && exit 3; sleep 1000"
        web: Options = {
            "image": names.image("redis", "7"),
            "stop_grace_period": "1s",
            "environment": {"TOKEN": "${TOKEN}", "V": version},
            "volumes": [f"{tmp_path}:/flag:ro"],
            "command": ["sh", "-c", fail],
        }
        secrets = [{"name": "TOKEN", "value": TOKEN}]
        definition = {"services": {"web": web}}
        given = {"network": platform.network, "project": f"p{name}", "definition": definition, "secrets": secrets}
        return {"name": name, "strategy": "rolling", "compose": given, "drain": {"timeout": 0}}

    for version in ("1", "2"):
        (done,) = platform.directly(Task(declared(version), module=MODULE))
        assert not done["failed"], done
    (tmp_path / "bad").write_text("")
    (back,) = platform.stories([{"story": "rollback", "params": {"name": name}}])
    (tmp_path / "bad").unlink()
    assert (back["failed"], "connecting with ***" in back["logs"]) == (True, True), back
    assert TOKEN not in json.dumps(back)
    kept = sorted((platform.state / "stacks").glob("*/*/secrets.json"))
    assert [oct(path.stat().st_mode & 0o777) for path in kept] == ["0o600"] * 2, kept


@pytest.fixture
def project(platform: Platform, name: str) -> t.Iterator[tuple[t.Callable[..., Options], t.Callable[[], None]]]:
    """A project of a routed service and another one; how to lose its record."""

    def deploy(strategy: str, *, fails: bool) -> Options:
        worker: Options = {"image": names.image("redis", "7"), "stop_grace_period": "1s"}
        worker.update({"command": ["sh", "-c", "exit 3"]} if fails else {})
        services = {"cache": {"image": names.image("app", "1"), "stop_grace_period": "1s"}, "zworker": worker}
        routed = {"name": "cache", "port": 8000, "health": {"path": "/healthz"}, "routes": [{"host": f"{name}.test"}]}
        given = {"network": platform.network, "project": f"p{name}", "definition": {"services": services}}
        options = {"name": name, "strategy": strategy, "compose": {**given, "services": [routed]}}
        (result,) = platform.directly(Task({**options, "drain": {"timeout": 0}}, module=MODULE))
        return result

    record = [f"tidegate.db{end}" for end in ("", "-wal", "-shm")]
    (platform.root / name).mkdir()

    def lose() -> None:
        for path in (platform.state / file for file in record):
            if path.exists():
                path.rename(platform.root / name / path.name)

    yield deploy, lose
    left = docker("ps", "-aq", "--filter", f"label=com.docker.compose.project=p{name}").split()
    docker("rm", "-f", *left)
    for path in (platform.state / file for file in record):
        path.unlink(missing_ok=True)
    for path in (platform.root / name).iterdir():
        path.rename(platform.state / path.name)


@pytest.mark.parametrize("strategy", ["rolling", "recreate"])
def test_what_was_there_before_a_lost_record_is_no_part_of_an_undo(
    platform: Platform, name: str, project: tuple[t.Callable[..., Options], t.Callable[[], None]], strategy: str
) -> None:
    """A7 (review): all of a project was removed, with its routes, because another service failed its gate."""
    deploy, lose = project
    first = deploy(strategy, fails=False)
    assert not first["failed"], first
    lose()
    bad = deploy(strategy, fails=True)
    assert (bad["failed"], bad["kind"]) == (True, "Unhealthy"), bad
    assert platform.version(f"{name}.test") == "1", bad
    assert ("What served before still serves" in bad["msg"]) == (strategy == "rolling"), bad
    again = deploy(strategy, fails=True)
    assert again["failed"], again
    assert platform.version(f"{name}.test") == "1", "nor of the next one's, though there is a record now"


@pytest.mark.parametrize("strategy", ["rolling", "recreate"])
def test_a_fleet_leaves_a_project_alone_that_it_could_not_go_back_to(
    platform: Platform, name: str, project: tuple[t.Callable[..., Options], t.Callable[[], None]], strategy: str
) -> None:
    """Where the record was lost, a revert because of another host removed all of the project, and said "reverted"."""
    deploy, lose = project
    assert not deploy(strategy, fails=False)["failed"]
    lose()
    there = begun(name)
    services = {"cache": {"image": names.image("app", "2"), "stop_grace_period": "1s"}}
    routed = {"name": "cache", "port": 8000, "health": {"path": "/healthz"}, "routes": [{"host": f"{name}.test"}]}
    given = {"network": platform.network, "project": f"p{name}", "definition": {"services": services}}
    declared = {"name": name, "strategy": strategy, "compose": {**given, "services": [routed]}, "drain": {"timeout": 0}}
    more = {"workloads": [{**declared, "type": "compose"}], "fleet": "run-1", "reason": "another host failed"}
    for phase in ("stage", "switch", "revert"):
        (done,) = platform.stories([{"story": "declare_many", "params": {**more, "phase": phase}}])
        (row,) = done["workloads"]
        if phase == "revert":
            assert (done["failed"], row["reason"]) == (False, "nothing was left to revert"), done
        else:
            assert (row["kind"], "on this host alone first" in row["msg"]) == ("Unrecorded", True), row
        assert (begun(name), platform.version(f"{name}.test")) == (there, "1"), done
    (alone,) = platform.stories([{"story": "compose", "params": declared}])
    assert (alone["failed"], platform.version(f"{name}.test")) == (False, "2"), alone


def begun(name: str) -> dict[str, str]:
    """When a container of each service was started, of several the first."""
    label = '{{index .Config.Labels "com.docker.compose.service"}}'
    rows = docker("inspect", "--format", f"{label} {{{{.State.StartedAt}}}}", *containers(name)).splitlines()
    found: dict[str, str] = {}
    for row in sorted(rows, reverse=True):
        service, since = row.split(" ", 1)
        found[service] = since
    return found


@pytest.mark.parametrize("strategy", ["rolling", "recreate"])
def test_who_is_to_be_restarted_with_another_is_announced(platform: Platform, name: str, strategy: str) -> None:
    """A10 (review): Compose restarted it without a word to the proxy, and one by one it was not restarted at all."""

    def deploy(version: str) -> Options:
        db = {"image": names.image("redis", "7"), "environment": {"V": version}, "stop_grace_period": "1s"}
        web = {"image": names.image("app", "1"), "stop_grace_period": "1s"}
        after = {"condition": "service_started", "restart": True}
        services = {"db": db, "web": {**web, "depends_on": {"db": after}}}
        services["kept"] = {**db, "environment": {}, "volumes": [f"{name}:/kept"], "depends_on": {"db": after}}
        routed = {"name": "web", "port": 8000, "health": {"path": "/healthz"}, "routes": [{"host": f"{name}.test"}]}
        definition = {"services": services, "volumes": {name: {}}}
        given = {"network": platform.network, "project": f"p{name}", "definition": definition, "services": [routed]}
        options = {"name": name, "strategy": strategy, "compose": given, "drain": {"timeout": 0}}
        (result,) = platform.directly(Task(options, module=MODULE))
        assert not result["failed"], result
        return result

    deploy("1")
    before = begun(name)
    second = deploy("2")
    after = begun(name)
    assert [service for service in before if before[service] == after[service]] == [], second
    assert [s["name"] for s in second["steps"]].count("hold") == (strategy == "recreate"), second
    assert platform.version(f"{name}.test") == "1"


def test_who_is_too_much_goes_and_going_back_restarts_who_depends_on_what_goes_back(
    platform: Platform, name: str
) -> None:
    """A10, DS-T5: four stayed of two, run by run; the old release ran on with who had begun before its database did."""

    def deploy(version: str, *, fails: bool = False) -> Options:
        plain: Options = {"image": names.image("redis", "7"), "stop_grace_period": "1s"}
        db = {**plain, "environment": {"V": version}, "volumes": [f"{name}:/kept"]}
        after = {"depends_on": {"db": {"condition": "service_started", "restart": True}}}
        web = {"image": names.image("app", "1"), "stop_grace_period": "1s", "scale": 2, **after}
        last = {**plain, "command": ["sh", "-c", "exit 3" if fails else "sleep 1000"]}
        routed = {"name": "web", "port": 8000, "health": {"path": "/healthz"}, "routes": [{"host": f"{name}.test"}]}
        definition = {"services": {"db": db, "web": web, "zet": last}, "volumes": {name: {}}}
        given = {"network": platform.network, "project": f"p{name}", "definition": definition, "services": [routed]}
        options = {"name": name, "strategy": "rolling", "compose": given, "drain": {"timeout": 0}}
        (result,) = platform.directly(Task(options, module=MODULE))
        return result

    assert not deploy("1")["failed"]
    (file,) = (platform.state / "stacks").glob(f"{name}.*/*/compose.json")
    more = ["up", "--detach", "--no-deps", "--no-recreate", "--scale", "web=4", "web"]
    docker("compose", "--project-directory", str(file.parent), "--file", str(file), *more)
    assert len(containers(name)) == 6
    assert deploy("1")["changed"]
    assert len(containers(name)) == 4
    assert not deploy("1")["changed"]
    failed = deploy("2", fails=True)
    assert failed["failed"], failed
    since = begun(name)
    assert (sorted(since), len(containers(name))) == (["db", "web", "zet"], 4), failed
    assert since["db"] < since["web"], failed
    assert platform.version(f"{name}.test") == "1"


@pytest.fixture
def checked(platform: Platform, name: str, tmp_path: Path) -> t.Iterator[tuple[t.Callable[..., Options], Path]]:
    """How to deploy a project whose container answers, also while a file of the host makes it unhealthy."""
    tmp_path.chmod(0o755)

    def deploy(version: str, **more: t.Any) -> Options:
        check = {"test": ["CMD", "test", "!", "-e", "/flag/bad"], "interval": "1s", "retries": 1}
        web: Options = {"image": names.image("app", version), "stop_grace_period": "1s", "healthcheck": check}
        web["volumes"] = [f"{tmp_path}:/flag:ro", *more.pop("volumes", ())]
        gate = more.pop("gate", {"type": "image", "deadline": 3})
        strategy = more.pop("strategy", "rolling")
        routed = {"name": "web", "port": 8000, "health": gate, "routes": [{"host": f"{name}.test"}]}
        definition = {"services": {"web": {**web, **more}}, "volumes": {name: {}}}
        given = {"network": platform.network, "project": f"p{name}", "definition": definition, "services": [routed]}
        options = {"name": name, "strategy": strategy, "compose": given, "drain": {"timeout": 0}}
        (result,) = platform.directly(Task(options, module=MODULE))
        return result

    yield deploy, tmp_path / "bad"
    platform.directly(Task({"name": name, "state": "absent", "remove_volumes": True}, module=MODULE))


def becomes(name: str, health: str, count: int = 1) -> None:
    """Wait until as many containers as that say so of themselves."""
    found = ""
    for _left in attempts(Clock(), 30):
        found = docker("ps", "-q", "--filter", f"label=tidegate.workload={name}", "--filter", f"health={health}")
        if len(found.split()) == count:
            return
    raise AssertionError(found)


@contextlib.contextmanager
def watched(route: Path) -> t.Iterator[set[str]]:
    """Every content that a route file has meanwhile."""
    seen, over = set[str](), threading.Event()

    def watch() -> None:
        while not over.wait(0.005):
            seen.add(route.read_text())

    thread = threading.Thread(target=watch)
    thread.start()
    try:
        yield seen
    finally:
        over.set()
        thread.join()


def test_what_is_unhealthy_but_answers_stays_until_there_is_something_better(
    platform: Platform, name: str, checked: tuple[t.Callable[..., Options], Path]
) -> None:
    """A timer killed a service that answered, because its database was away; nothing was left of it."""
    deploy, bad = checked
    assert not deploy("1")["failed"]
    first = containers(name)
    bad.write_text("")
    becomes(name, "unhealthy")
    order = {"story": "reconcile", "params": {"names": [name]}}
    for result in (deploy("1"), *platform.stories([order]), deploy("2")):
        assert "Unhealthy" in json.dumps(result), result
        assert not result.get("warnings"), result
        assert (containers(name), platform.version(f"{name}.test")) == (first, "1"), result
    bad.unlink()
    becomes(name, "healthy")
    assert not deploy("1")["changed"]
    bad.write_text("")
    becomes(name, "unhealthy")
    better = deploy("2", healthcheck={"test": ["CMD", "true"], "interval": "1s"})
    assert not better["failed"], better
    assert platform.version(f"{name}.test") == "2"
    assert not set(first) & set(containers(name))


def test_what_is_unhealthy_and_in_its_place_is_held_and_comes_back_as_it_was(
    platform: Platform, name: str, checked: tuple[t.Callable[..., Options], Path]
) -> None:
    """Who asked for it while it was replaced was told of a bad gateway; nobody waited for what it was answering."""
    deploy, bad = checked
    assert not deploy("1", volumes=[f"{name}:/kept"])["failed"]
    bad.write_text("")
    becomes(name, "unhealthy")
    with watched(platform.route(name)) as seen:
        failed = deploy("2", volumes=[f"{name}:/kept"])
    assert (failed["failed"], failed["kind"]) == (True, "Unhealthy"), failed
    assert any("Retry-After" in text for text in seen), failed
    assert platform.version(f"{name}.test") == "1", failed


def test_what_answers_but_is_unhealthy_to_its_image_keeps_its_requests(
    platform: Platform, name: str, checked: tuple[t.Callable[..., Options], Path]
) -> None:
    """The whole project was held and never routed again, and the repair said success: 503 at each tick for good."""
    deploy, bad = checked
    own = {"strategy": "recreate", "gate": {"type": "http", "path": "/healthz", "deadline": 10}}
    assert not deploy("1", **own)["failed"]
    first = containers(name)
    bad.write_text("")
    becomes(name, "unhealthy")
    order = {"story": "reconcile", "params": {"names": [name]}}
    with watched(platform.route(name)) as seen:
        for result in (*platform.stories([order]), deploy("1", **own)):
            assert not result["failed"], result
            assert (containers(name), platform.version(f"{name}.test")) == (first, "1"), result
    assert not any("Retry-After" in text for text in seen)
    better = deploy("2", **own)
    assert not better["failed"], better
    assert platform.version(f"{name}.test") == "2"


def test_what_a_failed_deployment_brought_back_is_no_leftover(platform: Platform, name: str) -> None:
    """The worker had another name once it was gone back to, and the next pruning removed it while it ran."""

    def deploy(version: str, *, fails: bool = False) -> Options:
        plain: Options = {"image": names.image("redis", "7"), "stop_grace_period": "1s"}
        last = {**plain, "command": ["sh", "-c", "exit 3" if fails else "sleep 1000"]}
        definition = {"services": {"awork": {**plain, "environment": {"V": version}}, "zet": last}}
        given = {"network": platform.network, "project": f"p{name}", "definition": definition}
        options = {"name": name, "strategy": "rolling", "compose": given, "drain": {"timeout": 0}}
        (result,) = platform.directly(Task(options, module=MODULE))
        return result

    first = deploy("1")
    assert not first["failed"], first
    assert deploy("2", fails=True)["failed"]
    there = containers(name)
    assert (len(there), there == sorted(first["release"]["containers"])) == (2, False)
    (pruned,) = platform.stories(
        [{"story": "prune", "params": {"keep_deployments": 1, "keep_days": 1, "images": False}}]
    )
    assert not pruned["failed"], pruned
    assert (pruned["removed"]["containers"], containers(name)) == ([], there)
