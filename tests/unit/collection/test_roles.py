"""Roles are built alike: the same files, tags and entry points, for every role there is and will be."""

from __future__ import annotations

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
    assert {("platform_base", "service"), ("traefik", "configure")} <= {(role, entry) for _, role, entry, _ in found}
    for place, role, entry, given in found:
        specs = yaml.safe_load((ROOT / "roles" / role / "meta" / "argument_specs.yml").read_text())["argument_specs"]
        assert entry in specs, (place, role, entry)
        assert set(given) <= set(specs[entry]["options"]), (place, entry)
        needed = {name for name, option in specs[entry]["options"].items() if option.get("required")}
        assert needed <= set(given), (place, entry)
