"""The shape of the code: layers, one knower of each outside thing, and generated files that are current."""

from __future__ import annotations

import ast
import os
import re
import subprocess
import sys
import typing as t
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
UTILS = ROOT / "plugins" / "module_utils"
PINNED = re.compile(r"docker\.io/\w+/\w+:v?[0-9][\w.-]*@sha256:[0-9a-f]{64}")
MODULES = sorted((ROOT / "plugins" / "modules").glob("*.py"))

# Which files may import which: arrows point one way, deciding knows no acting.
LAYERS = {
    "_errors": set(),
    "_clock": set(),
    "_sources": set(),
    "_declared": {"_sources", "_stack"},
    "_schema": set(),
    "_spec": set(),
    "_names": {"_errors"},
    "_files": {"_errors"},
    "_fleet": {"_errors", "_model"},
    "_conflicts": {"_declared", "_errors"},
    "_stack": {"_conflicts", "_declared", "_errors", "_sources"},
    "_stack_volumes": {"_declared", "_errors"},
    "_services": {"_declared", "_errors", "_leave", "_model", "_stack", "_strategies"},
    "_model": {"_declared", "_stack"},
    "_record": {"_declared", "_model"},
    "_listing": {"_declared", "_model", "_names", "_stack_volumes"},
    "_create": {"_declared"},
    "_routing": {"_declared", "_names", "_rules"},
    "_rules": {"_declared"},
    "_questions": {"_declared"},
    "_form": {"_errors", "_model", "_names", "_options", "_project", "_routing", "_rules"},
    "_options": {"_names", "_errors", "_declared"},
    "_words": set(),
    "_dockerfile": {"_errors", "_words"},
    "_buildkit": {"_sources"},
    "_unpack": {"_errors", "_options"},
    "_tree": {"_errors", "_unpack"},
    "_runners": {"_declared", "_errors"},
    "_static": {"_declared"},
    "_recipe": {"_declared", "_names", "_options", "_errors", "_runners", "_sources", "_static"},
    "_project": {"_declared", "_errors", "_names", "_options", "_recipe", "_stack"},
    "_candidate": {"_declared", "_model", "_names", "_options", "_project"},
    "_written": {"_errors", "_runners", "_sources", "_static", "_tree"},
    "_container": {"_names", "_options", "_errors", "_declared"},
    "_hidden": {"_declared", "_errors", "_masks"},
    "_masks": {"_spec"},
    "_parse": {
        "_hidden",
        "_names",
        "_options",
        "_container",
        "_errors",
        "_declared",
        "_model",
        "_project",
        "_spec",
        "_stack",
        "_recipe",
        "_sources",
    },
    "_leave": {"_declared", "_model", "_options"},
    "_strategies": {"_declared", "_leave", "_model", "_names"},
    "_phases": {"_model"},
    "_plan": {"_declared", "_errors", "_leave", "_model", "_names", "_services", "_strategies"},
    "_recovery": {"_declared", "_form", "_leave", "_model", "_names", "_record", "_strategies"},
    "_retention": {"_errors", "_model"},
    "_after": {"_model", "_stack"},
    "_view": {"_model", "_plan"},
}
KNOWERS = {
    "docker": "_engine",
    "sqlite3": "_database",
    "ansible": "_module",
    "fcntl": "_lock",
    "subprocess": "_process",
    "http": "_gate _loki _traefik_api",
}


def imports(path: Path) -> set[str]:
    """Names of the modules that a file imports; those of this package with their underscore."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            found.add((node.module or "").split(".")[0])
        elif isinstance(node, ast.ImportFrom) and node.module:
            found.add(node.module)
        elif isinstance(node, ast.ImportFrom):
            found |= {alias.name for alias in node.names}
    return found


@pytest.mark.parametrize("name", sorted(LAYERS))
def test_a_layer_imports_only_what_lies_below(name: str) -> None:
    own = {used for used in imports(UTILS / f"{name}.py") if used.startswith("_") and used != "__future__"}
    assert own <= LAYERS[name]


@pytest.mark.parametrize(("package", "knower"), sorted(KNOWERS.items()))
def test_one_file_knows_each_outside_thing(package: str, knower: str) -> None:
    users = {path.stem for path in UTILS.glob("*.py") if package in imports(path)}
    assert users == set(knower.split())


def test_no_broad_except() -> None:
    for path in (ROOT / "plugins").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.ExceptHandler):
                names = ast.unparse(node.type) if node.type else "everything"
                assert names not in ("everything", "Exception", "BaseException"), f"{path}:{node.lineno}"


@pytest.mark.parametrize("path", MODULES, ids=lambda path: path.stem)
def test_a_module_is_a_title_page(path: Path) -> None:
    code = [node for node in ast.parse(path.read_text()).body if not isinstance(node, ast.Assign)]
    assert sum((node.end_lineno or 0) - node.lineno + 1 for node in code) <= 60


@pytest.mark.parametrize("path", MODULES, ids=lambda path: path.stem)
def test_no_module_is_younger_than_the_collection(path: Path) -> None:
    """LK-T4."""
    constants = {
        node.targets[0].id: node.value
        for node in ast.parse(path.read_text()).body
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name)
    }
    since = yaml.safe_load(ast.literal_eval(constants["DOCUMENTATION"]))["version_added"]
    version = yaml.safe_load((ROOT / "galaxy.yml").read_text())["version"]
    assert [int(part) for part in since.split(".")] <= [int(part) for part in version.split(".")]


def test_action_groups_have_every_module() -> None:
    runtime = yaml.safe_load((ROOT / "meta" / "runtime.yml").read_text())
    assert runtime["action_groups"]["tidegate"] == [path.stem for path in MODULES]


@pytest.mark.parametrize("tool", ["roles", "schema", "suboptions"])
def test_what_is_generated_is_current(tool: str) -> None:
    argv = [sys.executable, str(ROOT / "tests" / "tools" / f"{tool}.py"), "--check"]
    env = {**os.environ, "PYTHONPATH": str(ROOT / ".cache" / "collections")}
    done = subprocess.run(argv, env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("role", sorted(p.name for p in (ROOT / "roles").iterdir()))
def test_every_default_of_a_role_is_used_by_it(role: str) -> None:
    folder = ROOT / "roles" / role
    text = "".join(
        p.read_text() for part in ("tasks", "vars", "handlers", "templates") for p in folder.glob(f"{part}/*")
    )
    defaults: dict[str, t.Any] = yaml.safe_load((folder / "defaults" / "main.yml").read_text())
    assert [name for name in defaults if name not in text] == []


def test_components_are_pinned_by_tag_and_digest() -> None:
    """DP-01: what a role runs is the same tomorrow; the tag says to people which version that is."""
    images = {
        name: value
        for path in (ROOT / "roles").glob("*/defaults/main.yml")
        for name, value in yaml.safe_load(path.read_text()).items()
        if name.endswith("_image")
    }
    assert len(images) == 7
    assert [name for name, value in images.items() if not PINNED.fullmatch(value)] == []
