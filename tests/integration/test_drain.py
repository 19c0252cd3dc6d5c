"""Requests in flight outlive every way in which their containers leave: by their own port, by what is declared now."""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import subprocess
import threading
import time
import typing as t
from pathlib import Path

import compose
import names
import pytest
from ansible_collections.tidegate.platform.plugins.module_utils._core.deploy.gates import Place, probe
from ansible_collections.tidegate.platform.plugins.module_utils._core.engine.engine import Engine
from ansible_collections.tidegate.platform.plugins.module_utils._core.engine.listing import facts_of
from ansible_collections.tidegate.platform.plugins.module_utils._core.host.clock import Clock
from ansible_collections.tidegate.platform.plugins.module_utils._core.host.connections import Sockets
from ansible_collections.tidegate.platform.plugins.module_utils._core.values.traffic import Gate
from harness.platforms import Options, Platform, Task, containers, docker
from harness.runs import Driver

App = t.Callable[..., Options]
PORTS = {"1": 8000, "2": 9000}
SECONDS = 3.0
SECOND = pytest.mark.second


class Asked(threading.Thread):
    """A request that an application takes its time to answer."""

    def __init__(self, platform: Platform, host: str, seconds: float = SECONDS) -> None:
        super().__init__(daemon=True)
        self.platform, self.host, self.seconds = platform, host, seconds
        self.version = "no answer"

    def run(self) -> None:
        """Ask, and note which version answered, or what came instead."""
        connection = http.client.HTTPConnection("127.0.0.1", self.platform.ports.http, timeout=30)
        with contextlib.closing(connection):
            try:
                connection.request("GET", f"/slow?seconds={self.seconds}", headers={"Host": self.host})
                answer = connection.getresponse()
                body = answer.read().decode()
                self.version = json.loads(body)["version"] if answer.status == 200 else f"{answer.status} {body}"
            except (OSError, http.client.HTTPException, ValueError) as error:
                self.version = repr(error)

    def answered(self) -> str:
        """The version that answered."""
        self.join(30)
        return self.version


def held(name: str, port: int) -> bool:
    """True while a container of a workload has an open connection to this port, by the kernel's table."""
    for pid in docker("inspect", "--format", "{{.State.Pid}}", *containers(name, everything=False)).split():
        for table in ("tcp", "tcp6"):
            rows = [line.split() for line in Path(f"/proc/{pid}/net/{table}").read_text().splitlines()[1:]]
            if any(row[3] == "01" and int(row[1].rpartition(":")[2], 16) == port for row in rows):
                return True
    return False


def ask(platform: Platform, name: str, port: int, host: str = "", seconds: float = SECONDS) -> Asked:
    """A request that is in flight to an application that listens on this port."""
    asked = Asked(platform, host or f"{name}.test", seconds)
    asked.start()
    until = time.monotonic() + 10
    while not held(name, port):
        assert time.monotonic() < until, f"it never got there: {asked.version}"
        time.sleep(0.01)
    return asked


def listening(app: App, version: str, **more: t.Any) -> Options:
    """The application of a version, on that version's own port."""
    port = PORTS[version]
    return app(
        version, **{"port": port, "env": {"PORT": str(port)}, "drain": {"timeout": 10}, "stop_timeout": 0, **more}
    )


# -- images ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("strategy", ["blue-green", pytest.param("recreate", marks=SECOND)])
def test_a_changed_port_cuts_nothing_going_forward(platform: Platform, app: App, name: str, strategy: str) -> None:
    """B3: blue is drained by its own port."""
    assert not platform.apply(**listening(app, "1", strategy=strategy))["failed"]
    asked = ask(platform, name, 8000, seconds=1.5)
    result = platform.apply(**listening(app, "2", strategy=strategy))
    assert (asked.answered(), result["connections"]["cut"]) == ("1", 0), result


def test_a_failed_bake_drains_what_it_takes_back(platform: Platform, app: App, name: str) -> None:
    """B3: green, on another port than blue, has a request in flight when the bake fails."""
    platform.apply(**listening(app, "1"))
    sick = {"env": {"PORT": "9000", "UNHEALTHY_AFTER": "2"}, "bake": {"seconds": 20}}
    done: list[Options] = []
    run = threading.Thread(target=lambda: done.append(platform.apply(**listening(app, "2", **sick))))
    run.start()
    until = time.monotonic() + 15
    while platform.version(f"{name}.test") != "2":
        assert time.monotonic() < until
    asked = ask(platform, name, 9000, seconds=4)
    run.join(40)
    assert done[0]["step"] == "bake", done
    assert asked.answered() == "2", done
    assert platform.version(f"{name}.test") == "1"


