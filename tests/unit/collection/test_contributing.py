"""What CONTRIBUTING says about adding an option is so, for each part of a declaration."""

from __future__ import annotations

import ast
import importlib
import re
import typing as t
from pathlib import Path

import pytest
import yaml
from ansible_collections.tidegate.platform.plugins.module_utils._core.options import argument_specs

ROOT = Path(__file__).resolve().parents[3]
CORE = ROOT / "plugins" / "module_utils" / "_core"
PAGE = (ROOT / "CONTRIBUTING.md").read_text()
COLLECTION = "ansible_collections.tidegate.platform.plugins"
ROW = re.compile(r"^ *\|[^|]+\| `(options/\w+)\.py` \| `([\w`, ]+)` \| `(values/\w+)\.py` \|$", re.MULTILINE)
FRAGMENTS = {options: fragments.split("`, `") for options, fragments, _values in ROW.findall(PAGE)}
VALUES = {options: values for options, _fragments, values in ROW.findall(PAGE)}


def pieces(options: str) -> dict[str, t.Any]:
    """The options of the pieces of a specification that stand in a file and are a declaration's."""
    module = importlib.import_module(f"{COLLECTION}.module_utils._core.{options.replace('/', '.')}")
    tree = ast.parse((CORE / f"{options}.py").read_text())
    names = [n.target.id for n in tree.body if isinstance(n, ast.AnnAssign) and isinstance(n.target, ast.Name)]
    found = [getattr(module, name) for name in names if name.isupper() and isinstance(getattr(module, name), dict)]
    return {k: v for spec in found for k, v in spec.items() if argument_specs.DECLARATION.get(k) is v}


def test_every_option_of_a_part_is_in_the_table() -> None:
    """What is left has a whole module, or is what all have."""
    found = [name for options in FRAGMENTS for name in pieces(options)]
    assert len(found) == len(set(found))
    rest = {*argument_specs.WORKLOAD, *argument_specs.IMAGE, *argument_specs.KIND}
    assert set(found) == argument_specs.DECLARATION.keys() - rest


@pytest.mark.parametrize("options", FRAGMENTS)
def test_an_option_is_documented_where_its_part_says(options: str) -> None:
    documented: set[str] = set()
    for name in FRAGMENTS[options]:
        fragment = importlib.import_module(f"{COLLECTION}.doc_fragments.{name}").ModuleDocFragment
        documented |= yaml.safe_load(fragment.DOCUMENTATION)["options"].keys()
    assert documented == pieces(options).keys()


@pytest.mark.parametrize("options", VALUES)
def test_an_option_is_checked_and_made_a_value_where_its_part_says(options: str) -> None:
    tree = ast.parse((CORE / f"{options}.py").read_text())
    classes = {
        n.name for n in ast.parse((CORE / f"{VALUES[options]}.py").read_text()).body if isinstance(n, ast.ClassDef)
    }
    called = {ast.unparse(n.func) for n in ast.walk(tree) if isinstance(n, ast.Call)}
    assert "InvalidOption" in called, "what is wrong is refused"
    assert called & classes, "what is right becomes a value"
