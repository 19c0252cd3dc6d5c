"""The network in which a wall can stand: who gets which address. Pure."""

from __future__ import annotations

import ipaddress
import typing as t
from pathlib import Path

import pytest
from ansible.errors import AnsibleFilterError
from ansible_collections.tidegate.platform.plugins.filter.walled import walled
from ansible_collections.tidegate.platform.plugins.module_utils._core.decide import stack_networks
from ansible_collections.tidegate.platform.plugins.module_utils._core.engine import listing
from ansible_collections.tidegate.platform.plugins.module_utils._core.host import proxy_entry
from ansible_collections.tidegate.platform.plugins.module_utils._core.sources import compose_model
from ansible_collections.tidegate.platform.plugins.module_utils._core.stories import findings


@pytest.mark.parametrize("subnet", ["172.18.0.0/16", "192.168.16.0/20", "10.1.2.0/24", "10.1.2.48/28"])
def test_nobody_else_is_given_the_proxys_addresses(subnet: str) -> None:
    """C9: gateway, proxy and stand-in differ, and are in the subnet but not in what the engine gives out."""
    made = walled([{"Subnet": "fd00::/64"}, {"Subnet": subnet}])
    (config,) = made["IPAM"]["Config"]
    kept = list(ipaddress.ip_network(made["Labels"]["tidegate.proxy"]))
    everybody = [ipaddress.ip_address(config["Gateway"]), *kept]
    assert len(set(everybody)) == 3
    assert all(one in ipaddress.ip_network(config["Subnet"]) for one in everybody)
    assert not any(one in ipaddress.ip_network(config["IPRange"]) for one in everybody)
    assert config["Subnet"] == subnet


def test_a_subnet_that_is_too_small_is_refused() -> None:
    """C9."""
    with pytest.raises(AnsibleFilterError, match="too small"):
        walled([{"Subnet": "10.1.2.0/29"}])


def test_nothing_is_known_of_a_subnet_in_check_mode() -> None:
    """C9."""
    assert walled([]) == {}


def test_networks_that_were_there_keep_no_address() -> None:
    """C9: the engine lists every network whose name has this one's in it."""
    rows: list[dict[str, t.Any]] = [
        {"Name": "tidegate-a", "Labels": {"tidegate.proxy": "10.0.0.2/31"}},
        {"Name": "tidegate", "Labels": None},
    ]
    assert listing.kept_for_proxy(rows, "tidegate") == {"tidegate": ""}
    assert listing.kept_for_proxy(rows, "tidegate-a") == {"tidegate-a": "10.0.0.2/31"}
    assert listing.kept_for_proxy(rows, "other") == {}


@pytest.mark.parametrize(
    ("missed", "state"),
    [(None, "ok"), ("", "ok"), ("there is no iptables", "warning"), ("its rules are away", "failure")],
)
def test_the_doctor_says_whether_the_wall_stands(missed: str | None, state: str) -> None:
    """C9."""
    found = findings.of_wall(missed)
    assert found.state == state
    assert bool(found.remedy) == (state != "ok")


@pytest.mark.parametrize(("project", "found"), [("shop", {}), ("web", {"a": "web_default", "b": "web_default"})])
def test_names_that_lead_to_the_wall_are_found(project: str, found: dict[str, str]) -> None:
    """C9: the engine answers with the network whose name sorts first; who is not routed is not in the public one."""
    key = compose_model.NETWORK_KEY
    model = {
        "networks": {"default": {"name": f"{project}_default"}, key: {"name": "tidegate", "external": True}},
        "services": {
            "a": {"networks": {"default": None, key: None}},
            "b": {"networks": {"default": None, key: None}},
            "worker": {"networks": {"default": None}},
            "host": {"network_mode": "host"},
        },
    }
    assert stack_networks.misled(model) == found
    assert (
        stack_networks.misled({"services": {"a": {"networks": {"default": None}}}, "networks": {"default": {}}}) == {}
    )


@pytest.mark.parametrize(("conf", "wanted"), [('subnet4="10.0.0.0/16"\n', True), ('subnet4=""\n', False), ("", False)])
def test_whether_a_wall_is_wanted_is_what_the_role_wrote(tmp_path: Path, conf: str, wanted: bool) -> None:
    """C9: a platform that never heard of walls has none."""
    assert not proxy_entry.wall_is_wanted(str(tmp_path))
    (tmp_path / "traefik").mkdir()
    (tmp_path / "traefik" / "entry.conf").write_text(f'chain="X"\n{conf}')
    assert proxy_entry.wall_is_wanted(str(tmp_path)) == wanted
