"""What services of Compose projects are given by name: configs, secrets and networks count by what is in them."""

from __future__ import annotations

import copy
import os
import sqlite3
import typing as t
from pathlib import Path

import compose
import names
import pytest
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible_collections.tidegate.platform.plugins.module_utils._core.options.argument_specs import INFO
from ansible_collections.tidegate.platform.plugins.module_utils._core.stories.call import Call
from ansible_collections.tidegate.platform.plugins.module_utils._core.stories.info import info
from harness.platforms import Options, Platform, Task, containers, docker

MODULE = "tidegate.platform.workload_compose"
AT_ONCE = {"test": ["CMD", "true"], "interval": "300ms"}  # else each would be watched for three seconds


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The databases that are opened from now on, by the real function; until the test is over."""
    found: list[str] = []
    connect = sqlite3.connect

    def noted(database: str, *args: t.Any, **more: t.Any) -> sqlite3.Connection:
        found.append(str(database))
        opening: sqlite3.Connection = connect(database, *args, **more)
        return opening

    monkeypatch.setattr(sqlite3, "connect", noted)
    return found


@pytest.fixture(autouse=True)
def real_compose(monkeypatch: pytest.MonkeyPatch) -> None:
    """`docker compose` is the real one."""
    monkeypatch.setenv("DOCKER_CONFIG", str(compose.config()))


def good(platform: Platform, options: Options, module: str = MODULE) -> Options:
    """The result of a run that succeeded."""
    (result,) = platform.directly(Task(options, module=module))
    assert not result["failed"], result
    return result


def identities(name: str) -> dict[str, str]:
    """The container of each service."""
    form = '{{index .Config.Labels "com.docker.compose.service"}} {{.Id}}'
    rows = [row.split() for row in docker("inspect", "--format", form, *containers(name)).splitlines()]
    return {row[0]: row[1] for row in rows}


def test_changed_content_replaces_the_services_that_use_it(platform: Platform, name: str, tmp_path: Path) -> None:
    """A2, C4: inline, of a variable, of a file; only who uses it is replaced; a rollback gives the old content."""
    secret, variables = tmp_path / "secret", tmp_path / "variables"

    def declared(inline: str, variable: str, file: str, env: str = "one") -> Options:
        secret.write_text(file)
        variables.write_text(f"GIVEN={env}")
        plain = {"image": names.image("app"), "init": True, "stop_grace_period": "1s", "command": ["sleep", "1000"]}
        plain["healthcheck"] = AT_ONCE
        definition = {
            "services": {
                "inline": {**plain, "configs": ["text"]},
                "variable": {**plain, "secrets": ["told"]},
                "file": {**plain, "secrets": [{"source": "kept", "target": "here"}]},
                "env": {**plain, "env_file": [str(variables)]},
                "none": plain,
            },
            "configs": {"text": {"content": inline}},
            "secrets": {"told": {"environment": "TOLD"}, "kept": {"file": str(secret)}},
        }
        project = {"definition": definition, "secrets": [{"name": "TOLD", "value": variable}]}
        return {"name": name, "strategy": "rolling", "compose": {"network": platform.network, **project}}

    def content() -> list[str]:
        found = identities(name)
        paths = {"inline": "/text", "variable": "/run/secrets/told", "file": "/run/secrets/here"}
        return [docker("exec", found[service], "cat", path) for service, path in paths.items()]

    good(platform, declared("one", "secret-one", "file-one"))
    assert content() == ["one", "secret-one", "file-one"]
    before = identities(name)
    steps = [("two", "secret-one", "file-one"), ("two", "secret-two", "file-one"), ("two", "secret-two", "file-two")]
    for step, service in zip(steps, ("inline", "variable", "file"), strict=True):
        result = good(platform, declared(*step))
        assert [row["name"] for row in result["steps"]] == ["place", "roll", "persist"], result["steps"]
        assert content() == list(step)
        after = identities(name)
        assert {one for one in after if after[one] != before[one]} == {service}
        before = after
        assert not good(platform, declared(*step))["changed"]
    moved = good(platform, declared(*steps[-1], env="two"))
    assert [row["name"] for row in moved["steps"]] == ["place", "roll", "persist"]
    assert docker("exec", identities(name)["env"], "printenv", "GIVEN") == "two"
    good(platform, {"name": name}, "tidegate.platform.workload_rollback")
    assert docker("exec", identities(name)["env"], "printenv", "GIVEN") == "one"
    good(platform, {"name": name}, "tidegate.platform.workload_rollback")
    assert content() == ["two", "secret-two", "file-one"]
    secret.unlink()
    assert not any("secret-" in text for text in (str(result), docker("inspect", *containers(name))))


def test_a_secret_file_that_is_not_there_is_refused(platform: Platform, name: str, tmp_path: Path) -> None:
    """A2: before anything is touched, by name; so is a variable that nobody declares."""
    web = {"image": names.image("app"), "secrets": ["key"]}
    cases: list[tuple[Options, str]] = [
        ({"file": str(tmp_path / "key")}, "not there"),
        ({"environment": "KEY"}, "variable KEY"),
        ({"file": str(platform.state / "secret.key")}, "would hand the host"),
    ]
    for entry, words in cases:
        definition = {"services": {"web": web}, "secrets": {"key": entry}}
        options = {"name": name, "compose": {"network": platform.network, "definition": definition}}
        (refused,) = platform.directly(Task(options, module=MODULE))
        assert refused["failed"]
        assert words in refused["msg"]
    assert containers(name) == []


@pytest.mark.parametrize("strategy", ["recreate", "rolling"])
def test_a_changed_network_is_carried_out_or_refused(platform: Platform, name: str, strategy: str) -> None:
    """A2: containers are never left on another network than the declared one, nor half of them moved."""
    side = f"side-{os.urandom(3).hex()}"

    def declared(labels: Options) -> Options:
        web = {"image": names.image("app"), "init": True, "command": ["sleep", "1000"], "healthcheck": AT_ONCE}
        web["networks"] = ["inner"]
        definition = {"services": {"web": web, "more": web}, "networks": {"inner": {"name": side, "labels": labels}}}
        return {"name": name, "strategy": strategy, "compose": {"network": platform.network, "definition": definition}}

    good(platform, declared({"a": "1"}))
    before = identities(name)
    (result,) = platform.directly(Task(declared({"a": "2"}), module=MODULE))
    label = docker("network", "inspect", "--format", '{{index .Labels "a"}}', side)
    if strategy == "recreate":
        assert not result["failed"], result
        assert label == "2"
        members = docker("network", "inspect", "--format", "{{range $id, $c := .Containers}}{{$id}} {{end}}", side)
        assert set(members.split()) == set(identities(name).values())
        return
    assert result["failed"]
    assert "inner" in result["msg"]
    assert "recreate" in result["msg"]
    assert (label, identities(name)) == ("1", before)


def test_what_is_said_of_two_routed_services(platform: Platform, name: str, opened: list[str]) -> None:
    """B16: each router is compared with its own service's servers, and the record is opened once for all."""
    web = {"image": names.image("app"), "stop_grace_period": "1s", "init": True}
    exposed = [
        {"name": one, "port": 8000, "health": {"path": "/healthz"}, "routes": [{"host": f"{one}.{name}.test"}]}
        for one in ("a", "b")
    ]
    project = {"network": platform.network, "definition": {"services": {"a": web, "b": web}}, "services": exposed}
    good(platform, {"name": name, "strategy": "rolling", "compose": project})
    params = ArgumentSpecValidator(copy.deepcopy(INFO)).validate(platform.places()).validated_parameters
    opened.clear()
    found = info(Call(params))
    (row,) = [row for row in found["workloads"] if row["name"] == name]
    assert [route["status"] for route in row["routes"]] == ["enabled", "enabled"], row
    assert (row["health"], row["drift"]) == ("healthy", "")
    assert "2 of 2" in str(found["table"])
    assert len(found["workloads"]) > 1
    assert len([one for one in opened if "tidegate.db" in one]) == 1
