"""Faults that need a host of one's own: the engine killed, its disk full, the connection lost, the host rebooted."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import time
import typing as t
from pathlib import Path

import names
import pytest
import shell
from harness import fault_rows
from harness.load import Count, Target
from harness.mixed_load import Mixed, Outage, Watch, cost
from harness.platforms import Options

from .conftest import Fleet
from .test_fleet import DEPLOY, HOST, shop

ONE = ("--limit", "fleet-1")
SERVER = ("docker", "version", "--format", "{{.Server.Version}}")


@contextlib.contextmanager
def load(fleet: Fleet, host: str) -> t.Iterator[list[Count]]:
    """A steady load on one host; its count is there after the block."""
    counts: list[Count] = []
    clients = Mixed(target(fleet, host)).start()
    try:
        yield counts
    finally:
        counts.append(clients.stop())


def target(fleet: Fleet, host: str) -> Target:
    """Where a host's workload is asked for."""
    return Target(HOST, address=fleet.machines[host]["ansible_host"], port=80)


def note(fault: str, count: Count, outage: Outage | None = None, /, **about: t.Any) -> None:
    """A line of the crash matrix; what is lost has to be explained by the fault's own outage."""
    row: Options = {"order": 3, "fault": fault, "in": "blue-green", "requests": count.requests, "held": count.held}
    row.update({"lost": count.lost, "orphans": 0, "stopped": 0, **cost(count, outage), **about})
    fault_rows.keep(row)
    assert row["unexplained"] == 0, count.losses


def answers(fleet: Fleet, host: str, version: str) -> bool:
    """True when a host serves a version."""
    try:
        return fleet.answer(host, HOST) == version
    except (OSError, AssertionError):
        return False


