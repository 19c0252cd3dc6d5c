"""Backup, loss of everything, restore: the same rows, releases and certificates; and archives that are refused."""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import subprocess
import typing as t
from pathlib import Path

import images
import names
import pytest
from harness.platforms import Options, Platform, Task, containers, docker

pytestmark = pytest.mark.database

BACKUP, RESTORE = "tidegate.platform.platform_backup", "tidegate.platform.platform_restore"
TREE = Path(__file__).parents[1] / "harness" / "trees" / "app"
PASSPHRASE = "backup-canary 7d\u00e9"


def digests(folder: Path) -> dict[str, tuple[str, int, int]]:
    """Content, mode and owner of every file that a backup keeps as it is."""
    kept = [path for top in ("secrets", "platform", "traefik", "stacks") for path in sorted((folder / top).rglob("*"))]
    return {
        str(path.relative_to(folder)): (
            hashlib.sha256(path.read_bytes()).hexdigest(),
            path.stat().st_mode,
            path.stat().st_uid,
        )
        for path in kept
        if path.is_file()
    }


def lost(platform: Platform, name: str) -> None:
    """Everything of the platform is gone, as if this were another host."""
    label = f"label=tidegate.state_dir={platform.state}"
    docker("rm", "-f", *docker("ps", "-aq", "--filter", label).split())
    built = docker("image", "ls", "-q", f"tidegate.local/{name}.*").split()
    docker("rmi", "-f", *set(built), check=False)
    for volume in docker("volume", "ls", "-q", "--filter", label).split():
        docker("volume", "rm", volume)
    shutil.rmtree(platform.state)


@pytest.fixture
def variables(platform: Platform) -> t.Iterator[Options]:
    """A database beside the workloads."""
    images.up(images.STACK_IMAGES)
    network = f"{platform.network}-data"
    yield {
        "postgres_image": names.image("postgres", "15"),
        "postgres_major": 15,
        "postgres_network": network,
        "postgres_users": [{"name": "shop"}],
        "postgres_databases": [{"name": "shop", "owner": "shop"}],
    }
    for name in containers("postgres"):
        if network in docker("inspect", name):
            docker("rm", "-f", name)
    docker("volume", "rm", "-f", "tidegate-postgres-15")
    docker("network", "rm", network, check=False)


def sql(text: str) -> str:
    """What the database answers."""
    (name,) = containers("postgres", everything=False)
    return docker("exec", name, "psql", "-U", "postgres", "-d", "shop", "-Atqc", text)


@pytest.mark.second
def test_everything_is_lost_and_restored(own: Platform, name: str, variables: Options, tmp_path: Path) -> None:
    """Rows, releases, certificates, secrets, an image that no registry has; encrypted, and onto a host with nothing."""
    site = "tidegate.platform.site"
    own.playbook(site, tidegate_postgres=True, **variables).ok()
    shop = {
        "name": name,
        "networks": [own.network],
        "port": 8000,
        "health": {"path": "/healthz"},
        "routes": [{"host": f"{name}.test"}],
        "secrets": [{"name": "key", "value": "secret-canary-11"}],
        "source": {"path": str(TREE)},
        "build": {"args": {"BASE": names.image("app"), "RELEASE": "9"}},
    }
    (deployed,) = own.tasks(Task(shop, module="tidegate.platform.workload_dockerfile"))
    assert not deployed["failed"], deployed
    sql("CREATE TABLE t (n int); INSERT INTO t SELECT generate_series(1, 1000)")
    before = digests(own.state)
    assert any("_default.key" in path for path in before)
    passphrase = {"tidegate_backup_passphrase": PASSPHRASE}
    (foretold,) = own.tasks(Task({"directory": str(own.root / "backups")}, check=True, module=BACKUP))
    assert foretold["changed"]
    assert not list((own.root / "backups").iterdir())
    made = own.playbook("tidegate.platform.backup", tidegate_backup_fetch=str(tmp_path), **passphrase).ok()
    result = next(row["result"] for row in made.rows if row["task"] == "Back up")
    assert PASSPHRASE not in made.output
    archive = Path(result["archive"])
    assert (archive.stat().st_mode & 0o777, archive.name[-11:]) == (0o640, ".tar.gz.enc")
    assert hashlib.sha256(archive.read_bytes()).hexdigest() == result["sha256"]
    assert (tmp_path / "localhost" / archive.name).read_bytes() == archive.read_bytes()
    assert b"secret-canary-11" not in archive.read_bytes()
    refused = own.playbook("tidegate.platform.restore", archive=str(archive), **passphrase)
    assert "holds a platform" in refused.output
    assert own.version(f"{name}.test") == "9"
    lost(own, name)
    wrong = own.playbook("tidegate.platform.restore", archive=str(archive), tidegate_backup_passphrase="no")
    assert wrong.code != 0
    assert not own.state.joinpath("tidegate.db").exists()
    restored = own.playbook("tidegate.platform.restore", archive=str(archive), **passphrase, **variables).ok()
    assert "healthy" in restored.output
    assert own.version(f"{name}.test") == "9"
    assert sql("SELECT count(*), sum(n) FROM t") == "1000|500500"
    after = digests(own.state)
    assert {path: after.get(path) for path in before if not path.startswith("secrets/")} == {
        path: facts for path, facts in before.items() if not path.startswith("secrets/")
    }
    (again,) = own.tasks(Task(shop, module="tidegate.platform.workload_dockerfile"))
    assert not again["changed"], again
    assert own.playbook(site, tidegate_postgres=True, **variables).ok().changed == []


