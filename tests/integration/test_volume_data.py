"""Data in named volumes: in each archive that says so, and never put over what is there."""

from __future__ import annotations

import json
import os
import tarfile
import time
import types
import typing as t
from pathlib import Path

import names
import pytest
from ansible_collections.tidegate.platform.plugins.module_utils._core.engine.engine import Engine
from ansible_collections.tidegate.platform.plugins.module_utils._core.stories import backup_archive, restore_volumes
from ansible_collections.tidegate.platform.plugins.module_utils._core.stories.call import Call
from ansible_collections.tidegate.platform.plugins.module_utils._core.values.errors import BackupFailure
from harness.platforms import Options, Platform, Task, docker

HOST = "unix:///var/run/docker.sock"
BACKUP = "tidegate.platform.platform_backup"
CONTROL = "tidegate.platform.workload_control"


def idle(name: str, volume: str, *, read_only: bool = False) -> Options:
    """Options of a workload that does nothing, with a volume."""
    mount = {"source": volume, "target": "/data", "read_only": read_only}
    health = {"type": "window", "window": 0.1}
    base = {"image": names.image("redis", "7"), "command": ["sleep", "600"], "user": "999:999", "stop_timeout": 0}
    return {"name": name, "strategy": "recreate", "health": health, "volumes": [mount], **base}


@pytest.mark.database
@pytest.mark.parametrize("volumes", [True, False])
def test_a_database_that_is_stopped_is_in_the_archive(
    bare: Platform, volume: str, tmp_path: Path, volumes: bool
) -> None:
    """It cannot be dumped; what is on its disk is taken instead, also where no other volumes are asked for."""
    declared = {**idle("postgres", volume), "environment": "platform"}
    stop = Task({"name": "postgres", "environment": "platform", "state": "stopped"}, module=CONTROL)
    back = Task({"directory": str(tmp_path / "backups"), "volumes": volumes, "keep": 1}, module=BACKUP)
    made, stopped, result = bare.directly(Task(declared), stop, back)
    assert made["changed"], made
    assert not stopped["failed"], stopped
    assert (result["failed"], result.get("postgres")) == (False, False), result
    rows = backup_archive.verify(result["archive"])["volumes"]
    assert [row["name"] for row in rows] == [volume]
    docker("rm", "-f", *made["release"]["containers"])
    again = Task(
        {"directory": str(tmp_path / "backups"), "volumes": volumes, "keep": 1, "name": "again"}, module=BACKUP
    )
    (refused,) = bare.directly(again)
    assert "has no container" in refused["msg"], "an archive without the database would in time push the others out"
    assert Path(result["archive"]).exists()


class Filled(t.NamedTuple):
    """A restore's part that makes volumes, with an archive of one volume."""

    call: Call
    row: dict[str, t.Any]
    folder: Path

    def put(self) -> str:
        """Do it; what was said of the volume."""
        before, work = len(self.call.warnings), self.folder / f"work-{os.urandom(4).hex()}"
        work.mkdir()
        restore_volumes.put(self.call, str(self.folder / "plain"), str(work), [self.row])
        return " ".join(self.call.warnings[before:])

    def has(self) -> str:
        """What is in the volume."""
        mount = ["-v", f"{self.row['name']}:/data:ro", "--entrypoint", "cat"]
        return docker("run", "--rm", *mount, names.image("redis", "7"), "/data/key")

    def write(self, text: str) -> None:
        """Write into the volume, which is made if it is not there."""
        mount = ["-v", f"{self.row['name']}:/data", "--user", "0", "--entrypoint", "sh"]
        docker("run", "--rm", *mount, names.image("redis", "7"), "-c", f"printf %s {text} > /data/key")


@pytest.fixture
def filled(tmp_path: Path, volume: str) -> Filled:
    """An archive whose copy of the volume says `archived`."""
    state = tmp_path / "state"
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "key").write_text("archived")
    with tarfile.open(tmp_path / "copy.tar", "w") as tar:
        tar.add(tmp_path / "data", "data")
    with (tmp_path / "plain").open("wb") as stream:
        backup_archive.write(stream, [backup_archive.Part(str(tmp_path / "copy.tar"), "volumes/volume-0.tar")], {})
    engine = Engine(HOST, str(state))
    image = engine.images.get(names.image("redis", "7"))
    assert image
    row = {"name": volume, "driver": "local", "options": {}, "labels": {}, "external": False, "target": "/data"}
    params: Options = {"state_dir": str(state)}
    on = types.SimpleNamespace(engine=engine)
    call = types.SimpleNamespace(on=on, params=params, warnings=[], clock=types.SimpleNamespace(now=time.time))
    own = {"image": image.id, "file": "volume-0.tar"}
    return Filled(t.cast("Call", call), {**row, **own}, tmp_path)


