"""Deployments on real parts: switches under load, gates, recreate, replicas, secrets, registries, drift."""

from __future__ import annotations

import hashlib
import http.client
import json
import os
import stat
import subprocess
import threading
import typing as t
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import names
import pytest
from harness.load import Client, Target
from harness.looks import contents
from harness.platforms import Options, Platform, Task, containers, docker

App = t.Callable[..., Options]
CANARY = "canary-5f1e7c"


def steps(result: Options) -> list[str]:
    """Names of a result's steps."""
    return [step["name"] for step in result["steps"]]


def traffic(platform: Platform, host: str, **rates: float) -> list[Client]:
    """Start one client a kind of traffic."""
    return [Client(Target(host, port=platform.ports.http), kind, rate).start() for kind, rate in rates.items()]


# -- nothing is lost -------------------------------------------------------------------------------------------------


def test_a_route_is_present_at_every_moment_of_a_switch(platform: Platform, app: App) -> None:
    """DS-T4, T4: looked for in the file and in Traefik's own API, without a pause; a look that fails is no look."""
    platform.apply(**app())
    key = f"{app()['name']}.production"
    looks = {"file": 0, "api": 0}
    missing: list[str] = []
    done = threading.Event()

    def served() -> bool:
        connection = http.client.HTTPConnection("127.0.0.1", platform.ports.api, timeout=5)
        connection.request("GET", "/api/http/services")
        services = json.loads(connection.getresponse().read())
        connection.close()
        return any(
            row["name"].startswith(key) and row["status"] == "enabled" and row["loadBalancer"]["servers"]
            for row in services
        )

    def watch(what: str, there: t.Callable[[], bool]) -> None:
        while not done.is_set():
            if not there():
                missing.append(what)
            looks[what] += 1

    with ThreadPoolExecutor() as pool:
        file = platform.route(app()["name"])
        watchers = [
            pool.submit(watch, "file", lambda: '"url"' in file.read_text()),
            pool.submit(watch, "api", served),
        ]
        results = platform.directly(*(Task(app(version)) for version in ("2", "1", "2")))
        done.set()
        for watcher in watchers:
            watcher.result()
    assert [steps(result)[2] for result in results] == ["switch"] * 3
    assert missing == []
    assert min(looks.values()) > 50, looks


def test_recreate_answers_503_with_retry_after_while_neither_serves(platform: Platform, app: App) -> None:
    """DS-06, with a volume that two containers must not write at once (DS-T15)."""
    volume = [{"source": f"{app()['name']}-data", "target": "/data"}]
    own = {"strategy": "recreate", "volumes": volume, "env": {"BOOT_DELAY": "0.5"}}
    platform.apply(**app("1", **own))
    clients = traffic(platform, app()["routes"][0]["host"], keepalive=40, new=10)
    result = platform.apply(**app("2", **own))
    counts = [c.stop() for c in clients]
    assert steps(result) == ["hold", "drain", "stop", "start", "gate", "switch", "persist", "reap"]
    assert [loss for count in counts for loss in count.losses] == []
    assert all(count.held for count in counts)
    assert platform.version(app()["routes"][0]["host"]) == "2"


# -- gates -----------------------------------------------------------------------------------------------------------

