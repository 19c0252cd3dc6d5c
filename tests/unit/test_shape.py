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
CORE = ROOT / "plugins" / "module_utils" / "_core"
PINNED = re.compile(r"docker\.io/\w+/\w+:v?[0-9][\w.-]*@sha256:[0-9a-f]{64}")
MODULES = sorted((ROOT / "plugins" / "modules").glob("*.py"))

# Which files may import which: arrows point one way, deciding knows no acting.
LAYERS = {
    "values/errors": set(),
    "host/clock": set(),
    "values/recipe": set(),
    "values/workload": {"values/recipe", "sources/compose_model"},
    "host/schema": set(),
    "options/argument_specs": set(),
    "values/grammar": {"values/errors"},
    "host/filesystem": {"values/errors"},
    "decide/fleet": {"values/errors", "values/actual"},
    "sources/compose_conflicts": {"values/workload", "values/errors"},
    "sources/compose_model": {"sources/compose_conflicts", "values/workload", "values/errors", "values/recipe"},
    "sources/compose_volumes": {"values/workload", "values/errors"},
    "decide/stacks": {
        "values/workload",
        "values/errors",
        "decide/leave",
        "values/actual",
        "sources/compose_model",
        "decide/strategies",
    },
    "values/actual": {"values/workload", "sources/compose_model"},
    "values/record": {"values/workload", "values/actual"},
    "engine/listing": {"values/workload", "values/actual", "values/grammar", "sources/compose_volumes"},
    "engine/arguments": {"values/workload"},
    "proxy/documents": {"values/workload", "values/grammar", "proxy/rules"},
    "proxy/rules": {"values/workload"},
    "proxy/questions": {"values/workload"},
    "decide/routes_today": {
        "values/errors",
        "values/actual",
        "values/grammar",
        "options/checks",
        "options/compose",
        "proxy/documents",
        "proxy/rules",
    },
    "options/checks": {"values/grammar", "values/errors", "values/workload"},
    "sources/dockerfile_words": set(),
    "sources/base_images": {"values/errors", "sources/dockerfile_words"},
    "sources/buildkit": {"values/recipe"},
    "sources/unpack": {"values/errors", "options/checks"},
    "sources/trees": {"values/errors", "sources/unpack"},
    "sources/runners": {"values/workload", "values/errors"},
    "sources/site": {"values/workload"},
    "options/build": {
        "values/workload",
        "values/grammar",
        "options/checks",
        "values/errors",
        "sources/runners",
        "values/recipe",
        "sources/site",
    },
    "options/compose": {
        "values/workload",
        "values/errors",
        "values/grammar",
        "options/checks",
        "options/build",
        "sources/compose_model",
    },
    "decide/candidate": {"values/workload", "values/actual", "values/grammar", "options/checks", "options/compose"},
    "sources/generated": {"values/errors", "sources/runners", "values/recipe", "sources/site", "sources/trees"},
    "options/container": {"values/grammar", "options/checks", "values/errors", "values/workload"},
    "options/hidden": {"values/workload", "values/errors", "options/masks"},
    "options/masks": {"options/argument_specs"},
    "options/parse": {
        "options/hidden",
        "values/grammar",
        "options/checks",
        "options/container",
        "values/errors",
        "values/workload",
        "values/actual",
        "options/compose",
        "options/argument_specs",
        "sources/compose_model",
        "options/build",
        "values/recipe",
    },
    "decide/leave": {"values/workload", "values/actual", "options/checks"},
    "decide/strategies": {"values/workload", "decide/leave", "values/actual", "values/grammar"},
    "decide/phases": {"values/actual"},
    "decide/plan": {
        "values/workload",
        "values/errors",
        "decide/leave",
        "values/actual",
        "values/grammar",
        "decide/stacks",
        "decide/strategies",
    },
    "decide/recovery": {
        "values/workload",
        "decide/routes_today",
        "decide/leave",
        "values/actual",
        "values/grammar",
        "values/record",
        "decide/strategies",
    },
    "decide/retention": {"values/errors", "values/actual"},
    "decide/foretell": {"values/actual", "sources/compose_model"},
    "decide/view": {"values/actual", "decide/plan"},
}
KNOWERS = {
    "docker": "engine/engine",
    "sqlite3": "host/database",
    "ansible": "stories/module",
    "fcntl": "host/locks",
    "subprocess": "host/process",
    "http": "deploy/gates proxy/api stories/loki",
}


def imports(path: Path) -> set[str]:
    """What a file imports: packages of others by name, files of the core as `room/file`."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            found.add((node.module or "").split(".")[0])
        elif isinstance(node, ast.ImportFrom):
            place = path.parents[node.level - 1].joinpath(*(node.module or "").split("."))
            inner = [place / alias.name for alias in node.names] if place.is_dir() else [place]
            found |= {str(file.relative_to(CORE)) for file in inner}
    return found


@pytest.mark.parametrize("name", sorted(LAYERS))
def test_a_layer_imports_only_what_lies_below(name: str) -> None:
    assert {used for used in imports(CORE / f"{name}.py") if "/" in used} <= LAYERS[name]


@pytest.mark.parametrize(("package", "knower"), sorted(KNOWERS.items()))
def test_one_file_knows_each_outside_thing(package: str, knower: str) -> None:
    users = {str(path.relative_to(CORE).with_suffix("")) for path in CORE.rglob("*.py") if package in imports(path)}
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
