"""Of the progress file that a user names, only what this run made is written to, and only that is removed."""

from __future__ import annotations

import os
import typing as t
from pathlib import Path

import pytest
from ansible_collections.tidegate.platform.plugins.module_utils._core.stories.progress import Progress


def file(path: Path) -> None:
    """A log of somebody."""
    path.write_text("kept\n")


def link(path: Path) -> None:
    """A link to a log of somebody."""
    target = path.with_name("target")
    file(target)
    path.symlink_to(target)


def link_to_nothing(path: Path) -> None:
    """A link by which a file would be made elsewhere."""
    path.symlink_to(path.with_name("target"))


def pipe(path: Path) -> None:
    """What is no file, as a device is none; nobody reads it, and nobody waits."""
    os.mkfifo(path)


@pytest.mark.parametrize("there", [file, link, link_to_nothing, pipe, Path.mkdir])
def test_what_has_the_name_of_the_progress_file_is_left_alone(tmp_path: Path, there: t.Callable[[Path], None]) -> None:
    """D8: an existing log was removed after one run, as root; with `/dev/full` the machine's device."""
    path = tmp_path / "deploy.log"
    there(path)
    before = path.lstat()
    progress = Progress(str(path))
    for number in range(2):
        progress.tell("shop", f"step {number}")
    progress.end()
    after = path.lstat()
    assert (after.st_ino, after.st_mode, after.st_size) == (before.st_ino, before.st_mode, before.st_size)
    assert str(path) in progress.refused
    target = path.with_name("target")
    assert not target.exists() or target.read_text() == "kept\n"


def test_the_progress_file_that_was_made_goes_and_one_that_took_its_place_stays(tmp_path: Path) -> None:
    """D8."""
    path = tmp_path / "progress"
    progress = Progress(str(path))
    progress.tell("shop", "start")
    assert (path.read_text(), path.stat().st_mode & 0o777) == ("shop: start\n", 0o600)
    progress.end()
    assert not path.exists()
    again = Progress(str(path))
    again.tell("shop", "start")
    path.unlink()
    file(path)
    again.tell("shop", "gate")
    again.end()
    assert path.read_text() == "kept\n"
    Progress(str(path)).end()
    assert path.exists(), "nothing was told, so nothing was made"
