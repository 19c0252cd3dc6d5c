"""Copies of volumes: all that is in them or a failure, wherever they are mounted, and also while nobody runs."""

from __future__ import annotations

import contextlib
import io
import os
import socket
import subprocess
import tarfile
import typing as t
from pathlib import Path

import images
import names
import pytest
import shell
from ansible_collections.tidegate.platform.plugins.module_utils._core.engine.containers import Containers
from ansible_collections.tidegate.platform.plugins.module_utils._core.engine.engine import Engine
from ansible_collections.tidegate.platform.plugins.module_utils._core.engine.volumes import Volumes
from ansible_collections.tidegate.platform.plugins.module_utils._core.options.argument_specs import (
    BACKUP as BACKUP_OPTIONS,
)
from ansible_collections.tidegate.platform.plugins.module_utils._core.options.argument_specs import filled
from ansible_collections.tidegate.platform.plugins.module_utils._core.stories import backup_archive
from ansible_collections.tidegate.platform.plugins.module_utils._core.stories.backup_volumes import copy_volumes
from ansible_collections.tidegate.platform.plugins.module_utils._core.stories.call import Call
from ansible_collections.tidegate.platform.plugins.module_utils._core.values.errors import BackupFailure, EngineFailure
from harness.platforms import Options, Platform, Task, docker

HOST = "unix:///var/run/docker.sock"
BACKUP = "tidegate.platform.platform_backup"
# A file that is shorter than it says it is, as one of a failing disk, or one that shrinks while it is read.
SHORT = "/sys/kernel/mm/transparent_hugepage"


def idle(bare: Platform, volume: str, target: str = "/data", **more: t.Any) -> Options:
    """Options of a workload that does nothing, with a volume."""
    base = {"image": names.image("redis", "7"), "command": ["sleep", "600"], "user": "999:999", "stop_timeout": 0}
    mount = {"source": volume, "target": target}
    health = {"type": "window", "window": 0.1}
    return {"name": f"{bare.label}a", "strategy": "recreate", "health": health, "volumes": [mount], **base, **more}


def back(tmp_path: Path, **more: t.Any) -> Task:
    """A backup without images."""
    return Task({"directory": str(tmp_path / "backups"), "images": False, **more}, module=BACKUP)


# -- all that is in them ---------------------------------------------------------------------------------------------


@pytest.fixture
def unreadable(tmp_path: Path) -> t.Iterator[Path]:
    """A directory with files that cannot be read to their ends."""
    place = tmp_path / "share"
    (place / "a").mkdir(parents=True)
    (place / "z").write_text("behind it")
    subprocess.run(["mount", "--bind", SHORT, str(place / "a")], check=True)
    yield place
    subprocess.run(["umount", "-l", str(place / "a")], check=True)


def test_a_volume_that_cannot_be_read_to_its_end_fails_the_backup(
    bare: Platform, volume: str, tmp_path: Path, unreadable: Path
) -> None:
    """The copy ended in the middle, the backup said success, and then the good archives were rotated away."""
    kind = ["--opt", "type=none", "--opt", "o=rbind", "--opt", f"device={unreadable}"]
    docker("volume", "create", *kind, volume)
    made, result = bare.directly(Task(idle(bare, volume)), back(tmp_path, keep=1))
    assert made["changed"], made
    assert result["failed"], result
    assert "to the end" in result["msg"], result
    assert list((tmp_path / "backups").iterdir()) == []
    assert docker("inspect", "-f", "{{.State.Status}}", made["release"]["containers"][0]) == "running"


