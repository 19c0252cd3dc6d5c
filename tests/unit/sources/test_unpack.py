"""Archives that somebody made to leave their folder, to fill a disk or to break what reads them."""

from __future__ import annotations

import io
import os
import stat
import tarfile
import typing as t
import zipfile
from pathlib import Path

import pytest
from ansible_collections.tidegate.platform.plugins.module_utils._core.sources.unpack import unpack
from ansible_collections.tidegate.platform.plugins.module_utils._core.values.errors import InvalidOption

Entries = t.Sequence[t.Tuple[str, str, str]]
MIB = 2**20


def tar(path: Path, entries: Entries, mode: str = "w") -> Path:
    """A tar archive of (kind, name, content or target)."""
    with tarfile.open(path, mode) as made:  # type: ignore[call-overload]
        for kind, name, text in entries:
            entry = tarfile.TarInfo(name)
            entry.type = {"f": tarfile.REGTYPE, "d": tarfile.DIRTYPE, "l": tarfile.SYMTYPE, "h": tarfile.LNKTYPE}[kind]
            data = text.encode() if kind == "f" else b""
            entry.size, entry.linkname = len(data), "" if kind == "f" else text
            made.addfile(entry, io.BytesIO(data))
    return path


def zipped(path: Path, entries: Entries) -> Path:
    """The same as a zip."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as made:
        for kind, name, text in entries:
            entry = zipfile.ZipInfo(name + ("/" if kind == "d" else ""))
            entry.external_attr = ((stat.S_IFLNK if kind == "l" else stat.S_IFREG) | 0o644) << 16
            made.writestr(entry, text, zipfile.ZIP_DEFLATED)
    return path


@pytest.fixture
def out(tmp_path: Path) -> Path:
    """An empty folder, with something beside it that nobody may touch."""
    (made := tmp_path / "a" / "out").mkdir(parents=True)
    return made


HOSTILE: list[tuple[str, Entries]] = [
    ("link to outside", [("l", "x", "../victim"), ("f", "x/file", "!")]),
    ("link through itself", [("l", "s", "."), ("l", "t", "s/s/s/../../.."), ("f", "t/file", "!")]),
    (
        "folders through a deep link",
        [("d", "d/e", ""), ("l", "s", "d/e"), ("l", "t", "s/../../.."), ("d", "t/made/x", "")],
    ),
    ("link that only leads out", [("f", "a", "a"), ("l", "s", "."), ("l", "t", "s/s/../..")]),
    ("link out of the one folder", [("d", "top", ""), ("l", "top/x", "..")]),
    ("absolute link", [("l", "x", "/etc")]),
    ("file through a link inside", [("d", "d", ""), ("l", "x", "d"), ("f", "x/file", "!")]),
    ("folder through a file", [("f", "x", "x"), ("f", "x/file", "!")]),
    ("climbing", [("f", "../victim/file", "!")]),
    ("absolute", [("f", "/tmp/walls-victim", "!")]),
]


@pytest.mark.parametrize("form", [tar, zipped])
@pytest.mark.parametrize(("title", "entries"), HOSTILE, ids=[row[0] for row in HOSTILE])
def test_nothing_is_made_outside(
    tmp_path: Path, out: Path, title: str, entries: Entries, form: t.Callable[[Path, Entries], Path]
) -> None:
    """C5: and what is inside never leads out."""
    before = sorted(str(path) for path in tmp_path.rglob("*"))
    archive = form(tmp_path / "archive", entries)
    with pytest.raises(InvalidOption) as caught:
        unpack(str(archive), str(out))
    assert caught.value.option == "source.path", title
    others = [path for path in tmp_path.rglob("*") if path != archive and out not in path.parents]
    assert sorted(map(str, others)) == before


def test_hard_links_count(tmp_path: Path, out: Path) -> None:
    """C5: each is a whole file of its own once it is unpacked."""
    links = [("h", f"x{number}", "first") for number in range(40)]
    tar(tmp_path / "archive", [("f", "first", "x" * MIB), *links])
    with pytest.raises(InvalidOption, match="max_size"):
        unpack(str(tmp_path / "archive"), str(out), 8 * MIB)
    assert sum(path.stat().st_size for path in out.rglob("*")) <= 8 * MIB


def test_what_a_zip_says_of_its_size_does_not_count(tmp_path: Path, out: Path) -> None:
    """C5: its directory may lie."""
    path = zipped(tmp_path / "archive", [("f", "x", "x" * 4 * MIB)])
    lie = path.read_bytes().replace((4 * MIB).to_bytes(4, "little"), (16).to_bytes(4, "little"))
    path.write_bytes(lie)
    with pytest.raises(InvalidOption):
        unpack(str(path), str(out), MIB)
    assert sum(file.stat().st_size for file in out.rglob("*")) <= MIB


def test_links_inside_and_hard_links_arrive(tmp_path: Path, out: Path) -> None:
    """C5: what archives of releases have; of two entries of one name the later counts."""
    entries = [
        *(("d", "top", ""), ("f", "top/a", "old"), ("f", "top/a", "a"), ("h", "top/b", "top/a")),
        *(
            ("l", "top/c", "d/../a"),
            ("d", "top/d", ""),
            ("l", "top/a2", "nowhere"),
            ("f", "top/a2", "2"),
            ("d", ".", ""),
        ),
    ]
    unpack(str(tar(tmp_path / "archive", entries, "w:gz")), str(out))
    assert {path.name: path.read_text() for path in out.iterdir() if not path.is_dir()} == {
        "a": "a",
        "b": "a",
        "c": "a",
        "a2": "2",
    }
    assert os.readlink(out / "c") == "d/../a"


def broken(tmp_path: Path) -> dict[str, bytes]:
    """Archives that cannot be read."""
    whole = tar(tmp_path / "whole", [("f", "x", "x" * 9999)], "w:gz").read_bytes()
    xz = tar(tmp_path / "xz", [("f", "x", "x" * 9999)], "w:xz").read_bytes()
    packed = zipped(tmp_path / "zip", [("f", "x", "x" * 9999)]).read_bytes()
    method = packed.replace(b"\x08\x00", b"\x63\x00")
    flags = packed.index(b"PK\x01\x02") + 8
    locked = packed[:6] + b"\x01" + packed[7:flags] + b"\x01" + packed[flags + 1 :]
    return {
        "encrypted": locked,
        "cut gzip": whole[: len(whole) // 2],
        "broken gzip": whole[:30] + b"\xff" * 20 + whole[50:],
        "cut xz": xz[: len(xz) // 2],
        "broken xz": xz[:60] + b"\xff" * 20 + xz[80:],
        "cut zip": packed[:-30],
        "unknown method": method,
        "broken zip": packed[:35] + b"\xff\xff\xff" + packed[38:],
        "link to nothing": tar(tmp_path / "nothing", [("h", "x", "y")]).read_bytes(),
        "text": b"PK is no zip",
        "empty": b"",
    }


def test_what_is_broken_or_encrypted_ends_in_one_message(tmp_path: Path) -> None:
    """C5."""
    for title, content in broken(tmp_path).items():
        (folder := tmp_path / "out" / title).mkdir(parents=True)
        (tmp_path / "archive").write_bytes(content)
        with pytest.raises(InvalidOption) as caught:
            unpack(str(tmp_path / "archive"), str(folder))
            pytest.fail(f"{title} was unpacked")
        assert caught.value.option == "source.path", title
        assert ("is encrypted" in str(caught.value)) == (title == "encrypted"), title


def test_a_tar_whose_last_file_is_a_zip_is_a_tar(tmp_path: Path, out: Path) -> None:
    """C5: a zip is told by its beginning, not by its end, which may be anybody's."""
    inner = zipped(tmp_path / "inner.zip", [("f", "inside", "x")]).read_bytes()
    with tarfile.open(tmp_path / "archive", "w") as made:
        for name, data in (("a", b"a"), ("inner.zip", inner)):
            entry = tarfile.TarInfo(name)
            entry.size = len(data)
            made.addfile(entry, io.BytesIO(data))
    unpack(str(tmp_path / "archive"), str(out))
    assert sorted(path.name for path in out.iterdir()) == ["a", "inner.zip"]


@pytest.mark.parametrize("kind", [tarfile.CHRTYPE, tarfile.FIFOTYPE])
def test_devices_are_refused(tmp_path: Path, kind: bytes) -> None:
    with tarfile.open(tmp_path / "a.tar", "w") as tar:
        entry = tarfile.TarInfo("x")
        entry.type = kind
        tar.addfile(entry)
    (tmp_path / "out").mkdir()
    with pytest.raises(InvalidOption, match="device"):
        unpack(str(tmp_path / "a.tar"), str(tmp_path / "out"))


def test_a_bomb_is_refused_before_it_is_unpacked(tmp_path: Path) -> None:
    with tarfile.open(tmp_path / "a.tar.gz", "w:gz") as tar:
        entry = tarfile.TarInfo("x")
        entry.size = 2**22
        tar.addfile(entry, io.BytesIO(b"\0" * entry.size))
    (tmp_path / "out").mkdir()
    with pytest.raises(InvalidOption, match="max_size"):
        unpack(str(tmp_path / "a.tar.gz"), str(tmp_path / "out"), 2**20)
    assert not list((tmp_path / "out").iterdir())
