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

ROOT = Path(__file__).resolve().parents[3]
CORE = ROOT / "plugins" / "module_utils" / "_core"
PINNED = re.compile(r"docker\.io/\w+/\w+:v?[0-9][\w.-]*@sha256:[0-9a-f]{64}")
MODULES = sorted((ROOT / "plugins" / "modules").glob("*.py"))

# The order in which rooms may import: a file imports files of its own room and of rooms before it.
ROOMS = ("values", "host", "engine", "proxy", "sources", "options", "decide", "deploy", "stories")
# Rooms that reach, however far, nothing that has an effect or reads the world.
PURE = ("values", "options", "decide")
EFFECTS = {
    *("os", "socket", "subprocess", "sqlite3", "http", "fcntl", "shutil", "tempfile", "threading", "time", "signal"),
    *("docker", "requests"),
}
KNOWERS = {
    "docker": "engine/builds engine/client",
    "requests": "engine/client",
    "sqlite3": "host/database",
    "ansible": "stories/module",
    "fcntl": "host/locks",
    "subprocess": "host/process",
    "http": "deploy/gates proxy/api stories/loki",
}
LINES, FUNCTION_LINES = 260, 43
# What is longer today, and may not grow.
LONGER = {
    "options/container": 276,
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


FILES = {str(path.relative_to(CORE).with_suffix("")): path for path in CORE.rglob("*.py") if path.name != "__init__.py"}
IMPORTS = {name: {used for used in imports(path) if "/" in used} for name, path in FILES.items()}


def room(name: str) -> str:
    """The room of a file."""
    return name.partition("/")[0]


def reached(name: str) -> set[str]:
    """What a file imports, however far, and itself."""
    found, todo = {name}, [name]
    while todo:
        new = IMPORTS[todo.pop()] - found
        found |= new
        todo += new
    return found


@pytest.mark.parametrize("name", sorted(FILES))
def test_a_file_imports_its_own_room_and_those_before_it(name: str) -> None:
    assert room(name) in ROOMS
    assert [used for used in IMPORTS[name] if ROOMS.index(room(used)) > ROOMS.index(room(name))] == []
    assert not any(name in reached(used) for used in IMPORTS[name]), "a circle of files"


def test_rooms_know_few_others() -> None:
    arrows = {(room(name), room(used)) for name, uses in IMPORTS.items() for used in uses if room(used) != room(name)}
    assert len(arrows) <= 30
    for path in (CORE, *(CORE / name for name in ROOMS)):
        assert not imports(path / "__init__.py"), "who imports a file loads its room's text only"


@pytest.mark.parametrize("name", sorted(name for name in FILES if room(name) in PURE))
def test_what_decides_reaches_nothing_that_has_effects(name: str) -> None:
    assert {used: imports(FILES[used]) & EFFECTS for used in reached(name) if imports(FILES[used]) & EFFECTS} == {}


@pytest.mark.parametrize("name", sorted(FILES))
def test_files_and_functions_can_be_read_at_once(name: str) -> None:
    text = FILES[name].read_text()
    assert len(text.splitlines()) <= LONGER.get(name, LINES)
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef):
            assert (node.end_lineno or 0) - node.lineno + 1 <= FUNCTION_LINES, node.name


def test_what_is_longer_is_still_longer() -> None:
    assert [name for name in LONGER if len(FILES[name].read_text().splitlines()) <= LINES] == []


@pytest.mark.parametrize(("package", "knower"), sorted(KNOWERS.items()))
def test_one_file_knows_each_outside_thing(package: str, knower: str) -> None:
    assert {name for name, path in FILES.items() if package in imports(path)} == set(knower.split())


def test_the_sdks_client_stays_in_its_room() -> None:
    """Who wants something of the engine says so in its nouns; what the SDK raises or answers is known to no one else."""
    users = {name for name, path in FILES.items() if re.search(r"engine\.client\b", path.read_text())}
    assert {room(name) for name in users} == {"engine"}


