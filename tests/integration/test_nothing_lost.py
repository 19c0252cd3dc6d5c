"""The promise itself: every change of a workload reaches its users without one lost request, whatever changes."""

from __future__ import annotations

import itertools
import json
import os
import time
import typing as t

import names
import pytest
from harness.load import LATE_ANSWER, Client, Target
from harness.platforms import Options, Platform, Task, docker

App = t.Callable[..., Options]
# Requests a second that a usual machine is offered: what makes 20,000 in forty seconds.
USUAL_RATE = 585.0
CHANGES, REQUESTS = (100, 100_000) if os.environ.get("TIDEGATE_EVERY") else (12, 20_000)
# Shares of the kinds of traffic in what is offered; kept and new connections, slow answers, downloads, uploads, WebSockets.
SHARES = {"keepalive": 0.7, "new": 0.26, "slow": 0.01, "download": 0.01, "upload": 0.01, "websocket": 0.01}
# The application ends at once when it is asked to, so that whatever is in flight then is lost.
ABRUPT = {"ABRUPT": "1"}


@pytest.fixture
def other_network() -> t.Iterator[str]:
    """A network that the proxy is not on; asked for before the workload that is put on it, it goes after it."""
    name = f"other{os.urandom(3).hex()}"
    docker("network", "create", "--label", f"{names.LABEL}=1", name)
    yield name
    docker("network", "rm", name)


@pytest.fixture
def bystander(platform: Platform, app: App, name: str) -> t.Iterator[str]:
    """The host name of a workload that nobody changes: what it waits for, everybody on this machine waits for."""
    mine = app()
    host = f"bystander.{mine['routes'][0]['host']}"
    made = platform.apply(**{**mine, "name": f"{name}-bystander", "routes": [{"host": host}]})
    assert made["changed"], made
    yield host
    platform.apply(name=f"{name}-bystander", state="absent", drain={"timeout": 0})


@pytest.fixture
def slow_door(platform: Platform, app: App, name: str) -> t.Iterator[str]:
    """A middleware of the user's own, in which each request waits for a third of a second before it goes on."""
    door = f"{name}-door"
    made = platform.apply(**{**app(), "name": door, "routes": []})
    (container,) = made["release"]["containers"]
    auth = {"forwardAuth": {"address": f"http://{container}:8000/slow?seconds=0.3"}}
    path = platform.state / "routes" / f"{door}.yml"
    path.write_text(json.dumps({"http": {"middlewares": {door: auth}}}))
    yield f"{door}@file"
    path.unlink()
    platform.apply(name=door, state="absent", drain={"timeout": 0})


def changes(app: App, network: str, other: str, door: str) -> list[tuple[str, Task]]:
    """What may change, and go wrong, in the life of a workload; and how each ends."""
    routes = app()["routes"]
    plain = {"replicas": 2, "env": ABRUPT}
    moved = {**plain, "port": 8001, "env": {**ABRUPT, "PORT": "8001"}}
    back = Task({"name": app()["name"]}, module="tidegate.platform.workload_rollback")
    return [
        ("succeeded", Task(app("2", **plain))),
        ("succeeded", Task(app("2", **moved))),
        ("succeeded", Task(app("4", **plain, networks=[other, network]))),
        ("failed", Task(app("3", **plain, health={"path": "/healthz", "deadline": 1}))),
        ("succeeded", Task(app("1", **plain, routes=[{**routes[0], "middlewares": [door]}]))),
        ("succeeded", back),
        ("succeeded", Task(app("1", **plain, drain={"timeout": 7}, stop_timeout=5))),
        ("succeeded", Task(app("2", **moved, bake={"seconds": 1}))),
        ("failed", Task(app("4", **{**plain, "env": {**ABRUPT, "UNHEALTHY_AFTER": "0.5"}}, bake={"seconds": 3}))),
        ("succeeded", Task(app("4", **{**plain, "replicas": 1}))),
    ]


@pytest.mark.alone
def test_changes_of_every_kind_lose_nothing_of_all_kinds_of_traffic(
    platform: Platform, other_network: str, app: App, slow_door: str, bystander: str
) -> None:
    """DS-T1, DS-T4, DP-T19, B3, B4, T1, T3, T6: at half of what this machine can do, ports, networks, middlewares, drains."""
    first = platform.apply(**app(replicas=2, env=ABRUPT))
    assert first["changed"], first
    target = Target(app()["routes"][0]["host"], port=platform.ports.http)
    capacity = Client(target, "new").capacity()
    rate = min(capacity / 2, USUAL_RATE)
    wanted = rate / USUAL_RATE * REQUESTS
    clients = [Client(target, kind, share * rate).start() for kind, share in SHARES.items()]
    beside = Client(Target(bystander, port=platform.ports.http), "new", 20).start()
    begun, done, cuts = time.monotonic(), 0, []
    for ending, task in itertools.cycle(changes(app, platform.network, other_network, slow_door)):
        enough = done >= CHANGES and sum(client.count.requests for client in clients) >= wanted
        if enough or time.monotonic() - begun > 15 * CHANGES:
            break
        (result,) = platform.directly(task)
        assert (result.get("deployment") or {}).get("conclusion") == ending, result
        if ending != "failed" and result["connections"]["cut"]:
            cuts.append((done, result["connections"]))
        done += 1
    counts, untouched = [client.stop() for client in clients], beside.stop()
    print(f"load: the machine answers {capacity:.0f} requests a second, {rate:.0f} were offered, {done} changes")
    for client, count in zip(clients, counts, strict=True):
        slowest = f"slowest {count.slowest * 1000:.0f} ms"
        print(f"load: {client.kind}: {count.requests} requests, {count.lost} lost, {count.held} held, {slowest}")
    print(
        f"load: beside: {untouched.requests} requests, {untouched.lost} lost, slowest {untouched.slowest * 1000:.0f} ms"
    )
    losses = [loss for count in counts for loss in count.beside(untouched)]
    assert [loss for loss in untouched.losses if LATE_ANSWER not in loss] == []
    assert (losses[:5] + losses[-5:], cuts) == ([], [])
    assert sum(count.held for count in counts) == 0
    assert sum(count.requests for count in counts) >= wanted
    assert done >= CHANGES
