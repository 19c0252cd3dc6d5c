"""A fleet's deployment is nobody else's to finish, and what is said of it is what is there (B6)."""

from __future__ import annotations

import typing as t
from pathlib import Path

import pytest
from harness.platforms import Options, Platform, Task, containers

App = t.Callable[..., Options]


class Member:
    """One host of a fleet, phase by phase."""

    def __init__(self, platform: Platform, name: str) -> None:
        self.platform, self.name = platform, name

    def many(self, phase: str, declaration: Options, **more: t.Any) -> Options:
        """The result of a phase."""
        params = {"workloads": [declaration], "phase": phase, "fleet": "run-1", "reason": "another host failed", **more}
        return self.platform.stories([{"story": "declare_many", "params": params}])[0]

    def phase(self, phase: str, declaration: Options, **more: t.Any) -> Options:
        """The workload's row of a phase that went well."""
        result = self.many(phase, declaration, **more)
        assert not result["failed"], result
        return t.cast("Options", result["workloads"][0])

    def story(self, story: str, **params: t.Any) -> Options:
        """The result of another verb."""
        return self.platform.stories([{"story": story, "params": params}])[0]

    def reconciled(self) -> str:
        """What reconciliation says of the workload."""
        (row,) = self.story("reconcile", names=[self.name])["workloads"]
        return str(row["state"])


@pytest.fixture
def member(platform: Platform, name: str) -> Member:
    """The session's host."""
    return Member(platform, name)


@pytest.mark.parametrize("at", ["staged", "switched"])
def test_nobody_else_ends_a_fleets_deployment(platform: Platform, member: Member, app: App, at: str) -> None:
    """B6: not the timer, not a deployment, a rollback, a stop or a removal; each says whose it is and who may end it."""
    assert not platform.apply(**app("1"))["failed"]
    member.phase("stage", app("2"))
    if at == "switched":
        member.phase("switch", app("2"))
    before = containers(member.name)
    assert len(before) == 2
    assert member.reconciled() == "busy"
    others = [
        platform.apply(**app("4")),
        platform.directly(Task(app("4"), check=True))[0],
        platform.apply(name=member.name, state="absent"),
        member.story("rollback", name=member.name),
        member.story("control", name=member.name, state="stopped"),
        member.many("stage", app("4"), fleet="run-2")["workloads"][0],
        member.many("revert", app("4"), fleet="run-2")["workloads"][0],
    ]
    for refused in others:
        assert refused["kind"] == "LockHeld", refused
        assert "'run-1'" in refused["msg"]
        assert "playbook cancel" in refused["msg"]
    assert containers(member.name) == before
    deploying = member.story("info", names=[member.name])["workloads"][0]["deploying"]
    assert (deploying["fleet"], deploying["held_until"] is not None) == ("run-1", True)
    member.phase("revert", {"name": member.name})
    assert platform.version(f"{member.name}.test") == "1"
    assert len(containers(member.name)) == 1
    assert not platform.apply(**app("1"))["changed"]


def test_a_controller_that_is_gone_is_waited_for_until_its_time_is_over(
    platform: Platform, member: Member, app: App
) -> None:
    """B6: then what users do not get yet is taken back, and what they get already stays."""
    assert not platform.apply(**app("1"))["failed"]
    member.phase("stage", app("2"), hold=0.01)
    assert member.reconciled() == "repaired"
    assert platform.version(f"{member.name}.test") == "1"
    late = member.many("switch", app("2"))["workloads"][0]
    assert late["kind"] == "Superseded", late
    member.phase("stage", app("2"))
    member.phase("switch", app("2"), hold=0.01)
    assert member.reconciled() == "repaired"
    assert (platform.version(f"{member.name}.test"), len(containers(member.name))) == ("2", 1)


