"""Requests that would not get from the proxy to a release: found before, or at once, and never reported as success."""

from __future__ import annotations

import json
import os
import threading
import time
import typing as t
from pathlib import Path

import compose
import images
import names
import pytest
from harness.platforms import Options, Platform, Task, containers, docker

from .test_routes import killed

App = t.Callable[..., Options]

SERVE = "import http.server as h; h.ThreadingHTTPServer(('{}', 8000), h.SimpleHTTPRequestHandler).serve_forever()"
ASK = ["python3", "-c", "import urllib.request as u; u.urlopen('http://127.0.0.1:8000', timeout=1)"]
INSIDE = {"command": ASK, "deadline": 3}


def on_loopback() -> list[str]:
    """An application that listens on loopback only."""
    return ["python3", "-c", SERVE.format("127.0.0.1")]


@pytest.fixture
def apart() -> t.Iterator[str]:
    """A network that the proxy is not in; its name sorts before those that it is in. Asked for before the workload, it goes after it."""
    name = f"apart-{os.urandom(3).hex()}"
    docker("network", "create", "--label", f"{names.LABEL}=1", name)
    yield name
    docker("network", "rm", name)


def served(platform: Platform, app: App) -> str:
    """A live release of version 1; its host."""
    first = platform.apply(**app("1"))
    assert not first["failed"], first["msg"]
    host = f"{first['release']['containers'][0].rpartition('-')[0].rpartition('-')[0]}.test"
    assert platform.version(host) == "1"
    return host


@pytest.mark.parametrize("check", [True, False])
def test_a_network_that_the_proxy_is_not_in_is_refused_before_anything_is_made(
    platform: Platform, apart: str, app: App, name: str, check: bool
) -> None:
    """B2: every user got 502, and the result said succeeded."""
    host = served(platform, app)
    before = containers(name)
    (refused,) = platform.directly(Task(app("2", networks=[apart]), check=check))
    assert refused["failed"], refused
    assert f"networks=['{apart}'] has no network in common with the proxy" in refused["msg"]
    assert platform.network in refused["msg"]
    assert containers(name) == before
    assert platform.version(host) == "1"


@pytest.mark.parametrize("strategy", ["blue-green", pytest.param("recreate", marks=pytest.mark.second)])
def test_an_application_on_loopback_fails_at_its_gate_whatever_its_own_check_says(
    platform: Platform, app: App, strategy: str
) -> None:
    """B2: a check inside the container reaches what nobody else does."""
    host = served(platform, app)
    failed = platform.apply(**app("2", strategy=strategy, command=on_loopback(), health=INSIDE, init=True))
    assert failed["failed"], failed
    assert failed["msg"].startswith("gate: ")
    assert "connect to port 8000" in failed["msg"]
    assert "0.0.0.0" in failed["msg"]
    assert platform.version(host) == "1"


def only_apart(network: str) -> list[str]:
    """An application that listens on its address in one of its networks; the gate asks there, the proxy cannot."""
    subnet = docker("network", "inspect", network, "--format", "{{(index .IPAM.Config 0).Subnet}}")
    find = (
        "import ipaddress as i; own = [line.split()[0] for line in open('/etc/hosts') if line[:1].isdigit()]; "
        f"(at,) = [a for a in own if i.ip_address(a) in i.ip_network('{subnet}')]; "
    )
    return ["python3", "-c", find + SERVE.replace("'{}'", "at")]


@pytest.fixture
def guarded(platform: Platform) -> t.Iterator[str]:
    """A middleware that lets nobody through."""
    name = f"nobody-{os.urandom(3).hex()}"
    path = platform.state / "routes" / f"{name}.yml"
    path.write_text(json.dumps({"http": {"middlewares": {name: {"ipAllowList": {"sourceRange": ["192.0.2.1/32"]}}}}}))
    yield f"{name}@file"
    path.unlink()