def test_a_volume_that_somebody_made_after_an_interrupted_restore_is_left(filled: Filled, volume: str) -> None:
    """The note of one that was killed months ago says nothing of a volume that was made since."""
    note = filled.folder / "state.volumes"
    for text in (json.dumps([volume]), json.dumps({volume: "a-mark"})):
        note.write_text(text)
        filled.write("newer")
        assert f"docker volume rm {volume}" in filled.put()
        assert filled.has() == "newer"


def test_a_volume_that_an_interrupted_restore_half_filled_is_made_anew(filled: Filled, volume: str) -> None:
    """It is known by its mark; once somebody uses it, it is that one's. After a restore it has no note any more."""
    note = filled.folder / "state.volumes"
    note.write_text(json.dumps({volume: "a-mark"}))
    docker("volume", "create", "--label", "tidegate.restored=a-mark", volume)
    filled.write("half")
    assert (filled.put(), filled.has(), note.exists()) == ("", "archived", False)
    filled.write("newer")
    assert "was there already" in filled.put()
    note.write_text(
        json.dumps({volume: json.loads(docker("volume", "inspect", volume))[0]["Labels"]["tidegate.restored"]})
    )
    docker("run", "-d", "-v", f"{volume}:/data", names.image("redis", "7"))
    with pytest.raises(BackupFailure, match="half filled by an interrupted restore"):
        filled.put()
    assert filled.has() == "newer"


def test_who_only_looks_into_a_half_filled_volume_does_not_make_it_whole(filled: Filled, volume: str) -> None:
    """The container of a look (`docker run` without --rm) made half of the data good: the restore said success."""
    note = filled.folder / "state.volumes"
    note.write_text(json.dumps({volume: "a-mark", "another": "mark"}))
    docker("volume", "create", "--label", "tidegate.restored=a-mark", volume)
    filled.write("half")
    look = f"{volume}-look"
    docker("run", "--name", look, "-v", f"{volume}:/data", "--entrypoint", "ls", names.image("redis", "7"), "/data")
    for act in (filled.put, lambda: restore_volumes.warn_of_existing(filled.call, [filled.row]), filled.put):
        with pytest.raises(BackupFailure, match="half filled by an interrupted restore") as failed:
            act()
        assert look in str(failed.value), failed.value
        assert f"remove {note}" in str(failed.value.remedy), failed.value.remedy
        assert json.loads(note.read_text())[volume] == "a-mark"
    assert restore_volumes.warn_of_existing(filled.call, []) == [], "an archive without it is not its concern"
    docker("rm", look)
    assert (filled.put(), filled.has(), note.exists()) == ("", "archived", False)


def test_a_half_filled_volume_with_files_of_the_future_is_made_anew(filled: Filled, volume: str) -> None:
    """A date that the archive brought was taken for a change that somebody made since, and half of the data as good."""
    note = filled.folder / "state.volumes"
    note.write_text(json.dumps({volume: "a-mark"}))
    os.utime(note, (time.time() - 3600,) * 2)
    docker("volume", "create", "--label", "tidegate.restored=a-mark", volume)
    shell = ["run", "--rm", "-v", f"{volume}:/data", "--user", "0", "--entrypoint", "sh", names.image("redis", "7")]
    docker(*shell, "-c", "echo half > /data/key && touch -d 2037-01-01 /data/key && touch -d 2001-01-01 /data")
    assert (filled.put(), filled.has(), note.exists()) == ("", "archived", False)


