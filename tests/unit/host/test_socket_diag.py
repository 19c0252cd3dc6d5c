"""Who spoke last on a connection, as the kernel says."""

from __future__ import annotations

import socket
import typing as t

import pytest
from ansible_collections.tidegate.platform.plugins.module_utils._core.host.clock import Clock, attempts
from ansible_collections.tidegate.platform.plugins.module_utils._core.host.socket_diag import (
    ESTABLISHED,
    SYN_SENT,
    Connection,
    Diag,
)


@pytest.mark.parametrize(
    ("connection", "waits"),
    [
        (Connection(ESTABLISHED, 80, 10, 20, 10, 5), True),
        (Connection(ESTABLISHED, 80, 20, 10, 10, 5), False),
        (Connection(ESTABLISHED, 80, 20, 20, 20, 5), False),
        (Connection(ESTABLISHED, 80, 20, 20, 4, 5), True),
        (Connection(ESTABLISHED, 80, 20, 20, 20, 0), True),
        (Connection(ESTABLISHED, 80, 20, 20, 20, 0, 0), True),
        (Connection(ESTABLISHED, 80, 300, 300, 300, 0, 0), False),
        (Connection(ESTABLISHED, 80, 30000, 30000, 29960, 5), True),
        (Connection(ESTABLISHED, 80, 30000, 30000, 15000, 5), False),
        (Connection(SYN_SENT, 80, 0, 0, 0, 0), True),
    ],
)
def test_who_spoke_last(connection: Connection, waits: bool) -> None:
    """B4: also within one tick of the kernel's clock."""
    assert connection.waits is waits


@pytest.fixture
def pair() -> t.Iterator[tuple[socket.socket, socket.socket]]:
    """Both ends of a connection on loopback; the first one began it."""
    with socket.create_server(("127.0.0.1", 0)) as listener, socket.create_connection(listener.getsockname()) as ours:
        theirs, _address = listener.accept()
        with theirs:
            yield ours, theirs


def seen(ours: socket.socket) -> bool:
    """Whether the kernel says of a connection that an answer is awaited on it."""
    diag = Diag(None)
    try:
        rows = [row for row in diag.connections() if row.remote_port == ours.getpeername()[1]]
    finally:
        diag.close()
    (row,) = rows
    return row.waits


def test_a_connection_without_a_question_is_a_spare(pair: tuple[socket.socket, socket.socket]) -> None:
    """B4, T1: Go's client dials for a request that then goes by another connection, and keeps what it dialed."""
    ours, theirs = pair
    assert seen(ours), "somebody may have dialed just now for a request"
    assert any(not seen(ours) for _left in attempts(Clock(), 2.0, first=0.05, most=0.05))
    ours.sendall(b"question")
    assert seen(ours)
    theirs.recv(8)
    theirs.sendall(b"answer")
    ours.recv(6)
    assert not seen(ours)


def test_a_probe_of_an_idle_connection_is_no_question(pair: tuple[socket.socket, socket.socket]) -> None:
    """B4: question and answer fell into one tick, and the kernel asks later whether the other side is there."""
    ours, theirs = pair
    ours.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    ours.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, 1)
    ours.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPINTVL, 1)
    ours.sendall(b"question")
    theirs.recv(8)
    theirs.sendall(b"answer")
    ours.recv(6)
    for _second in attempts(Clock(), 3.5, first=0.5, most=0.5):
        assert not seen(ours)
