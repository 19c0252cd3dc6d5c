# Copyright: (c) 2026, tidegate.platform contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One deadline and a bounded backoff, over an injected clock."""

from __future__ import annotations

import signal
import time
import typing as t

from ..values.errors import Canceled


class Clock:
    """The host's clocks; tests give another."""

    def monotonic(self) -> float:
        """Seconds that never go back."""
        return time.monotonic()

    def now(self) -> float:
        """Unix time in seconds."""
        return time.time()

    def sleep(self, seconds: float) -> None:
        """Wait."""
        time.sleep(seconds)


class Watch(Clock):
    """A clock whose pauses can be ended: `check` is called before each and raises to stop.

    Waiting is where stopping is safe; a write has no pauses and is never left half done.
    """

    def __init__(self, clock: Clock, check: t.Callable[[], None]) -> None:
        self._clock, self._check = clock, check

    def monotonic(self) -> float:
        """Seconds that never go back."""
        return self._clock.monotonic()

    def now(self) -> float:
        """Unix time in seconds."""
        return self._clock.now()

    def sleep(self, seconds: float) -> None:
        """Wait, unless told to stop."""
        self._check()
        self._clock.sleep(seconds)


def attempts(clock: Clock, seconds: float, first: float = 0.01, most: float = 0.25) -> t.Iterator[float]:
    """Yield the seconds left, at once and then with growing pauses, until the deadline; the last try is at it."""
    end = clock.monotonic() + seconds
    pause = first
    while True:
        left = end - clock.monotonic()
        yield left
        if left <= 0:
            return
        clock.sleep(min(pause, max(left, 0.001)))
        pause = min(pause * 1.5, most)


class Interrupts:
    """Turns SIGTERM, SIGINT and SIGHUP into `Canceled`, but only where stopping is safe: in a pause, between steps."""

    SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)

    def __init__(self) -> None:
        self._pending = ""

    def install(self) -> None:
        """Take over the signals of this process."""
        for number in self.SIGNALS:
            signal.signal(number, self._arrive)

    def _arrive(self, number: int, _frame: t.Any) -> None:
        self._pending = signal.Signals(number).name

    def check(self) -> None:
        """Stop here if a signal came.

        :raises Canceled: names the signal.
        """
        if self._pending:
            raise Canceled(f"stopped by {self._pending}", remedy="Run again; nothing that served was taken away.")
