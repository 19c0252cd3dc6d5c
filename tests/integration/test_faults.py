"""What a real playbook run does when it is stopped, meets another, or loses a part of its host; see tests/faults, too."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import signal
import subprocess
import time
import typing as t
from pathlib import Path

import names
import pytest
from harness.platforms import Options, Platform, Task, containers, docker

App = t.Callable[..., Options]
SLOW_BOOT = {"env": {"BOOT_DELAY": "2"}}


def begin(platform: Platform, options: Options) -> subprocess.Popen[str]:
    """Start a deployment in the background."""
    capture = platform.root / "ignored.jsonl"
    argv = [str(names.venv() / "ansible-playbook"), str(platform.write_play([Task(options)]))]
    argv += ["-i", str(platform.root / "inventory.json")]
    return subprocess.Popen(
        argv, env=platform.environment(capture), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )


def module_pid(workload: str, platform: Platform) -> int:
    """Process that holds the workload's lock, as the kernel says (its lock file, flock)."""
    lock = platform.state / "locks" / f"{workload}.production.lock"
    inode = str(lock.stat().st_ino)
    for line in Path("/proc/locks").read_text().splitlines():
        if re.search(rf":{inode} ", line):
            return int(line.split()[4])
    raise ProcessLookupError(workload)


def reached(platform: Platform, workload: str, step: str, seconds: float = 20.0) -> int:
    """Wait until the newest deployment's journal is at a step; the pid of the module."""
    query = (
        "SELECT j.step FROM journal j JOIN deployments d ON d.id = j.deployment "
        "WHERE d.workload = ? AND d.conclusion IS NULL AND j.ended_at IS NULL"
    )
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if [step] in [list(row) for row in platform.rows(query, workload)]:
            return module_pid(workload, platform)
        time.sleep(0.005)
    raise TimeoutError(f"{workload} did not reach {step}")


def wait_at_the_lock(platform: Platform, workload: str, holder: int, seconds: float = 30.0) -> None:
    """Until a process beside its holder has the workload's lock file open."""
    lock = str(platform.state / "locks" / f"{workload}.production.lock")
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        for link in Path("/proc").glob("[0-9]*/fd/*"):
            with contextlib.suppress(OSError):
                if str(link.readlink()) == lock and int(link.parts[2]) != holder:
                    return
        time.sleep(0.05)
    raise TimeoutError(f"nobody waits for {lock}")


def consistent(platform: Platform, workload: str, version: str) -> None:
    """Exactly one release: route = store = containers, nothing else."""
    ((release,),) = platform.rows("SELECT release FROM live WHERE workload = ?", workload)
    ((names_text,),) = platform.rows("SELECT containers FROM releases WHERE id = ?", release)
    assert str(containers(workload)).replace("'", '"').replace(", ", ",") == names_text
    assert containers(workload, everything=False) == containers(workload)
    assert platform.version(f"{workload}.test") == version
    assert platform.rows("SELECT id FROM deployments WHERE workload = ? AND conclusion IS NULL", workload) == []


def test_a_release_that_can_serve_no_more_does_not_block_the_next(platform: Platform, app: App, tmp_path: Path) -> None:
    """A killed recreate whose old release cannot be started again: a good declaration still goes live."""
    workload = app()["name"]
    tmp_path.chmod(0o755)
    (tmp_path / "needed").touch()
    mount = [{"source": str(tmp_path), "target": "/data", "read_only": True}]
    command = ["sh", "-c", "test -e /data/needed && exec python3 /srv/app.py"]
    platform.apply(**app(command=command, volumes=mount, health={"path": "/healthz", "deadline": 3}))
    options = app("2", strategy="recreate", **SLOW_BOOT)
    process = begin(platform, options)
    pid = reached(platform, workload, "gate")
    (tmp_path / "needed").unlink()
    os.kill(pid, signal.SIGKILL)
    process.communicate()
    again = platform.apply(**options)
    assert again["changed"], again
    consistent(platform, workload, "2")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_a_signal_cancels_and_takes_back(platform: Platform, app: App, number: signal.Signals) -> None:
    """DP-18, DP-T5: canceled before the switch leaves nothing but its record."""
    workload = app()["name"]
    live = platform.apply(**app())
    process = begin(platform, app("2", **SLOW_BOOT))
    os.kill(reached(platform, workload, "gate"), number)
    output = process.communicate()[0]
    assert f"stopped by {number.name}" in output
    consistent(platform, workload, "1")
    assert containers(workload) == live["release"]["containers"]
    query = "SELECT conclusion FROM deployments WHERE workload = ? ORDER BY id"
    assert platform.rows(query, workload) == [("succeeded",), ("canceled",)]


