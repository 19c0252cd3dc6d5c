"""Clocks on which waiting costs nothing."""

from __future__ import annotations

from ansible_collections.tidegate.platform.plugins.module_utils._core.host.clock import Clock


class Ticking(Clock):
    """A clock on which waiting costs nothing."""

    def __init__(self) -> None:
        self.time = 0.0

    def monotonic(self) -> float:
        return self.time

    def sleep(self, seconds: float) -> None:
        self.time += seconds


class Hands(Clock):
    """A clock that is set."""

    time = 100.0

    def monotonic(self) -> float:
        """Where it was set to."""
        return self.time
