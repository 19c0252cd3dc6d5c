"""Faults of the host's parts, under load: what a deployment does when one of them goes, and what repairs it."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import time
import typing as t
from pathlib import Path

import hosts
import names
import pytest
from harness.load import LATE_ANSWER, Client, Count, Target
from harness.looks import consistent, orphans, started
from harness.mixed_load import Mixed, Outage, Watch, cost
from harness.platforms import Options, Platform, containers, docker, free_ports, fresh, provisioned
from harness.runs import Driver

App = t.Callable[..., Options]
SLOW_BOOT: Options = {"env": {"BOOT_DELAY": "1.5"}}


@contextlib.contextmanager
def load(platform: Platform, workload: str) -> t.Iterator[t.Callable[[], Count]]:
    """A steady load for the length of a block; call what is given to end it."""
    clients = Mixed(target(platform, workload)).start()
    try:
        yield clients.stop
    finally:
        clients.stop()


def target(platform: Platform, workload: str) -> Target:
    """Where a workload is asked for."""
    return Target(f"{workload}.test", port=platform.ports.http)


def note(
    row: Options, platform: Platform, workload: str, count: Count, outage: Outage | None = None, /, **about: t.Any
) -> None:
    """A line of the table, with what the fault's own outage can have cost at the most."""
    row.update(cost(count, outage))
    row.update(
        {
            "order": 2,
            "requests": count.requests,
            "held": count.held,
            "lost": count.lost,
            "orphans": len(orphans(platform, workload)),
            "stopped": 0,
            **about,
        }
    )


def wait_for(what: str, condition: t.Callable[[], bool], seconds: float = 20) -> None:
    """Wait for a condition, with a deadline."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, f"{what} was not true within {seconds} s"
        time.sleep(0.01)


def at_step(platform: Platform, workload: str, step: str) -> bool:
    """True while the newest deployment is in a step."""
    query = (
        "SELECT j.step FROM journal j JOIN deployments d ON d.id = j.deployment WHERE d.workload = ? "
        "AND d.conclusion IS NULL AND j.ended_at IS NULL"
    )
    return (step,) in platform.rows(query, workload)


def pid_of(container: str) -> int:
    """Main process of a container, as this host numbers it."""
    return int(docker("inspect", "--format", "{{.State.Pid}}", container))


def traefik(platform: Platform) -> str:
    """Name of the platform's proxy container."""
    (name,) = docker(
        "ps", "--filter", "label=tidegate.workload=traefik", "--filter", f"label=tidegate.state_dir={platform.state}",
        "--format", "{{.Names}}",
    ).split()  # fmt: skip
    return name


def test_a_candidate_that_is_killed_in_its_gate(platform: Platform, app: App, driver: Driver, row: Options) -> None:
    """The gate fails at once, green goes, blue was never touched."""
    workload = app()["name"]
    blue = driver.run("image", **app("1"))["release"]["containers"]
    before = started(blue)
    with load(platform, workload) as stop:
        run = driver.begin("image", **app("2", restart_policy="no", **SLOW_BOOT))
        wait_for("the gate", lambda: at_step(platform, workload, "gate"))
        (green,) = set(containers(workload)) - set(blue)
        os.kill(pid_of(green), signal.SIGKILL)
        output = run.communicate()[0]
        count = stop()
    assert '"kind": "Unhealthy"' in output
    assert "exit code 137" in output
    assert started(blue) == before
    assert consistent(platform, workload)["containers"] == blue
    about = {"fault": "kill -9 of the candidate", "in": "blue-green", "repair": "none needed", "live": "old"}
    note(row, platform, workload, count, **about)
    assert count.losses == []


def test_the_proxy_is_killed_while_a_deployment_runs(
    platform: Platform, app: App, driver: Driver, row: Options
) -> None:
    """Requests are lost while there is no proxy, and only then; the deployment waits for it and succeeds."""
    workload = app()["name"]
    driver.run("image", **app("1"))
    proxy = traefik(platform)
    with load(platform, workload) as stop:
        run = driver.begin("image", **app("2", **SLOW_BOOT))
        wait_for("the gate", lambda: at_step(platform, workload, "gate"))
        watch = Watch(target(platform, workload)).start()
        os.kill(pid_of(proxy), signal.SIGKILL)
        assert run.wait() == 0
        outage = watch.stop()
        count = stop()
    consistent(platform, workload)
    assert platform.version(f"{workload}.test") == "2"
    about = {"fault": "kill -9 of Traefik", "in": "blue-green", "repair": "restart policy", "live": "new"}
    note(row, platform, workload, count, outage, **about)
    assert row["unexplained"] == 0, count.losses
    # The engine waits a tenth of a second before it starts it again; the rest is the proxy's own start, and no more.
    assert outage.seconds < 0.1 + own_start(proxy) * 3


