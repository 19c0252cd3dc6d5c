"""The twelve states of every module, by one matrix: a new module adds data, not tests.

Create, change, stop and remove, each as {check, real, real again, check again}; and the same four runs for each
parameter. What check mode predicts has to be what the real run then does, and shows.
"""

from __future__ import annotations

import json
import typing as t
from dataclasses import dataclass
from pathlib import Path

import compose
import names
import pytest
from harness.platforms import Options, Platform, Task, containers, docker

ROOT = Path(__file__).resolve().parents[2]
TREES = Path(__file__).parents[1] / "harness" / "trees"
TREE = TREES / "app"
BASE = {"BASE": names.image("app"), "RELEASE": "1"}


@dataclass
class Case:
    """What the matrix needs to know of a module; options get the workload's name, places and network."""

    create: Options
    changes: dict[str, Options]
    quiet: dict[str, Options]
    common: tuple[str, ...] = ("name", "networks", "routes", "drain", "stop_timeout")

    def declared(self, base: Options, more: Options) -> Options:
        """The declaration with these changes, and with what every call has in common."""
        options: Options = {key: base[key] for key in self.common} | named({**self.create, **more}, base)
        return options


MATRIX = {
    "workload_image": Case(
        create={"image": names.image("app"), "port": 8000, "health": {"path": "/healthz"}},
        changes={
            "image": {"image": names.image("app", "2")},
            "replicas": {"replicas": 2},
            "command": {"command": ["python3", "-I", "/srv/app.py", "x"]},
            "entrypoint": {"entrypoint": ["/usr/bin/env"]},
            "env": {"env": {"COLOUR": "blue"}},
            "secrets": {"secrets": [{"name": "db", "value": "first-canary"}]},
            "secret value": {"secrets": [{"name": "db", "value": "second-canary"}]},
            "user": {"user": "10002"},
            "working_dir": {"working_dir": "/tmp"},
            "volumes": {"volumes": [{"source": "/etc/hostname", "target": "/etc/the-host", "read_only": True}]},
            "tmpfs": {"tmpfs": ["/scratch"]},
            "aliases": {"aliases": ["other"]},
            "memory": {"memory": "64m"},
            "cpus": {"cpus": 0.5},
            "pids": {"pids": 50},
            "read_only": {"read_only": True},
            "init": {"init": True},
            "cap_add": {"cap_add": ["NET_BIND_SERVICE"]},
            "cap_drop": {"cap_drop": ["NET_RAW"]},
            "no_new_privileges": {"no_new_privileges": False},
            "restart_policy": {"restart_policy": "on-failure"},
            "labels": {"labels": {"team": "a"}},
            "log_driver": {"log_driver": "json-file", "log_options": {"max-size": "1m"}},
            "stop_signal": {"stop_signal": "SIGINT"},
            "stop_timeout": {"stop_timeout": 2},
            "port": {"port": 8001, "env": {"PORT": 8001}},
            "routes": {"routes": [{"host": "other-NAME.test"}]},
            "two routes": {
                "routes": [{"host": "NAME.test"}, {"host": "NAME.test", "path_prefix": "/x", "priority": 50}]
            },
            "strip": {"routes": [{"host": "NAME.test", "path_prefix": "/x", "strip_prefix": True}]},
            "tls": {"routes": [{"host": "NAME.test", "tls": True}]},
            "redirect": {"routes": [{"host": "NAME.test", "redirect_to": "https://example.org"}]},
            "most": {"env": {"A": 1}, "labels": {"b": "2"}, "memory": "80m", "routes": [{"host": "c-NAME.test"}]},
        },
        # No release differs by these, so that they alone change nothing.
        quiet={
            "health": {"health": {"path": "/healthz", "deadline": 9}},
            "drain": {"drain": {"timeout": 1}},
            "strategy": {"strategy": "recreate"},
            "release_command": {"release_command": ["true"]},
            "image_volumes": {"image_volumes": "discard"},
            "pull": {"pull": "always"},
        },
    ),
    "workload_dockerfile": Case(
        create={
            "source": {"path": str(TREE)},
            "build": {"args": BASE},
            "port": 8000,
            "health": {"path": "/healthz"},
        },
        changes={
            "args": {"build": {"args": {**BASE, "RELEASE": "2"}}},
            "target": {"build": {"args": BASE, "target": "second"}},
            "labels of the image": {"build": {"args": BASE, "labels": {"team": "a"}}},
            "env": {"env": {"COLOUR": "blue"}},
        },
        quiet={
            "limits": {"build": {"args": BASE, "timeout": 60, "max_size": "1g", "concurrency": 1}},
            "the same files": {"source": {"path": str(TREE), "remote": True}},
            "pull": {"pull": "always"},
        },
    ),
}

