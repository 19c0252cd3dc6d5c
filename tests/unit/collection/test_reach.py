"""What an error says to set can be set, by whoever runs playbooks and roles: options of every module, and of a run."""

from __future__ import annotations

import ast
import re
import typing as t
from pathlib import Path

import pytest
import yaml
from ansible_collections.tidegate.platform.plugins.filter.asked import given
from ansible_collections.tidegate.platform.plugins.module_utils._core.options import argument_specs, checks
from ansible_collections.tidegate.platform.plugins.module_utils._core.stories import reconcile_command
from ansible_collections.tidegate.platform.plugins.module_utils._core.stories.call import Call
from ansible_collections.tidegate.platform.plugins.module_utils._core.values import errors
from ansible_collections.tidegate.platform.plugins.module_utils._core.values.grammar import place
from jinja2.nativetypes import NativeEnvironment

ROOT = Path(__file__).resolve().parents[3]
OURS = "tidegate.platform."
GROUP = "group/tidegate.platform.tidegate"
LIMITS = {"disk_reserve": "900m", "lock_timeout": 7, "traefik_timeout": 3}
SPECS: dict[str, checks.Spec] = {
    "platform_backup": argument_specs.BACKUP,
    "platform_doctor": argument_specs.DOCTOR,
    "platform_restore": argument_specs.RESTORE,
    "reconcile": argument_specs.RECONCILE,
    "workload_cancel": argument_specs.CANCEL,
    "workload_control": argument_specs.CONTROL,
    "workload_exec": argument_specs.EXEC,
    "workload_info": argument_specs.INFO,
    "workload_prune": argument_specs.PRUNE,
    "workload_rollback": argument_specs.ROLLBACK,
    "workloads": argument_specs.WORKLOADS,
}
# What a task of one's own can say and no playbook: a matter of one call, that no error tells anybody to change.
OF_A_CALL = {
    "platform_backup": {"images", "volumes"},  # what is left out of an archive is not brought back by it
    "workload_cancel": {"timeout"},
    "workload_exec": {"service", "ignore_code"},
    "workload_info": {"deployments"},
    "workload_prune": {"images", "keep_deployments"},
    "workloads": {"hold", "stop_on_failure", "progress_file"},
}


def tasks(document: t.Any) -> t.Iterator[dict[str, t.Any]]:
    """Every task that is one of this collection's modules."""
    if isinstance(document, dict):
        if "name" in document and any(str(key).startswith(OURS) for key in document):  # and no default of one
            yield document
        for value in document.values():
            yield from tasks(value)
    elif isinstance(document, list):
        for value in document:
            yield from tasks(value)


def of(folder: str) -> list[tuple[str, str, dict[str, t.Any]]]:
    """Files, modules and tasks below a folder."""
    found = []
    for path in sorted((ROOT / folder).rglob("*.yml")):
        for task in tasks(yaml.safe_load(path.read_text())):
            module = next(str(key) for key in task if str(key).startswith(OURS)).removeprefix(OURS)
            if (ROOT / "plugins" / "modules" / f"{module}.py").exists():
                found.append((str(path.relative_to(ROOT)), module, task))
    return found


def places(variables: dict[str, t.Any]) -> dict[str, t.Any]:
    """What the playbooks tell each module of its host."""
    task = yaml.safe_load((ROOT / "playbooks" / "tasks" / "places.yml").read_text())[0]
    engine = NativeEnvironment()
    engine.filters |= {
        f"{OURS}given": given,
        f"{OURS}place": place,
        "combine": lambda one, other: one | other,
        "dict2items": lambda one: [{"key": key, "value": value} for key, value in one.items()],
        "items2dict": lambda rows: {row["key"]: row["value"] for row in rows},
    }

    def value(text: t.Any) -> t.Any:
        if isinstance(text, dict):
            return {key: value(inner) for key, inner in text.items()}
        own = {name: value(task["vars"][name]) for name in task["vars"] if name in str(text)}
        return engine.from_string(text).render(variables | own)

    return t.cast("dict[str, t.Any]", value(task["ansible.builtin.set_fact"]["tidegate_places"]))


def test_playbooks_tell_every_module_all_options_of_a_host() -> None:
    """U: disk_reserve, lock_timeout, traefik_timeout; of what is not given, each module has its own default."""
    said = places({f"tidegate_{name}": value for name, value in LIMITS.items()})
    assert set(said) == set(argument_specs.HOST)
    assert {name: said[name] for name in LIMITS} == LIMITS
    for blank in ({}, {f"tidegate_{name}": " " for name in LIMITS}):
        assert set(places(blank)) == set(argument_specs.HOST) - set(LIMITS)
    assert places({"tidegate_lock_timeout": 0})["lock_timeout"] == 0