def built(reference: str, mark: str, *, push: bool = False) -> str:
    """An image of its own, by that name; its id."""
    text = f"FROM {names.image('app')}\nLABEL mark={mark}\n"
    argv = ["docker", "build", "-q", "-t", reference, "--label", f"{names.LABEL}=1", "-"]
    subprocess.run(argv, input=text, text=True, check=True, capture_output=True)
    if push:
        docker("push", "-q", reference)
    return docker("image", "inspect", "--format", "{{.Id}}", reference)


def test_images_come_with_the_archive_or_from_their_registries(own: Platform, name: str, tmp_path: Path) -> None:
    """DP-33: on an engine without them; by digest, though the tag moved on; what cannot be had stops before anything."""
    moved, here = names.image(name), f"{name}-here:1"
    closed = f"{names.PRIVATE_REGISTRY}/tidegate/{name}:1"
    ids = {moved: built(moved, f"{name}1", push=True), here: built(here, f"{name}2"), closed: built(closed, f"{name}3")}
    login = ["docker", "--config", str(tmp_path / "config")]
    secret = ["login", "-u", names.PRIVATE_USER, "--password-stdin", names.PRIVATE_REGISTRY]
    subprocess.run([*login, *secret], input=names.PRIVATE_PASSWORD, text=True, check=True, capture_output=True)
    subprocess.run([*login, "push", "-q", closed], check=True, capture_output=True)
    idle: Options = {"command": ["sleep", "600"], "stop_timeout": 0, "networks": [own.network]}
    idle["health"] = {"type": "window", "window": 0.1}
    rows = {f"{name}{number}": image for number, image in enumerate(ids)}
    for workload, image in rows.items():
        assert own.apply(name=workload, image=image, **idle)["changed"]
    (made,) = own.tasks(Task({"directory": str(tmp_path / "backups")}, module=BACKUP))
    assert made["images"] == [here]
    for workload in rows:
        docker("rm", "-f", *containers(workload))
    shutil.rmtree(own.state)
    built(moved, f"{name}4", push=True)
    docker("rmi", "-f", *ids.values(), moved)
    restore = Task({"archive": made["archive"]}, module=RESTORE)
    foretold, refused = own.tasks(Task(restore.options, check=True, module=RESTORE), restore)
    assert foretold["pulled"] == sorted([closed, moved])
    assert refused["failed"], refused
    assert closed in refused["msg"], refused
    assert "docker login" in refused["remedy"]
    assert not own.state.exists()
    subprocess.run([*login, "pull", "-q", closed], check=True, capture_output=True)
    restored, reconciled = own.tasks(restore, Task({}, module="tidegate.platform.reconcile"))
    assert restored["changed"], restored
    assert reconciled["summary"]["failed"] == 0, reconciled
    for workload, image in rows.items():
        (container,) = containers(workload, everything=False)
        assert docker("inspect", "--format", "{{.Image}}", container) == ids[image]
        own.apply(name=workload, state="absent")
    docker("rmi", "-f", *ids.values())


def test_a_full_disk_and_an_unknown_group_leave_nothing_behind(platform: Platform, tmp_path: Path) -> None:
    """One error that says where; no half archive, and no secret beside it."""
    (small := tmp_path / "small").mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", str(small)], check=True)
    try:
        full, group = platform.tasks(
            Task({"directory": str(small)}, module=BACKUP), Task({"group": "no-such-group"}, module=BACKUP)
        )
        assert list(small.iterdir()) == []
    finally:
        subprocess.run(["umount", str(small)], check=True)
    assert full["failed"], full
    assert str(small) in full["msg"], full
    assert re.search("disk is full|No space left", full["msg"]), full
    assert "is no group of this host" in group["msg"]


def test_archives_that_are_not_what_was_written_are_refused(platform: Platform, tmp_path: Path) -> None:
    """A bit, a missing end, another file, another directory: nothing is touched; old archives go."""
    (result,) = platform.tasks(Task({"directory": str(tmp_path), "keep": 2}, module=BACKUP))
    assert not result["failed"], result
    good = Path(result["archive"]).read_bytes()
    flipped = bytearray(good)
    flipped[-5] ^= 1  # of the checksum; a bit of compression may mean nothing
    bad = {"flipped": bytes(flipped), "short": good[:-2000], "empty": b"", "text": b"no archive"}
    paths = []
    for title, data in bad.items():
        paths.append(tmp_path / title)
        paths[-1].write_bytes(data)
    elsewhere = {"archive": result["archive"], "state_dir": str(tmp_path / "other")}
    tasks = [Task({"archive": str(path), "replace": True}, module=RESTORE) for path in (*paths, tmp_path / "missing")]
    found = platform.tasks(
        *tasks, Task(elsewhere, module=RESTORE), Task({"archive": result["archive"]}, module=RESTORE)
    )
    assert [row["failed"] for row in found] == [True] * 7
    assert {row["kind"] for row in found[:4]} == {"BackupFailure"}
    assert "is not a file of this host" in found[4]["msg"]
    assert "where the archive comes from" in found[5]["msg"]
    assert "holds a platform" in found[6]["msg"]
    more = [Task({"directory": str(tmp_path), "keep": 2}, module=BACKUP)] * 2
    last = []
    for task in more:
        os.utime(result["archive"], (1, 1))
        last += platform.tasks(task)
    assert len(list(tmp_path.glob("tidegate-*.tar.gz"))) <= 2, json.dumps(last)
    assert not list(tmp_path.glob(".tidegate-*"))
