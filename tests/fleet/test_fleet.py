"""Many hosts as one: stage everywhere, then switch everywhere; a failure anywhere leaves all on the release they had."""

from __future__ import annotations

import typing as t

from harness.platforms import Options, Play

from .conftest import NAMES, Fleet

DEPLOY = "tidegate.platform.deploy"
HOST = "shop.test"


def shop(version: str, **more: t.Any) -> list[Options]:
    """The workload, with the registry of each host."""
    return [
        {
            "name": "shop",
            "image": "{{ testbed_registry }}/tidegate/app:" + version,
            "port": 8000,
            "health": {"path": "/healthz", "deadline": 8},
            "drain": {"timeout": 5},
            "stop_timeout": 2,
            "env": "{{ shop_env | default({}) }}",
            "routes": [{"host": HOST}],
            **more,
        }
    ]


def versions(fleet: Fleet) -> list[str]:
    """What each host serves."""
    return [fleet.answer(host, HOST) for host in NAMES]


def deploy(fleet: Fleet, version: str, *arguments: str, **extra: t.Any) -> Play:
    """One run of the playbook over the fleet."""
    return fleet.playbook(DEPLOY, *arguments, workloads=shop(version), **extra)


def only(fleet: Fleet, host: str, **variables: t.Any) -> None:
    """Give one host variables that the others do not have."""
    fleet.machines[host].update(variables)


def test_all_hosts_go_together_and_lose_nothing(fleet: Fleet) -> None:
    deploy(fleet, "1").ok()
    with fleet.load(HOST) as loads:
        play = deploy(fleet, "2").ok()
    assert loads.losses == {}
    assert versions(fleet) == ["2"] * 3
    assert [len(fleet.containers(host, "shop")) for host in NAMES] == [1] * 3
    tasks = [row["task"] for row in play.rows]
    assert max(n for n, task in enumerate(tasks) if task == "Stage and gate on every host") < min(
        n for n, task in enumerate(tasks) if task == "Switch every host"
    ), "nobody switched before everybody was ready"
    assert deploy(fleet, "2").ok().changed == [], "a second run changes nothing"


def test_a_gate_that_fails_on_the_third_host_leaves_all_three_on_the_old_release(fleet: Fleet) -> None:
    """Before any switch: no traffic is touched anywhere, and no candidate is left."""
    only(fleet, "fleet-3", shop_env={"HEALTH_STATUS": "500"})
    before = {host: fleet.containers(host, "shop") for host in NAMES}
    try:
        with fleet.load(HOST) as loads:
            play = deploy(fleet, "4")
    finally:
        del fleet.machines["fleet-3"]["shop_env"]
    assert play.code != 0
    assert "failed on fleet-3" in play.output
    assert "status 500" in play.output
    assert loads.losses == {}
    assert sum(count.requests for count in loads.counts.values()) > 100
    assert versions(fleet) == ["2"] * 3
    assert {host: fleet.containers(host, "shop") for host in NAMES} == before
    assert "Switch every host" not in play.changed


def test_a_switch_that_fails_on_the_third_host_takes_the_others_back(fleet: Fleet) -> None:
    """After two hosts had switched: they go back, too, and nothing is lost on the way there and back."""
    routes = "/var/lib/tidegate/routes"
    before = {host: fleet.containers(host, "shop") for host in NAMES}
    fleet.run("fleet-3", "mount", "--bind", routes, routes)
    fleet.run("fleet-3", "mount", "-o", "remount,bind,ro", routes)
    try:
        with fleet.load(HOST) as loads:
            play = deploy(fleet, "4")
    finally:
        fleet.run("fleet-3", "umount", routes)
    assert play.code != 0
    switched = [row["host"] for row in play.rows if row["task"] == "Switch every host" and row["result"].get("changed")]
    assert sorted(switched) == ["fleet-1", "fleet-2"]
    assert loads.losses == {}
    assert set(loads.counts["fleet-1"].answers) == {"2", "4"}, "the new release did serve for a moment"
    assert versions(fleet) == ["2"] * 3
    assert {host: fleet.containers(host, "shop") for host in NAMES} == before


def test_a_host_that_cannot_be_reached_counts_as_failed(fleet: Fleet) -> None:
    only(fleet, "fleet-2", ansible_port=1)
    try:
        play = deploy(fleet, "4")
    finally:
        del fleet.machines["fleet-2"]["ansible_port"]
    assert play.code != 0
    assert "failed on fleet-2" in play.output
    assert versions(fleet) == ["2"] * 3


def test_the_canary_goes_first_and_a_bad_one_ends_the_run(fleet: Fleet) -> None:
    only(fleet, "fleet-1", shop_env={"HEALTH_STATUS": "500"})
    try:
        play = deploy(fleet, "4", tidegate_canary="fleet-1")
    finally:
        del fleet.machines["fleet-1"]["shop_env"]
    assert play.code != 0
    touched = {row["host"] for row in play.rows if row["task"] != "Gathering Facts"}
    assert touched == {"fleet-1"}
    assert versions(fleet) == ["2"] * 3


def test_batches_and_the_failures_that_are_allowed(fleet: Fleet) -> None:
    """`serial` in batches of one: the first failure ends the run. With a third allowed to fail, the others go on."""
    only(fleet, "fleet-1", shop_env={"HEALTH_STATUS": "500"})
    try:
        one_by_one = deploy(fleet, "4", tidegate_serial=1)
        assert one_by_one.code != 0
        assert versions(fleet) == ["2"] * 3
        most = deploy(fleet, "4", tidegate_max_fail_percentage=34)
        assert most.code != 0, "the host that failed is still said"
        assert versions(fleet) == ["2", "4", "4"]
    finally:
        del fleet.machines["fleet-1"]["shop_env"]
    deploy(fleet, "4").ok()
    assert versions(fleet) == ["4"] * 3


def test_check_mode_foretells_on_every_host_and_changes_none(fleet: Fleet) -> None:
    play = deploy(fleet, "1", "--check").ok()
    assert play.changed == ["Apply"] * 3
    assert versions(fleet) == ["4"] * 3