FAILING: list[tuple[str, Options, str, str]] = [
    ("http status", {"image": "3", "health": {"path": "/healthz", "deadline": 1}}, "status 500", "version 3 listens"),
    ("http code", {"health": {"path": "/healthz", "codes": ["204"], "deadline": 1}}, "status 200", "listens"),
    ("http host refused", {"health": {"path": "/", "port": 9, "deadline": 1}}, "Connection refused", "listens"),
    ("http slow", {"health": {"path": "/slow?seconds=2", "timeout": 0.3, "deadline": 1}}, "timed out", "listens"),
    ("tcp", {"health": {"type": "tcp", "port": 9, "deadline": 1}}, "connect to port 9", "listens"),
    ("command", {"health": {"command": ["false"], "deadline": 1}}, "false: exit code 1", "listens"),
    ("command hangs", {"health": {"command": ["sleep", "9"], "timeout": 0.3, "deadline": 1}}, "no end within", ""),
    ("image", {"image": "checked", "env": {"HEALTH_STATUS": "500"}, "health": {"deadline": 6}}, "HEALTHCHECK is", ""),
    ("image has no check", {"health": {"type": "image", "deadline": 1}}, "has no HEALTHCHECK", ""),
    ("window", {"env": {"PORT": "8001"}, "health": {"window": 0.5, "deadline": 1}}, "connect to port 8000", ""),
    ("crash on start", {"env": {"CRASH_ON_START": "1"}}, "exit", "cannot start: CRASH_ON_START"),
    ("crash, never restarted", {"env": {"CRASH_ON_START": "1"}, "restart_policy": "no"}, "exit code 1", "cannot start"),
    (
        "release command",
        {"release_command": ["sh", "-c", "echo no such table; exit 3"]},
        "exit code 3",
        "no such table",
    ),
    ("release command hangs", {"release_command": ["sleep", "60"], "release_command_timeout": 1}, "within 1 s", ""),
    ("no such program", {"command": ["/no/such/program"]}, "/no/such/program", ""),
    ("middleware missing", {"routes": [{"host": "HOST", "middlewares": ["nowhere@file"]}]}, "nowhere", ""),
    ("entry point missing", {"routes": [{"host": "HOST", "entry_points": ["nowhere"]}]}, "nowhere", ""),
]
BOTH = {"http status", "crash on start", "release command", "no such program", "middleware missing"}


def failing(app: App, options: Options, strategy: str) -> Options:
    """Options of a deployment that cannot succeed."""
    host = app()["routes"][0]["host"]
    own = {
        **options,
        "image": names.image("app", options.get("image", "2")),
        "strategy": strategy,
        "traefik_timeout": 1,
    }
    if "routes" in own:
        own["routes"] = [{**route, "host": host} for route in own["routes"]]
    return {**app(), **own}


@pytest.mark.parametrize("strategy", ["blue-green", pytest.param("recreate", marks=pytest.mark.second)])
def test_a_failing_candidate_leaves_the_live_release_as_it_was(platform: Platform, app: App, strategy: str) -> None:
    """DS inv. 3, DS-T1, DP-T8, DP-T9: every gate; the error says probe, last answer, log tail, remedy."""
    live = platform.apply(**app())
    name = app()["name"]
    # What is told apart by the gate alone need not be tried with both strategies.
    cases = FAILING if strategy == "blue-green" else [c for c in FAILING if c[0] in BOTH]
    results = platform.tasks(*(Task(failing(app, options, strategy)) for _title, options, _words, _log in cases))
    for (title, _options, words, log), result in zip(cases, results, strict=True):
        assert result.get("failed"), title
        assert words in result["msg"], f"{title}: {result['msg']}"
        assert log in "\n".join(result["logs"]), f"{title}: {result['logs']}"
        assert result["step"], title
        assert result["deployment"]["conclusion"] == "failed", title
    assert platform.version(f"{name}.test") == "1"
    assert containers(name) == live["release"]["containers"]
    assert containers(name, everything=False) == live["release"]["containers"]
    after = platform.apply(**app())
    assert not after["changed"], after
    concluded = platform.rows("SELECT conclusion, count(*) FROM deployments WHERE workload = ? GROUP BY 1", name)
    assert dict(concluded) == {"failed": len(cases), "succeeded": 1}


