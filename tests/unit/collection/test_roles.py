"""Roles and playbooks are built alike: the same files, tags and entry points, and no programs in them."""

from __future__ import annotations

import re
import typing as t
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[3]
ROLES = sorted(path.name for path in (ROOT / "roles").iterdir())
PARTS = ("preflight", "run", "uninstall")
OURS = "tidegate.platform."
Row = t.Dict[str, t.Any]


def tasks(document: t.Any) -> t.Iterator[Row]:
    """Every task of a file, those of blocks and playbooks, too."""
    for row in document or []:
        yield row
        for part in ("block", "rescue", "always", "tasks", "pre_tasks", "roles"):
            yield from tasks(row.get(part, []))


def read(path: Path) -> list[Row]:
    """A file's tasks."""
    return list(tasks(yaml.safe_load(path.read_text())))


@pytest.mark.parametrize("role", ROLES)
def test_a_role_checks_runs_and_uninstalls(role: str) -> None:
    """In files of these names, each under a tag of its own; what was given is checked before anything."""
    rows = [row for row in read(ROOT / "roles" / role / "tasks" / "main.yml") if "block" not in row]
    included = [row["ansible.builtin.include_tasks"] for row in rows]
    names = [Path(row if isinstance(row, str) else row["file"]).stem for row in included]
    assert [name for name in names if name in PARTS] == list(PARTS)
    assert (names[:2], names[-1]) == (["given", "preflight"], "uninstall")
    for name, row in zip(names[1:], rows[1:]):
        assert (ROOT / "roles" / role / "tasks" / f"{name}.yml").exists()
        assert {role, f"{role}_{name}"} <= set(row["tags"]), name
        state = "absent" if name == "uninstall" else "present"
        conditions = row.get("when", [])
        said = conditions if isinstance(conditions, str) else " ".join(conditions)
        assert name == "preflight" or f"{role}_state == '{state}'" in said, name


@pytest.mark.parametrize("role", ROLES)
def test_what_is_off_on_or_absent_is_said_in_one_way(role: str) -> None:
    """A role is present or absent by its state, a part of it by a boolean; what is not given is empty, of its own type."""
    spec = yaml.safe_load((ROOT / "roles" / role / "meta" / "argument_specs.yml").read_text())["argument_specs"]["main"]
    state = spec["options"][f"{role}_state"]
    assert (state["choices"], state["default"]) == (["present", "absent"], "present")
    for name, option in spec["options"].items():
        assert option["type"] != "bool" or isinstance(option["default"], (bool, str)), name
        assert option.get("default", "") is not None, name
        assert not {"yes", "no", "on", "off", "true", "false", "enabled", "disabled"} & set(
            option.get("choices", ())
        ), name
        assert not name.endswith(("_enabled", "_disable", "_enable")), name
        assert not name.endswith("_remove_data") or option["default"] is False, name


def included() -> t.Iterator[tuple[str, str, str, Row]]:
    """Where a role is included by one of its files: place, role, entry point, variables."""
    for path in sorted([*(ROOT / "roles").glob("*/tasks/*.yml"), *(ROOT / "playbooks").rglob("*.yml")]):
        document = yaml.safe_load(path.read_text())
        for row in tasks(document) if isinstance(document, list) else ():
            for key in ("ansible.builtin.include_role", "ansible.builtin.import_role"):
                if "tasks_from" in row.get(key, {}):
                    role = row[key]["name"].removeprefix(OURS)
                    yield str(path.relative_to(ROOT)), role, Path(row[key]["tasks_from"]).stem, row.get("vars", {})


def test_what_others_include_of_a_role_says_what_it_takes() -> None:
    """An argument specification for each entry point, in which is everything that it is given."""
    found = list(included())
    assert {("platform_base", "service"), ("traefik", "configure")} <= {row[1:3] for row in found}
    for place, role, entry, given in found:
        specs = yaml.safe_load((ROOT / "roles" / role / "meta" / "argument_specs.yml").read_text())["argument_specs"]
        assert entry in specs, (place, role, entry)
        assert set(given) <= set(specs[entry]["options"]), (place, entry)
        needed = {name for name, option in specs[entry]["options"].items() if option.get("required")}
        assert needed <= set(given), (place, entry)


STATEMENT = re.compile(r"\{%(?![-+]?\s*(?:end)?raw\b)")
YAML = sorted([*(ROOT / "roles").rglob("*.yml"), *(ROOT / "playbooks").rglob("*.yml")])


@pytest.mark.parametrize("path", YAML, ids=lambda path: str(path.relative_to(ROOT)))
def test_yaml_holds_expressions_and_no_programs(path: Path) -> None:
    """What has to go through rows, and to remember, is a filter with tests of its own."""
    assert not STATEMENT.search(path.read_text())


def test_a_program_is_seen() -> None:
    """The look above can fail."""
    for text in ("{% for x in y %}", "{%- set _ = found.append(1) -%}", "{%+ if a %}", "{%set a = namespace()%}"):
        assert STATEMENT.search(text)
    for text in ("{{ a if b else c }}", "{% raw %}{{ x }}{% endraw %}", "{%- raw -%}"):
        assert not STATEMENT.search(text)
