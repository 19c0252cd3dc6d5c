"""Connections that the kernel has, counted on real sockets."""

from __future__ import annotations

import contextlib
import os
import random
import socket
from pathlib import Path

from ansible_collections.tidegate.platform.plugins.module_utils._core.host import connections


def serving(address: str, family: socket.AddressFamily = socket.AF_INET) -> socket.socket:
    """A server on a port that the kernel gives to no client on this machine, whose connections would count, too."""
    first = int(Path("/proc/sys/net/ipv4/ip_local_port_range").read_text().split()[0])
    for port in random.sample(range(first // 2, first), 20):
        with contextlib.suppress(OSError):
            return socket.create_server((address, port), family=family)
    raise AssertionError(f"of twenty ports none is free on {address}")


def test_open_connections_counts_what_the_kernel_has() -> None:
    with serving("127.0.0.1") as server:
        port = server.getsockname()[1]
        count = connections.Sockets({os.getpid(): (port,)})
        assert count() == 0
        with socket.create_connection(("127.0.0.1", port)):
            assert count() == 1
        assert count() == 0
    assert connections.Sockets({2**22 + 1: (port,)})() == 0
    with serving("::1", socket.AF_INET6) as server:
        port = server.getsockname()[1]
        count = connections.Sockets({os.getpid(): (port,)})
        assert count() == 0
        with socket.create_connection(("::1", port)):
            assert count() == 1