PASSING: list[tuple[str, Options]] = [
    ("tcp", {"health": {"type": "tcp"}}),
    ("command", {"health": {"command": ["true"], "successes": 2}}),
    ("image", {"image": names.image("app", "checked"), "health": {}}),
    ("window", {"health": {"window": 0.5}}),
    (
        "host and codes",
        {"health": {"path": "/healthz", "host": "up.test", "codes": ["200", "204-206"], "successes": 3}},
    ),
    ("slow to boot", {"env": {"BOOT_DELAY": "1"}}),
]


def test_every_kind_of_gate_lets_a_good_candidate_pass(platform: Platform, app: App) -> None:
    """DS-05, DP-T8."""
    results = platform.tasks(*(Task(app(force=True, **options)) for _title, options in PASSING))
    for (title, _options), result in zip(PASSING, results, strict=True):
        assert result["changed"], f"{title}: {result}"
        kind = {"host and codes": "http", "slow to boot": "http"}.get(title, title)
        gate = next(s for s in result["steps"] if s["name"] == "gate")
        assert gate["detail"].startswith(kind), f"{title}: {gate}"


def test_a_first_deployment_that_fails_leaves_nothing(platform: Platform, app: App) -> None:
    result = platform.apply(**app("3", health={"path": "/healthz", "deadline": 0.5}))
    assert result["failed"]
    assert containers(app()["name"]) == []
    assert not platform.route(app()["name"]).exists()
    assert platform.get(f"{app()['name']}.test")[0] == 404


# -- what a release is made of ---------------------------------------------------------------------------------------


def test_the_container_is_as_declared_and_hardened(platform: Platform, app: App) -> None:
    """DP-14: limits, no-new-privileges, dropped capabilities, non-root, restart policy, unique name as route target."""
    result = platform.apply(**app(memory="64m", cpus=0.5, pids=60, read_only=True, tmpfs=["/tmp"], aliases=["kiosk"]))
    (container,) = result["release"]["containers"]
    facts = json.loads(docker("inspect", container))[0]
    config = facts["HostConfig"]
    assert (config["Memory"], config["NanoCpus"], config["PidsLimit"]) == (64 * 2**20, 5 * 10**8, 60)
    assert config["ReadonlyRootfs"] is True
    assert config["CapDrop"] == ["ALL"]
    assert config["SecurityOpt"] == ["no-new-privileges:true"]
    assert config["RestartPolicy"]["Name"] == "unless-stopped"
    assert "kiosk" in facts["NetworkSettings"]["Networks"][platform.network]["Aliases"]
    route = json.loads(platform.route(app()["name"]).read_text())
    service = route["http"]["services"][f"{app()['name']}.production"]
    assert [s["url"] for s in service["loadBalancer"]["servers"]] == [f"http://{container}:8000"]
    uid = docker("exec", container, "id", "-u")
    assert uid == "10001"


def test_an_image_that_runs_as_root_is_refused_unless_allowed(platform: Platform, app: App) -> None:
    options = app(image=names.image("base"), command=["sleep", "60"], port=None, routes=[], health={"window": 0.3})
    refused = platform.apply(**options)
    assert refused["failed"]
    assert "runs as root" in refused["msg"]
    assert "allow_root" in refused["remedy"]
    assert platform.apply(**options, allow_root=True)["changed"]


def test_replicas_share_the_load(platform: Platform, app: App) -> None:
    result = platform.apply(**app(replicas=3))
    host = f"{app()['name']}.test"
    answered = {json.loads(platform.get(host)[2])["instance"] for _request in range(12)}
    assert answered == set(result["release"]["containers"])