def begun(fleet: Fleet, version: str, host: str = "fleet-1") -> subprocess.Popen[str]:
    """A deployment in the background that boots slowly, and is in its gate when this returns."""
    fleet.playbook("tidegate.platform.status", "--limit", host).ok()  # writes the inventory
    workloads = shop(version, env={"BOOT_DELAY": "3"})
    extra = json.dumps({"workloads": workloads})
    argv = [str(names.venv() / "ansible-playbook"), DEPLOY, "-i", str(fleet.root / "inventory.json"), "--limit", host]
    before = fleet.containers(host, "shop")
    run = subprocess.Popen(
        [*argv, "-e", extra],
        env=fleet.environment(fleet.root / "ignored.jsonl"),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    shell.wait_until("a candidate runs", lambda: len(fleet.containers(host, "shop")) > len(before), 30)
    return run


def engine(fleet: Fleet, *, live_restore: bool) -> None:
    """Configure the first host's engine, by its role alone."""
    fleet.run("fleet-1", "systemctl", "reset-failed", "docker")
    path = fleet.root / "engine.json"
    path.write_text(json.dumps([{"hosts": "all", "gather_facts": False, "roles": ["tidegate.platform.docker"]}]))
    fleet.playbook(str(path), *ONE, docker_live_restore=live_restore).ok()


@pytest.mark.parametrize("live_restore", [True, False], ids=["live-restore", "no-live-restore"])
def test_the_engine_is_killed_in_the_middle_of_a_deployment(fleet: Fleet, live_restore: bool) -> None:
    """The run fails or waits; then the same task again, or `reconcile` first, ends with one release.

    What is lost is the engine's own doing: when it comes back it writes its port rules anew, and without live-restore
    it stops every container, and starts those that are not to run `always` no more.
    """
    if not live_restore:  # which it has otherwise
        engine(fleet, live_restore=False)
    fleet.playbook(DEPLOY, *ONE, workloads=shop("1")).ok()
    fleet.run("fleet-1", "systemctl", "reset-failed", "docker")
    with load(fleet, "fleet-1") as counts:
        run = begun(fleet, "2")
        watch = Watch(target(fleet, "fleet-1")).start()
        killed = time.monotonic()
        fleet.run("fleet-1", "systemctl", "kill", "-s", "KILL", "--kill-who=main", "docker")
        shell.wait_until("the engine is back", lambda: fleet.run("fleet-1", *SERVER, check=False) != "", 60)
        back = time.monotonic()
        run.communicate()
        if not live_restore:
            fleet.playbook("tidegate.platform.reconcile", *ONE).ok()
        shell.wait_until("it serves", lambda: answers(fleet, "fleet-1", "1") or answers(fleet, "fleet-1", "2"), 60)
        fleet.playbook(DEPLOY, *ONE, workloads=shop("2")).ok()
    assert fleet.answer("fleet-1", HOST) == "2"
    assert len(fleet.containers("fleet-1", "shop")) == 1
    outage = watch.stop()
    # The engine is also who answers Traefik where a container is. Without it only connections that Traefik has kept lead
    # anywhere, and a watch may get one of these. And port rules are not all written anew before it answers.
    without_names = Outage(min(killed, outage.begun or killed), max(back, outage.ended))
    name = f"kill -9 of dockerd, live-restore {'on' if live_restore else 'off'}"
    repair = "again" if live_restore else "reconcile, again"
    note(name, counts[0], without_names, repair=repair, live="new")
    if live_restore:
        assert outage.seconds < 2, "only while the engine writes its port rules anew"
    if not live_restore:
        engine(fleet, live_restore=True)


def test_the_engines_disk_is_full(fleet: Fleet) -> None:
    """Said before the pull by the reserve; without one, by the pull itself; the old release serves on."""
    limit = ("--limit", "fleet-3")
    fleet.playbook(DEPLOY, *limit, workloads=shop("1")).ok()
    fleet.run("fleet-3", "sh", "-c", "docker image rm $(docker image ls -q '*/tidegate/app:4') || true")
    fleet.run("fleet-3", "sh", "-c", "dd if=/dev/zero of=/var/lib/docker/filler bs=1M || true")
    with load(fleet, "fleet-3") as counts:
        reserved = fleet.playbook(DEPLOY, *limit, workloads=shop("4", pull="always"))
        tasks = [{"workloads": shop("4", pull="always", env={"A": "1"}), "disk_reserve": "0"}]
        full = fleet.playbook(str(play(fleet, "fleet-3", tasks)))
        fleet.run("fleet-3", "rm", "/var/lib/docker/filler")
        fleet.playbook(DEPLOY, *limit, workloads=shop("4", pull="always")).ok()
    assert "less than disk_reserve" in reserved.output
    assert "playbook prune" in reserved.output
    assert "no space left" in full.output
    assert fleet.answer("fleet-3", HOST) == "4"
    assert len(fleet.containers("fleet-3", "shop")) == 1
    note("the engine's root is full", counts[0], repair="again", live="new")


def play(fleet: Fleet, host: str, tasks: list[Options]) -> Path:
    """A play of `workloads` tasks on one host."""
    entries = [{"name": f"task {n}", "tidegate.platform.workloads": options} for n, options in enumerate(tasks)]
    path = fleet.root / "own-play.json"
    path.write_text(json.dumps([{"hosts": host, "gather_facts": False, "tasks": entries}]))
    return path


def test_the_connection_is_lost_in_the_middle_of_a_deployment(fleet: Fleet) -> None:
    """Every SSH process of the run is killed: the host finishes or takes back, and the same task again agrees."""
    fleet.playbook(DEPLOY, *ONE, workloads=shop("1")).ok()
    with load(fleet, "fleet-1") as counts:
        run = begun(fleet, "2")
        address = fleet.machines["fleet-1"]["ansible_host"]
        for pid in ssh_clients(address):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        output = run.communicate()[0]
        assert run.returncode != 0, output
        fleet.playbook(DEPLOY, *ONE, workloads=shop("2")).ok()
    assert fleet.answer("fleet-1", HOST) == "2"
    assert len(fleet.containers("fleet-1", "shop")) == 1
    note("SSH lost in the gate", counts[0], repair="again", live="new")


def ssh_clients(address: str) -> list[int]:
    """Processes on this machine that talk SSH to an address, the shared connection included."""
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        with contextlib.suppress(OSError):
            words = path.read_bytes().decode("utf-8", "replace").split("\0")
            if words[0].rpartition("/")[2].startswith("ssh") and any(address in word for word in words):
                found.append(int(path.parent.name))
    return found


def test_a_timer_on_the_host_repairs_what_drifts(fleet: Fleet) -> None:
    """Without a controller: a container that was stopped by hand runs again, and the journal says so."""
    extra = {"reconcile_timer": True, "reconcile_interval": "1s", "reconcile_after_boot": "5s"}
    fleet.playbook("tidegate.platform.reconcile", *ONE, **extra).ok()
    assert fleet.playbook("tidegate.platform.reconcile", *ONE, **extra).ok().changed == []
    (container,) = fleet.containers("fleet-1", "shop")
    fleet.run("fleet-1", "docker", "stop", "-t", "1", container)
    shell.wait_until("the timer repaired it", lambda: answers(fleet, "fleet-1", "2"), 60)
    # The container serves before the run that started it has said so.
    said: list[str] = []

    def told() -> bool:
        said.append(fleet.run("fleet-1", "journalctl", "-u", "tidegate-reconcile", "-o", "cat"))
        return '"state": "repaired"' in said[-1]

    shell.wait_until("the journal says that it was repaired", told, 60)
    assert "did not run" in said[-1]


def test_a_reboot_brings_every_release_back_with_no_operator(fleet: Fleet) -> None:
    """DP-T10; C9: the wall between workloads is set again, too."""
    before, wall = fleet.containers("fleet-1", "shop"), ("/var/lib/tidegate/traefik/entry", "wall")
    assert fleet.run("fleet-1", *wall) == "stands"
    shell.run(["docker", "restart", "-t", "20", "testbed-fleet-1"])
    begun_at = time.monotonic()
    shell.wait_until("the host serves again", lambda: answers(fleet, "fleet-1", "2"), 120)
    assert time.monotonic() - begun_at < 120
    assert fleet.containers("fleet-1", "shop") == before
    shell.wait_until("the wall stands again", lambda: fleet.run("fleet-1", *wall, check=False) == "stands", 60)
    fleet.playbook("tidegate.platform.reconcile", *ONE, reconcile_timer=True, reconcile_state="absent").ok()
    assert (
        fleet.run("fleet-1", "systemctl", "list-unit-files", "tidegate-reconcile.timer", check=False).count("tidegate")
        == 0
    )