@pytest.mark.parametrize("target", ["/data", "/srv/dev/", "/proc"])
def test_links_that_lead_out_of_a_volume_come_back(filled: Filled, volume: str, target: str) -> None:
    """The backup ended well, and each restore of it ended at the link: "the engine refused to fill the volume"."""
    links = {"a": "../../usr/share/x", "b": "../../../../x", "c": "/srv/x", "d": "sub", "e": ".."}
    docker("volume", "create", volume)
    filled.write("archived")
    put = " && ".join(f"ln -s {to} /data/{name}" for name, to in links.items())
    shell = ["run", "--rm", "-v", f"{volume}:/data", "--user", "0", "--entrypoint", "sh", names.image("redis", "7")]
    docker(*shell, "-c", f"mkdir /data/sub && {put} && ln -s ../../../../x /data/sub/f && ln /data/key /data/same")
    engine = filled.call.on.engine
    with (filled.folder / "copy.tar").open("w+b") as stream, engine.volumes.hold(volume, target) as held:
        assert engine.containers.get_archive(*held, stream)
    with (filled.folder / "plain").open("wb") as stream:
        part = backup_archive.Part(str(filled.folder / "copy.tar"), "volumes/volume-0.tar")
        backup_archive.write(stream, [part], {})
    docker("volume", "rm", volume)
    filled.row["target"] = target
    assert (filled.put(), filled.has()) == ("", "archived")
    found = docker(*shell, "-c", "cd /data && readlink a b c d e sub/f && stat -c %h key && ls").split()
    assert found == [*links.values(), "../../../../x", "2", *"abcde", "key", "same", "sub"]


def test_data_that_lie_elsewhere_are_not_written_over(filled: Filled) -> None:
    """A volume that is a name for a directory or a share is not here, and its data are; an empty place is filled."""
    (share := filled.folder / "share").mkdir()
    filled.row["options"] = {"type": "none", "o": "bind", "device": str(share)}
    (share / "lost+found").mkdir()
    assert (filled.put(), (share / "key").read_text()) == ("", "archived")
    docker("volume", "rm", filled.row["name"])
    (share / "key").write_text("newer")
    (share / "large").write_bytes(os.urandom(2**25))
    assert "has data already" in filled.put()
    assert (share / "key").read_text() == "newer"


def test_what_somebody_wrote_into_a_half_filled_volume_stays(filled: Filled, volume: str) -> None:
    """Nobody mounts it any more, and it was replaced by the archive's without a word; or it was taken for whole."""
    note = filled.folder / "state.volumes"
    note.write_text(json.dumps({volume: "a-mark"}))
    os.utime(note, (time.time() - 3600,) * 2)
    docker("volume", "create", "--label", "tidegate.restored=a-mark", volume)
    filled.write("newer")
    for _time in ("first", "again, when the note has been written anew"):
        with pytest.raises(BackupFailure, match="half filled by an interrupted restore, and written into since"):
            filled.put()
        assert (filled.has(), note.exists()) == ("newer", True)
    note.unlink()
    assert "was there already" in filled.put()
    assert filled.has() == "newer"


