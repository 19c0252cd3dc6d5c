"""Restores over what is damaged, and restores that end too early; records that can be read and not written."""

from __future__ import annotations

import contextlib
import gzip
import json
import os
import signal
import socket
import sqlite3
import subprocess
import sys
import typing as t
from pathlib import Path

import images
import names
import pytest
import shell
from harness.platforms import Options, Platform, Ports, Task, containers, docker, free_ports
from harness.stories import DRIVER

COLLECTION = "tidegate.platform"


@pytest.fixture
def bare(tmp_path: Path) -> t.Iterator[Platform]:
    """A platform without a proxy, on a file system of eight megabytes."""
    path = tmp_path / "small"
    path.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=8m", "tmpfs", str(path)], check=True)
    yield Platform(path, f"it{os.urandom(3).hex()}", Ports(*free_ports(3)))
    subprocess.run(["umount", "-l", str(path)], check=True)


@pytest.fixture
def idle(name: str) -> t.Iterator[Options]:
    """Options of a workload without routes."""
    yield {
        "name": name,
        "image": names.image("app"),
        "command": ["sleep", "600"],
        "stop_timeout": 0,
        "health": {"type": "window", "window": 0.1},
    }
    left = containers(name)
    if left:
        docker("rm", "-f", *left)


def call(module: str, **options: t.Any) -> Task:
    """A call of another module than `workload_image`."""
    return Task(options, module=f"{COLLECTION}.{module}")


def archived(bare: Platform, idle: Options, tmp_path: Path) -> tuple[str, str]:
    """A workload, and an archive of its platform; the archive and the workload's container."""
    made, backup = bare.directly(Task(idle), call("platform_backup", directory=str(tmp_path / "backups")))
    assert made["changed"], made
    assert not backup["failed"], backup
    return backup["archive"], made["release"]["containers"][0]


def killed(bare: Platform, story: str, params: Options, fault: Options) -> None:
    """A story in a process that is killed where the fault says."""
    order = {"story": story, "params": {**bare.places(), **params}, "fault": fault}
    env = {**os.environ, "PYTHONPATH": bare.collections}
    done = subprocess.run([sys.executable, str(DRIVER), json.dumps(order)], env=env, capture_output=True, check=False)
    assert done.returncode == -signal.SIGKILL, done


def closed(bare: Platform, elsewhere: Path) -> None:
    """The process of the stories has closed what it had open; it does so before it tells another one."""
    bare.directly(call("workload_info", state_dir=str(elsewhere / "nothing")))


def fill(folder: Path) -> Path:
    """Leave no room on a file system; what takes it."""
    filler = folder / "filler"
    with filler.open("wb", buffering=0) as stream, contextlib.suppress(OSError):
        while stream.write(b"x" * 4096):
            pass
    return filler


# -- a restore that is killed ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("there", [True, False], ids=["replacing", "bare"])
def test_a_restore_that_is_killed_between_its_renames_is_ended_before_anything_else(
    bare: Platform, idle: Options, tmp_path: Path, there: bool
) -> None:
    """The host looks as if nothing had ever been deployed; each command says how it goes on, and touches nothing."""
    archive, name = archived(bare, idle, tmp_path)
    state = bare.state
    if not there:
        docker("rm", "-f", name)
        state.rename(state.with_name("lost"))
    restore = {"archive": archive, "replace": there}
    killed(bare, "platform_restore", restore, {"rename": str(state)})
    assert not state.exists()
    stories = [Task(idle), Task({**idle, "state": "absent"}), call("workload_info"), call("reconcile")]
    stories += [
        call("workload_prune"),
        Task({"name": idle["name"], "environment": "production"}, module=f"{COLLECTION}.rollback"),
    ]
    for row in bare.directly(*stories):
        assert row["failed"], row
        assert "a restore was interrupted" in row["msg"], row
        assert "playbook restore again" in row["remedy"], row
        assert ("rename " in row["remedy"]) == there, row
    assert not (state / "tidegate.db").exists()
    (said,) = bare.directly(call("platform_doctor", ports=[]))
    assert [row["check"] for row in said["findings"] if "interrupted" in row["found"]] == ["record"]
    assert containers(idle["name"]) == []
    restored, done, again = bare.directly(call("platform_restore", archive=archive), call("reconcile"), Task(idle))
    assert restored["changed"], restored
    assert not there or (Path(restored["aside"]) / "tidegate.db").exists(), "what was made since is not what was here"
    assert done["summary"]["repaired"] == 1, done
    assert not again["changed"], again
    assert len(containers(idle["name"])) == 1
    assert not list(state.parent.glob("*.restoring"))