def test_routes_reach_the_application_as_declared(platform: Platform, app: App) -> None:
    host = f"{app()['name']}.test"
    routes = [
        {"hosts": [host, f"also-{host}"]},
        {"host": f"api-{host}", "path_prefix": "/v1", "strip_prefix": True},
        {"host": f"www-{host}", "redirect_to": f"https://{host}"},
        {"host": f"*.wild-{host}"},
    ]
    assert platform.apply(**app(routes=routes))["changed"]
    assert platform.get(f"also-{host}", "/a")[0] == 200
    assert json.loads(platform.get(f"api-{host}", "/v1/x")[2])["path"] == "/x"
    assert platform.get(f"api-{host}", "/v2/x")[0] == 404
    status, headers, _body = platform.get(f"www-{host}", "/cart?id=1")
    assert (status, headers["location"]) == (301, f"https://{host}/cart?id=1")
    assert platform.get(f"any.wild-{host}")[0] == 200
    assert platform.get(f"a.b.wild-{host}")[0] == 404


def test_a_route_of_another_workload_is_refused_by_name(platform: Platform, app: App) -> None:
    """DP-T17."""
    first = app()
    assert platform.apply(**first)["changed"]
    second = platform.apply(**{**first, "environment": "staging"})
    assert second["failed"]
    assert f"{first['name']} (production)" in second["msg"]
    assert platform.apply(**{**first, "environment": "staging", "routes": []})["changed"]
    assert platform.apply(**{**first, "environment": "staging", "state": "absent"})["changed"]
    assert platform.version(f"{first['name']}.test") == "1"


# -- secrets ---------------------------------------------------------------------------------------------------------


def everywhere(platform: Platform, name: str) -> dict[str, str]:
    """Every text in which a secret could turn up."""
    found = {
        "inspect": docker("inspect", *containers(name)),
        "processes": Path("/proc/self/mounts").read_text()
        + subprocess.run(["ps", "axeww"], capture_output=True, text=True, check=True).stdout,
        "engine events": docker("events", "--since", "2m", "--until", "0s"),
    }
    for path, text in contents(platform.state):
        if "secrets" not in path.relative_to(platform.state).parts[:1]:
            found[str(path)] = text.decode("utf-8", "replace")
    return found


def test_a_secret_is_found_nowhere_but_in_its_file(platform: Platform, app: App) -> None:
    """DS-T6, DP inv. 8: not in argv, inspect, results, diffs, task output at -vvv, logs, events or the store."""
    name, other = app()["name"], f"{CANARY}-second"

    def make(value: str, **more: t.Any) -> Options:
        return app(secrets=[{"name": "db", "value": value}], **more)

    leaking = {"image": names.image("app", "2"), "env": {"CANARY_FILE": "/run/secrets/db", "CRASH_ON_START": "1"}}
    private = {"registry_username": names.PRIVATE_USER, "registry_password": f"{CANARY}-registry"}
    tasks = [
        Task(make(CANARY), check=True),
        Task(make(CANARY)),
        Task(make(CANARY)),
        Task(make(other), check=True),
        Task(make(other)),
        Task(make(other, **leaking)),
        Task(make(other, image=f"{names.PRIVATE_REGISTRY}/tidegate/app:none", **private)),
    ]
    play = platform.playbook(str(platform.write_play(tasks)), "-vvv", "--diff")
    results = play.results
    assert [bool(r.get("changed")) for r in results] == [True, True, False, True, True, False, False]
    assert results[5]["failed"]
    assert "leaking ***" in results[5]["logs"], "the tail is shown, its secret is not"
    texts = everywhere(platform, name)
    texts["task output"] = play.output
    texts["results"] = json.dumps(play.rows)
    assert [where for where, text in texts.items() if CANARY in text] == []
    files = [p for p in (platform.state / "secrets" / f"{name}.production").rglob("*") if p.is_file()]
    assert sorted(p.read_text() for p in files) == sorted([CANARY, other]), "live and previous release"
    for path in files:
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        assert path.stat().st_uid == 10001
    status, _headers, body = platform.get(f"{name}.test", "/secret?name=db")
    assert status == 200, body
    assert json.loads(body)["sha256"] == hashlib.sha256(other.encode()).hexdigest()
    assert platform.apply(name=name, state="absent")["changed"]
    assert not (platform.state / "secrets" / f"{name}.production").exists()


