"""What a tree's digest tells, and that it is packed whole."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from ansible_collections.tidegate.platform.plugins.module_utils._core.sources import trees, unpack
from ansible_collections.tidegate.platform.plugins.module_utils._core.values.errors import InvalidOption


def test_a_digest_tells_content_name_and_mode_alone(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("1")
    first = trees.digest(str(tmp_path), ["a"])
    os.utime(tmp_path / "a", (5, 5))
    assert trees.digest(str(tmp_path), ["a"]) == first
    (tmp_path / "a").chmod(0o755)
    assert trees.digest(str(tmp_path), ["a"]) != first
    (tmp_path / "a").chmod(0o644)
    (tmp_path / "a").write_text("2")
    assert trees.digest(str(tmp_path), ["a"]) != first
    os.mkfifo(tmp_path / "p")
    with pytest.raises(InvalidOption, match="neither file"):
        trees.digest(str(tmp_path), ["p"])


def test_packed_and_unpacked_is_the_same(tmp_path: Path) -> None:
    tree = tmp_path / "tree"
    (tree / "deep" / "er").mkdir(parents=True)
    (tree / "deep" / "er" / "file").write_text("x")
    (tree / "run").write_text("#!/bin/sh\n")
    (tree / "run").chmod(0o755)
    (tree / "link").symlink_to("run")
    (tree / ".git").mkdir()
    with (tmp_path / "archive").open("wb+") as stream:
        trees.pack(str(tree), trees.every_path(str(tree)), stream, top="source")
    (tmp_path / "out").mkdir()
    unpack.unpack(str(tmp_path / "archive"), str(tmp_path / "out"))
    paths = trees.every_path(str(tree))
    assert sorted(paths) == sorted(trees.every_path(str(tmp_path / "out")))
    assert trees.digest(str(tree), paths) == trees.digest(str(tmp_path / "out"), paths)