@pytest.mark.parametrize("step", [pytest.param("switch", marks=SECOND), "persist", pytest.param("drain", marks=SECOND)])
def test_recovery_drains_by_the_port_of_what_it_removes(platform: Platform, app: App, name: str, step: str) -> None:
    """B3: a run is killed behind a step; the next one drains blue, whose port is another than green's."""
    platform.apply(**listening(app, "1"))
    asked = ask(platform, name, 8000, seconds=4)
    short = {"drain": {"timeout": 0}} if step == "drain" else {}
    Driver(platform).killed(step, "after", **listening(app, "2", **short))
    result = platform.apply(**listening(app, "2"))
    assert (asked.answered(), result["connections"]["cut"]) == ("1", 0), result
    assert len(containers(name)) == 1


def test_a_fleet_finishes_and_reverts_by_the_ports_that_leave(platform: Platform, app: App, name: str) -> None:
    """B3: blue's port at `finish`, green's at `revert`."""

    def phase(what: str, version: str) -> Options:
        element = {**listening(app, version), "type": "image"}
        call = {"workloads": [element], "phase": what, "reason": "another host failed"}
        (result,) = platform.directly(Task(call, module="tidegate.platform.declare_many"))
        assert not result["failed"], result
        return t.cast("Options", result["workloads"][0])

    phase("deploy", "1")
    phase("stage", "2")
    asked = ask(platform, name, 8000)
    phase("switch", "2")
    phase("finish", "2")
    assert asked.answered() == "1"
    phase("stage", "1")
    phase("switch", "1")
    asked = ask(platform, name, 8000)
    phase("revert", "1")
    assert asked.answered() == "1"
    assert platform.version(f"{name}.test") == "2"


@pytest.mark.parametrize("limit", ["drain", "stop_timeout"])
def test_limits_count_from_the_deployment_that_declares_them(
    platform: Platform, app: App, name: str, limit: str
) -> None:
    """B3: what is declared now is what blue is given, though blue was made with less."""
    short, long = {"drain": {"timeout": 0}, "stop_timeout": 0}, {"drain": {"timeout": 0}, "stop_timeout": 0}
    long[limit] = {"drain": {"timeout": 10}, "stop_timeout": 10}[limit]
    platform.apply(**app("1", **short))
    asked = ask(platform, name, 8000, seconds=2)
    platform.apply(**app("2", **long))
    assert asked.answered() == "1"


@pytest.mark.parametrize(
    "way", ["absent", *(pytest.param(way, marks=SECOND) for way in ("stopped", "control", "rollback", "unrouted"))]
)
def test_what_is_on_record_counts_where_nothing_is_declared(platform: Platform, app: App, name: str, way: str) -> None:
    """B3: port, drain and stop timeout of the release that leaves."""
    platform.apply(**listening(app, "1", drain={"timeout": 0}, stop_timeout=0))
    platform.apply(**listening(app, "2", stop_timeout=0))
    asked = ask(platform, name, 9000)
    ways = {
        "absent": Task({"name": name, "state": "absent"}),
        "stopped": Task({"name": name, "state": "stopped"}),
        "control": Task({"name": name, "state": "stopped"}, module="tidegate.platform.workload_control"),
        "rollback": Task({"name": name}, module="tidegate.platform.workload_rollback"),
        "unrouted": Task(listening(app, "1", routes=[])),
    }
    (result,) = platform.directly(ways[way])
    assert not result["failed"], result
    assert asked.answered() == "2", result


# -- stacks ----------------------------------------------------------------------------------------------------------


@pytest.fixture
def stack(platform: Platform, name: str, monkeypatch: pytest.MonkeyPatch) -> t.Iterator[App]:
    """Options of a Compose project of routed applications; what is left of it is removed."""
    monkeypatch.setenv("DOCKER_CONFIG", str(compose.config()))

    def options(*services: tuple[str, str, int], **more: t.Any) -> Options:
        """Service, version and port of each; every service answers on a host name of its own and on the workload's."""
        definition = {
            service: {
                "image": names.image("app", version),
                "environment": {"PORT": str(port)},
                "stop_grace_period": "1s",
                "labels": {names.LABEL: "1"},
                "init": True,
            }
            for service, version, port in services
        }
        for service, facts in more.pop("with_", {}).items():
            definition[service].update(facts)
        routed = [
            {
                "name": service,
                "port": port,
                "routes": [{"host": f"{service}.{name}.test"}, *([{"host": f"{name}.test"}] if not number else [])],
                "health": {"path": "/healthz", "deadline": 10},
            }
            for number, (service, _version, port) in enumerate(services)
        ]
        own = {"network": platform.network, "services": routed, "definition": {"services": definition}}
        return {"name": name, "strategy": "rolling", "drain": {"timeout": 10}, "compose": own, **more}

    yield options
    platform.directly(Task({"name": name, "state": "absent", "drain": {"timeout": 0}}, module=MODULE))