STATIC = {"image": names.image("caddy", "2.11.7")}
MATRIX["workload_static"] = Case(
    create={"source": {"path": str(TREES / "site")}, "static": STATIC},
    changes={
        "headers": {"static": {**STATIC, "headers": {"X-Robots-Tag": "none"}}},
        "not_found": {"static": {**STATIC, "not_found": "404.html"}},
        "spa": {"static": {**STATIC, "spa": True}},
        "output": {"static": {**STATIC, "output": "guide"}},
        "server": {"static": {"server": "nginx", "image": names.image("nginx", "1.29.3")}},
    },
    quiet={"time": {"static": {**STATIC, "keep_assets": 60}}, "strategy": {"strategy": "blue-green"}},
)
RUNNER = {"preset": "none", "image": "plain", "start_command": "python3 -I /srv/app.py"}
MATRIX["workload_runner"] = Case(
    create={"source": {"path": str(TREES / "flask")}, "runner": RUNNER, "health": {"path": "/healthz"}},
    changes={
        "start_command": {"runner": {**RUNNER, "start_command": "python3 -I -S /srv/app.py"}},
        "build_command": {"runner": {**RUNNER, "build_command": "touch built"}},
        "build_env": {"runner": {**RUNNER, "build_env": {"COLOUR": "blue"}}},
        "env": {"env": {"COLOUR": "blue"}},
        "memory": {"memory": "80m"},
    },
    quiet={"limits": {"runner": {**RUNNER, "timeout": 60}}, "strategy": {"strategy": "blue-green"}},
)


def stack(**web: t.Any) -> Options:
    """A Compose project of two services."""
    plain: Options = {"image": names.image("app"), "stop_grace_period": "1s", "init": True}
    exposed = {"name": "web", "port": 8000, "health": {"path": "/healthz"}, "routes": [{"host": "NAME.test"}]}
    project = {"services": {"web": {**plain, **web}, "side": {**plain, "command": ["sleep", "1000"]}}}
    return {"compose": {"network": "NETWORK", "definition": project, "services": [exposed]}}


MATRIX["workload_compose"] = Case(
    create={**stack(), "strategy": "rolling"},
    changes={
        "image": stack(image=names.image("app", "2")),
        "environment": stack(environment={"COLOUR": "blue"}),
        "scale": stack(scale=2),
        "recreate": {**stack(environment={"COLOUR": "red"}), "strategy": "recreate"},
    },
    quiet={"drain": {"drain": {"timeout": 1}}, "strategy": {"strategy": "recreate"}},
    common=("name", "drain"),
)

# A list of one declaration has to do exactly what the declaration alone does; its parameters are the same code.
WRAPPED = {"workloads": "workload_image"}
# These need no declaration: what makes them change something, and whether they would do so again.
AFTER: dict[str, tuple[t.Callable[[str], Options], str]] = {
    "workload_rollback": (lambda name: {"name": name}, "a newer release"),
    "reconcile": (lambda name: {"names": [name]}, "a stopped container"),
    "workload_control": (lambda name: {"name": name, "state": "stopped"}, "a running workload"),
    "workload_prune": (lambda _name: {"keep_days": 0, "keep_deployments": 1, "images": False}, "old deployments"),
}
# What they do is not of one workload; their runs are in the files named.
ELSEWHERE = {
    "platform_backup": "test_backup.py",
    "platform_restore": "test_backup.py",
    "platform_library": "test_operations.py",
    "workload_exec": "test_operations.py",
}
# These change nothing on a workload that is well.
LOOKING: dict[str, Options] = {
    "workload_info": {},
    "workload_cancel": {"name": "NAME"},
    "workload_logs": {"name": "NAME"},
    "platform_doctor": {},
}


def test_every_module_is_in_the_matrix() -> None:
    modules = {path.stem for path in (ROOT / "plugins" / "modules").glob("*.py")}
    assert {*MATRIX, *WRAPPED, *AFTER, *LOOKING, *ELSEWHERE} == modules