@pytest.mark.parametrize("strategy", ["blue-green", pytest.param("recreate", marks=pytest.mark.second)])
def test_what_traefik_itself_cannot_reach_is_taken_back(
    platform: Platform, apart: str, app: App, name: str, guarded: str, strategy: str
) -> None:
    """B2: neither a gate that passes nor a middleware that answers first hides it; blue serves on."""
    host = served(platform, app)
    networks = sorted([apart, platform.network])
    routes = [{"host": host}, {"host": host, "path_prefix": "/x", "middlewares": [guarded]}]
    wrong = app("2", command=only_apart(apart), networks=networks, health={"path": "/"}, init=True, routes=routes[1:])
    failed = platform.apply(**{**wrong, "strategy": strategy})
    assert failed["failed"], failed
    assert failed["msg"].startswith("switch: "), failed["msg"]
    assert "Traefik does not reach it at" in failed["msg"]
    assert "persist" not in [step["name"] for step in failed["steps"]]
    assert platform.version(host) == "1"
    assert platform.get(host, "/x")[0] == 200
    assert len(containers(name)) == 1
    good = platform.apply(**app("2", strategy=strategy, routes=routes, replicas=1 if strategy == "recreate" else 2))
    assert not good["failed"], good["msg"]
    assert good.get("warnings", []) == []
    assert platform.version(host) == "2"
    assert platform.get(host, "/x")[0] == 403
    assert "_ask" not in platform.route(name).read_text()
    again = platform.apply(**app("2", strategy=strategy, routes=routes, replicas=1 if strategy == "recreate" else 2))
    assert not again["changed"]


def test_routes_of_what_runs_are_asked_too(platform: Platform, apart: str, app: App) -> None:
    """B2: a change of routes alone starts nothing, and gets the same question."""
    networks, command = sorted([apart, platform.network]), only_apart(apart)
    plain = app("1", command=command, networks=networks, health={"path": "/"}, init=True)
    first = platform.apply(**{**plain, "routes": []})
    assert not first["failed"], first["msg"]
    failed = platform.apply(**plain)
    assert failed["failed"], failed
    assert "Traefik does not reach it" in failed["msg"]
    assert platform.get(plain["routes"][0]["host"])[0] == 404


def test_users_are_not_sent_to_what_does_not_answer_while_it_is_asked(platform: Platform, app: App, name: str) -> None:
    """B2: a port that takes connections and speaks no HTTP cost all users two seconds of 502; blue was healthy."""
    host = served(platform, app)
    over, said = threading.Event(), list[int]()

    def use() -> None:
        while not over.wait(0.02):
            said.append(platform.get(host)[0])

    user = threading.Thread(target=use)
    user.start()
    silent = {"image": names.image("redis", "7"), "port": 6379, "allow_root": True, "image_volumes": "discard"}
    failed = platform.apply(**app("2", **silent, health={"type": "tcp"}))
    over.set()
    user.join()
    assert failed["failed"], failed
    assert "Traefik does not reach it" in failed["msg"]
    assert set(said) == {200}
    assert "_ask" not in platform.route(name).read_text()


