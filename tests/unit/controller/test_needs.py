"""D3: what the controller lacks is said in one sentence, wherever it is missed; playbooks look first (tests/integration/test_needs.py)."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from ansible.errors import AnsibleError
from ansible_collections.tidegate.platform.plugins.filter import problems
from ansible_collections.tidegate.platform.plugins.plugin_utils import _needs

ROOT = Path(__file__).resolve().parents[3]


def test_who_misses_a_package_says_what_the_playbooks_say(monkeypatch: pytest.MonkeyPatch) -> None:
    """D3: the role `runner` and the lookup are used without the playbooks, too."""
    assert _needs.lacking(["jsonschema"]) == []
    monkeypatch.setitem(sys.modules, "jsonschema", None)
    (said,) = _needs.lacking(["jsonschema"])
    assert "jsonschema is missing on the controller" in said
    with pytest.raises(AnsibleError) as missed:
        problems.problems({}, {})
    assert missed.value.message == said


@pytest.mark.parametrize("place", ["requirements.txt", "meta/ee-requirements.txt", "README.md"])
def test_the_need_is_the_same_wherever_it_is_written_down(place: str) -> None:
    """D3: what pip and builders of execution environments read cannot refer to the one place."""
    text = (ROOT / place).read_text()
    for name, version in _needs.LEAST.items():
        assert f"{name}>={version}" in text
        assert text.count(f"{name}>=") == text.count(f"{name}>={version}")
