"""Kills at any moment, not only at steps: of every source and strategy, of the repair as well, under mixed traffic."""

from __future__ import annotations

import contextlib
import json
import os
import random
import shutil
import signal
import subprocess
import time
import typing as t
from pathlib import Path

import compose
import names
import pytest
from integration.harness import Options, Platform, containers
from load.client import Target
from load.mix import FLYING, Mixed

from .conftest import Driver
from .looks import live_release
from .test_crashes_of_sources import RUNNER, TREES

KILLS = 200 if os.environ.get("TIDEGATE_EVERY") else 20
SEED = int(os.environ.get("TIDEGATE_SEED", "13"))
# A site has no slow requests, and what a tree serves tells no version.
QUICK = {"new": 30.0}
VERSIONS = ("1", "2", "4")


class Life(t.NamedTuple):
    """A workload of some source that is deployed again and again.

    :param declared: its declaration at a version.
    """

    kind: str
    strategy: str
    declared: t.Callable[[str], Options]
    rates: dict[str, float]


@pytest.fixture
def lives(platform: Platform, app: t.Callable[..., Options], tmp_path: Path) -> list[Life]:
    """Every source with every strategy that it has."""
    plain = {key: value for key, value in app().items() if key != "image"}
    row = {"name": "plain", "language": "python", "image": names.image("app")}
    (platform.state / "runners.json").write_text(json.dumps({"runners": [row], "presets": []}))

    def image(version: str) -> Options:
        return {**app(version), "env": {"ABRUPT": "1"}}

    def dockerfile(version: str) -> Options:
        args = {"BASE": names.image("app"), "RELEASE": version}
        return {**plain, "source": {"path": str(TREES / "app"), "remote": True}, "build": {"args": args}}

    def runner(version: str) -> Options:
        of = {"path": str(TREES / "flask"), "remote": True}
        return {**plain, "source": of, "runner": {**RUNNER, "build_env": {"VERSION": version}}}

    def static(version: str) -> Options:
        tree = tmp_path / version
        if not tree.exists():
            shutil.copytree(TREES / "site", tree)
            (tree / "index.html").write_text(version)
        of = {"source": {"path": str(tree), "remote": True}, "static": {"image": names.image("caddy", "2.11.7")}}
        return {**plain, **of, "port": None, "health": {"path": "/"}}

    def stack(version: str) -> Options:
        web = {"image": names.image("app", version), "environment": {"ABRUPT": "1"}, "stop_grace_period": "2s"}
        exposed = {"name": "web", "port": 8000, "health": {"path": "/healthz", "deadline": 20}}
        exposed["routes"] = plain["routes"]
        definition = {"services": {"web": web}}
        of = {"network": platform.network, "definition": definition, "services": [exposed]}
        return {"name": plain["name"], "drain": {"timeout": 5}, "compose": of}

    kinds = {
        "image": (image, ("blue-green", "recreate"), FLYING),
        "dockerfile": (dockerfile, ("blue-green",), QUICK),
        "runner": (runner, ("blue-green",), QUICK),
        "static": (static, ("blue-green", "recreate"), QUICK),
        "compose": (stack, ("rolling", "recreate"), FLYING),
    }
    return [Life(kind, strategy, make, rates) for kind, (make, ways, rates) in kinds.items() for strategy in ways]


def killed(driver: Driver, seconds: float, kind: str, params: Options) -> bool:
    """Kill a run after some seconds; False when it had ended before."""
    run = driver.begin(kind, **params)
    with contextlib.suppress(subprocess.TimeoutExpired):
        run.communicate(timeout=seconds)
        return False
    run.send_signal(signal.SIGKILL)
    run.communicate()
    return True


def test_a_kill_at_any_moment_leaves_the_old_release_or_the_new_one(
    platform: Platform, driver: Driver, lives: list[Life], row: Options, monkeypatch: pytest.MonkeyPatch
) -> None:
    """DS-T5, DP-T6, B8: uniform moments of a run, repairs that are killed, too; nothing is lost, and one release is left.

    The moments are measured: the first change of each workload, which nobody kills, says how long one takes here.
    """
    monkeypatch.setenv("DOCKER_CONFIG", str(compose.config()))
    source = random.Random(SEED)
    rounds = max(2, KILLS // len(lives))
    sums = {"requests": 0, "lost": 0, "held": 0, "orphans": 0, "stopped": 0}
    hits, losses = 0, []
    for life in lives:
        came = one_life(platform, driver, life, source, rounds)
        hits += came["hits"]
        losses += came["losses"]
        for name in sums:
            sums[name] += came.get(name, 0)
    about = {"fault": f"{hits} kills at random moments, seed {SEED}", "in": "all", "repair": "again, reconcile"}
    row.update({"order": 4, "live": "either", "bound": 0, "unexplained": sums["lost"], **about, **sums})
    assert hits >= len(lives) * rounds // 2, "most moments lie within a run"
    assert losses == []


def one_life(platform: Platform, driver: Driver, life: Life, source: random.Random, rounds: int) -> Options:
    """Deploy a workload, change it under fire, and take it away; what was counted."""
    params = {**life.declared("1"), "strategy": life.strategy}
    name = str(params["name"])
    assert driver.run(life.kind, **params)["changed"]
    traffic = Mixed(Target(f"{name}.test", port=platform.ports.http), life.rates).start()
    begun = time.monotonic()
    assert driver.begin(life.kind, **{**params, **life.declared("2")}).wait() == 0
    usual = time.monotonic() - begun
    hits = 0
    for number in range(rounds):
        want = {**params, **life.declared(VERSIONS[number % len(VERSIONS)])}
        hits += killed(driver, source.uniform(0.2, 1.0) * usual, life.kind, want)
        for _more in range(source.choice((0, 0, 1, 2))):
            hits += killed(driver, source.uniform(0.2, 1.0) * usual, *repair(source, life, want))
        kind, options = repair(source, life, want)
        result = driver.run(kind, **options)
        assert not result.get("failed"), (life, number, result)
        live = live_release(platform, name)
        assert containers(name) == sorted(live["containers"]), (life, number)
        assert containers(name, everything=False) == sorted(live["containers"]), (life, number)
        open_ones = "SELECT id FROM deployments WHERE workload = ? AND conclusion IS NULL"
        assert platform.rows(open_ones, name) == [], (life, number)
        assert platform.get(f"{name}.test")[0] == 200
    count = traffic.stop()
    assert life.strategy == "recreate" or count.held == 0
    assert not driver.run("image", name=name, state="absent", drain={"timeout": 0}).get("failed")
    losses = [f"{life.kind} {life.strategy}: {loss}" for loss in count.losses]
    return {"requests": count.requests, "lost": count.lost, "held": count.held, "hits": hits, "losses": losses}


def repair(source: random.Random, life: Life, want: Options) -> tuple[str, Options]:
    """The same task again, or `reconcile`."""
    return source.choice(((life.kind, want), ("reconcile", {"names": [want["name"]]})))
