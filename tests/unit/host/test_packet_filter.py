"""The rules that divert published ports for the length of a handover. Pure."""

from __future__ import annotations

import pytest
from ansible_collections.tidegate.platform.plugins.module_utils._core.host import packet_filter
from ansible_collections.tidegate.platform.plugins.module_utils._core.values.container import Port


@pytest.mark.parametrize(
    ("address", "to", "rules"),
    [
        (
            "0.0.0.0",
            "10.0.0.2",
            """filter PASS -d 10.0.0.2 -p tcp --dport 8000 ACCEPT
               nat PREROUTING -p tcp --dport 80 LOCAL DNAT 10.0.0.2:8000
               nat OUTPUT -p tcp --dport 80 LOCAL DNAT 10.0.0.2:8000
               nat POSTROUTING -s 127.0.0.0/8 -d 10.0.0.2 -p tcp --dport 8000 MASQUERADE""",
        ),
        (
            "192.0.2.7",
            "10.0.0.2",
            """filter PASS -d 10.0.0.2 -p tcp --dport 8000 ACCEPT
               nat PREROUTING -d 192.0.2.7 -p tcp --dport 80 LOCAL DNAT 10.0.0.2:8000
               nat OUTPUT -d 192.0.2.7 -p tcp --dport 80 LOCAL DNAT 10.0.0.2:8000""",
        ),
        (
            "::",
            "fd00::2",
            """filter PASS -d fd00::2 -p tcp --dport 8000 ACCEPT
               nat PREROUTING ! -d ::1 -p tcp --dport 80 LOCAL DNAT [fd00::2]:8000
               nat OUTPUT ! -d ::1 -p tcp --dport 80 LOCAL DNAT [fd00::2]:8000""",
        ),
    ],
)
def test_a_handover_diverts_every_way_that_the_kernel_can(address: str, to: str, rules: str) -> None:
    """B19: before, it left out loopback, and refused IPv6."""
    left_out = {"-t", "-I", "1", "-m", "comment", "--comment", "tidegate:web", "addrtype", "--dst-type", "-j"}
    found = packet_filter.rules("web", Port(8000, 80, address, "tcp"), to, "PASS")
    shown = [" ".join(word for word in rule if word not in {*left_out, "--to-destination"}) for rule in found]
    assert shown == [line.strip() for line in rules.splitlines()]