def test_a_volume_that_is_made_while_the_archive_is_unpacked_stays(
    filled: Filled, volume: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It was removed with what was in it, and then looked whether somebody had made it."""
    real = backup_archive.unpack

    def unpack(*arguments: t.Any) -> None:
        real(*arguments)
        filled.write("newer")

    monkeypatch.setattr(backup_archive, "unpack", unpack)
    assert "was made meanwhile" in filled.put()
    assert filled.has() == "newer"
    note = filled.folder / "state.volumes"
    assert not note.exists()
    docker("volume", "rm", volume)
    note.write_text(json.dumps({volume: "a-mark"}))
    docker("volume", "create", "--label", "tidegate.restored=a-mark", volume)

    def used(*arguments: t.Any) -> None:
        real(*arguments)
        filled.write("newer")
        docker("run", "-d", "-v", f"{volume}:/data", names.image("redis", "7"))

    monkeypatch.setattr(backup_archive, "unpack", used)
    with pytest.raises(BackupFailure, match="half filled by an interrupted restore, and used"):
        filled.put()
    assert filled.has() == "newer"


def test_a_share_that_an_interrupted_restore_half_filled_is_not_as_it_was(filled: Filled) -> None:
    """It was said to be as it was; the note names only what was empty before."""
    (share := filled.folder / "share").mkdir()
    filled.row["options"] = {"type": "none", "o": "bind", "device": str(share)}
    real, note = filled.call.on.engine.client.api.put_archive, filled.folder / "state.volumes"

    def killed(*_arguments: t.Any) -> None:
        (share / "key").write_text("half")
        raise KeyboardInterrupt

    filled.call.on.engine.client.api.put_archive = killed
    with pytest.raises(KeyboardInterrupt):
        filled.put()
    filled.call.on.engine.client.api.put_archive = real
    for _time in range(2):
        with pytest.raises(BackupFailure, match="half filled by an interrupted restore"):
            filled.put()
    (share / "key").unlink()
    assert (filled.put(), (share / "key").read_text(), note.exists()) == ("", "archived", False)


def test_nobody_runs_on_a_volume_that_a_restore_half_filled(bare: Platform, volume: str) -> None:
    """A deployment succeeded on it, without a word; also because somebody had looked into it."""
    note, text = Path(f"{bare.state}.volumes"), json.dumps({volume: "a-mark"})
    note.write_text(text)
    docker("volume", "create", "--label", "tidegate.restored=a-mark", volume)
    declared = idle(f"{bare.label}a", volume)
    foretold, refused = bare.directly(Task(declared, check=True), Task(declared))
    docker("run", "-v", f"{volume}:/data", "--entrypoint", "ls", names.image("redis", "7"))
    docker("run", "-d", "-v", f"{volume}:/data", names.image("redis", "7"))
    for result in (foretold, refused, *bare.directly(Task(declared))):
        assert result["failed"], result
        assert "half filled by a restore" in result["msg"], result
        assert f"remove {bare.state}.volumes" in result["remedy"], result
    note.unlink()
    (made,) = bare.directly(Task(declared))
    assert made["changed"], made
    note.write_text(text)
    (again,) = bare.directly(Task(declared))
    assert not again["failed"], "what was deployed on it, by an earlier version, is not refused afterwards"


def test_a_restore_foretells_which_volumes_it_leaves(bare: Platform, volume: str, tmp_path: Path) -> None:
    """Only the restore itself said so."""
    options = {"directory": str(tmp_path / "backups"), "images": False}
    made, saved = bare.directly(Task(idle(f"{bare.label}a", volume)), Task(options, module=BACKUP))
    assert made["changed"], made
    restore = {"archive": saved["archive"], "replace": True}
    (foretold,) = bare.directly(Task(restore, check=True, module="tidegate.platform.platform_restore"))
    assert not foretold["failed"], foretold
    assert f"{volume} was there already" in str(foretold["warnings"])


def test_an_archive_that_has_only_the_link_of_a_volume_says_so(filled: Filled, volume: str) -> None:
    """As earlier versions wrote it where the image has a link; the other volumes come back all the same."""
    for kind in (tarfile.SYMTYPE, None):
        with tarfile.open(filled.folder / "copy.tar", "w") as tar:
            link = tarfile.TarInfo("data")
            link.type, link.linkname = kind or tarfile.REGTYPE, "/srv/real"
            tar.addfile(link)
        if kind is None:
            (filled.folder / "copy.tar").write_bytes(b"")
        with (filled.folder / "plain").open("wb") as stream:
            backup_archive.write(
                stream, [backup_archive.Part(str(filled.folder / "copy.tar"), "volumes/volume-0.tar")], {}
            )
        assert "Nothing of the volume" in filled.put()
        docker("volume", "rm", volume)


def test_whoever_writes_a_volume_stands_still_while_it_is_copied(bare: Platform, volume: str, tmp_path: Path) -> None:
    """Also another workload, and a container that is nobody's; who only reads it goes on."""
    name = f"{bare.label}a"
    two = [
        Task(idle(name, volume)),
        Task(idle(f"{bare.label}b", volume)),
        Task(idle(f"{bare.label}c", volume, read_only=True)),
    ]
    foreign = f"{bare.label}-foreign"
    docker("run", "-d", "--name", foreign, "-v", f"{volume}:/x", names.image("redis", "7"))
    *made, result = bare.directly(*two, Task({"directory": str(tmp_path / "backups"), "images": False}, module=BACKUP))
    assert not result["failed"], result
    writers = [row["release"]["containers"][0] for row in made[:2]]
    assert sorted(row["container"] for row in result["paused"]) == sorted([*writers, foreign])
    running = docker("ps", "-q", "--filter", f"volume={volume}", "--filter", "status=running").split()
    assert len(running) == 4
