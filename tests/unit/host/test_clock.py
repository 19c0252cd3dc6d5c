"""Waiting: attempts until a deadline, and signals that end it."""

from __future__ import annotations

import os
import signal
import time

import pytest
from ansible_collections.tidegate.platform.plugins.module_utils._core.host.clock import Interrupts, Watch, attempts
from ansible_collections.tidegate.platform.plugins.module_utils._core.values.errors import Canceled

from unit.clocks import Ticking


def test_attempts_begin_at_once_grow_and_end_at_the_deadline() -> None:
    clock = Ticking()
    moments = []
    for _left in attempts(clock, 1.0, first=0.1, most=0.3):
        moments.append(round(clock.time, 3))
    assert moments[:3] == [0.0, 0.1, 0.25]
    assert moments[-1] == pytest.approx(1.0, abs=0.01)
    assert list(attempts(clock, 0.0)) == [0.0]


def test_a_signal_ends_a_wait_at_once_but_never_a_write() -> None:
    before = {number: signal.getsignal(number) for number in Interrupts.SIGNALS}
    interrupts = Interrupts()
    interrupts.install()
    try:
        os.kill(os.getpid(), signal.SIGTERM)
        time.sleep(0.01)  # a write would go on here
        with pytest.raises(Canceled, match="SIGTERM"):
            interrupts.check()
        ticking = Ticking()
        with pytest.raises(Canceled):
            for _left in attempts(Watch(ticking, interrupts.check), 60):
                pass
        assert ticking.time == 0
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
