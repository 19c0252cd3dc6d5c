"""What a playbook is aimed at: the environment, the hosts and the names that are meant, and no others (D2, B6)."""

from __future__ import annotations

import typing as t
from pathlib import Path

import yaml

from .harness import Options, Platform, containers
from .test_fleet_plays import Pair, pair, said, second, shop

__all__ = ["pair", "second"]
P = "tidegate.platform."


def test_the_environment_that_is_meant_is_the_one(pair: Pair, name: str) -> None:
    """D2: a rollback and a teardown of staging were production's; hosts that never had it failed those that have it."""
    one = pair.members["one"]
    place = {"networks": [one.network], "env": {}}
    staging: Options = {**place, "environment": "staging", "routes": [{"host": f"{name}.staging.test"}]}
    for version in "12":
        one.apply(**shop(name, version, **place)[0])
        one.apply(**shop(name, version, **staging)[0])
    back = pair.playbook(P + "rollback", workload=name, tidegate_environment="staging").ok()
    assert (one.version(f"{name}.test"), one.version(f"{name}.staging.test")) == ("2", "1"), said(back)
    assert f"{name} in staging" in said(back)
    both = pair.playbook(P + "status", environment_name="staging", tidegate_environment="test")
    assert both.code != 0
    assert "two names of one variable" in said(both)
    before = containers(name)
    aimed: Options = {"workload": name, "environment_name": "staging", "workloads": shop(name, "2")}
    unnamed = pair.playbook(P + "teardown", confirm=name, **aimed)
    assert unnamed.code != 0
    assert f"Say -e confirm={name}.staging." in said(unnamed)
    assert containers(name) == before
    pair.playbook(P + "teardown", confirm=f"{name}.staging", **aimed).ok()
    assert one.version(f"{name}.test") == "2", "what is on record goes by its name, and only that"
    assert len(containers(name)) == 1
    pair.playbook(P + "operate", operation="restart", workload=name).ok()
    nowhere = pair.playbook(P + "rollback", workload="nowhere")
    assert nowhere.code != 0
    assert "No host has nowhere in the environment production, of one, two." in said(nowhere)
    one.apply(name=name, environment="staging", state="absent")


def test_files_of_the_working_directory(platform: Platform, tmp_path: Path, monkeypatch: t.Any) -> None:
    """A9: the README's `-e workload_files=workloads` ended in an error of Python's."""
    (folder := tmp_path / "workloads").mkdir()
    document = {"name": "shop", "image": "registry.test/shop:1", "environments": {"staging": None}}
    (folder / "shop.yml").write_text(yaml.safe_dump(document))
    monkeypatch.chdir(tmp_path)
    found = platform.playbook(P + "validate", workload_files="workloads", tidegate_environment="staging").ok()
    assert "shop (staging): image" in said(found)
    gone = platform.playbook(P + "validate", workload_files="elsewhere")
    assert f"elsewhere: is not there, neither where Ansible looks for files nor in {tmp_path}" in said(gone)


def test_what_a_run_has_left_ends_on_every_host_in_one_way(pair: Pair, name: str) -> None:
    """B6: `finish` of one switched and one staged host left two versions, and said that all was well; and check mode failed."""
    host = f"{name}.test"

    def phases(*each: str) -> None:
        for member, mine in zip(pair.members.values(), each):
            row = shop(name, "2", networks=[member.network], env={})[0]
            params = {"workloads": [row], "fleet": "dead"}
            calls = [{"story": "declare_many", "params": {**params, "phase": phase}} for phase in mine.split()]
            assert not any(done["failed"] for done in member.stories(calls))

    for member in pair.members.values():
        member.apply(**shop(name, "1", networks=[member.network], env={})[0])
    phases("stage switch", "stage")
    table = said(pair.playbook(P + "status", workload=name).ok())
    assert "part of the fleet's run 'dead', which keeps it until" in table
    plain = said(pair.playbook(P + "cancel", workload=name, environment_name="production"))
    assert f"run the playbook cancel with -e workload={name} -e outcome=finish or revert" in plain
    half = pair.playbook(P + "cancel", outcome="finish")
    assert half.code != 0
    assert "Not every host was switched" in said(half)
    assert f"two is on {shop(name, '1')[0]['image']}" in said(half)
    assert half.changed == []
    phases("", "switch")
    before = containers(name)
    for outcome in ("finish", "revert"):
        foretold = pair.playbook(P + "cancel", "--check", outcome=outcome, tidegate_fleet="dead").ok()
        assert foretold.changed
    assert (pair.versions(host), containers(name)) == ("22", before)
    pair.playbook(P + "cancel", outcome="finish", tidegate_fleet="dead").ok()
    assert pair.versions(host) == "22"
    assert len(containers(name)) == 2
    assert "Nothing to end" in said(pair.playbook(P + "cancel", outcome="revert").ok())
