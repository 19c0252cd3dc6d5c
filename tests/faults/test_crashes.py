"""The crash matrix: kill -9 in and after every step, then the same task again, or reconcile; requests are counted."""

from __future__ import annotations

import os
import typing as t

import hosts
import names
import pytest
from harness.authentication import authentication
from harness.load import Target
from harness.looks import consistent, orphans, started
from harness.mixed_load import Mixed
from harness.platforms import Options, Platform, docker, free_ports
from harness.runs import Driver

from .cells import CELLS, Cell

App = t.Callable[..., Options]


@pytest.fixture(scope="module")
def other_network() -> t.Iterator[str]:
    """A network that the proxy is not on; a workload may be on it as well."""
    name = f"other{os.urandom(3).hex()}"
    docker("network", "create", "--label", f"{names.LABEL}=1", name)
    yield name
    docker("network", "rm", name)


@pytest.fixture(scope="module")
def slow_middleware(platform: Platform) -> t.Iterator[str]:
    """A middleware that holds every request for most of a second."""
    with authentication(platform, 0.8) as middleware:
        yield middleware


FAULTS = {"middle": "kill -9 middle of {}", "after": "kill -9 after {}", "undoing": "kill -9 while {} is taken back"}


@pytest.mark.parametrize("cell", CELLS, ids=[cell.name for cell in CELLS])
def test_a_kill_leaves_the_old_release_or_the_new_one(
    app: App, driver: Driver, cell: Cell, row: Options, request: pytest.FixtureRequest
) -> None:
    """DS-T5, DP-T6, T1, B3, B4: whatever is in flight; exactly one live release, route = store = containers, no orphan, nothing that served was stopped."""
    workload, platform = app()["name"], driver.platform
    target = Target(f"{workload}.test", port=platform.ports.http)
    published: Options = {}
    abrupt = {"ABRUPT": "1"}  # no request outlives SIGTERM, so that each has to be drained before it
    if cell.strategy == "handover":
        target = Target(workload, address=hosts.gateway(), port=free_ports(1)[0])
        ports = [{"container": 8000, "host": target.port, "address": target.address}]
        published = {"routes": [], "ports": ports, "strategy": "handover"}
        abrupt = {}  # a handover is drained by SIGTERM
    if cell.about == "asked":
        middleware = request.getfixturevalue("slow_middleware")
        published = {"routes": [{"host": target.host, "middlewares": [middleware]}]}
    first = driver.run("image", **app("1", **{"env": abrupt, **published}))
    blue = first["release"]["containers"]
    before = started(blue)
    client = Mixed(target, cell.rates).start()
    options = app("2", **{**published, "strategy": cell.strategy, **cell.more})
    options["env"] = {**abrupt, **options.get("env", {})}
    if cell.about.startswith("moved"):
        options["networks"] = [request.getfixturevalue("other_network"), platform.network]
    driver.killed(cell.step, cell.when, **options)
    repaired = driver.run("image", **options) if cell.repair == "again" else driver.reconciled(workload)
    count = client.stop()
    live = consistent(platform, workload, target)
    stays = live["containers"] == blue
    stopped = (
        sum(started(blue)[name] != before[name] for name in blue) if stays and cell.strategy == "blue-green" else 0
    )
    row.update(
        {
            "order": 1,
            "fault": FAULTS[cell.when].format(cell.step),
            "in": f"{cell.strategy} {cell.about}".strip(),
            "repair": cell.repair,
            "live": "old" if stays else "new",
            "requests": count.requests,
            "held": count.held,
            "lost": count.lost,
            "orphans": len(orphans(platform, workload)),
            "stopped": stopped,
        }
    )
    assert not repaired.get("failed"), repaired
    assert cell.repair == "reconcile" or not stays, "the same task again ends with what it declares"
    assert count.losses == []
    assert count.requests
    assert cell.strategy == "recreate" or count.held == 0
    assert (row["orphans"], stopped) == (0, 0)
    assert docker("inspect", "--format", "{{.State.Running}}", *live["containers"]) == "true"
    assert not driver.run("reconcile", names=[workload])["changed"], "nothing is left to repair"
    if cell.repair == "again":
        assert not driver.run("image", **options)["changed"]


def test_a_repair_that_was_killed_is_repaired_without_a_gap(app: App, driver: Driver) -> None:
    """DS-T5, B5: a handover was taken back up to its last rule; the next repair stopped once more what served again."""
    workload = app()["name"]
    target = Target(workload, address=hosts.gateway(), port=free_ports(1)[0])
    ports = [{"container": 8000, "host": target.port, "address": target.address}]
    published = {"routes": [], "ports": ports, "strategy": "handover"}
    (blue,) = driver.run("image", **app("1", **published))["release"]["containers"]
    traffic = Mixed(target, {"new": 50.0}).start()
    driver.killed("stop", "after", **app("2", **published))
    driver.killed("undivert", "after", story="reconcile", names=[workload])
    since = started([blue])
    repaired = driver.reconciled(workload)
    count = traffic.stop()
    assert not repaired["failed"], repaired
    assert started([blue]) == since, repaired
    assert count.losses == []
    consistent(driver.platform, workload, target)
