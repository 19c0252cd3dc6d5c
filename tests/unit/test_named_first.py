"""A file gets a name that nobody has, on whatever it lies."""

from __future__ import annotations

import errno
import os
import typing as t
from pathlib import Path

import pytest
from ansible_collections.tidegate.platform.plugins.module_utils._core.host import filesystem


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