def test_a_folder_that_cannot_be_listed_fails_the_backup(
    bare: Platform, volume: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    """The engine left out what was in it, with a line in its log, and the archive was said to be whole."""
    made, first = bare.directly(Task(idle(bare, volume)), back(tmp_path, keep=1))
    assert (made["changed"], first["failed"]) == (True, False), (made, first)
    inside = Path(docker("volume", "inspect", "-f", "{{.Mountpoint}}", volume)) / "closed"
    inside.mkdir()
    with subprocess.Popen(["sleep", "600"]) as process:
        subprocess.run(["mount", "--bind", f"/proc/{process.pid}/task", str(inside)], check=True)
        request.addfinalizer(lambda: subprocess.run(["umount", "-l", str(inside)], check=True))
        process.kill()
    (second,) = bare.directly(back(tmp_path, keep=1, name="second"))
    assert second["failed"], second
    assert str(inside) in second["msg"], second
    assert Path(first["archive"]).exists()


def test_a_file_that_is_not_in_the_copy_fails_the_backup_whatever_it_is_called(
    bare: Platform, volume: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As one that the engine cannot look at; one that was written since may be in it or not, and a socket never is."""
    (made,) = bare.directly(Task(idle(bare, volume)))
    assert made["changed"], made
    place = Path(docker("volume", "inspect", "-f", "{{.Mountpoint}}", volume))
    for name in (b"a\nb", "ü".encode() * 120, b"\xff", b" ", b".wh.x", b"back\\slash", b"x" * 250, b"link"):
        Path(os.fsdecode(os.fsencode(place) + b"/" + name)).write_text("x")
    (deep := place.joinpath(*["d" * 100] * 3)).mkdir(parents=True)
    os.link(place / "link", deep / "same")
    (place / "to").symlink_to("nowhere")
    os.mkfifo(place / "fifo")
    with contextlib.closing(socket.socket(socket.AF_UNIX)) as one:
        one.bind(str(place / "socket"))
    call = Call(filled(BACKUP_OPTIONS, {"state_dir": str(bare.state)}))
    (subject,) = call.on.store.known()
    (tmp_path / "whole").mkdir()
    assert [row["name"] for row in copy_volumes(call, [subject], str(tmp_path / "whole")).rows] == [volume]
    real, away = Containers.get_archive, place.parent / "away"

    def later(containers: Containers, *held: t.Any) -> bool:
        found = real(containers, *held)
        (deep / "late").write_text("late")
        return found

    def without(containers: Containers, *held: t.Any) -> bool:
        (place / "link").rename(away)
        found = real(containers, *held)
        away.rename(place / "link")
        return found

    (tmp_path / "later").mkdir()
    monkeypatch.setattr(Containers, "get_archive", later)
    assert copy_volumes(call, [subject], str(tmp_path / "later")).rows
    (tmp_path / "without").mkdir()
    monkeypatch.setattr(Containers, "get_archive", without)
    monkeypatch.setattr(call.clock, "now", lambda: 2.0**33)  # a rename is a change, too
    with pytest.raises(BackupFailure, match="did not copy link"):
        copy_volumes(call, [subject], str(tmp_path / "without"))


def test_an_image_that_is_saved_in_part_is_none(tmp_path: Path) -> None:
    """The same of the other things that the engine answers with."""
    images.up(images.STACK_IMAGES)
    engine, whole = Engine(HOST, str(tmp_path)), io.BytesIO()
    engine.images.save(names.image("app"), whole)
    engine.client.api.get_image = lambda _reference: [whole.getvalue()[:-1024]]
    with pytest.raises(EngineFailure, match="to the end"):
        engine.images.save(names.image("app"), io.BytesIO())


def test_a_volume_whose_container_goes_meanwhile_is_saved_and_who_cannot_read_it_fails(
    bare: Platform, volume: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Review (heirs): the copy had no byte, and its checksum was right."""
    (made,) = bare.directly(Task(idle(bare, volume)))
    (container,) = made["release"]["containers"]
    find = Volumes.by_name

    def removed(volumes: Volumes) -> t.Any:
        docker("rm", "-f", container)
        return find(volumes)

    call = Call(filled(BACKUP_OPTIONS, {"state_dir": str(bare.state)}))
    (subject,) = call.on.store.known()
    monkeypatch.setattr(Volumes, "by_name", removed)
    assert [row["name"] for row in copy_volumes(call, [subject], str(tmp_path)).rows] == [volume]
    again = idle(bare, volume)
    assert bare.directly(Task(again))[0]["changed"]
    monkeypatch.setattr(Volumes, "by_name", find)

    def unheld(_containers: Containers, *_names: str) -> t.Any:
        docker("rm", "-f", f"tidegate-restore-{volume}")
        return contextlib.nullcontext()

    monkeypatch.setattr(Containers, "pause", unheld)
    (tmp_path / "again").mkdir()
    with pytest.raises(BackupFailure, match=f"{volume}.*cannot be read any more"):
        copy_volumes(call, [subject], str(tmp_path / "again"))


def test_who_crashes_again_and_again_does_not_end_the_archives_that_are_whole(
    bare: Platform, volume: str, tmp_path: Path
) -> None:
    """It cannot stand still; what it wrote meanwhile was said to be of one moment, and the good archives went."""
    made, first = bare.directly(Task(idle(bare, volume)), back(tmp_path, keep=1))
    assert (made["changed"], first["failed"]) == (True, False), (made, first)
    sick, calm = f"{bare.label}-sick", made["release"]["containers"][0]
    mount = ["-v", f"{volume}:/x", "--entrypoint", "false", names.image("redis", "7")]
    docker("run", "-d", "--name", sick, "--restart", "always", *mount)
    facts = ["inspect", "-f", "{{.State.Status}} {{.RestartCount}}", sick]
    shell.wait_until("it waits for three seconds", lambda: docker(*facts) == "restarting 5", 30)
    (second,) = bare.directly(back(tmp_path, keep=1))
    assert (second["failed"], second["removed"]) == (False, []), second
    assert Path(first["archive"]).exists()
    (said,) = (text for text in second["warnings"] if sick in text)
    assert volume in said, said
    assert [row["container"] for row in second["paused"]] == [calm]
    docker("rm", "-f", sick)
    (third,) = bare.directly(back(tmp_path, keep=1, name="third"))
    assert not third["failed"], third
    assert not Path(first["archive"]).exists()


def test_who_begins_to_write_while_a_volume_is_copied_is_said(
    bare: Platform, volume: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As one that crashed between the look who writes and the standstill, and came back."""
    (made,) = bare.directly(Task(idle(bare, volume)))
    assert made["changed"], made
    call = Call(filled(BACKUP_OPTIONS, {"state_dir": str(bare.state)}))
    (subject,) = call.on.store.known()
    real, late = Containers.pause, f"{bare.label}-late"

    @contextlib.contextmanager
    def paused(containers: Containers, *them: str) -> t.Iterator[None]:
        with real(containers, *them):
            mount = ["-v", f"{volume}:/x", "--entrypoint", "sleep", names.image("redis", "7")]
            docker("run", "-d", "--name", late, *mount, "600")
            yield

    monkeypatch.setattr(Containers, "pause", paused)
    done = copy_volumes(call, [subject], str(tmp_path))
    assert ([row["name"] for row in done.rows], done.lost) == ([volume], [volume])
    assert [row["container"] for row in done.paused] == made["release"]["containers"]
    (said,) = call.warnings
    assert late in said
    assert volume in said


# -- wherever they are mounted ---------------------------------------------------------------------------------------


class Linked(t.NamedTuple):
    """A workload whose volume is mounted where its image has a link, and its container."""

    image: str
    container: str


@pytest.fixture
def linked(bare: Platform, volume: str) -> t.Iterator[Linked]:
    """Such a workload, with data; its image has a volume without a name, too."""
    image = f"127.0.0.1:5000/linked:{bare.label}"
    text = (
        f"FROM {names.image('redis', '7')}\nUSER 0\nRUN install -d -o 999 -g 999 /srv/real && ln -s /srv/real /linked\n"
    )
    subprocess.run(["docker", "build", "-q", "-t", image, "-"], input=text, text=True, check=True, capture_output=True)
    mounts = [{"source": volume, "target": "/linked"}]
    (made,) = bare.directly(Task({**idle(bare, volume), "image": image, "volumes": mounts, "pull": "never"}))
    assert made["changed"], made
    (container,) = made["release"]["containers"]
    docker("exec", container, "sh", "-c", "echo kept > /linked/key")
    yield Linked(image, container)
    docker("rm", "-f", "-v", container, check=False)
    docker("image", "rm", "-f", image)


def test_a_volume_that_is_mounted_over_a_link_is_saved_and_comes_back(
    bare: Platform, volume: str, tmp_path: Path, linked: Linked
) -> None:
    """The archive had the link alone, and a whole copy went where nobody sees it; its volume stayed empty."""
    before = set(docker("volume", "ls", "-q").split())
    (copy_volumes,) = bare.directly(back(tmp_path))
    assert not copy_volumes["failed"], copy_volumes
    assert set(docker("volume", "ls", "-q").split()) == before
    docker("rm", "-f", "-v", linked.container)
    docker("volume", "rm", volume)
    restore = Task({"archive": copy_volumes["archive"], "replace": True}, module="tidegate.platform.platform_restore")
    restored, reconciled = bare.directly(restore, Task({}, module="tidegate.platform.reconcile"))
    assert (restored["failed"], restored["volumes"]) == (False, [volume]), restored
    assert not reconciled["failed"], reconciled
    (again,) = docker("ps", "-q", "--filter", f"volume={volume}").split()
    assert docker("exec", again, "cat", "/linked/key") == "kept"
    assert docker("exec", again, "stat", "-c", "%u", "/linked/key", "/linked/") == "999\n999"
    docker("rm", "-f", "-v", again)


# -- also while nobody runs ------------------------------------------------------------------------------------------


def contents(archive: str, folder: Path) -> dict[str, str]:
    """What the file `key` says in each volume of an archive."""
    (place := folder / os.urandom(4).hex()).mkdir()
    backup_archive.unpack(archive, "volumes", str(place))
    found = {}
    for row in backup_archive.verify(archive)["volumes"]:
        with tarfile.open(place / row["file"]) as tar:
            key = tar.extractfile(f"{os.path.basename(row['target'])}/key")
            assert key
            found[row["name"]] = key.read().decode()
    return found


@pytest.mark.parametrize("own", [True, False], ids=["its own", "somebody made it"])
def test_volumes_are_saved_while_nothing_mounts_them(bare: Platform, volume: str, tmp_path: Path, own: bool) -> None:
    """Without a container, or after a teardown, they were left out, and the archive that had them went."""
    if not own:
        docker("volume", "create", volume)
    made, first = bare.directly(Task(declared := idle(bare, volume)), back(tmp_path, keep=1))
    assert (made["changed"], first["failed"]) == (True, False), (made, first)
    (container,) = made["release"]["containers"]
    docker(
        "run", "--rm", "-v", f"{volume}:/data", "--entrypoint", "sh", declared["image"], "-c", "printf x > /data/key"
    )
    docker("rm", "-f", container)
    (second,) = bare.directly(back(tmp_path, keep=1))
    assert not second["failed"], second
    assert contents(second["archive"], tmp_path) == {volume: "x"}
    if own:
        absent = Task({"name": declared["name"], "state": "absent"})
        gone, third = bare.directly(absent, back(tmp_path, keep=1, name="third"))
        assert not gone["failed"], gone
        assert contents(third["archive"], tmp_path) == {volume: "x"}, third
        return
    docker("volume", "rm", volume)
    (third,) = bare.directly(back(tmp_path, keep=1, name="third"))
    assert (third["failed"], third["removed"]) == (False, []), third
    assert volume in str(third["warnings"]), third
    assert Path(second["archive"]).exists(), "it is the last one that has the volume"
