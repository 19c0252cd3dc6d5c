"""Archives that stay, archives that go, and archives that are refused before anything is touched."""

from __future__ import annotations

import contextlib
import fcntl
import os
import socket
import sqlite3
import time
import typing as t
from pathlib import Path

import names
import pytest
from ansible_collections.tidegate.platform.plugins.module_utils._core.stories import backup_archive, backup_rotation
from harness.platforms import Options, Platform, Task, containers, docker

App = t.Callable[..., Options]
BACKUP, RESTORE = "tidegate.platform.platform_backup", "tidegate.platform.platform_restore"
HOST = socket.gethostname()


@pytest.fixture
def own(platform: Platform, app: App, tmp_path: Path) -> Options:
    """Places of a platform of the test's own, with one idle workload on record."""
    places = {"state_dir": str(tmp_path / "state"), "routes_dir": str(tmp_path / "state" / "routes")}
    health = {"type": "window", "window": 0.1}
    idle = {"routes": [], "port": None, "command": ["sleep", "600"], "health": health, "stop_timeout": 0}
    made = platform.apply(**{**app(**idle), **places, "secrets": [{"name": "key", "value": "in-an-archive-1"}]})
    assert made["changed"], made
    return places


def made(folder: Path, name: str, age: float, beside: str = "") -> Path:
    """An archive that was there before."""
    path = folder / name
    path.write_bytes(name.encode())
    if beside:
        Path(f"{path}.sha256").write_text(beside)
    os.utime(path, (time.time() - age, time.time() - age))
    return path


def test_only_what_was_asked_for_and_is_this_platforms_own_rotates(
    platform: Platform, own: Options, tmp_path: Path
) -> None:
    """A4: not without being asked; no archive of a host whose name begins alike, of another platform, of a person's name,
    of a later moment, one that is named, or one that a restore reads just now.
    """
    (folder := tmp_path / "archives").mkdir()
    where = [f"# machine {backup_rotation.machine()}"] if backup_rotation.machine() else []
    beside = "\n".join(["0  x", *where, ""])
    names_kept = {
        f"tidegate-{HOST}-2-20200101T000000Z.tar.gz": "",
        f"tidegate-{HOST}-before-the-move.tar.gz": "",
        f"tidegate-{HOST}-20200101T000000Z.tar.gz.part": "",
        f"tidegate-{HOST}-20200102T000000Z.tar.gz": f"{beside}# platform {tmp_path / 'other'}\n",
        f"tidegate-{HOST}-20200106T000000Z.tar.gz": f"0  x\n# machine {'0' * 32}\n",
    }
    kept = [made(folder, name, 10**7, text) for name, text in names_kept.items()]
    later = made(folder, f"tidegate-{HOST}-20200103T000000Z.tar.gz", -3600, beside)
    named = made(folder, f"tidegate-{HOST}-20200104T000000Z.tar.gz", 10**7, beside)
    read = made(folder, f"tidegate-{HOST}-20200105T000000Z.tar.gz", 10**7, beside)
    old = [made(folder, f"tidegate-{HOST}-2021010{n}T000000Z.tar.gz.enc", 10**6, beside) for n in (1, 2, 3)]
    params = {**own, "directory": str(folder), "images": False}
    (first,) = platform.directly(Task({**params, "name": "a-person's"}, module=BACKUP))
    assert (first["failed"], first["removed"]) == (False, []), first
    with read.open("rb") as stream:
        fcntl.flock(stream, fcntl.LOCK_SH)
        (second,) = platform.directly(Task({**params, "keep": 2, "spare": [str(named)]}, module=BACKUP))
    assert second["removed"] == [str(old[0]), str(old[1])], "the newest of the old ones is the second that stays"
    assert all(path.exists() for path in [*kept, later, named, read, old[2], Path(first["archive"])])
    written = Path(f"{second['archive']}.sha256").read_text().splitlines()
    assert written == [f"{second['sha256']}  {Path(second['archive']).name}", f"# platform {own['state_dir']}", *where]


def test_a_second_archive_of_one_second_has_a_name_of_its_own(platform: Platform, own: Options, tmp_path: Path) -> None:
    """The default name was taken, and the second of two backups failed by a name that nobody had given."""
    (folder := tmp_path / "archives").mkdir()
    begun = time.time()
    stamps = [time.strftime("%Y%m%dT%H%M%SZ", time.gmtime(begun + second)) for second in range(120)]
    for stamp in stamps:
        made(folder, f"tidegate-{HOST}-{stamp}.tar.gz", 3600)
    params = {**own, "directory": str(folder), "images": False}
    first, second, third = platform.directly(*(Task({**params, "keep": keep}, module=BACKUP) for keep in (2, 2, 1)))
    assert not first["failed"], first
    assert Path(first["archive"]).name in {f"tidegate-{HOST}-{stamp}-2.tar.gz" for stamp in stamps}
    assert (second["failed"], second["removed"]) == (False, []), second
    assert third["removed"] == sorted([first["archive"], second["archive"]]), "the newest stays"
    assert Path(third["archive"]).exists()
    assert len(list(folder.glob("*.tar.gz"))) == len(stamps) + 1, "what others made stays"


def rewritten(archive: str, target: Path, work: Path, change: t.Callable[[Path], None]) -> str:
    """The same archive with another record in it."""
    manifest = backup_archive.verify(archive)
    (state := work / "state").mkdir(parents=True)
    backup_archive.unpack(archive, "state", str(state))
    change(state / "tidegate.db")
    facts = {key: value for key, value in manifest.items() if key not in ("files", "format")}
    with target.open("xb") as stream:
        backup_archive.write(stream, backup_archive.parts_of(str(state), "state", ()), facts)
    return str(target)


