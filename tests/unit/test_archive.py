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
from ansible_collections.tidegate.platform.plugins.module_utils._core.engine import release_images
from ansible_collections.tidegate.platform.plugins.module_utils._core.host.clock import Clock
from ansible_collections.tidegate.platform.plugins.module_utils._core.stories import (
    backup_archive,
    backup_cipher,
    backup_rotation,
)
from ansible_collections.tidegate.platform.plugins.module_utils._core.stories.backup_archive import Part
from ansible_collections.tidegate.platform.plugins.module_utils._core.values.actual import Image
from ansible_collections.tidegate.platform.plugins.module_utils._core.values.errors import BackupFailure, InvalidOption
from hypothesis import example, given, settings
from hypothesis import strategies as st


def folder(place: Path) -> Path:
    """A small state directory."""
    (place / "secrets" / "shop").mkdir(parents=True)
    (place / "work" / "left").mkdir(parents=True)
    (place / "secrets" / "shop" / "key").write_bytes(b"secret")
    (place / "secrets" / "shop" / "key").chmod(0o400)
    (place / "link").symlink_to("/etc/passwd")
    (place / "empty").touch()
    return place


def made(place: Path) -> Path:
    """Its archive."""
    path = place / "a.tar.gz"
    with path.open("xb") as stream:
        parts = backup_archive.parts_of(str(folder(place / "state")), "state", ("work",))
        backup_archive.write(stream, parts, {"host": "h"})
    return path


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


@pytest.mark.parametrize(
    ("reference", "exact", "tag"),
    [
        ("registry.test:5000/team/shop:1.2", "registry.test:5000/team/shop@sha256:abc", "1.2"),
        ("docker.io/library/redis:7.4.5@sha256:def", "docker.io/library/redis@sha256:abc", "7.4.5"),
        ("shop@sha256:def", "shop@sha256:abc", ""),
        ("localhost:5000/shop", "localhost:5000/shop@sha256:abc", ""),
    ],
)
def test_an_image_is_asked_for_by_the_digest_that_its_registry_has(reference: str, exact: str, tag: str) -> None:
    assert release_images.exact(reference, Image("sha256:1", digests=("sha256:abc",))) == [exact]
    assert release_images.split(reference) == (exact.partition("@")[0], tag)


@pytest.mark.parametrize(
    ("mine", "theirs", "gone"),
    [
        ("a" * 32, "# platform /s\n# machine " + "a" * 32, True),
        ("a" * 32, "# platform /s\n# machine " + "b" * 32, False),  # another host of the same short name
        ("a" * 32, "# platform /s", False),  # an earlier version's, which may be another host's
        ("a" * 32, "", False),
        ("", "# platform /s", True),  # a machine without an id goes by its name, as before
        ("", "# platform /s\n# machine " + "b" * 32, False),
        ("a" * 32, "# platform /other\n# machine " + "a" * 32, False),
    ],
)
def test_a_host_rotates_its_own_archives_alone(tmp_path: Path, mine: str, theirs: str, gone: bool) -> None:
    """A4: hosts of one short name share a folder; what does not say whose it is stays."""
    old = tmp_path / "tidegate-web-20260101T000000Z.tar.gz"
    old.write_text("x")
    Path(f"{old}{backup_rotation.ENDING}").write_text(f"0  x\n{theirs}\n")
    own = backup_rotation.Mine("web", "/s", mine)
    newest, later = str(tmp_path / "tidegate-web-20260102T000000Z.tar.gz"), old.stat().st_mtime + 1
    assert backup_rotation.removable(str(tmp_path), own, newest, later) == ([str(old)] if gone else [])


def test_a_machine_is_told_by_its_id_which_is_not_told(tmp_path: Path) -> None:
    """A4: one that has none yet, as in an image, has none."""
    (none := tmp_path / "none").write_text("uninitialized\n")
    (some := tmp_path / "some").write_text("0123456789abcdef" * 2 + "\n")
    found = backup_rotation.machine([str(tmp_path / "missing"), str(none), str(some)])
    assert len(found) == 32
    assert found != some.read_text().strip()
    assert backup_rotation.machine([str(none)]) == ""


def test_a_passphrase_too_many_and_one_too_few_are_said(tmp_path: Path) -> None:
    """Not gzip's and openssl's words, which name no way on."""
    path = made(tmp_path)
    with (
        pytest.raises(BackupFailure, match="was not encrypted"),
        backup_cipher.decrypt(str(path), str(tmp_path), "secret", Clock()),
    ):
        pass
    encrypted = tmp_path / "b"
    encrypted.write_bytes(b"Salted__12345678" + os.urandom(32))
    with (
        pytest.raises(BackupFailure, match="is encrypted"),
        backup_cipher.decrypt(str(encrypted), str(tmp_path), None, Clock()),
    ):
        pass
