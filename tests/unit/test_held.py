"""Which middlewares hold requests, and until when those that were held are waited for."""

from __future__ import annotations

import socket
import typing as t

import pytest
from ansible_collections.tidegate.platform.plugins.module_utils._core.deploy.drain import wait_until_idle
from ansible_collections.tidegate.platform.plugins.module_utils._core.host.clock import Clock, attempts
from ansible_collections.tidegate.platform.plugins.module_utils._core.host.connections import Drained
from ansible_collections.tidegate.platform.plugins.module_utils._core.host.socket_diag import (
    ESTABLISHED,
    SYN_SENT,
    Connection,
    Diag,
)
from ansible_collections.tidegate.platform.plugins.module_utils._core.proxy.held_requests import Held, Holds, holds
from ansible_collections.tidegate.platform.plugins.module_utils._core.values.traffic import Drain

MIDDLEWARES: dict[str, t.Any] = {
    "chain": {"chain": {"middlewares": ["auth", "limit@docker", "chain", "headers"]}},
    "auth": {"forwardAuth": {"address": "http://auth:9000/verify"}},
    "plain": {"forwardAuth": {"address": "http://auth/verify"}},
    "secure": {"forwardAuth": {"address": "https://auth/verify"}},
    "limit@docker": {"rateLimit": {"average": 1}},
    "headers": {"headers": {}},
    "own": {"plugin": {"x": {}}},
}


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        (["headers", "gone"], Holds()),
        (["chain"], Holds((9000,), 1.0)),
        (["auth", "plain"], Holds((80, 9000), 0.0)),
        (["secure", "own"], Holds((), 35.0)),
    ],
)
def test_what_a_chain_holds(names: list[str], expected: Holds) -> None:
    """B4: chains are followed, once."""
    assert holds(names, MIDDLEWARES.get)._replace(ports=tuple(sorted(holds(names, MIDDLEWARES.get).ports))) == expected


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


class Hands(Clock):
    """A clock that is set."""

    time = 100.0

    def monotonic(self) -> float:
        """Where it was set to."""
        return self.time


class Seen:
    """A look that finds what a test says."""

    rows: list[Connection]

    def connections(self) -> list[Connection]:
        """These."""
        return self.rows


def asked(milliseconds: int, port: int = 9000) -> Connection:
    """A question of so long ago."""
    return Connection(ESTABLISHED, port, milliseconds, milliseconds + 5, milliseconds, 1)


def test_only_what_was_asked_before_counts() -> None:
    """B4: later questions come by the new routes; other ports are others' business."""
    clock, seen = Hands(), Seen()
    held = Held(Holds((9000,)), clock, t.cast("t.Any", seen))
    seen.rows = [asked(500), asked(500, 8000)]
    assert held() == 1
    clock.time += 2
    seen.rows = [asked(2500), asked(100)]
    assert held() == 1
    seen.rows = [asked(1500), asked(100)]
    assert held() == 0


def test_several_that_ask_are_waited_for_one_after_the_other() -> None:
    """B4: a request that has left the first may be with the second."""
    clock, seen = Hands(), Seen()
    held = Held(Holds((9000, 9000)), clock, t.cast("t.Any", seen))
    seen.rows = [asked(0)]
    assert held() == 1
    clock.time += 3
    seen.rows = [asked(10)]
    assert (held(), held.unsure()) == (0, True), "the first has answered; the same request may be with the second"
    clock.time += 1
    seen.rows = [asked(1010)]
    assert held() == 1
    seen.rows = []
    assert held() == 0


def test_what_cannot_be_seen_gets_the_longest_time() -> None:
    clock = Hands()
    held = Held(Holds((9000,), 1.0), clock, None)
    assert (held(), held.unsure()) == (0, True)
    clock.time += 30.5
    assert (held(), held.unsure()) == (0, True)
    clock.time += 1
    assert (held(), held.unsure()) == (0, False)
    nothing = Held(Holds(), clock, None)
    assert (nothing(), nothing.unsure()) == (0, False)


class Passing(Hands):
    """A clock for which waiting is no time."""

    def sleep(self, seconds: float) -> None:
        """Be later."""
        self.time += seconds


@pytest.mark.parametrize(
    ("kinds", "limits", "longest", "unsure"),
    [
        (["basicAuth"], Drain(), 1.5, False),
        (["plugin"], Drain(), 5.5, False),
        (["buffering"], Drain(), 30.5, True),
        (["buffering"], Drain(2.0, 3600.0), 2.5, True),
        (["buffering"], Drain(0.0, 0.0), 0.5, True),
    ],
)
def test_what_cannot_be_told_is_no_request_that_was_cut(
    kinds: list[str], limits: Drain, longest: float, unsure: bool
) -> None:
    """B4: nothing was open, and the result said `cut: 1`."""
    clock = Passing()
    held = Held(holds(kinds, lambda kind: {kind: {}}), clock, None)
    begun = clock.time
    assert wait_until_idle(held, limits, clock, held.unsure) == Drained(0, 0, unsure)
    assert clock.time - begun <= longest
