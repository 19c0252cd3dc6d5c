# Copyright: (c) 2026, tidegate.platform contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How a network is made in which a wall can stand: the proxy has an address that nobody else is given."""

from __future__ import annotations

import ipaddress
import typing as t

from ansible.errors import AnsibleFilterError

# Network, gateway, the proxy and its stand-in (the two of the label) are in the lower half, all others in the upper.
_LONGEST = 28


def walled(config: t.Sequence[t.Mapping[str, t.Any]]) -> dict[str, t.Any]:
    """Labels and address management of a network with a wall; empty where nothing is known of its subnet.

    :param config: what the engine chose for a network like it.
    """
    nets = [ipaddress.ip_network(row["Subnet"]) for row in config]
    subnets = [net for net in nets if isinstance(net, ipaddress.IPv4Network)]
    if not subnets:
        return {}
    net = subnets[0]
    if net.prefixlen > _LONGEST:
        raise AnsibleFilterError(f"{net} is too small for the network of a proxy; have the engine give /{_LONGEST}")
    _lower, upper = net.subnets()
    chosen = {"Subnet": str(net), "IPRange": str(upper), "Gateway": str(net[1])}
    return {"Labels": {"tidegate.proxy": f"{net[2]}/31"}, "IPAM": {"Config": [chosen]}}


class FilterModule:
    """The filters of this file."""

    def filters(self) -> dict[str, t.Callable[..., t.Any]]:
        """By name."""
        return {"walled": walled}