def test_a_secret_is_delivered_as_environment_only_when_asked(platform: Platform, app: App) -> None:
    secret = {"name": "TOKEN", "value": "asked-for-as-environment", "delivery": "environment"}
    platform.apply(**app(secrets=[secret]))
    body = platform.get(f"{app()['name']}.test", "/env?name=TOKEN")[2]
    assert json.loads(body)["value"] == "asked-for-as-environment"


def test_state_is_private(platform: Platform, app: App) -> None:
    """DS-15, DP-31."""
    platform.apply(**app(secrets=[{"name": "a", "value": "b"}]))
    for path in (platform.state, platform.state / "secrets", platform.state / "locks"):
        assert stat.S_IMODE(path.stat().st_mode) == 0o700, path
    for path in (platform.state / "tidegate.db", platform.state / "secret.key"):
        assert stat.S_IMODE(path.stat().st_mode) == 0o600, path


# -- images ----------------------------------------------------------------------------------------------------------


def test_pull_policies_and_credentials_on_a_real_registry(platform: Platform, app: App) -> None:
    name = app()["name"]
    mine = f"{names.PRIVATE_REGISTRY}/tidegate/{name}:1"
    login = ["login", "-u", names.PRIVATE_USER, "--password-stdin", names.PRIVATE_REGISTRY]
    home = {**os.environ, "DOCKER_CONFIG": str(platform.root / "docker-config")}
    subprocess.run(
        ["docker", *login], input=names.PRIVATE_PASSWORD, text=True, env=home, check=True, capture_output=True
    )

    def publish(version: str) -> None:
        docker("tag", names.image("app", version), mine)
        subprocess.run(["docker", "push", "-q", mine], env=home, check=True, capture_output=True)
        docker("rmi", mine)

    publish("1")
    good = {"registry_username": names.PRIVATE_USER, "registry_password": names.PRIVATE_PASSWORD}
    always = {"image": mine, "pull": "always", **good}
    never, wrong, anonymous, first, again = platform.tasks(
        Task(app(image=mine, pull="never")),
        Task(app(image=mine, **{**good, "registry_password": "wrong"})),
        Task(app(image=mine)),
        Task(app(**always)),
        Task(app(**always)),
    )
    assert "not in the engine" in never["msg"]
    assert "unauthorized" in wrong["msg"]
    assert "pull" in anonymous["msg"]
    assert steps(first)[0] == "pull"
    assert not again["changed"]
    local = docker("image", "inspect", "--format", "{{.Id}}", mine)
    publish("2")
    docker("tag", local, mine)
    foretold, real, missing = platform.tasks(
        Task(app(**always), check=True), Task(app(**always)), Task(app(image=mine, pull="missing"))
    )
    assert steps(foretold) == steps(real) == ["pull", "start", "gate", "switch", "persist", "drain", "reap"]
    assert not missing["changed"]
    assert platform.version(f"{name}.test") == "2"
    digest = json.loads(docker("image", "inspect", mine))[0]["RepoDigests"][0].rpartition("@")[2]
    pinned = app(image=f"{mine}@{digest}", **good)
    assert not platform.apply(**pinned)["changed"], "the same artifact by another name is the same release"
    for reference in (mine, f"{mine.rpartition(':')[0]}@{digest}"):
        docker("rmi", reference, check=False)
    platform.apply(**pinned)  # fetched by its digest, whatever the tag is now
    assert digest in docker("image", "inspect", f"{mine}@{digest}")
    docker("rmi", f"{mine.rpartition(':')[0]}@{digest}", check=False)


def test_an_image_that_does_not_exist_leaves_the_live_release(platform: Platform, app: App) -> None:
    platform.apply(**app())
    result = platform.apply(**app(image=names.image("app", "no-such-tag")))
    assert result["failed"]
    assert result["step"] == "pull"
    assert platform.version(f"{app()['name']}.test") == "1"


