"""Documentation of options stands once, and is composed as the specifications are."""

from __future__ import annotations

import ast
import types
import typing as t
from pathlib import Path

import pytest
import yaml
from ansible_collections.tidegate.platform.plugins.plugin_utils._fragments import nested

PLUGINS = Path(__file__).resolve().parents[3] / "plugins"
OWN = """
options:
  compose:
    type: dict
    suboptions:
      services:
        type: list
        elements: dict
        suboptions:
          name: {description: Its name., type: str}
"""
HEALTH = """
options:
  health:
    type: dict
    suboptions:
      path: {description: ["O(port) is asked, not C(PORT).", "With O(health.host=a), not FOO(x)."], type: str}
"""


def fragment(text: str) -> types.ModuleType:
    """A fragment with this text."""
    found = types.ModuleType("health")
    found.ModuleDocFragment = types.SimpleNamespace(DOCUMENTATION=text)  # type: ignore[attr-defined]
    return found


@pytest.mark.parametrize(("path", "place"), [("compose", "compose."), ("compose.services", "compose.services[].")])
def test_a_fragment_is_nested_and_what_it_refers_to_with_it(path: str, place: str) -> None:
    inner = yaml.safe_load(nested(OWN, path, fragment(HEALTH)))["options"]
    for name in path.split("."):
        inner = inner[name]["suboptions"]
    assert inner["health"]["suboptions"]["path"]["description"] == [
        f"O({place}port) is asked, not C(PORT).",
        f"With O({place}health.host=a), not FOO(x).",
    ]
    assert ("services" if path == "compose" else "name") in inner


def texts() -> t.Iterator[tuple[str, dict[str, t.Any]]]:
    """The options that each module and fragment documents by itself."""
    for path in sorted([*PLUGINS.glob("modules/*.py"), *PLUGINS.glob("doc_fragments/*.py")]):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) in ("DOCUMENTATION", "OWN"):
                yield path.stem, yaml.safe_load(ast.literal_eval(node.value)).get("options") or {}


def descriptions(options: dict[str, t.Any], place: str) -> t.Iterator[tuple[str, str]]:
    for name, option in options.items():
        yield str(option["description"]), f"{place}.{name}"
        yield from descriptions(option.get("suboptions") or {}, f"{place}.{name}")


def test_no_option_is_described_twice() -> None:
    """What two modules share is a fragment, and what one fragment has of another is nested; pasted text goes stale."""
    places: dict[str, list[str]] = {}
    for stem, options in texts():
        for text, place in descriptions(options, stem):
            places.setdefault(text, []).append(place)
    assert len(places) > 150
    assert [found for found in places.values() if len(found) > 1] == []