def newer(path: Path) -> None:
    """A record as a later version of the collection writes it."""
    with contextlib.closing(sqlite3.connect(path)) as db:
        db.execute("PRAGMA user_version = 99")


def damaged(path: Path) -> None:
    """A record that is none."""
    path.write_bytes(b"no database" * 1000)


def test_a_restore_checks_everything_before_it_removes_anything(
    platform: Platform, own: Options, name: str, tmp_path: Path
) -> None:
    """A12, A6: a record of a later version, a damaged one, none; a state directory that cannot be put aside; containers
    whose record is lost: the containers run on, and nothing is in another place.
    """
    (result,) = platform.directly(Task({**own, "directory": str(tmp_path / "backups"), "images": False}, module=BACKUP))
    assert not result["failed"], result
    before = containers(name, everything=False)
    assert len(before) == 1
    bad = [
        rewritten(result["archive"], tmp_path / f"{change.__name__}.tar.gz", tmp_path / change.__name__, change)
        for change in (newer, damaged, Path.unlink)
    ]
    restores = [
        Task({**own, "archive": path, "replace": True}, check, RESTORE) for path in bad for check in (True, False)
    ]
    found = platform.directly(*restores)
    assert [row["failed"] for row in found] == [True] * 6, found
    assert all("has schema 99" in row["msg"] for row in found[:2]), found
    for file in (tmp_path / "state").glob("tidegate.db*"):
        file.rename(tmp_path / file.name)
    (lost,) = platform.directly(Task({**own, "archive": result["archive"]}, module=RESTORE))
    assert "holds a platform" in lost["msg"], "what runs there is nobody's to remove unasked"
    assert containers(name, everything=False) == before
    assert sorted(path.name for path in tmp_path.glob("state*")) == ["state"]
    done, info = platform.directly(
        Task({**own, "archive": result["archive"], "replace": True}, module=RESTORE),
        Task({**own}, module="tidegate.platform.reconcile"),
    )
    assert (done["failed"], info["summary"]["repaired"]) == (False, 1), info


def test_an_archive_comes_to_the_controller_for_its_owner_alone(
    platform: Platform, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """C7: refused without a passphrase unless that was asked for, before anything is made; mode 0600.

    A4: a relative folder was one of the installed collection, which the next installation removes.
    """
    (folder := tmp_path / "fetched").mkdir()
    kept = tmp_path / "kept"
    own = {"tidegate_backup_dir": str(kept)}
    refused = platform.playbook("tidegate.platform.backup", tidegate_backup_fetch=str(folder), **own)
    assert refused.code != 0
    assert "tidegate_backup_fetch_unencrypted" in refused.output
    assert not kept.exists()
    plain = {"tidegate_backup_fetch_unencrypted": "true", "tidegate_backup_keep": "", **own}
    monkeypatch.setenv("PWD", str(folder))
    mask = os.umask(0o022)
    try:
        done = platform.playbook("tidegate.platform.backup", tidegate_backup_fetch="new", **plain).ok()
    finally:
        os.umask(mask)
    (fetched,) = (folder / "new").glob("*/*")
    assert f"fetched to {fetched}" in " ".join(done.output.split())
    modes = [place.stat().st_mode & 0o777 for place in (fetched, fetched.parent, folder / "new")]
    assert modes == [0o600, 0o700, 0o700]
    (archive,) = kept.glob("*.tar.gz")
    assert fetched.read_bytes() == archive.read_bytes()
    assert "Copy it for who logs in" not in done.changed


@pytest.mark.parametrize("playbook", ["backup", "restore", "upgrade"])
def test_every_backup_keeps_as_many_as_it_is_told(playbook: str) -> None:
    """A4: no playbook rotates unasked, none ignores how many stay, and a restore spares what it is about to read."""
    text = (names.ROOT / "playbooks" / f"{playbook}.yml").read_text()
    keep = """keep: "{{ tidegate_backup_keep | default('') | tidegate.platform.given(omit) }}\""""
    assert text.count("platform_backup:\n        directory:") == text.count(keep) == 1
    assert ("spare:" in text) == (playbook == "restore")


def test_a_state_directory_is_one_platform_however_it_is_written(
    platform: Platform, own: Options, name: str, tmp_path: Path
) -> None:
    """A12, C: with a slash at its end a restore removed the containers, and then could not put the directory aside; what
    an earlier version labelled so is this platform's still.
    """
    slashed = {**own, "state_dir": f"{own['state_dir']}//"}
    info, result = platform.directly(
        Task(slashed, module="tidegate.platform.workload_info"),
        Task({**slashed, "directory": str(tmp_path / "backups"), "images": False}, module=BACKUP),
    )
    assert [row["health"] for row in info["workloads"]] == ["healthy"], info
    assert not result["failed"], result
    labels = {"state_dir": f"{own['state_dir']}/", "workload": name, "environment": "production"}
    words = [f"--label=tidegate.{key}={value}" for key, value in labels.items()]
    docker("create", "--name", f"{name}-earlier", *words, names.image("base"), "sleep", "1")
    restored, back, again = platform.directly(
        Task({**slashed, "archive": result["archive"], "replace": True}, module=RESTORE),
        Task(own, module="tidegate.platform.reconcile"),
        Task(slashed, module="tidegate.platform.reconcile"),
    )
    assert not restored["failed"], restored
    assert Path(restored["aside"]).parent == tmp_path
    assert back["summary"]["repaired"] == 1, back
    assert not again["changed"], again
    assert len(containers(name)) == 1