def test_a_restore_that_is_killed_before_its_renames_leaves_what_was_there(
    bare: Platform, idle: Options, tmp_path: Path
) -> None:
    """The old platform is the platform still; what the run removed of it comes back."""
    archive, _name = archived(bare, idle, tmp_path)
    restore = {"archive": archive, "replace": True}
    killed(bare, "platform_restore", restore, {"rename": f"{bare.state}.restoring"})
    assert containers(idle["name"]) == []
    (done,) = bare.directly(call("reconcile"))
    assert done["summary"]["repaired"] == 1, done
    assert len(containers(idle["name"], everything=False)) == 1


# -- a record that is damaged ----------------------------------------------------------------------------------------


def empty(path: Path) -> None:
    path.write_bytes(b"")


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:4096])


def noise(path: Path) -> None:
    data = path.read_bytes()
    path.write_bytes(data[:4096] + b"\xa5" * (len(data) - 4096))


def unread(path: Path) -> None:
    with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as db:
        db.execute("UPDATE releases SET snapshot = substr(snapshot, 1, 20)")


@pytest.mark.parametrize("damage", [empty, cut, noise, unread])
def test_a_damaged_record_is_said_once_and_a_good_archive_goes_over_it(
    bare: Platform, idle: Options, tmp_path: Path, damage: t.Callable[[Path], None]
) -> None:
    """Nothing takes it for an empty host, no archive is made of it; the damaged one is kept aside."""
    archive, _name = archived(bare, idle, tmp_path)
    path = bare.state / "tidegate.db"
    closed(bare, tmp_path)
    damage(path)
    before = path.read_bytes()
    refused = bare.directly(
        Task(idle),
        call("reconcile"),
        call("workload_info"),
        call("platform_backup", directory=str(tmp_path / "backups"), name="bad"),
    )
    for row in refused:
        assert (row["failed"], row.get("kind")) == (True, "RecordDamaged"), row
        assert "playbook restore" in row["remedy"], row
    assert (
        os.listdir(tmp_path / "backups") == [os.path.basename(archive), f"{os.path.basename(archive)}.sha256"]
        or len(os.listdir(tmp_path / "backups")) == 2
    )
    assert path.read_bytes() == before
    (said,) = bare.directly(call("platform_doctor"))
    (found,) = [row for row in said["findings"] if row["check"] == "record"]
    assert found["state"] == "failure"
    assert "restore" in found["remedy"]
    assert not [row for row in said["findings"] if row["check"].startswith("port ")], "whose they are is not known"
    restored, done, again = bare.directly(
        call("platform_restore", archive=archive, replace=True), call("reconcile"), Task(idle)
    )
    assert restored["changed"], restored
    assert (Path(restored["aside"]) / "tidegate.db").read_bytes() == before
    assert done["summary"]["repaired"] == 1, done
    assert not again["changed"], again
    assert containers(idle["name"], everything=False) == again["release"]["containers"]


@pytest.mark.database
def test_the_playbook_restores_over_a_damaged_record(bare: Platform, idle: Options, tmp_path: Path) -> None:
    """The backup that comes first cannot be made; what the database has is kept with the damaged record."""
    images.up(images.STACK_IMAGES)
    archive, _name = archived(bare, idle, tmp_path)
    closed(bare, tmp_path)
    noise(bare.state / "tidegate.db")
    labels = {"state_dir": bare.state, "workload": "postgres", "environment": "platform"}
    words = [f"--label=tidegate.{key}={value}" for key, value in labels.items()]
    server = f"{bare.label}-postgres"
    docker("run", "-d", "--name", server, *words, "-e", "POSTGRES_PASSWORD=x", names.image("postgres", "15"))
    ready = ["exec", server, "pg_isready", "--host=127.0.0.1"]
    shell.wait_until("it is ready", lambda: "accepting" in docker(*ready, check=False), 60)
    docker("exec", server, "psql", "-U", "postgres", "-qc", "CREATE TABLE only_here (n int)")
    try:
        play = bare.playbook("tidegate.platform.restore", archive=archive, replace=True).ok()
    finally:
        docker("rm", "-fv", server, check=False)
        docker("network", "rm", bare.network, check=False)
    (aside,) = bare.root.glob("state.before-*")
    assert f"What was here before is in {aside}" in play.output
    assert b"only_here" in gzip.decompress((aside / "platform" / "postgres-before-restore.sql.gz").read_bytes())
    assert len(containers(idle["name"], everything=False)) == 1
    (again,) = bare.directly(Task(idle))
    assert not again["changed"], again


def test_a_restore_over_a_damaged_record_is_foretold(bare: Platform, idle: Options, tmp_path: Path) -> None:
    """Check mode ended in an error of the task that shows what is live; what would be done is said, and nothing is."""
    archive, name = archived(bare, idle, tmp_path)
    closed(bare, tmp_path)
    path = bare.state / "tidegate.db"
    noise(path)
    before = path.read_bytes()
    skipped = ("--check", "--skip-tags", "docker,platform_base")
    play = bare.playbook("tidegate.platform.restore", *skipped, archive=archive, replace=True).ok()
    said = " ".join(play.output.split())
    assert f"Would put here what {socket.gethostname()} had at 20" in said
    assert f"{idle['name']}.production" in said
    assert f"What is here now would be in {bare.state}.before-" in said
    assert "is damaged" in said
    assert (path.read_bytes(), containers(idle["name"], everything=False)) == (before, [name])


