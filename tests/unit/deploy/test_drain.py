"""How long a drain waits, and for what."""

from __future__ import annotations

import pytest
from ansible_collections.tidegate.platform.plugins.module_utils._core.deploy import drain
from ansible_collections.tidegate.platform.plugins.module_utils._core.deploy.drain import wait_until_idle
from ansible_collections.tidegate.platform.plugins.module_utils._core.host import connections
from ansible_collections.tidegate.platform.plugins.module_utils._core.host.connections import DrainResult
from ansible_collections.tidegate.platform.plugins.module_utils._core.proxy.middleware_waits import Held, holds
from ansible_collections.tidegate.platform.plugins.module_utils._core.values.traffic import Drain

from unit.clocks import Hands, Ticking


def draining(counts: list[int], timeout: float, upgraded: float) -> tuple[connections.DrainResult, float]:
    clock = Ticking()
    answers = iter(counts)
    last = counts[-1]
    return drain.wait_until_idle(lambda: next(answers, last), Drain(timeout, upgraded), clock), clock.time


def test_drain_ends_with_the_last_request_and_asks_twice() -> None:
    """DP-T19."""
    drained, seconds = draining([3, 0, 2, 0, 0], 30, 30)
    assert drained == connections.DrainResult(0, 0)
    assert seconds == pytest.approx(0.325)


def test_drain_gives_upgraded_connections_their_own_time_and_counts_what_it_cuts() -> None:
    assert draining([2], 1, 1)[0] == connections.DrainResult(2, 2)
    drained, seconds = draining([2] * 40 + [0, 0], 1, 10)
    assert drained == connections.DrainResult(2, 0)
    assert 3.7 < seconds < 4.3
    assert draining([5], 0, 0)[0].cut == 5


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
    assert wait_until_idle(held, limits, clock, held.unsure) == DrainResult(0, 0, unsure)
    assert clock.time - begun <= longest
