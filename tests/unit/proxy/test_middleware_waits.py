"""Which middlewares hold requests, and until when those that were held are waited for."""

from __future__ import annotations

import typing as t

import pytest
from ansible_collections.tidegate.platform.plugins.module_utils._core.host.socket_diag import ESTABLISHED, Connection
from ansible_collections.tidegate.platform.plugins.module_utils._core.proxy.middleware_waits import Held, Holds, holds

from unit.clocks import Hands

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