def test_of_two_runs_one_waits_or_fails_by_name(platform: Platform, app: App, tmp_path: Path) -> None:
    """LK-03: two simultaneous deploys of one workload: never both at once."""
    workload = app()["name"]
    tmp_path.chmod(0o755)
    platform.apply(**app())
    health = {"type": "command", "command": ["test", "-e", "/data/go"], "deadline": 60}
    mount = [{"source": str(tmp_path), "target": "/data", "read_only": True}]
    first = begin(platform, app("2", health=health, volumes=mount))
    pid = reached(platform, workload, "gate")
    refused = platform.apply(**app("4", lock_timeout=0))
    assert refused["failed"]
    assert refused["kind"] == "LockHeld"
    assert f"pid {pid}" in refused["msg"]
    second = begin(platform, app("4", lock_timeout=60))
    wait_at_the_lock(platform, workload, pid)
    (tmp_path / "go").touch()
    assert "failed=0" in first.communicate()[0]
    assert "failed=0" in second.communicate()[0]
    consistent(platform, workload, "4")
    query = "SELECT begun_at, ended_at, conclusion FROM deployments WHERE workload = ? ORDER BY begun_at"
    rows = platform.rows(query, workload)
    assert [row[2] for row in rows] == ["succeeded"] * 3
    assert all(earlier[1] <= later[0] for earlier, later in zip(rows, rows[1:])), "never both"


def test_ten_simultaneous_runs_end_with_one_release(platform: Platform, app: App) -> None:
    workload = app()["name"]
    runs = [begin(platform, app(version)) for version in ("1", "2", "4") * 3]
    assert [run.wait() for run in runs] == [0] * len(runs)
    live = platform.version(f"{workload}.test")
    consistent(platform, workload, live)


def test_traefik_away_fails_before_anything_is_made(platform: Platform, app: App) -> None:
    workload = app()["name"]
    live = platform.apply(**app())
    result = platform.apply(**app("2", traefik_api="http://127.0.0.1:9"))
    assert result["failed"]
    assert "Start Traefik" in result["msg"]
    assert containers(workload) == live["release"]["containers"]
    assert platform.apply(**app("2"))["changed"]
    consistent(platform, workload, "2")


def test_traefik_that_does_not_take_a_route_gets_the_old_one_back(platform: Platform, app: App) -> None:
    """DP-T9: a switch that is not confirmed is put back; the old release stays routed."""
    workload = app()["name"]
    live = platform.apply(**app())
    other = platform.root / "routes-nobody-reads"
    shutil.copytree(platform.state / "routes", other)
    (other / "changed").touch()
    result = platform.apply(**app("2", routes_dir=str(other), traefik_timeout=0.5))
    assert result["failed"]
    assert result["step"] == "switch"
    assert "did not take it within 0.5 s" in result["msg"]
    assert [s["name"] for s in result["steps"]][-3:] == [
        "undo switch: switch",
        "undo switch: drain",
        "undo start: reap",
    ]
    assert containers(workload) == live["release"]["containers"]
    consistent(platform, workload, "1")


@pytest.fixture
def small_disk(platform: Platform) -> t.Iterator[Path]:
    """A file system of one megabyte."""
    path = platform.root / "small"
    path.mkdir(exist_ok=True)
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(path)], check=True)
    yield path
    subprocess.run(["umount", str(path)], check=True)


def test_a_full_disk_is_one_clear_error_and_loses_nothing(platform: Platform, app: App, small_disk: Path) -> None:
    """The state's file system is full: no deployment begins, and it works again once there is room."""
    options = app(routes=[], state_dir=str(small_disk / "state"))
    workload = options["name"]
    live = platform.apply(**options)
    assert live["changed"], live
    filler = small_disk / "filler"
    with filler.open("wb", buffering=0) as stream, contextlib.suppress(OSError):
        while stream.write(b"x" * 4096):
            pass
    result = platform.apply(**{**options, "image": names.image("app", "2")})
    assert result["failed"]
    assert "full" in result["msg"] or "space" in result["msg"], result["msg"]
    assert "Traceback" not in str(result)
    assert result["steps"] == []
    assert containers(workload) == live["release"]["containers"]
    filler.unlink()
    assert platform.apply(**{**options, "image": names.image("app", "2")})["changed"]
    assert len(containers(workload)) == 1
    docker("rm", "-f", *containers(workload))


def test_an_engine_that_is_away_is_one_clear_error(platform: Platform, app: App) -> None:
    result = platform.apply(**app(docker_host="unix:///run/no-such-engine.sock"))
    assert result["failed"]
    assert "docker_host" in result["msg"]