def own_start(proxy: str) -> float:
    """Seconds that this machine needs to make a container of the proxy's image say something: a start, for comparison."""
    image = docker("inspect", "--format", "{{.Config.Image}}", proxy)
    begun = time.monotonic()
    docker("run", "--rm", "--label", f"{names.LABEL}=1", "--entrypoint", "traefik", image, "version")
    return time.monotonic() - begun


def test_a_proxy_that_is_frozen_at_the_switch(platform: Platform, app: App, driver: Driver, row: Options) -> None:
    """DP-T9: not confirmed, so put back; the requests wait in the frozen proxy and are answered when it thaws."""
    workload = app()["name"]
    blue = driver.run("image", **app("1"))["release"]["containers"]
    proxy = traefik(platform)
    fault = {"step": "gate", "when": "after", "run": ["docker", "pause", proxy]}
    with load(platform, workload) as stop:
        begun = time.monotonic()
        try:
            result = driver.run("image", fault, **app("2", traefik_timeout=1))
        finally:
            docker("unpause", proxy)
        outage = Outage(begun, time.monotonic())
        count = stop()
    assert result["failed"]
    assert result["kind"] == "ProxyFailure"
    assert consistent(platform, workload)["containers"] == blue
    about = {"fault": "Traefik frozen at the switch", "in": "blue-green", "repair": "none needed", "live": "old"}
    note(row, platform, workload, count, outage, **about)
    assert row["unexplained"] == 0, count.losses
    assert {loss for loss in count.losses if "late" not in loss} == set(), "they are answered when it thaws"


def test_a_route_directory_that_is_read_only(platform: Platform, app: App, driver: Driver, row: Options) -> None:
    """DP-T9: failed at the switch, old release still routed, and the error names the directory."""
    workload = app()["name"]
    blue = driver.run("image", **app("1"))["release"]["containers"]
    routes = str(platform.state / "routes")
    subprocess.run(["mount", "--bind", routes, routes], check=True)
    try:
        subprocess.run(["mount", "-o", "remount,bind,ro", routes], check=True)
        with load(platform, workload) as stop:
            result = driver.run("image", **app("2"))
            count = stop()
    finally:
        subprocess.run(["umount", routes], check=True)
    assert result["failed"]
    assert result["step"] == "switch"
    assert "Read-only file system" in result["msg"] or "cannot be written" in result["msg"]
    assert consistent(platform, workload)["containers"] == blue
    about = {"fault": "read-only route directory", "in": "blue-green", "repair": "none needed", "live": "old"}
    note(row, platform, workload, count, **about)
    assert count.losses == []
    assert driver.run("image", **app("2"))["changed"]
    consistent(platform, workload)


@pytest.fixture(scope="module")
def small() -> t.Iterator[Platform]:
    """A platform of its own whose state directory is on a file system of eight megabytes."""
    made = fresh("sm")
    made.state.mkdir(parents=True)
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=8m,mode=0700", "tmpfs", str(made.state)], check=True)
    try:
        with provisioned(made):
            yield made
    finally:
        subprocess.run(["umount", str(made.state)], check=True)


@pytest.mark.parametrize(
    ("moment", "fault"),
    [
        ("before it begins", None),
        ("after start", {"step": "start", "when": "after"}),
        ("while the route is written", {"step": "switch", "when": "before"}),
        ("after persist", {"step": "persist", "when": "after"}),
    ],
)
def test_a_full_disk_under_store_and_routes(
    small: Platform, app: App, moment: str, fault: Options | None, row: Options
) -> None:
    """Whenever it fills up, one clear error, the old release or the new one serves, and room is all it takes."""
    local = Driver(small)
    options = {**app("1"), "networks": [small.network]}
    name = options["name"]
    blue = local.run("image", **options)["release"]["containers"]
    newer = {**options, "image": names.image("app", "2")}
    filler = small.state / "filler"
    with load(small, name) as stop:
        if fault is None:
            with filler.open("wb", buffering=0) as stream, contextlib.suppress(OSError):
                while stream.write(b"x" * 4096):
                    pass
        result = local.run("image", fault and {**fault, "fill": str(small.state)}, **newer)
        filler.unlink()
        if moment != "after persist":
            assert result["failed"]
            assert "full" in result["msg"] or "space" in result["msg"], result["msg"]
        again = local.run("image", **newer)
        count = stop()
    assert not again.get("failed"), again
    assert consistent(small, name)["containers"] != blue
    about = {"fault": f"disk of store and routes full {moment}", "in": "blue-green", "repair": "again", "live": "new"}
    note(row, small, name, count, **about)
    assert count.losses == []
    local.run("image", **{**options, "state": "absent"})


