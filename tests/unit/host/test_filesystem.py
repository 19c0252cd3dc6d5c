"""Files and folders that are placed: whole, with their modes, under names that nobody has."""

from __future__ import annotations

import errno
import os
import stat
import typing as t
from pathlib import Path

import pytest
from ansible_collections.tidegate.platform.plugins.module_utils._core.host import filesystem
from ansible_collections.tidegate.platform.plugins.module_utils._core.values.errors import StoreFailure


@pytest.mark.usefixtures("strict_mask")
def test_public_folders_are_public_on_every_level_that_was_made(tmp_path: Path) -> None:
    filesystem.public_folder(str(tmp_path / "sites" / "handbook" / "css"))
    made = [tmp_path / "sites", tmp_path / "sites" / "handbook", tmp_path / "sites" / "handbook" / "css"]
    assert [stat.S_IMODE(path.stat().st_mode) for path in made] == [0o755] * 3
    made[2].chmod(0o700)
    filesystem.public_folder(str(made[2]))
    assert stat.S_IMODE(made[2].stat().st_mode) == 0o755, "a run that was killed in between"


def test_a_file_is_placed_whole_with_its_mode_and_without_litter(tmp_path: Path) -> None:
    target = tmp_path / "routes"
    target.mkdir()
    filesystem.place(str(target / "a.yml"), "one", 0o644, str(tmp_path))
    filesystem.place(str(target / "a.yml"), "two", 0o600, str(tmp_path))
    assert (target / "a.yml").read_text() == "two"
    assert stat.S_IMODE((target / "a.yml").stat().st_mode) == 0o600
    assert sorted(p.name for p in tmp_path.rglob("*")) == ["a.yml", "routes"]


def test_a_failed_placing_leaves_the_old_file_and_no_litter(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    with pytest.raises(OSError, match="directory"):
        filesystem.place(str(tmp_path / "a"), "text", 0o644, str(tmp_path))
    assert [p.name for p in tmp_path.iterdir()] == ["a"]


def test_private_folders_refuse_links_and_tighten_modes(tmp_path: Path) -> None:
    """DS-15, DS-T14."""
    (tmp_path / "loose").mkdir(mode=0o755)
    filesystem.private_folder(str(tmp_path / "loose"))
    assert stat.S_IMODE((tmp_path / "loose").stat().st_mode) == 0o700
    (tmp_path / "link").symlink_to(tmp_path / "loose")
    with pytest.raises(StoreFailure, match="symbolic link"):
        filesystem.private_folder(str(tmp_path / "link"))


@pytest.mark.parametrize("links", [True, False])
def test_who_is_second_takes_nobodys_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, links: bool) -> None:
    """Two hosts of one name that back up to one share: the second put its archive in the first one's place."""
    if not links:

        def refused(*_paths: t.Any) -> None:
            raise OSError(errno.EPERM, "no links here")

        monkeypatch.setattr(os, "link", refused)
    (first := tmp_path / "a").write_text("first")
    (second := tmp_path / "b").write_text("second")
    target = tmp_path / "archive"
    assert filesystem.name_first(str(first), str(target))
    assert not filesystem.name_first(str(second), str(target))
    assert target.read_text() == "first"
