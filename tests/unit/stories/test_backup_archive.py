"""Archives of backups: every byte is accounted for, and nothing is written outside."""

from __future__ import annotations

import contextlib
import gzip
import io
import json
import os
import shutil
import tarfile
import zlib
from pathlib import Path

import pytest
from ansible_collections.tidegate.platform.plugins.module_utils._core.stories import backup_archive
from ansible_collections.tidegate.platform.plugins.module_utils._core.stories.backup_archive import Part
from ansible_collections.tidegate.platform.plugins.module_utils._core.values.errors import BackupFailure, InvalidOption
from hypothesis import example, given, settings
from hypothesis import strategies as st

from .archives import folder, made


def test_what_is_unpacked_is_what_was_packed(tmp_path: Path) -> None:
    manifest = backup_archive.verify(str(made(tmp_path)))
    assert sorted(manifest["files"]) == ["state/empty", "state/secrets/shop/key"]
    assert (manifest["format"], manifest["host"]) == (backup_archive.FORMAT, "h")
    (tmp_path / "new").mkdir()
    backup_archive.unpack(str(tmp_path / "a.tar.gz"), "state", str(tmp_path / "new"))
    key = tmp_path / "new" / "secrets" / "shop" / "key"
    assert (key.read_bytes(), key.stat().st_mode & 0o777, os.listdir(tmp_path / "new" / "secrets")) == (
        b"secret",
        0o400,
        ["shop"],
    )
    backup_archive.unpack(str(tmp_path / "a.tar.gz"), "state/empty", str(tmp_path / "one"))
    assert (tmp_path / "one").read_bytes() == b""


def test_what_goes_while_it_is_read_is_no_part(tmp_path: Path) -> None:
    """A deployment beside it removes a secret between the listing and the reading."""
    parts = backup_archive.parts_of(str(folder(tmp_path / "state")), "state", ("work",))
    shutil.rmtree(tmp_path / "state" / "secrets")
    with (tmp_path / "a").open("xb") as stream:
        manifest = backup_archive.write(stream, parts, {})
    assert list(manifest["files"]) == ["state/empty"]
    assert backup_archive.verify(str(tmp_path / "a")) == manifest


def unpacked(content: bytes) -> bytes:
    """What it is without its compression; empty where it is damaged."""
    try:
        return gzip.decompress(content)
    except (OSError, EOFError, zlib.error):
        return b""


def test_a_changed_bit_anywhere_is_refused(tmp_path: Path) -> None:
    """In padding, modes, owners and times as well as in content; there are bits of compression that mean nothing."""
    path = made(tmp_path)
    content = path.read_bytes()
    refused = 0
    for position in range(len(content)):
        changed = content[:position] + bytes([content[position] ^ 1]) + content[position + 1 :]
        if unpacked(changed) == unpacked(content):
            continue
        path.write_bytes(changed)
        with pytest.raises(BackupFailure):
            backup_archive.verify(str(path))
        refused += 1
    assert refused > len(content) // 2


@settings(max_examples=200, deadline=None)
@example(where=0.005859375, by=4, cut=False)
@given(where=st.floats(0, 1, exclude_max=True), by=st.integers(1, 255), cut=st.booleans())
def test_a_changed_archive_is_refused_or_says_the_same(
    where: float, by: int, cut: bool, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Bits of compression that mean nothing may change; the manifest and every file may not."""
    place = tmp_path_factory.mktemp("archive")
    path = made(place)
    whole = backup_archive.verify(str(path))
    content = bytearray(path.read_bytes())
    position = int(where * len(content))
    content[position] ^= by
    path.write_bytes(content[:position] if cut else content)
    with contextlib.suppress(BackupFailure):
        assert backup_archive.verify(str(path))["files"] == whole["files"]


@pytest.mark.parametrize("name", ["state/../escape", "state//etc/passwd"])
def test_nothing_is_written_outside(tmp_path: Path, name: str) -> None:
    path = tmp_path / "bad.tar.gz"
    with tarfile.open(path, "w:gz") as tar:
        for title, text in ((name, b"x"), (backup_archive.MANIFEST, json.dumps({"format": 1, "files": {}}).encode())):
            entry = tarfile.TarInfo(title)
            entry.size = len(text)
            tar.addfile(entry, io.BytesIO(text))
    (tmp_path / "new").mkdir()
    with pytest.raises(InvalidOption, match="leads out"):
        backup_archive.unpack(str(path), "state", str(tmp_path / "new"))
    assert not (tmp_path / "escape").exists()


def test_a_later_format_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "later.tar.gz"
    with path.open("xb") as stream:
        backup_archive.write(
            stream, [Part(str(folder(tmp_path / "s") / "empty"), "state/empty")], {"format": backup_archive.FORMAT + 1}
        )
    with pytest.raises(BackupFailure, match="or a newer one"):
        backup_archive.verify(str(path))
