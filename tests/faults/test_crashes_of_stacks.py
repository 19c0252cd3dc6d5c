"""The crash matrix of Compose projects: kill -9 in every step, then the same task again, or reconcile."""

from __future__ import annotations

import json
import typing as t

import compose
import names
import pytest
from harness.load import Target
from harness.looks import live_release, started
from harness.mixed_load import Mixed
from harness.platforms import Options, Platform, containers, docker
from harness.runs import Driver

from .cells import STACK_CELLS, Cell

ROLLED = Cell("rolling", "roll", "after", "again", {})


@pytest.fixture(autouse=True)
def real_compose(monkeypatch: pytest.MonkeyPatch) -> None:
    """`docker compose` is the real one."""
    monkeypatch.setenv("DOCKER_CONFIG", str(compose.config()))


@pytest.fixture
def stack(platform: Platform, name: str) -> t.Callable[[str, Cell], Options]:
    """Options of a version of a stack: a routed service, and one that keeps data."""

    def options(version: str, cell: Cell) -> Options:
        plain = {"stop_grace_period": "2s", "labels": {names.LABEL: "1"}}
        web = {**plain, "image": names.image("app", version), "depends_on": ["db"], "environment": {"ABRUPT": "1"}}
        check = {"test": ["CMD", "true"], "interval": "1s"}
        data = {**plain, "image": names.image("app"), "volumes": ["data:/data"], "healthcheck": check}
        exposed = {"name": "web", "port": 8000, "health": {"path": "/healthz", "deadline": 10}}
        return {
            "name": name,
            "strategy": cell.strategy,
            "drain": {"timeout": 3},
            "compose": {
                "network": platform.network,
                "definition": {"services": {"web": web, "db": data}, "volumes": {"data": {}}},
                "services": [{**exposed, "routes": [{"host": f"{name}.test"}]}],
            },
        }

    return options


@pytest.mark.parametrize("cell", STACK_CELLS, ids=[cell.name for cell in STACK_CELLS])
def test_a_kill_leaves_the_old_services_or_the_new_ones(
    platform: Platform, driver: Driver, stack: t.Callable[[str, Cell], Options], cell: Cell, row: Options
) -> None:
    """DS-T5, DS-T11: the containers are those of the live release, the database was never touched, nothing is lost."""
    one, two = stack("1", cell), stack("2", cell)
    name = one["name"]
    driver.run("compose", **one)
    before = live_release(platform, name)
    data = [container for container in before["containers"] if "-db-" in container]
    untouched = started(data)
    client = Mixed(Target(f"{name}.test", port=platform.ports.http)).start()
    driver.killed(cell.step, cell.when, "compose", **two)
    repaired = driver.run("compose", **two) if cell.repair == "again" else driver.reconciled(name)
    count = client.stop()
    live = live_release(platform, name)
    assert not repaired.get("failed"), repaired
    version = platform.version(f"{name}.test")
    row.update(
        {
            "order": 3,
            "fault": f"compose: kill -9 {'middle of' if cell.when == 'middle' else 'after'} {cell.step}",
            "in": cell.strategy,
            "repair": cell.repair,
            "live": "old" if version == "1" else "new",
            "requests": count.requests,
            "held": count.held,
            "lost": count.lost,
            "orphans": len(set(containers(name)) - set(live["containers"])),
            "stopped": sum(started(data)[one] != untouched[one] for one in data),
        }
    )
    assert cell.repair == "reconcile" or version == "2"
    assert containers(name) == sorted(live["containers"])
    assert containers(name, everything=False) == sorted(live["containers"])
    assert started(data) == untouched
    assert count.losses == [], "while services are recreated in their place, who asks is told when to come back"
    assert platform.rows("SELECT id FROM deployments WHERE workload = ? AND conclusion IS NULL", name) == []
    again = driver.run("compose", **(one if version == "1" else two))
    assert not again["changed"], again
    assert docker("inspect", "--format", "{{.State.Running}}", *live["containers"]) == "true\ntrue"


@pytest.mark.parametrize(
    ("cell", "other"),
    [(ROLLED, False), (ROLLED, True), (Cell("recreate", "up", "middle", "again", {}), True)],
    ids=["rolling", "rolling, declared otherwise", "recreate, declared otherwise"],
)
def test_a_first_deployment_that_was_killed_and_then_fails_leaves_nothing(
    platform: Platform, driver: Driver, stack: t.Callable[[str, Cell], Options], cell: Cell, other: bool
) -> None:
    """DS-T5: its containers were taken for what was there before a lost record, and ran on; its host answered 503."""
    one = stack("1", cell)
    name, services = one["name"], one["compose"]["definition"]["services"]
    if other:
        services["aid"] = {**services["web"], "depends_on": []}
    driver.killed(cell.step, cell.when, "compose", **one)
    assert containers(name)
    services.pop("aid", None)
    services["web"]["command"] = ["sh", "-c", "exit 3"]
    failed = driver.run("compose", **one)
    assert (failed["failed"], failed["kind"]) == (True, "Unhealthy"), failed
    assert containers(name) == [], failed
    assert not platform.route(name).exists()
    assert platform.get(f"{name}.test")[0] == 404


def test_a_service_that_a_killed_deployment_added_goes_with_the_next_that_fails(
    driver: Driver, stack: t.Callable[[str, Cell], Options]
) -> None:
    """DS-T5: the new worker of a release that failed ran on beside the old release."""
    one, two = stack("1", ROLLED), stack("1", ROLLED)
    driver.run("compose", **one)
    before = containers(one["name"])
    services = two["compose"]["definition"]["services"]
    services["aid"] = {**services["web"], "depends_on": []}
    driver.killed("roll", "after", "compose", **two)
    assert len(containers(one["name"])) == len(before) + 1
    services["zet"] = {**services["aid"], "command": ["sh", "-c", "exit 3"]}
    failed = driver.run("compose", **two)
    assert (failed["failed"], failed["kind"]) == (True, "Unhealthy"), failed
    assert containers(one["name"]) == before, failed


def test_a_container_that_the_engine_makes_late_does_not_count_for_a_new_one(
    platform: Platform, driver: Driver, stack: t.Callable[[str, Cell], Options]
) -> None:
    """DS-T5: what a killed run asked the engine for came between the look and Compose, which then made none."""
    cell = Cell("rolling", "roll", "before", "again", {})
    one, two = stack("1", cell), stack("2", cell)
    driver.run("compose", **one)
    (web,) = (container for container in containers(one["name"]) if "-web-" in container)
    labels = json.loads(docker("inspect", "--format", "{{json .Config.Labels}}", web))
    late = {**labels, "com.docker.compose.container-number": "2"}
    words = [word for key, value in late.items() for word in ("--label", f"{key}={value}")]
    made = ["docker", "run", "-d", "--name", f"{web[:-1]}2", *words, names.image("app", "1")]
    result = driver.run("compose", {"step": "roll", "when": "before", "run": made}, **two)
    assert not result["failed"], result
    assert platform.version(f"{one['name']}.test") == "2"
    assert len([container for container in containers(one["name"]) if "-web-" in container]) == 1
