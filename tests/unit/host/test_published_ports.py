"""Ways in by published ports. Pure."""

from __future__ import annotations

import pytest
from ansible_collections.tidegate.platform.plugins.module_utils._core.host import published_ports
from ansible_collections.tidegate.platform.plugins.module_utils._core.values.container import Port


def published(address: str, protocol: str = "tcp") -> Port:
    """A published port of a container that listens at 8000."""
    return Port(8000, 80, address, protocol)


@pytest.mark.parametrize(
    ("port", "asked"),
    [
        (published("0.0.0.0"), ["127.0.0.1:80", "192.0.2.7:80"]),
        (published("::"), ["[::1]:80", "[2001:db8::7]:80"]),
        (published("192.0.2.7"), ["192.0.2.7:80"]),
        (published("::1"), ["[::1]:80"]),
        (published("0.0.0.0", "udp"), []),
    ],
)
def test_every_address_that_a_port_is_published_on_is_asked(port: Port, asked: list[str]) -> None:
    """B19."""
    assert [way.target for way in published_ports.ways([port], ["192.0.2.7", "2001:db8::7"])] == asked
