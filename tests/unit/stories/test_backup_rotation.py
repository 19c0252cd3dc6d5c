"""A host rotates its own archives alone."""

from __future__ import annotations

from pathlib import Path

import pytest
from ansible_collections.tidegate.platform.plugins.module_utils._core.stories import backup_rotation


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