@pytest.mark.parametrize(("seconds", "jump"), [(-86400.0, "a day back"), (86400.0, "a day ahead, then right again")])
def test_a_clock_that_jumps(
    platform: Platform, app: App, driver: Driver, row: Options, seconds: float, jump: str
) -> None:
    """Order is the record's, not the clock's: a later deployment is never taken for an older one."""
    workload = app()["name"]
    driver.run("image", **app("1"))
    with load(platform, workload) as stop:
        assert driver.run("image", {"clock": seconds}, **app("2"))["changed"]
        assert platform.version(f"{workload}.test") == "2"
        assert driver.run("image", **app("4"))["changed"]
        count = stop()
    consistent(platform, workload)
    assert platform.version(f"{workload}.test") == "4"
    about = {"fault": f"clock jumps {jump}", "in": "blue-green", "repair": "none needed", "live": "new"}
    note(row, platform, workload, count, **about)
    assert count.losses == []


def test_a_container_of_the_same_name_is_never_replaced(platform: Platform, app: App, driver: Driver) -> None:
    """DP-T18, T4: somebody else takes the candidate's very name before it is made; theirs runs on, and blue serves."""
    workload = app()["name"]
    blue = driver.run("image", **app("1"))["release"]["containers"]
    label = f"{names.LABEL}.foreign={workload}"
    theirs = ["docker", "run", "-d", "--name", "{green}", "--label", label, names.image("base"), "sleep", "60"]
    fault = {"step": "release_command", "when": "after", "run": theirs}
    result = driver.run("image", fault, **app("2", release_command=["true"]))
    (foreign,) = docker("ps", "--filter", f"label={label}", "--format", "{{.Names}}").split()
    try:
        assert result["failed"]
        assert foreign in result["msg"], result["msg"]
        assert consistent(platform, workload)["containers"] == blue
        again = driver.run("image", **app("2"))
        assert again["changed"], again
        driver.run("image", name=workload, state="absent", drain={"timeout": 0})
        assert docker("inspect", "--format", "{{.State.Running}}", foreign) == "true"
    finally:
        docker("rm", "-f", foreign)


@pytest.mark.parametrize("strategy", ["recreate", "handover"])
def test_a_run_that_is_killed_while_the_engine_stops_what_served(
    platform: Platform, app: App, driver: Driver, row: Options, strategy: str
) -> None:
    """B8: the engine goes on with the stop; the next run waits for its end before it lets what served serve again."""
    workload = app()["name"]
    at, published = target(platform, workload), {}
    if strategy == "handover":
        at = Target(workload, address=hosts.gateway(), port=free_ports(1)[0])
        published = {"routes": [], "ports": [{"container": 8000, "host": at.port, "address": at.address}]}
    blue = driver.run("image", **app("1", strategy=strategy, drain={"timeout": 0}, stop_timeout=8, **published))
    (container,) = blue["release"]["containers"]
    address = docker("inspect", "--format", "{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}", container)
    # Beside the proxy, so that no drain sees it: blue takes three seconds to end.
    slow = Client(Target(workload, address=address, port=8000, path="/slow?seconds=3"), "new", 1).start()
    wait_for("a slow request", lambda: established(container, 8000))
    clients = Mixed(at).start()
    run = driver.begin("image", **app("2", strategy=strategy, drain={"timeout": 0}, stop_timeout=8, **published))
    wait_for("blue listens no more", lambda: not listens(address, 8000))
    assert docker("inspect", "--format", "{{.State.Running}}", container) == "true", "it ends, but has not yet"
    run.send_signal(signal.SIGKILL)
    run.communicate()
    repaired = driver.reconciled(workload)
    count = clients.stop()
    slow.stop()
    assert not repaired.get("failed"), repaired
    assert consistent(platform, workload, at)["containers"] == [container]
    about = {"fault": "kill -9 while the engine stops", "in": strategy, "repair": "reconcile", "live": "old"}
    note(row, platform, workload, count, **about)
    assert count.losses == []


def listens(address: str, port: int) -> bool:
    """True when a connection is taken."""
    try:
        socket.create_connection((address, port), 1).close()
    except OSError:
        return False
    return True


def established(container: str, port: int) -> bool:
    """True while a container has an open connection on a port, by its own table."""
    rows = Path(f"/proc/{pid_of(container)}/net/tcp").read_text().splitlines()[1:]
    return any(row.split()[1].endswith(f":{port:04X}") and row.split()[3] == "01" for row in rows)


