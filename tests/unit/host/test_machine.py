"""What a host is read for: names, ports, memory, room."""

from __future__ import annotations

import socket

from ansible_collections.tidegate.platform.plugins.module_utils._core.host.clock import Clock
from ansible_collections.tidegate.platform.plugins.module_utils._core.host.machine import (
    connect_problem,
    listeners,
    memory,
    own_addresses,
    resolved,
    space,
)


def test_what_is_no_name_and_no_port_is_said() -> None:
    """U11 (review): both were mistakes of the platform's."""
    assert resolved("shop..example.com") == "is no name that can be resolved"
    assert resolved(f"{'x' * 64}.test") == "is no name that can be resolved"
    for target in ("registry.example.org", ":443", "registry.test:", "registry.test:https"):
        assert connect_problem(target) == "says no port; write HOST:PORT"


def test_the_host_is_read_for_real() -> None:
    """Memory, room, who listens, names and servers: of this machine."""
    facts = memory()
    assert 0 < facts["MemAvailable"] <= facts["MemTotal"]
    assert space("/no/such/folder").path == "/"
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        assert "python" in listeners([port])[port] or "pytest" in listeners([port])[port]
        assert connect_problem(f"127.0.0.1:{port}") == ""
    assert listeners([port]) == {}
    assert "refused" in connect_problem(f"127.0.0.1:{port}")
    assert connect_problem("no-port") != ""
    assert resolved("127.0.0.1") == ["127.0.0.1"]
    assert isinstance(resolved("no-such-name.invalid"), str)
    assert "127.0.0.1" not in own_addresses(Clock())