def named(options: t.Any, base: Options) -> t.Any:
    """The options with NAME and NETWORK replaced."""
    if isinstance(options, dict):
        return {k: named(v, base) for k, v in options.items()}
    if isinstance(options, list):
        return [named(v, base) for v in options]
    if not isinstance(options, str):
        return options
    return options.replace("NAME", base["name"]).replace("NETWORK", base["networks"][0])


def four(options: Options, module: str = "workload_image") -> list[Task]:
    """Check, real, real again, check again."""
    return [Task(options, check, f"tidegate.platform.{module}") for check in (True, False, False, True)]


def judge(results: list[Options], what: str) -> None:
    """The four-run rule, and that check mode told the truth."""
    foretold, real, again, still = results
    assert not any(r.get("failed") for r in results), f"{what}: {[r.get('msg') for r in results]}"
    assert foretold["changed"], what
    assert real["changed"], what
    assert not again["changed"], f"{what}: {again['steps']} {again['reason']}"
    assert not still["changed"], what
    assert again["reason"], what
    assert [s["name"] for s in foretold["steps"]] == [s["name"] for s in real["steps"]], what
    if any(s["name"] == "build" for s in foretold["steps"]):
        # An image that is not built yet has no id; the name that it will have is known.
        assert "not known" in foretold["diff"]["after"]["image_id"], what
        foretold["diff"]["after"]["image_id"] = real["diff"]["after"]["image_id"]
    assert foretold["diff"] == real["diff"], what
    assert real["diff"]["before"] != real["diff"]["after"], what
    assert again["diff"]["before"] == again["diff"]["after"] == real["diff"]["after"], what


@pytest.fixture(autouse=True)
def real_compose(monkeypatch: pytest.MonkeyPatch) -> None:
    """`docker compose` is the real one."""
    monkeypatch.setenv("DOCKER_CONFIG", str(compose.config()))


@pytest.fixture(autouse=True, scope="module")
def catalog(platform: Platform) -> None:
    """A catalog of one language image, as the role `runner` would place it."""
    row = {"name": "plain", "language": "python", "image": names.image("app"), "max_memory": "1g"}
    (platform.state / "runners.json").write_text(json.dumps({"runners": [row], "presets": []}))


@pytest.fixture
def base(platform: Platform, name: str) -> Options:
    """What every call has in common."""
    return {
        "name": name,
        "networks": [platform.network],
        "routes": [{"host": f"{name}.test"}],
        "drain": {"timeout": 2},
        "stop_timeout": 1,
    }


def unwrapped(result: Options) -> Options:
    """The one workload's part of a list's result, with its diff."""
    if "workloads" not in result:
        return result
    (row,) = result["workloads"]
    (diff,) = result["diff"] or [{"before": None, "after": None}]
    return {**row, "diff": diff}


@pytest.mark.parametrize("module", sorted(WRAPPED))
def test_a_list_of_one_does_what_the_one_does(platform: Platform, base: Options, module: str) -> None:
    """The same four runs for create, change, stop, start and remove, and the same steps as the module for one."""
    case = MATRIX[WRAPPED[module]]
    create = {**base, **case.create}
    change = {**create, **next(iter(case.changes.values()))}
    sets = [create, change, {**change, "state": "stopped"}, change, {**base, "state": "absent"}]
    name = f"tidegate.platform.{module}"
    tasks = [Task({"workloads": [task.options]}, task.check, name) for options in sets for task in four(options)]
    results = [unwrapped(result) for result in platform.tasks(*tasks)]
    alone = platform.directly(*(Task(options) for options in sets))
    for number, expected in enumerate(alone):
        foretold, real, again, still = results[4 * number : 4 * number + 4]
        assert not any(r.get("failed") for r in (foretold, real, again, still))
        assert [r["changed"] for r in (foretold, real, again, still)] == [True, True, False, False]
        assert [s["name"] for s in foretold["steps"]] == [s["name"] for s in real["steps"]]
        assert [s["name"] for s in real["steps"]] == [s["name"] for s in expected["steps"]]
        assert foretold["diff"]["after"] == real["diff"]["after"] == expected["diff"]["after"]