def asks(document: t.Any) -> bool:
    """Whether a play, or a file of tasks, runs one of this collection's modules, itself or by files that it includes."""
    files = re.findall(r"'(?:tasks/)?(\w+[.]yml)'", str(document))
    paths = [path for path in (ROOT / "playbooks" / "tasks" / name for name in files) if path.exists()]
    own = any(str(key).startswith(OURS) for task in tasks(document) for key in task)
    return own or any(asks(yaml.safe_load(path.read_text())) for path in paths)


def test_every_play_tells_its_tasks() -> None:
    """U: once, by the defaults of the action group, so that no result shows them; no task says them again."""
    plays = [
        (path, play)
        for path in sorted((ROOT / "playbooks").glob("*.yml"))
        for play in yaml.safe_load(path.read_text())
        if "hosts" in play and asks(play)
    ]
    assert len(plays) > 15
    for path, play in plays:
        assert play["module_defaults"] == {GROUP: "{{ tidegate_places }}"}, (path.name, play["name"])
    assert len(of("playbooks")) > 20
    for where, _module, task in of("playbooks"):
        assert "tidegate_places" not in str(task), (where, task["name"])


def test_every_task_of_a_role_is_told_them() -> None:
    """U: by the block of its main file, once a role; what reconciles leaves another run what it has."""
    for path in sorted((ROOT / "roles").glob("*/tasks/main.yml")):
        role = path.parts[-3]
        blocks = [row for row in yaml.safe_load(path.read_text()) if "block" in row]
        runs = [row for row in of(f"roles/{role}") if row[1] != "platform_library"]
        if runs and role != "platform_base":  # which is told by who includes it
            (told,) = (row["module_defaults"][GROUP] for row in blocks)
            said = {name: f"{{{{ tidegate_{name} | default('') | tidegate.platform.given(omit) }}}}" for name in LIMITS}
            assert told == said | {name: f"{{{{ {role}_{name} }}}}" for name in ("state_dir", "docker_host")}, role
        for where, module, task in runs:
            assert set(LIMITS).isdisjoint(task[f"{OURS}{module}"]) or module == "reconcile", (where, task["name"])
    services = [
        path for path in (ROOT / "roles").glob("*/tasks/*.yml") if "tasks_from: service.yml" in path.read_text()
    ]
    assert len(services) > 3
    for path in services:
        assert GROUP in (path.parent / "main.yml").read_text(), path


def test_the_timer_is_told_them(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """U: and its command knows each."""
    command = yaml.safe_load((ROOT / "roles" / "reconcile" / "vars" / "main.yml").read_text())["reconcile_command"]
    flags = {word.partition("=")[0] for word in command if word.startswith("--")}
    assert flags == {f"--{name.replace('_', '-')}" for name in set(argument_specs.HOST) - {"lock_timeout"}}
    asked: list[t.Any] = []

    def reconcile(call: Call) -> dict[str, t.Any]:
        asked.append(call.params)
        return {"summary": {}}

    monkeypatch.setattr(reconcile_command, "reconcile", reconcile)
    assert reconcile_command.main([f"--state-dir={tmp_path}", "--traefik-timeout=3", "--disk-reserve=900m"]) == 0
    assert (asked[0]["traefik_timeout"], asked[0]["disk_reserve"]) == (3.0, "900m")


def test_a_remedy_names_what_sets_the_option() -> None:
    """U: an option of every module is named with the variable of who runs playbooks, and there is such a variable."""
    assert set(errors._VARIABLES) == set(argument_specs.HOST)
    read = "".join(path.read_text() for path in (ROOT / "playbooks").rglob("*.yml"))
    assert [name for name in errors._VARIABLES.values() if f"{name} | default" not in read] == []
    told = re.compile(rf"\b(?:set|raise|lower|correct) (?:{'|'.join(argument_specs.HOST)})\b", re.IGNORECASE)
    for path in (ROOT / "plugins" / "module_utils").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                assert not told.search(node.value), (path.name, node.value)
    assert errors.setting("lock_timeout") == "lock_timeout (tidegate_lock_timeout for playbooks)"


@pytest.mark.parametrize("module", sorted(SPECS))
def test_what_a_playbook_runs_can_be_told_every_option(module: str) -> None:
    """U: each option of a module that playbooks run is said by one, or is listed above."""
    rows = [task for _path, name, task in of("playbooks") if name == module]
    said = str(rows)
    told = {name for name in SPECS[module] if re.search(rf"'{name}'", said)} | set(argument_specs.HOST)
    assert set(SPECS[module]) - told == OF_A_CALL.get(module, set())