def test_a_revert_goes_back_from_what_somebody_else_has_finished(platform: Platform, member: Member, app: App) -> None:
    """B6: `revert` said that nothing was left, and the new release went on serving."""
    assert not platform.apply(**app("1"))["failed"]
    member.phase("stage", app("2"))
    member.phase("switch", app("2"), hold=0.01)
    assert member.reconciled() == "repaired"
    member.phase("revert", app("2"))
    assert platform.version(f"{member.name}.test") == "1"
    back = member.story("rollback", name=member.name)
    assert "no good earlier release" in back["msg"], "what was reverted is no target"
    assert member.phase("revert", app("2"))["reason"] == "nothing was left to revert"


def test_a_first_deployment_that_somebody_else_has_finished_is_taken_away(member: Member, app: App) -> None:
    member.phase("stage", app("2"))
    member.phase("switch", app("2"), hold=0.01)
    assert member.reconciled() == "repaired"
    member.phase("revert", {"name": member.name})
    assert containers(member.name) == []


@pytest.mark.parametrize("state", ["stopped", "absent"])
def test_what_nothing_would_take_back_is_done_last(platform: Platform, member: Member, app: App, state: str) -> None:
    """B6: `stopped` and `absent` were done at the switch, and `revert` said that all was as before."""
    assert not platform.apply(**app("1"))["failed"]
    declared = {"name": member.name, "state": state}
    for phase in ("stage", "switch", "revert"):
        assert not member.phase(phase, declared)["changed"]
    assert platform.version(f"{member.name}.test") == "1"
    for phase in ("stage", "switch", "finish"):
        member.phase(phase, declared)
    assert len(containers(member.name, everything=state == "absent")) == 0


def test_a_release_command_runs_once_for_a_fleet(platform: Platform, member: Member, app: App) -> None:
    """B6: the host that another one runs it for says so; staging twice is staging once; a retry goes on with it."""
    assert not platform.apply(**app("1"))["failed"]
    declared = app("2", release_command=["true"], release_command_once=True)
    steps = [row["name"] for row in member.phase("stage", declared, skip_release_commands=[member.name])["steps"]]
    assert steps == ["start", "gate"]
    again = member.phase("stage", declared)
    assert (again["changed"], again["reason"]) == (False, "it is staged already")
    member.phase("switch", declared)
    assert member.phase("switch", declared)["reason"] == "it is switched already"
    member.phase("finish", {"name": member.name})
    assert (platform.version(f"{member.name}.test"), len(containers(member.name))) == ("2", 1)


def test_a_cancellation_ends_it_all_the_same(platform: Platform, member: Member, app: App) -> None:
    """B6: a person who says so is not refused."""
    assert not platform.apply(**app("1"))["failed"]
    member.phase("stage", app("2"))
    assert member.story("cancel", name=member.name)["deployment"]["conclusion"] == "canceled"
    assert member.many("switch", app("2"))["failed"]
    assert (platform.version(f"{member.name}.test"), len(containers(member.name))) == ("1", 1)


def test_a_fleet_leaves_a_host_alone_that_it_could_not_go_back_on(
    platform: Platform, member: Member, app: App, tmp_path: Path
) -> None:
    """Where all that was written down is lost, a revert took the routes away from what had served, and left it running."""
    own = {"state_dir": str(tmp_path / "state")}
    assert not platform.apply(**app("1", **own))["failed"]
    before = containers(member.name)
    (tmp_path / "state").rename(tmp_path / "lost")
    for phase in ("stage", "switch", "revert"):
        done = member.many(phase, app("2"), **own)
        assert platform.version(f"{member.name}.test") == "1", done
        assert containers(member.name) == before, done
        if phase != "revert":
            row = done["workloads"][0]
            assert (row["kind"], "on this host alone first" in row["msg"]) == ("Unrecorded", True), row
    assert not platform.apply(**app("2", **own))["failed"]
    assert (platform.version(f"{member.name}.test"), len(containers(member.name))) == ("2", 1)
