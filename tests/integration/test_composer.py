"""A host without Compose, or with one that is too old, is told so before anything is touched."""

from __future__ import annotations

import typing as t
from pathlib import Path

import compose
import names
import pytest
from harness.platforms import Options, Platform, Task, containers, docker

MODULE = "tidegate.platform.workload_compose"


@pytest.mark.parametrize("there", ["nothing", pytest.param(compose.TOO_OLD, marks=pytest.mark.second)])
def test_compose_is_looked_at_first(
    platform: Platform, name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, there: str
) -> None:
    """D4: missing or older: refused by its own name, in check mode, too; the doctor says so, and what serves stays."""
    at_once = {"test": ["CMD", "true"], "interval": "300ms"}
    web = {"image": names.image("app"), "init": True, "command": ["sleep", "1000"], "healthcheck": at_once}

    def declared(**more: t.Any) -> Options:
        project = {"network": platform.network, "definition": {"services": {"web": {**web, **more}}}}
        return {"name": name, "compose": project}

    def run(options: Options, module: str = MODULE, *, check: bool = False) -> Options:
        return platform.directly(Task(options, check, module=module))[0]

    monkeypatch.setenv("DOCKER_CONFIG", str(compose.config()))
    (before,) = (run(declared()), containers(name))[1]
    lacking = tmp_path if there == "nothing" else compose.config(there)
    monkeypatch.setenv("DOCKER_CONFIG", str(lacking))
    for check in (True, False):
        refused = run(declared(environment={"A": "1"}), check=check)
        assert refused["failed"]
        assert "docker compose" in refused["msg"]
        assert ("2.24" in refused["msg"], "Install" in refused["msg"]) == (True, True), refused["msg"]
        assert there == "nothing" or f"is {there}" in refused["msg"]
    assert not run(declared())["changed"], "nothing has to be done, so that nobody is needed for it"
    findings = run({"ports": []}, "tidegate.platform.platform_doctor")["findings"]
    (finding,) = [row for row in findings if row["check"] == "compose"]
    assert finding["state"] == "failure"
    assert name in finding["found"]
    assert containers(name) == [before]
    docker("rm", "-f", before)
    (row,) = run({"names": [name]}, "tidegate.platform.workload_info")["workloads"]
    assert "docker compose" in row["drift"], row
    monkeypatch.setenv("DOCKER_CONFIG", str(compose.config()))
    findings = run({"ports": []}, "tidegate.platform.platform_doctor")["findings"]
    assert [row["state"] for row in findings if row["check"] == "compose"] == ["ok"]
