"""The run of all parts tells of each failure."""

from __future__ import annotations

from pathlib import Path

import pytest
import run


def test_a_command_that_fails_hides_no_other(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """T6: a part of `make test` runs all of its commands, then tells."""
    mark = tmp_path / "mark"

    def part() -> list[run.Command]:
        """Two commands."""
        return [["sh", "-c", "echo 'FAILED one'; exit 1"], ["touch", str(mark)]]

    row = run.carried_out(part)
    assert mark.exists()
    assert (row.good, row.why) == (False, "FAILED one")
    assert "FAILED: sh" in capsys.readouterr().out