@pytest.mark.parametrize("strategy", ["rolling", pytest.param("recreate", marks=pytest.mark.second)])
def test_a_service_of_a_stack_that_traefik_cannot_reach_is_taken_back(
    platform: Platform, apart: str, name: str, strategy: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """B2: rolling or in place, the old containers, or containers as the old ones, serve on."""
    monkeypatch.setenv("DOCKER_CONFIG", str(compose.config()))
    images.up(images.STACK_IMAGES)

    def stack(version: str, health: Options, **more: t.Any) -> Options:
        service = {
            "image": names.image("app", version),
            "networks": ["apart"],
            "stop_grace_period": "2s",
            "init": True,
            **more,
        }
        web = {"name": "web", "port": 8000, "health": health, "routes": [{"host": f"{name}.test"}]}
        definition = {"services": {"web": service}, "networks": {"apart": {"external": True, "name": apart}}}
        given = {"network": platform.network, "services": [web], "definition": definition}
        return {"name": name, "strategy": strategy, "drain": {"timeout": 2}, "compose": given}

    module = "tidegate.platform.workload_compose"
    gate = {"path": "/healthz", "deadline": 5}
    (first,) = platform.directly(Task(stack("1", gate), module=module))
    assert not first["failed"], first["msg"]
    inside = {"type": "image", "deadline": 4}
    checked = {"test": ["CMD", *ASK], "interval": "1s"}
    wrong = [
        stack("2", inside, command=on_loopback(), healthcheck=checked),
        stack("2", {"path": "/", "deadline": 5}, command=only_apart(apart)),
    ]
    for options, words in zip(wrong, ("connect to port 8000", "Traefik does not reach it"), strict=True):
        (failed,) = platform.directly(Task(options, module=module))
        assert failed["failed"], failed
        assert words in failed["msg"]
        assert platform.version(f"{name}.test") == "1"
    (again,) = platform.directly(Task(stack("1", gate), module=module))
    assert not again["failed"], again["msg"]
    platform.directly(Task({"name": name, "state": "absent"}, module=module))
    assert Path(platform.route(name)).exists() is False


def test_a_sick_replica_gets_no_requests_and_the_last_one_does(platform: Platform, app: App, name: str) -> None:
    """B18: nobody asked the declared gate again once it was passed."""
    first = platform.apply(**app("1", replicas=2))
    assert not first["failed"], first["msg"]
    assert not platform.apply(**app("1", replicas=2))["changed"]
    one, two = first["release"]["containers"]

    def seen(count: int = 8) -> set[str]:
        return {json.loads(platform.get(f"{name}.test")[2])["instance"] for _request in range(count)}

    def told() -> tuple[str, dict[str, str]]:
        (found,) = platform.stories([{"story": "info", "params": {"names": [name]}}])
        (row,) = found["workloads"]
        return row["health"], {c["name"]: c["health"] for c in row["containers"]}

    assert seen() == {one, two}
    assert told() == ("healthy", {one: "", two: ""})
    for sick, left, health in ((one, {two}, "degraded"), (two, {one, two}, "down")):
        address = docker(
            "inspect", "--format", f'{{{{(index .NetworkSettings.Networks "{platform.network}").IPAddress}}}}', sick
        )
        assert platform.get(name, "/unhealthy", address=address, port=8000)[0] == 200
        deadline = time.monotonic() + 30
        while seen() != left:
            assert time.monotonic() < deadline, left
        assert told()[0] == health
        assert "status 503" in told()[1][sick]
    assert platform.get(f"{name}.test")[0] == 200
    good = platform.apply(**app("2", replicas=2))
    assert not good["failed"], good["msg"]
    assert platform.version(f"{name}.test") == "2"


def test_what_was_switched_to_and_is_not_reached_is_not_rolled_forward(platform: Platform, app: App, name: str) -> None:
    """B2: a run that was killed after its switch leaves the question to the next one, which goes back to blue."""
    host = served(platform, app)
    (blue,) = containers(name)
    killed(platform, app("2"), "after")
    (green,) = set(containers(name)) - {blue}
    docker("network", "disconnect", platform.network, green)
    again = platform.apply(**app("1"))
    assert not again["failed"], again["msg"]
    said = " ".join(again["warnings"])
    assert "Traefik does not reach it" in said
    assert "was taken back, because it did not answer through the proxy" in said
    assert containers(name) == [blue]
    assert platform.version(host) == "1"


def test_a_run_that_is_killed_between_its_questions_and_its_switch_leaves_what_served(
    platform: Platform, app: App, name: str
) -> None:
    """B2: a route file with questions is still the one that it was; one of questions alone is no routes, nor foreign."""
    killed(platform, {**app("2")}, "asked")
    assert "_ask" in platform.route(name).read_text()
    assert platform.get(f"{name}.test")[0] == 404
    host = served(platform, app)
    (blue,) = containers(name)
    assert "_ask" not in platform.route(name).read_text()
    killed(platform, app("2"), "asked")
    assert "_ask" in platform.route(name).read_text()
    assert platform.version(host) == "1"
    (found,) = platform.stories([{"story": "reconcile", "params": {"names": [name]}}])
    assert found["workloads"][0]["state"] == "repaired"
    assert containers(name) == [blue]
    assert platform.version(host) == "1"
    good = platform.apply(**app("2"))
    assert not good["failed"], good["msg"]
    assert "_ask" not in platform.route(name).read_text()
