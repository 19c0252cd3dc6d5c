"""The judgements of the doctor."""

from __future__ import annotations

import typing as t

import pytest
from ansible_collections.tidegate.platform.plugins.module_utils._core.host.machine import Space
from ansible_collections.tidegate.platform.plugins.module_utils._core.stories import findings
from ansible_collections.tidegate.platform.plugins.module_utils._core.stories.findings import of_walls
from ansible_collections.tidegate.platform.plugins.module_utils._core.values.identity import Subject
from ansible_collections.tidegate.platform.plugins.module_utils._core.values.release import Release, Standing

GIB = 2**30
INFO = {
    "ServerVersion": "26.1.5+dfsg1",
    "Driver": "overlay2",
    "LiveRestoreEnabled": True,
    "LoggingDriver": "json-file",
    "MemoryLimit": True,
}


@pytest.mark.parametrize(
    ("finding", "state"),
    [
        (findings.of_kernel("6.1.0-28-amd64", "x86_64"), "ok"),
        (findings.of_kernel("4.18.0-553.el8", "aarch64"), "ok"),
        (findings.of_kernel("3.10.0-1160.el7", "x86_64"), "failure"),
        (findings.of_distribution("Debian GNU/Linux 12 (bookworm)", True), "ok"),
        (findings.of_distribution("AlmaLinux 9.4 (Seafoam Ocelot)", False), "warning"),
        (findings.of_entry(8, [], True), "ok"),
        (findings.of_entry(8, [], False), "warning"),
        (findings.of_entry(8, ["[::1]:80"], True), "failure"),
        (findings.of_memory({"MemTotal": 4 * GIB, "MemAvailable": GIB}), "ok"),
        (findings.of_memory({"MemTotal": GIB // 2, "MemAvailable": GIB // 4}), "warning"),
        (findings.of_memory({"MemTotal": 4 * GIB, "MemAvailable": 100 * 2**20}), "failure"),
        (findings.of_clock(True, 1000.0, 1003.0), "ok"),
        (findings.of_clock(None, None, 1003.0), "ok"),
        (findings.of_clock(False, 1000.0, 1003.0), "warning"),
        (findings.of_clock(True, 1000.0, 1020.0), "warning"),
        (findings.of_clock(True, 1000.0, 400.0), "failure"),
        (findings.of_space(Space("/", 2 * GIB, 0.5), GIB), "ok"),
        (findings.of_space(Space("/", 2 * GIB, None), GIB), "ok"),
        (findings.of_space(Space("/", 2 * GIB, 0.01), GIB), "warning"),
        (findings.of_space(Space("/", GIB // 2, 0.5), GIB), "failure"),
        (findings.of_port(80, None, ours=False), "ok"),
        (findings.of_port(80, "docker-proxy (7)", ours=True), "ok"),
        (findings.of_port(80, None, ours=True), "failure"),
        (findings.of_port(80, "nginx (7)", ours=False), "failure"),
        (findings.of_name("a.test", ["10.0.0.1"], ["10.0.0.1"], certain=False), "ok"),
        (findings.of_name("a.test", ["192.0.2.1"], ["10.0.0.1"], certain=False), "warning"),
        # D11: any of several addresses is enough.
        (findings.of_name("a.test", ["192.0.2.1", "10.0.0.1"], ["10.0.0.1"], certain=False), "ok"),
        (findings.of_name("a.test", ["192.0.2.1", "10.0.0.1"], ["10.0.0.1", "10.0.0.2"], certain=True), "ok"),
        (findings.of_name("a.test", ["192.0.2.1"], ["192.0.2.2"], certain=True), "failure"),
        (findings.of_name("a.test", "Name or service not known", [], certain=True), "failure"),
        (findings.of_reach("a.test:443", ""), "ok"),
        (findings.of_reach("a.test:443", "timed out"), "failure"),
    ],
)
def test_what_is_not_well_comes_with_a_remedy_and_what_is_without(finding: findings.Finding, state: str) -> None:
    assert finding.state == state
    assert bool(finding.remedy) == (state != "ok")
    assert finding.found


@pytest.mark.parametrize(
    ("change", "check", "state"),
    [
        ({}, "engine", "ok"),
        ({"ServerVersion": "19.3.8"}, "engine", "failure"),
        ({"ServerVersion": "20.10.24+dfsg1"}, "engine", "warning"),
        ({"ServerVersion": "20.10.27"}, "engine", "ok"),
        ({"ServerVersion": "28.1.1"}, "engine", "ok"),
        ({"LiveRestoreEnabled": False}, "live restore", "warning"),
        ({"LoggingDriver": "journald"}, "log driver", "warning"),
        ({"MemoryLimit": False}, "memory limits", "warning"),
    ],
)
def test_engines_are_judged_by_what_they_say(change: dict[str, t.Any], check: str, state: str) -> None:
    found = {finding.check: finding for finding in findings.of_engine({**INFO, **change})}
    assert found[check].state == state
    assert all(finding.state == "ok" for name, finding in found.items() if name != check)


@pytest.mark.parametrize(
    ("missed", "state"),
    [(None, "ok"), ("", "ok"), ("there is no iptables", "warning"), ("its rules are away", "failure")],
)
def test_the_doctor_says_whether_the_wall_stands(missed: str | None, state: str) -> None:
    """C9."""
    found = findings.of_wall(missed)
    assert found.state == state
    assert bool(found.remedy) == (state != "ok")


def test_the_doctor_names_whoever_may_reach_the_host() -> None:
    """C6."""

    def live(**snapshot: t.Any) -> Standing:
        return Standing(live=Release("a", "i", "i", "f", (), None, snapshot))

    closed = {
        Subject("shop", "production"): live(volumes=[{"source": "/srv"}]),
        Subject("gone", "production"): Standing(),
    }
    assert of_walls(closed).found == "closed for all workloads"
    agent = {Subject("agent", "production"): live(unsafe=True)}
    proxy = {Subject("proxy", "platform"): live(volumes=[{"source": "/run/docker.sock", "engine": True}])}
    assert of_walls({**closed, **agent, **proxy}).found == "open by declaration: agent, proxy"