# -- a record that can be read and not written -----------------------------------------------------------------------


def test_a_full_disk_is_looked_at_and_pruned(bare: Platform, idle: Options, tmp_path: Path) -> None:
    """SQLite can make no file beside the record; it is read all the same, and what frees room does so first."""
    made, failed = bare.directly(Task(idle), Task({**idle, "command": ["false"]}))
    assert made["changed"], made
    assert failed["failed"], failed
    extra = f"{idle['name']}-left"
    labels = {
        "state_dir": str(bare.state),
        "workload": idle["name"],
        "environment": "production",
        "deployment": failed["deployment"]["id"],
    }
    words = [f"--label=tidegate.{key}={value}" for key, value in labels.items()]
    docker("create", "--name", extra, *words, names.image("base"), "sleep", "1")
    closed(bare, tmp_path)
    filler = fill(bare.root)
    info, said, again, pruned = bare.directly(
        call("workload_info"), call("platform_doctor", ports=[]), Task(idle), call("workload_prune")
    )
    assert [row["health"] for row in info["workloads"]] == ["healthy"], info
    assert next(row for row in said["findings"] if row["check"] == "record")["state"] == "ok", said
    assert next(row for row in said["findings"] if str(bare.root) in row["check"])["state"] == "failure"
    assert not again["failed"], again
    assert extra not in containers(idle["name"]), pruned
    assert pruned["failed"], "there is no room for what it has to record"
    assert "free some space" in pruned["remedy"], pruned
    filler.unlink()
    (pruned,) = bare.directly(call("workload_prune"))
    assert not pruned["failed"], pruned
    assert containers(idle["name"]) == made["release"]["containers"]


def test_a_file_system_that_is_read_only_is_looked_at(bare: Platform, idle: Options, tmp_path: Path) -> None:
    """As a kernel leaves one after an error of its disk, with what is still in the record's journal."""
    (made,) = bare.directly(Task(idle))
    closed(bare, tmp_path)
    path = bare.state / "tidegate.db"
    with contextlib.closing(sqlite3.connect(path)) as db:
        db.execute("UPDATE releases SET image = 'said:in-the-journal'")
        db.commit()
        journal = path.with_name("tidegate.db-wal").read_bytes()
        data = path.read_bytes()
    path.write_bytes(data)
    path.with_name("tidegate.db-wal").write_bytes(journal)
    subprocess.run(["mount", "-o", "remount,ro", str(bare.root)], check=True)
    info, said, pruned = bare.directly(call("workload_info"), call("platform_doctor", ports=[]), call("workload_prune"))
    closed(bare, tmp_path)
    subprocess.run(["mount", "-o", "remount,rw", str(bare.root)], check=True)
    (row,) = info["workloads"]
    assert row["health"] == "healthy", info
    assert row["release"]["image"] == "said:in-the-journal", "what the journal has counts"
    assert row["release"]["containers"] == made["release"]["containers"]
    assert next(row for row in said["findings"] if row["check"] == "record")["state"] == "ok", said
    assert pruned["failed"], pruned
    assert "space and permissions" in pruned["remedy"], pruned


def test_the_doctor_names_what_runs_of_a_lost_record_and_not_its_volumes(
    bare: Platform, idle: Options, name: str, tmp_path: Path
) -> None:
    """A7: it said "ok" of the volumes of what ran, and how to remove them with their data."""
    volume = f"{name}-data"
    made, before = bare.directly(
        Task({**idle, "strategy": "recreate", "volumes": [{"source": volume, "target": "/data"}]}),
        call("platform_doctor", ports=[]),
    )
    assert made["changed"], made
    closed(bare, tmp_path)
    for path in bare.state.glob("tidegate.db*"):
        path.unlink()
    (said,) = bare.directly(call("platform_doctor", ports=[]))
    (container,) = made["release"]["containers"]
    assert [row["check"] for row in before["findings"] if row["check"] in ("containers", "volumes")] == []
    (found,) = (row for row in said["findings"] if row["check"] in ("containers", "volumes"))
    assert (found["check"], found["state"]) == ("containers", "warning"), found
    assert f"{container} (running) of {name}.production" in found["found"], found
    docker("rm", "-f", container)
    (said,) = bare.directly(call("platform_doctor", ports=[]))
    docker("volume", "rm", volume)
    (found,) = (row for row in said["findings"] if row["check"] in ("containers", "volumes"))
    assert (found["check"], found["state"], volume in found["found"]) == ("volumes", "ok", True), found