def looked_into(tree: ast.AST) -> t.Iterator[ast.expr]:
    """What is asked for a key or an attribute, unpacked, or bound to a name by which it could be."""
    for node in ast.walk(tree):
        if isinstance(node, (ast.Subscript, ast.Attribute, ast.NamedExpr, ast.Assign, ast.AnnAssign)):
            yield from [node.value] if node.value is not None else ()
        elif isinstance(node, ast.Dict):
            yield from (value for key, value in zip(node.keys, node.values) if key is None)


def is_recorded(node: ast.expr) -> bool:
    """True for a declaration on record, as a release has it."""
    name = node.attr if isinstance(node, ast.Attribute) else node.id if isinstance(node, ast.Name) else ""
    return name == "snapshot" or (isinstance(node, ast.Attribute) and name == "declaration")


@pytest.mark.parametrize("name", sorted(FILES.keys() - {"options/snapshot"}))
def test_one_file_knows_the_keys_of_a_recorded_declaration(name: str) -> None:
    """Others have it as a whole, and ask `terms` for what it says; they do not parse it themselves."""
    tree = ast.parse(FILES[name].read_text())
    assert [node.lineno for node in looked_into(tree) if is_recorded(node)] == []
    assert room(name) == "options" or not IMPORTS[name] & {"options/traffic", "options/container", "options/compose"}


# What a routing document is made of, as far as no other document has words like these.
WORDS_OF_ROUTING = {"routers", "loadBalancer", "entryPoints", "serversTransport", "serversTransports"}


def keys(tree: ast.AST) -> t.Iterator[ast.expr]:
    """What something is asked for by `[key]` or `.get(key)`."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Subscript):
            yield node.slice
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "get":
            yield from node.args[:1]


@pytest.mark.parametrize("name", sorted(name for name in FILES if room(name) != "proxy"))
def test_one_room_knows_what_a_routing_document_looks_like(name: str) -> None:
    """Others have it as a whole, and ask `proxy/routing_documents` for what it says. A gate is of the kind `http`, too."""
    tree = ast.parse(FILES[name].read_text())
    words = [node for node in ast.walk(tree) if isinstance(node, ast.Constant) and node.value in WORDS_OF_ROUTING]
    https = [node for node in keys(tree) if isinstance(node, ast.Constant) and node.value == "http"]
    assert [node.lineno for node in (*words, *https)] == []


UNIT = ROOT / "tests" / "unit"
# What is tested beside the core: what runs on the controller, the collection as a whole, and what the tests run with.
BESIDE = ("controller", "collection", "harness")


def test_unit_tests_have_the_rooms_of_the_core() -> None:
    folders = {path.name for path in UNIT.iterdir() if path.name[0] not in "_." and any(path.glob("[!_]*"))}
    assert folders == {*ROOMS, *BESIDE}
    assert list(UNIT.glob("test_*.py")) == []


@pytest.mark.parametrize("path", sorted(UNIT.glob("*/test_*.py")), ids=lambda path: str(path.relative_to(UNIT)))
def test_a_unit_test_stands_in_the_room_of_what_it_tests(path: Path) -> None:
    text, of = path.read_text(), path.parent.name
    parsed = of == "options" and "from unit.declarations import" in text
    assert of in BESIDE or parsed or f"._core.{of}" in text
    assert len(text.splitlines()) <= 400


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


@pytest.mark.parametrize("tool", ["roles", "schema", "rooms", "returns"])
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


PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), *ROOT.glob("roles/*/README.md")])
PAGES += sorted((ROOT / "tests").rglob("README.md"))


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_to_files(page: Path) -> None:
    links = re.findall(r"\]\(([^)#:\s]+)(?:#[^)]*)?\)", page.read_text())
    assert [link for link in links if not (page.parent / link).exists()] == []


def test_the_controllers_part_of_a_module_goes_by_what_the_module_takes() -> None:
    takes = {path.stem: re.findall(r"^    run\((\w+)", path.read_text(), re.MULTILINE) for path in MODULES}
    parts = {path.stem: path.read_text() for path in (ROOT / "plugins" / "action").glob("*.py")}
    assert len(parts) == 9
    assert {name: re.findall(r"^    SPEC = (\w+)", text, re.MULTILINE) for name, text in parts.items()} == {
        name: takes[name] for name in parts
    }