CANCELS = [
    (how, strategy, step)
    for strategy, steps in {
        "blue-green": ("release_command", "start", "gate", "switch"),
        "recreate": ("hold", "drain", "stop", "release_command", "start", "gate", "switch"),
    }.items()
    for step in steps
    for how in ("cancel", "SIGTERM")
    # Both in every step of blue-green; the way back is the same code, so that a recreate takes turns.
    if strategy == "blue-green" or (steps.index(step) % 2 == 0) == (how == "cancel")
]


@pytest.mark.parametrize("point", CANCELS, ids=["-".join(point) for point in CANCELS])
def test_a_deployment_is_canceled_at_every_step_boundary(
    platform: Platform, app: App, driver: Driver, row: Options, point: tuple[str, str, str]
) -> None:
    """DP-18, DP-T5: terminal `canceled`, no container of it, and what served before serves."""
    how, strategy, step = point
    workload = app()["name"]
    blue = driver.run("image", **app("1"))["release"]["containers"]
    fault = {"step": step, "when": "after", **({"cancel": True} if how == "cancel" else {"signal": how})}
    with load(platform, workload) as stop:
        options = app("2", strategy=strategy, release_command=["true"])
        result = driver.run("image", fault, **options)
        count = stop()
    assert result["kind"] == "Canceled", result
    assert result["deployment"]["conclusion"] == "canceled"
    assert consistent(platform, workload)["containers"] == blue
    query = "SELECT conclusion FROM deployments WHERE workload = ? ORDER BY id"
    assert platform.rows(query, workload) == [("succeeded",), ("canceled",)]
    about = {"fault": f"{how} after {step}", "in": strategy, "repair": "none needed", "live": "old"}
    note(row, platform, workload, count, **about)
    assert count.losses == []


def test_what_is_live_is_not_canceled(platform: Platform, app: App, driver: Driver) -> None:
    """A cancellation that comes too late is refused, and says what to do instead."""
    workload = app()["name"]
    driver.run("image", **app("1"))
    run = driver.begin("image", **app("2", bake={"seconds": 3}))
    wait_for("the bake", lambda: at_step(platform, workload, "bake"))
    refused = driver.run("cancel", name=workload)
    assert refused["failed"]
    assert "workload_rollback" in refused["msg"]
    assert run.wait() == 0
    assert platform.version(f"{workload}.test") == "2"
    assert driver.run("cancel", name=workload) == {
        "failed": False,
        "changed": False,
        "reason": "no deployment is under way",
        "deployment": None,
        "warnings": [],
    }


def test_a_killed_deployment_is_canceled_by_taking_it_back(platform: Platform, app: App, driver: Driver) -> None:
    """Its run is dead, so that whoever cancels it takes it back."""
    workload = app()["name"]
    blue = driver.run("image", **app("1"))["release"]["containers"]
    driver.killed("switch", "after", **app("2"))
    canceled = driver.run("cancel", name=workload)
    assert canceled["deployment"]["conclusion"] == "canceled"
    assert consistent(platform, workload)["containers"] == blue


def test_twenty_runs_over_ten_workloads_at_once_end_consistent(
    platform: Platform, app: App, driver: Driver, name: str
) -> None:
    """LK-03: every workload ends with one release, whatever the order.

    Twenty interpreters at once are more than a small machine can carry: a workload that nobody changes waits, too.
    """
    bystander = f"{name}-bystander"
    workloads = [f"{name}-{number}" for number in range(10)]

    def declared(workload: str, version: str) -> Options:
        return {**app(version), "name": workload, "routes": [{"host": f"{workload}.test"}]}

    everyone = [*workloads, bystander]
    driver.run("declare_many", workloads=[declared(workload, "1") for workload in everyone])
    clients = [Client(Target(f"{w}.test", port=platform.ports.http), "new", 5).start() for w in everyone]
    runs = []
    for number in range(20):
        chosen = [workloads[(number + offset) % 10] for offset in (0, 3, 7)]
        version = ("2", "4", "1")[number % 3]
        runs.append(driver.begin("declare_many", workloads=[declared(workload, version) for workload in chosen]))
    try:
        for run in runs:
            output, errors = run.communicate()
            assert run.returncode == 0, errors
            assert '"failed": 0' in output, output
        *counts, beside = [client.stop() for client in clients]
        for workload in workloads:
            consistent(platform, workload)
        assert [count.beside(beside) for count in counts] == [[]] * 10
        assert all(LATE_ANSWER in loss for loss in beside.losses)
        assert sum(count.requests for count in counts) > 100
    finally:
        absent = [{"name": workload, "state": "absent", "drain": {"timeout": 0}} for workload in everyone]
        driver.run("declare_many", workloads=absent)


def test_looking_at_proc_is_all_that_the_tests_know(platform: Platform) -> None:
    """The kills hit what they mean: the proxy's process is really Traefik."""
    assert Path(f"/proc/{pid_of(traefik(platform))}/comm").read_text().strip() == "traefik"
