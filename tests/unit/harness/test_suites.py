"""The house of the tests: suites that stand alone, folders that say what they are, pages that tell what is so."""

from __future__ import annotations

import ast
import re
import typing as t
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
TESTS = ROOT / "tests"
CORE = ROOT / "plugins" / "module_utils" / "_core"
SUITES = ("unit", "integration", "faults", "fleet", "bench", "demo")
# One that has only what Python leaves is one that was moved away.
FOLDERS = sorted(
    path for path in TESTS.iterdir() if path.is_dir() and path.name[0] not in "_." and any(path.glob("[!_]*"))
)
PAGES = [ROOT / "CONTRIBUTING.md", TESTS / "README.md", *(folder / "README.md" for folder in FOLDERS)]
FILES = [path for path in sorted(TESTS.rglob("*.py")) if "trees" not in path.parts]


def below_tests(node: ast.AST) -> t.TypeGuard[ast.BinOp]:
    """True for a path of a folder of tests: `ROOT / "tests" / "unit"`, `Path(__file__).parents[1] / "unit"`."""
    return isinstance(node, ast.BinOp) and bool(
        re.search(r"('tests'|parents\[\d\]|parent) / '\w+'$", ast.unparse(node))
    )


def taken(path: Path) -> set[str]:
    """Folders of tests that a file imports from, or puts a path together with."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and not node.level:
            found.add((node.module or "").partition(".")[0])
        elif below_tests(node):
            found.add(ast.unparse(node.right).strip("'"))
    return found


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(TESTS)))
def test_no_suite_takes_anything_of_another(path: Path) -> None:
    """What two of them need stands in tests/harness, which takes nothing of any."""
    own = path.relative_to(TESTS).parts[0]
    if path.parent == TESTS / "tools" or path == Path(__file__):
        return  # they look at the suites, and run none of their code
    assert taken(path) & set(SUITES) - {own} == set()


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)
def test_every_folder_of_tests_says_what_it_is(folder: Path) -> None:
    """What it is, how to run one test or program of it, what it costs."""
    text = (folder / "README.md").read_text()
    assert text.startswith(f"# tests/{folder.name}\n")
    assert "\n```sh\n" in text
    assert "\nCosts: " in text
    assert len(text.splitlines()) <= 40


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_pages_name_what_is_there(page: Path) -> None:
    """Paths below the collection, the tests, the core or the page's own folder; NAME stands for any; `WHAT` in `which.py`."""
    text = page.read_text()
    places = (ROOT, TESTS, CORE, CORE.parent, page.parent)
    for path in set(re.findall(r"(?<![\w/.])((?:[\w.-]+/)+[\w.-]*)(?![\w/…(])", text)):
        if re.search(r"\.(?:py|md|yml|sh|txt|toml)$|/$", path) and not path.startswith(".cache/"):
            pattern = path.rstrip("/").replace("NAME", "*")
            assert any(list(place.glob(pattern)) for place in places), path
    for name, path in re.findall(r"`([A-Z_]{3,})` in `([\w/.]+\.py)`", text):
        found = [place / path for place in places if (place / path).exists()]
        assert found, path
        assert re.search(rf"^{name}\b", found[0].read_text(), re.MULTILINE), f"{path} has no {name}"
