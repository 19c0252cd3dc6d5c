"""What the engine is told to make, as values."""

from __future__ import annotations

import ipaddress

import pytest
from ansible_collections.tidegate.platform.plugins.module_utils._core.engine.arguments import network_options


@pytest.mark.parametrize("address", ["10.9.8.2", "10.9.8.200", "10.9.8.128", "fd00:9::2", "fd00:9:0:0:ffff::1"])
def test_nobody_else_gets_an_address_that_is_declared(address: str) -> None:
    """Review (heirs): a stand-in, which has none of its own, was the first in a new network, and took its release's."""
    options = network_options(address)
    (config,) = options["ipam"]["Config"]
    own, subnet, others = (
        ipaddress.ip_address(address),
        *map(ipaddress.ip_network, (config["Subnet"], config["IPRange"])),
    )
    assert own in subnet
    assert own not in others
    assert others[0] in subnet
    assert int(others[-1]) - int(subnet[0]) < 2**63, "the engine cannot count any further"
    assert options["enable_ipv6"] is (own.version == 6)