MODULE = "tidegate.platform.workload_compose"


def deploy(platform: Platform, options: Options) -> Options:
    """The result of a stack's deployment."""
    (result,) = platform.directly(Task(options, module=MODULE))
    return result


@pytest.mark.parametrize("strategy", ["rolling", pytest.param("recreate", marks=SECOND)])
@pytest.mark.parametrize(
    ("before", "after"),
    [
        pytest.param([("web", "1", 8000)], [("web", "2", 9000)], id="port changed"),
        pytest.param([("web", "1", 8000)], [("front", "2", 9000)], id="renamed"),
        pytest.param([("web", "1", 8000), ("api", "1", 8000)], [("api", "1", 8000)], id="removed"),
    ],
)
def test_a_service_is_drained_by_its_own_port(
    platform: Platform, stack: App, name: str, strategy: str, before: list[t.Any], after: list[t.Any]
) -> None:
    """B3, B5: whichever way a service's containers leave a stack."""
    assert not deploy(platform, stack(*before, strategy=strategy))["failed"]
    asked = ask(platform, name, 8000, host=f"web.{name}.test")
    result = deploy(platform, stack(*after, strategy=strategy))
    assert not result["failed"], result
    assert (asked.answered(), result["connections"]["cut"]) == ("1", 0), result
    assert platform.get(f"{name}.test")[0] == 200


@pytest.mark.parametrize(
    "way", ["absent", pytest.param("stopped", marks=SECOND), pytest.param("control", marks=SECOND)]
)
def test_a_stack_that_leaves_is_drained(platform: Platform, stack: App, name: str, way: str) -> None:
    """B5: absent, stopped, and by the operator's verb."""
    deploy(platform, stack(("web", "1", 8000), ("api", "1", 8000)))
    asked = ask(platform, name, 8000, host=f"web.{name}.test")
    ways = {
        "absent": Task({"name": name, "state": "absent"}, module=MODULE),
        "stopped": Task({"name": name, "state": "stopped"}, module=MODULE),
        "control": Task({"name": name, "state": "stopped"}, module="tidegate.platform.workload_control"),
    }
    (result,) = platform.directly(ways[way])
    assert not result["failed"], result
    assert asked.answered() == "1", result


@pytest.mark.parametrize(
    "way", ["absent", pytest.param("stopped", marks=SECOND), pytest.param("removed", marks=SECOND)]
)
def test_a_service_is_given_its_own_grace(platform: Platform, stack: App, way: str) -> None:
    """B5: not the ten seconds of an image; one that does not end when it is asked to is killed after a second."""
    stubborn = {"web": {"stop_grace_period": "1s", "environment": {"PORT": "8000", "IGNORE_SIGTERM": "1"}}}
    both = [("api", "1", 8000), ("web", "1", 8000)]
    options = stack(*both, with_=stubborn)
    assert not deploy(platform, options)["failed"]
    result = deploy(platform, stack(both[0]) if way == "removed" else {"name": options["name"], "state": way})
    (seconds,) = (step["seconds"] for step in result["steps"] if step["name"] in ("reap", "stop"))
    assert 1 <= seconds < 10, result["steps"]


def test_a_service_that_fails_goes_back_to_the_port_it_had(platform: Platform, stack: App, name: str) -> None:
    """B3: what was rolled before the failure goes back to routes and ports of its own release; nothing is cut."""
    deploy(platform, stack(("api", "1", 8000), ("web", "1", 8000)))
    asked = [ask(platform, name, 8000, host=f"{service}.{name}.test", seconds=4) for service in ("api", "web")]
    broken = {"web": {"environment": {"PORT": "9000", "HEALTH_STATUS": "500"}}}
    options = stack(("api", "2", 9000), ("web", "2", 9000), with_=broken)
    options["compose"]["services"][1]["health"]["deadline"] = 2
    failed = deploy(platform, options)
    assert failed["step"] == "roll", failed
    assert [one.answered() for one in asked] == ["1", "1"]
    assert [platform.version(f"{service}.{name}.test") for service in ("api", "web")] == ["1", "1"]


def test_services_that_are_yet_to_be_rolled_keep_their_routes(platform: Platform, stack: App, name: str) -> None:
    """B3: while the first service is rolled, the second still listens where it did."""
    deploy(platform, stack(("api", "1", 8000), ("web", "1", 8000)))
    slow = {"web": {"environment": {"PORT": "9000", "BOOT_DELAY": "1"}}}
    seen: list[int] = []
    done = threading.Event()

    def watch() -> None:
        while not done.is_set():
            seen.append(platform.get(f"web.{name}.test")[0])
            time.sleep(0.02)

    watcher = threading.Thread(target=watch)
    watcher.start()
    result = deploy(platform, stack(("api", "2", 9000), ("web", "2", 9000), with_=slow))
    done.set()
    watcher.join()
    assert not result["failed"], result
    assert len(seen) > 20
    assert set(seen) == {200}


