"""A host that boots again in the middle of a deployment: the packet filter is empty, and containers start by themselves."""

from __future__ import annotations

import typing as t

import hosts
import pytest
from ansible_collections.tidegate.platform.plugins.module_utils._core.host import packet_filter
from harness.load import Target
from harness.looks import consistent
from harness.platforms import Options, docker, free_ports
from harness.runs import Driver

App = t.Callable[..., Options]


@pytest.mark.parametrize("blue_serves", [True, False], ids=["power-cut", "blue-had-exited"])
def test_what_never_passed_its_gate_is_not_live_after_a_handover(app: App, driver: Driver, blue_serves: bool) -> None:
    """A new proxy, killed before its gate, was made live, and the one that had served was removed."""
    platform, workload = driver.platform, app()["name"]
    target = Target(workload, address=hosts.gateway(), port=free_ports(1)[0])
    ports = [{"container": 8000, "host": target.port, "address": target.address}]
    published = {"routes": [], "ports": ports, "strategy": "handover"}
    blue = driver.run("image", **app("1", **published))["release"]["containers"]
    if not blue_serves:
        docker("stop", "-t", "0", *blue)
    driver.killed("start", "after", **app("2", **published))
    packet_filter.end(packet_filter.whose(f"{workload}.production", str(platform.state)))
    repaired = driver.reconciled(workload)
    assert not repaired.get("failed"), repaired
    assert consistent(platform, workload, target)["containers"] == blue, repaired
    assert not driver.run("reconcile", names=[workload])["changed"], "nothing is left to repair"
