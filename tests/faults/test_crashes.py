"""The crash matrix: kill -9 in and after every step, then the same task again, or reconcile; requests are counted."""

from __future__ import annotations

import typing as t

import hosts
import pytest
from integration.harness import Options, Platform, docker, free_ports
from load.client import Client, Target

from .cells import CELLS, Cell
from .conftest import Driver
from .looks import consistent, orphans, started

App = t.Callable[..., Options]


@pytest.mark.parametrize("cell", CELLS, ids=[cell.name for cell in CELLS])
def test_a_kill_leaves_the_old_release_or_the_new_one(
    platform: Platform, app: App, driver: Driver, cell: Cell, row: Options
) -> None:
    """DS-T5, DP-T6: exactly one live release, route = store = containers, no orphan, nothing that served was stopped."""
    workload = app()["name"]
    target = Target(f"{workload}.test", port=platform.ports.http)
    published: Options = {}
    if cell.strategy == "handover":
        target = Target(workload, address=hosts.gateway(), port=free_ports(1)[0])
        ports = [{"container": 8000, "host": target.port, "address": target.address}]
        published = {"routes": [], "ports": ports, "strategy": "handover"}
    first = driver.run("image", **app("1", **published))
    blue = first["release"]["containers"]
    before = started(blue)
    client = Client(target, "new", 40).start()
    options = app("2", **{**published, "strategy": cell.strategy, **cell.more})
    driver.killed(cell.step, cell.when, **options)
    repaired = driver.run("image", **options) if cell.repair == "again" else driver.run("reconcile", names=[workload])
    count = client.stop()
    live = consistent(platform, workload, target)
    stays = live["containers"] == blue
    stopped = (
        sum(started(blue)[name] != before[name] for name in blue) if stays and cell.strategy == "blue-green" else 0
    )
    row.update(
        {
            "order": 1,
            "fault": f"kill -9 {cell.when} of {cell.step}" if cell.when == "middle" else f"kill -9 after {cell.step}",
            "in": cell.strategy,
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
    assert cell.strategy == "recreate" or count.held == 0
    assert (row["orphans"], stopped) == (0, 0)
    assert docker("inspect", "--format", "{{.State.Running}}", *live["containers"]) == "true"
    assert not driver.run("reconcile", names=[workload])["changed"], "nothing is left to repair"
    if cell.repair == "again":
        assert not driver.run("image", **options)["changed"]