# -- where requests are counted --------------------------------------------------------------------------------------

WORKERS = """
import socket, sys
def listen():
    made = socket.socket()
    made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    made.bind(("0.0.0.0", 8000))
    made.listen()
    return made
first, second = listen(), listen()
print("listen", flush=True)
sys.stdin.readline()
first.close()
client = socket.create_connection(("127.0.0.1", 8000))
kept = second.accept()
print("open", flush=True)
sys.stdin.readline()
"""


def test_a_listener_that_closes_hides_no_connection() -> None:
    """B14: workers of one port, of which one ends while a connection is open to another."""
    argv = ["docker", "run", "--rm", "-i", "--label", f"{names.LABEL}=1", "--name", f"workers-{os.urandom(4).hex()}"]
    with subprocess.Popen(
        [*argv, names.image("app"), "python3", "-c", WORKERS], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as workers:
        assert workers.stdin
        assert workers.stdout
        assert workers.stdout.readline() == "listen\n"
        count = Sockets({int(docker("inspect", "--format", "{{.State.Pid}}", argv[-1])): (8000,)})
        assert count() == 0
        workers.stdin.write("\n")
        workers.stdin.flush()
        assert workers.stdout.readline() == "open\n"
        assert count() == 1
        workers.stdin.write("\n")


@SECOND
def test_a_grace_above_the_clients_own_patience_is_waited_for(name: str) -> None:
    """B5: the SDK adds ten seconds to its patience where it is not told the container's own grace."""
    stubborn = ["sh", "-c", "trap '' TERM; while :; do sleep 0.2; done"]
    ours = ["--label", f"{names.LABEL}=1", "--label", "tidegate.state_dir=/nowhere"]
    docker("run", "-d", *ours, "--name", name, "--stop-timeout", "13", names.image("app"), *stubborn)
    engine = Engine("unix:///var/run/docker.sock", "/nowhere")
    engine.client.api.timeout = 1
    try:
        engine.containers.stop(name, None)
        assert docker("inspect", "--format", "{{.State.Running}}", name) == "false"
    finally:
        docker("rm", "-f", name)


@pytest.mark.parametrize("step", ["persist", pytest.param("switch", marks=SECOND)])
def test_a_rollback_that_is_killed_has_left_the_bad_release(platform: Platform, app: App, name: str, step: str) -> None:
    """B7: it is withdrawn with the same transaction that makes the other live, even if the next run gets there."""
    releases = [platform.apply(**app(version))["release"]["id"] for version in ("1", "2", "4")]
    Driver(platform).killed(step, "after", story="rollback", name=name)
    back = Task({"name": name}, module="tidegate.platform.workload_rollback")
    (reconciled,) = platform.directly(Task({"names": [name]}, module="tidegate.platform.reconcile"))
    assert not reconciled["failed"], reconciled
    assert platform.version(f"{name}.test") == "2"
    ((withdrawn,),) = platform.rows("SELECT withdrawn FROM releases WHERE id = ?", releases[2])
    assert withdrawn == f"rolled back to {releases[1]}"
    (again,) = platform.directly(back)
    assert again["target"] == releases[0], again


@pytest.mark.parametrize("gate", [Gate("http", port=8000), Gate("tcp", port=8000), Gate("window", port=8000)])
def test_a_gate_finds_a_container_that_has_ipv6_alone(six: str, gate: Gate) -> None:
    """B14: by the address that it has; the engine of the testbed gives an IPv4 address, too, which is not looked at."""
    engine = Engine("unix:///var/run/docker.sock", "/nowhere")
    row = engine.client.api.inspect_container(six)
    for network in row["NetworkSettings"]["Networks"].values():
        network["IPAddress"] = ""
    facts = facts_of(row)
    assert (facts.address, ":" in facts.reachable) == ("", True)
    until = time.monotonic() + 10
    while said := probe(engine, Clock(), gate, Place(six, facts)):
        assert time.monotonic() < until, said
        time.sleep(0.05)


@pytest.fixture(scope="module")
def six() -> t.Iterator[str]:
    """A container that listens on IPv6, in a network that has it."""
    name, subnet = f"six{os.urandom(3).hex()}", f"fd00:{os.urandom(2).hex()}:{os.urandom(2).hex()}::/64"
    docker("network", "create", "--ipv6", "--subnet", subnet, "--label", f"{names.LABEL}=1", name)
    serve = ["python3", "-m", "http.server", "--bind", "::", "8000"]
    try:
        docker(
            "run", "-d", "--name", name, "--network", name, "--label", f"{names.LABEL}=1", names.image("app"), *serve
        )
        yield name
    finally:
        docker("rm", "-f", name, check=False)
        docker("network", "rm", name)
