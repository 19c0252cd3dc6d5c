"""The network in which a wall can stand: who gets which address. Pure."""

from __future__ import annotations

import ipaddress

import pytest
from ansible.errors import AnsibleFilterError
from ansible_collections.tidegate.platform.plugins.filter.walled import walled


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