@pytest.mark.parametrize("module", sorted(AFTER))
def test_modules_without_a_declaration_in_four_runs(
    platform: Platform, base: Options, module: str, tmp_path: Path
) -> None:
    """Check foretells, the real run does it, a second one does not; of a rollback, to the release that it named."""
    own = {"state_dir": str(tmp_path / "state")}
    retain = 0 if module == "workload_prune" else 5
    create = {**base, **MATRIX["workload_image"].create, **own, "retain": retain}
    newer = {**create, "image": names.image("app", "2")}
    platform.tasks(*(Task(options) for options in (create, newer, {**newer, "force": True})))
    if module == "reconcile":
        docker("stop", "-t", "1", *containers(base["name"]))
    options, _why = AFTER[module][0](base["name"]), AFTER[module][1]
    name = f"tidegate.platform.{module}"
    call = {**options, **own}
    foretold, real = platform.tasks(Task(call, check=True, module=name), Task(call, module=name))
    call.update({"to": real["target"]} if module == "workload_rollback" else {})
    again, still = platform.tasks(Task(call, module=name), Task(call, check=True, module=name))
    assert not any(r["failed"] for r in (foretold, real, again, still)), (foretold, real, again, still)
    assert [r["changed"] for r in (real, again, still)] == [True, False, False]
    assert foretold["changed"]
    platform.apply(name=base["name"], state="absent", **own)


@pytest.mark.parametrize("module", sorted(LOOKING))
def test_modules_that_look_change_nothing(platform: Platform, base: Options, module: str) -> None:
    create = {**base, **MATRIX["workload_image"].create}
    name = f"tidegate.platform.{module}"
    options = named(LOOKING[module], base)
    platform.apply(**create)
    before = containers(base["name"])
    results = platform.tasks(Task(options, check=True, module=name), Task(options, module=name))
    assert [(r["failed"], r["changed"]) for r in results] == [(False, False)] * 2
    assert containers(base["name"]) == before


@pytest.mark.parametrize("module", sorted(MATRIX))
def test_create_change_stop_remove_in_four_runs_each(platform: Platform, base: Options, module: str) -> None:
    """DS-01, DS-04: twelve states, and four more for `stopped`."""
    case = MATRIX[module]
    create = case.declared(base, {})
    change = case.declared(base, next(iter(case.changes.values())))
    sets = [create, change, {**change, "state": "stopped"}, change, {"name": base["name"], "state": "absent"}]
    # The action plugin is the same for all; what each brings from the controller is in the files of their own.
    runs = platform.tasks if module == "workload_image" else platform.directly
    results = runs(*(task for options in sets for task in four(options, module)))
    titles = ("create", "change", "stop", "start", "remove")
    for number, title in enumerate(titles):
        judge(results[4 * number : 4 * number + 4], title)
    before = [r["diff"]["before"] for r in results[1::4]]
    after = [r["diff"]["after"] for r in results[1::4]]
    assert before[1:] == after[:-1], "a diff's before is what the last run's after showed"
    assert containers(base["name"]) == []


OF_ITS_OWN = ("workload_image", "workload_compose")  # the others share the parameters of workload_image


@pytest.mark.parametrize(
    "module",
    [pytest.param(name, marks=() if name in OF_ITS_OWN else pytest.mark.second) for name in sorted(MATRIX)],
)
def test_each_parameter_in_four_runs(platform: Platform, base: Options, module: str) -> None:
    """Every parameter that makes a release or a route is seen, applied, and then quiet."""
    case = MATRIX[module]
    create = case.declared(base, {})
    sets = [case.declared(base, change) for change in case.changes.values()]
    if "entrypoint" in case.changes:
        sets[list(case.changes).index("entrypoint")].update(command=["python3", "/srv/app.py"])
    first = four(create, module)[1]
    results = platform.directly(first, *(task for options in sets for task in four(options, module)))[1:]
    for number, title in enumerate(case.changes):
        judge(results[4 * number : 4 * number + 4], title)


@pytest.mark.parametrize("module", sorted(MATRIX))
def test_parameters_that_no_release_differs_by_change_nothing(platform: Platform, base: Options, module: str) -> None:
    case = MATRIX[module]
    results = platform.directly(*(four(case.declared(base, more), module)[1] for more in ({}, *case.quiet.values())))
    changed = [title for title, result in zip(case.quiet, results[1:], strict=True) if result["changed"]]
    assert changed == []
