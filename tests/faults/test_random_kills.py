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
import hosts
import names
import pytest
from harness.load import Target
from harness.looks import live_release, orphans, started
from harness.mixed_load import FLYING, Mixed
from harness.platforms import Options, Platform, containers, free_ports
from harness.runs import Driver

from .test_crashes_of_sources import RUNNER, TREES

KILLS = 200 if os.environ.get("TIDEGATE_EVERY") else 20
SEED = int(os.environ.get("TIDEGATE_SEED", "13"))
# A site has no slow requests.
QUICK = {"new": 30.0}
VERSIONS = ("1", "2", "4")
BAD = "3"  # does not pass its gate, so that a kill meets the way back
ABRUPT = {"ABRUPT": "1"}


class Life(t.NamedTuple):
    """A workload of some source that is deployed again and again.

    :param declared: its declaration at a version.
    :param fails: it has a version that does not pass its gate.
    """

    kind: str
    strategy: str
    declared: t.Callable[[str], Options]
    rates: dict[str, float]
    fails: bool
    target: Target


@pytest.fixture
def lives(platform: Platform, app: t.Callable[..., Options], tmp_path: Path) -> list[Life]:
    """Every source with every strategy that it has."""
    plain = {key: value for key, value in app().items() if key != "image"}
    row = {"name": "plain", "language": "python", "image": names.image("app")}
    (platform.state / "runners.json").write_text(json.dumps({"runners": [row], "presets": []}))

    routed = Target(f"{plain['name']}.test", port=platform.ports.http)
    published = Target(str(plain["name"]), address=hosts.gateway(), port=free_ports(1)[0])

    def image(version: str) -> Options:
        return {**app(version), "env": ABRUPT}

    def handed_over(version: str) -> Options:  # is drained by SIGTERM
        ports = [{"container": 8000, "host": published.port, "address": published.address}]
        return {**app(version), "routes": [], "ports": ports}

    def dockerfile(version: str) -> Options:
        args = {"BASE": names.image("app"), "RELEASE": version}
        of = {"source": {"path": str(TREES / "app"), "remote": True}, "build": {"args": args}}
        return {**plain, **of, "env": ABRUPT}

    def runner(version: str) -> Options:
        of = {"path": str(TREES / "flask"), "remote": True}
        return {**plain, "source": of, "runner": {**RUNNER, "build_env": {"VERSION": version}}, "env": ABRUPT}

    def static(version: str) -> Options:
        tree = tmp_path / version
        if not tree.exists():
            shutil.copytree(TREES / "site", tree)
            (tree / "index.html").write_text(version)
        of = {"source": {"path": str(tree), "remote": True}, "static": {"image": names.image("caddy", "2.11.7")}}
        return {**plain, **of, "port": None, "health": {"path": "/"}}

    def stack(version: str) -> Options:
        web = {"image": names.image("app", version), "environment": ABRUPT, "stop_grace_period": "2s"}
        exposed = {"name": "web", "port": 8000, "health": {"path": "/healthz", "deadline": 10}}
        exposed["routes"] = plain["routes"]
        of = {"network": platform.network, "definition": {"services": {"web": web}}, "services": [exposed]}
        return {"name": plain["name"], "drain": {"timeout": 5}, "compose": of}

    both = ("blue-green", "recreate")
    return [
        *(Life("image", way, image, FLYING, True, routed) for way in both),
        Life("image", "handover", handed_over, FLYING, True, published),
        *(Life("dockerfile", way, dockerfile, FLYING, False, routed) for way in both),
        *(Life("runner", way, runner, FLYING, False, routed) for way in both),
        *(Life("static", way, static, QUICK, False, routed) for way in both),
        *(Life("compose", way, stack, FLYING, True, routed) for way in ("rolling", "recreate")),
    ]


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
    driver: Driver, lives: list[Life], row: Options, monkeypatch: pytest.MonkeyPatch
) -> None:
    """DS-T5, DP-T6, B8: uniform moments of a run, repairs that are killed, too; nothing is lost, and one release is left.

    The moments are measured: the first change of each workload, which nobody kills, says how long one takes here.
    """
    monkeypatch.setenv("DOCKER_CONFIG", str(compose.config()))
    source = random.Random(SEED)
    wanted = -(-KILLS // len(lives))
    told = [one_life(driver, life, source, wanted) for life in lives]
    sums = {name: sum(one[name] for one in told) for name in ("hits", "requests", "lost", "held", "orphans", "stopped")}
    hits = sums.pop("hits")
    about = {"fault": f"{hits} kills at random moments, seed {SEED}", "in": "all", "repair": "again, reconcile"}
    row.update({"order": 4, "live": "either", "bound": 0, "unexplained": sums["lost"], **about, **sums})
    assert [loss for one in told for loss in one["losses"]] == []
    assert (sums["orphans"], sums["stopped"]) == (0, 0)
    assert hits >= KILLS


def one_life(driver: Driver, life: Life, source: random.Random, wanted: int) -> Options:
    """Deploy a workload, change it under fire until it was hit often enough, and take it away; what was counted."""
    params = {**life.declared("1"), "strategy": life.strategy}
    name = str(params["name"])
    assert (made := driver.run(life.kind, **params))["changed"], made
    traffic = Mixed(life.target, life.rates).start()
    begun = time.monotonic()
    first = driver.begin(life.kind, **{**params, **life.declared("2")})
    output = first.communicate()
    assert first.returncode == 0, output
    usual = time.monotonic() - begun
    found: Options = {"hits": 0, "orphans": 0, "stopped": 0}
    for number in range(wanted * 4):
        if found["hits"] >= wanted:
            break
        round_of(driver, life, source, usual, {**params, **life.declared(VERSIONS[number % 3])}, found)
    count = traffic.stop()
    assert life.strategy == "recreate" or count.held == 0
    assert not driver.run("image", name=name, state="absent", drain={"timeout": 0}).get("failed")
    losses = [f"{life.kind} {life.strategy}: {loss}" for loss in count.losses]
    return {**found, "requests": count.requests, "lost": count.lost, "held": count.held, "losses": losses}


def round_of(
    driver: Driver,
    life: Life,
    source: random.Random,
    usual: float,
    want: Options,
    found: Options,
) -> None:
    """One change that is killed, repairs that are killed, and one that is not; then independent looks."""
    platform, name = driver.platform, want["name"]
    before = live_release(platform, name)["containers"]
    since = started(before)
    tried = {**want, **life.declared(BAD)} if life.fails and source.random() < 0.3 else want
    found["hits"] += killed(driver, source.uniform(0.2, 1.0) * usual, life.kind, tried)
    for _more in range(source.choice((0, 0, 1, 2))):
        found["hits"] += killed(driver, source.uniform(0.2, 1.0) * usual, *repair(source, life, want))
    kind, options = repair(source, life, want)
    result = driver.run(kind, **options) if kind != "reconcile" else driver.reconciled(name)
    assert not result.get("failed"), (life, result)
    live = live_release(platform, name)
    found["orphans"] += len(orphans(platform, name))
    if live["containers"] == before and life.strategy in ("blue-green", "rolling"):
        found["stopped"] += sum(started(before)[one] != since[one] for one in before)
    assert containers(name, everything=False) == sorted(live["containers"]), life
    assert platform.rows("SELECT id FROM deployments WHERE workload = ? AND conclusion IS NULL", name) == []
    assert platform.get(life.target.host, address=life.target.address, port=life.target.port)[0] == 200


def repair(source: random.Random, life: Life, want: Options) -> tuple[str, Options]:
    """The same task again, or `reconcile`."""
    return source.choice(((life.kind, want), ("reconcile", {"names": [want["name"]]})))