# -- drift -----------------------------------------------------------------------------------------------------------


def test_drift_is_repaired_and_only_what_drifted(platform: Platform, app: App) -> None:
    """DP-30."""
    live = platform.apply(**app())
    (container,) = live["release"]["containers"]
    file = platform.route(app()["name"])
    good = file.read_text()
    hands: list[tuple[t.Callable[[], object], list[str]]] = [
        (lambda: docker("stop", "-t", "1", container), ["resume", "gate"]),
        (lambda: docker("pause", container), ["resume", "gate"]),
        (lambda: file.write_text(good.replace(container, "nowhere")), ["switch"]),
        (file.unlink, ["switch"]),
        (lambda: docker("rm", "-f", container), ["start", "gate", "switch", "persist"]),
    ]
    for hand, repair in hands:
        hand()
        result = platform.apply(**app())
        assert steps(result) == repair, result
        assert platform.version(f"{app()['name']}.test") == "1"
        assert not platform.apply(**app())["changed"]


def test_a_lost_store_does_not_take_what_serves_away(platform: Platform, app: App, tmp_path: Path) -> None:
    own = {"state_dir": str(tmp_path / "state")}
    platform.apply(**app(**own))
    for file in (tmp_path / "state").glob("tidegate.db*"):
        file.unlink()
    client = Client(Target(f"{app()['name']}.test", port=platform.ports.http), "keepalive", 40).start()
    result = platform.apply(**app("2", **own))
    count = client.stop()
    assert steps(result) == ["persist", "start", "gate", "switch", "persist", "drain", "reap"], "adopted, then changed"
    assert count.losses == []
    assert platform.version(f"{app()['name']}.test") == "2"
    assert len(containers(app()["name"])) == 1


def test_two_platforms_on_one_engine_leave_each_other_alone(platform: Platform, app: App, tmp_path: Path) -> None:
    """The same name in another state directory is another workload: neither sees, stops or reaps the other's."""
    other = {"routes": [], "state_dir": str(tmp_path / "state"), "routes_dir": str(tmp_path / "routes")}
    mine, theirs = platform.tasks(Task(app()), Task(app("2", **other)))
    assert containers(app()["name"]) == sorted(mine["release"]["containers"] + theirs["release"]["containers"])
    unchanged, gone = platform.tasks(Task(app()), Task({**app(**other), "state": "absent"}))
    assert not unchanged["changed"]
    assert gone["changed"]
    assert containers(app()["name"]) == mine["release"]["containers"]


def test_an_unchanged_run_asks_the_engine_at_most_four_times(platform: Platform, app: App) -> None:
    """The budget, as counted by the module; `make bench` measures the time."""
    results = platform.tasks(Task(app(replicas=3)), Task(app(replicas=3)), Task(app(replicas=3), check=True))
    for result in results[1:]:
        assert not result["changed"]
        assert result["stats"]["engine_requests"] <= 4


def test_drain_counts_what_it_has_to_cut(platform: Platform, app: App) -> None:
    """A WebSocket that never ends is given its own time, and then reported as cut."""
    platform.apply(**app(drain={"timeout": 0.3, "upgraded_timeout": 1}))
    import base64
    import socket

    with socket.create_connection(("127.0.0.1", platform.ports.http)) as connection:
        key = base64.b64encode(os.urandom(16)).decode()
        request = f"GET /ws HTTP/1.1\r\nHost: {app()['name']}.test\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        connection.sendall(f"{request}Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {key}\r\n\r\n".encode())
        assert b"101" in connection.recv(1000)
        result = platform.apply(**app("2", env={"IGNORE_SIGTERM": "1"}))
    assert result["connections"] == {"outlived": 1, "cut": 1}
    assert platform.version(f"{app()['name']}.test") == "2"
    assert steps(platform.apply(**app("1")))[-1] == "reap", "an application that ignores SIGTERM is killed in the end"
