"""The crash matrix of workloads that are built: kill -9 in every step, then the same task again, or reconcile."""

from __future__ import annotations

import json
import shutil
import typing as t
from pathlib import Path

import names
import pytest
from harness.load import Target
from harness.looks import consistent, orphans
from harness.mixed_load import Mixed
from harness.platforms import Options, Platform
from harness.runs import Driver

from .cells import SOURCE_CELLS, Cell

TREES = Path(__file__).parents[1] / "harness" / "trees"
# A site has no slow requests.
QUICK = {"new": 40.0}
RUNNER = {"preset": "none", "image": "plain", "start_command": "python3 -I -S /srv/app.py"}


@pytest.fixture(autouse=True, scope="module")
def catalog(platform: Platform) -> None:
    """A catalog of one language image."""
    row = {"name": "plain", "language": "python", "image": names.image("app")}
    (platform.state / "runners.json").write_text(json.dumps({"runners": [row], "presets": []}))


Versions = t.Callable[[str, Cell], list[Options]]


@pytest.fixture
def versions(app: t.Callable[..., Options], tmp_path: Path) -> Versions:
    """Two versions of a workload of a kind."""
    plain = {key: value for key, value in app().items() if key != "image"}
    return lambda kind, cell: [{**plain, "strategy": cell.strategy, **made(kind, v, tmp_path)} for v in "12"]


def made(kind: str, version: str, folder: Path) -> Options:
    """What a version of a workload of this kind is made from, on this host."""
    if kind == "dockerfile":
        args = {"BASE": names.image("app"), "RELEASE": version}
        return {"source": {"path": str(TREES / "app"), "remote": True}, "build": {"args": args}}
    if kind == "runner":
        return {
            "source": {"path": str(TREES / "flask"), "remote": True},
            "runner": {**RUNNER, "build_env": {"VERSION": version}},
        }
    tree = folder / version
    if not tree.exists():
        shutil.copytree(TREES / "site", tree)
        (tree / "index.html").write_text(version)
    return {
        "source": {"path": str(tree), "remote": True},
        "static": {"image": names.image("caddy", "2.11.7")},
        "port": None,
        "health": {"path": "/"},
    }


@pytest.mark.parametrize(("kind", "cell"), SOURCE_CELLS, ids=[f"{kind}-{cell.name}" for kind, cell in SOURCE_CELLS])
def test_a_kill_leaves_the_old_release_or_the_new_one(
    platform: Platform, driver: Driver, versions: Versions, row: Options, kind: str, cell: Cell
) -> None:
    """DS-T5 for each source: one live release, route = store = containers, no orphan, nothing left of the build."""
    one, two = versions(kind, cell)
    workload = one["name"]
    blue = driver.run(kind, **one)["release"]["containers"]
    client = Mixed(Target(f"{workload}.test", port=platform.ports.http), QUICK).start()
    driver.killed(cell.step, cell.when, kind, **two)
    repaired = driver.run(kind, **two) if cell.repair == "again" else driver.reconciled(workload)
    count = client.stop()
    live = consistent(platform, workload, tells_version=kind != "static")
    stays = live["containers"] == blue
    row.update(
        {
            "order": 2,
            "fault": f"{kind}: kill -9 {'middle of' if cell.when == 'middle' else 'after'} {cell.step}",
            "in": cell.strategy,
            "repair": cell.repair,
            "live": "old" if stays else "new",
            "requests": count.requests,
            "held": count.held,
            "lost": count.lost,
            "orphans": len(orphans(platform, workload)),
            "stopped": 0,
        }
    )
    assert not repaired.get("failed"), repaired
    assert cell.repair == "reconcile" or not stays, "the same task again ends with what it declares"
    assert count.losses == []
    assert row["orphans"] == 0
    assert not driver.run(kind, **(one if stays else two))["changed"], "nothing is left to do"
    work = platform.state / "work"
    assert not [path for path in work.iterdir() if path.name.startswith(workload)] or cell.repair == "reconcile"
