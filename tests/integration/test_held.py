"""Requests that Traefik's middlewares hold while their release leaves: none is lost, however few there are."""

from __future__ import annotations

import threading
import time
import typing as t

import pytest
from harness.authentication import authentication
from harness.platforms import Options, Platform

App = t.Callable[..., Options]


class Sparse(threading.Thread):
    """One request every so often, each on a connection of its own: no neighbour's connection hides what is lost."""

    def __init__(self, platform: Platform, host: str, every: float = 1.7) -> None:
        super().__init__(daemon=True)
        self.platform, self.host, self.every = platform, host, every
        self.statuses: list[int] = []
        self._done, self._asking = threading.Event(), list[threading.Thread]()

    def run(self) -> None:
        """Ask until the end."""
        while not self._done.wait(self.every):
            self._asking.append(threading.Thread(target=self._ask))
            self._asking[-1].start()

    def _ask(self) -> None:
        try:
            self.statuses.append(self.platform.get(self.host)[0])
        except OSError:
            self.statuses.append(0)

    def stop(self) -> list[int]:
        """The status of every answer, 0 for none."""
        self._done.set()
        self.join()
        for thread in self._asking:
            thread.join()
        return self.statuses


@pytest.mark.parametrize(
    ("seconds", "switches"),
    [
        ((3.0,), 4),
        pytest.param((1.7,), 6, marks=pytest.mark.second),
        pytest.param((1.5, 1.5), 4, marks=pytest.mark.second),
    ],
)
def test_a_slow_authentication_loses_nothing(
    platform: Platform, app: App, name: str, seconds: tuple[float, ...], switches: int
) -> None:
    """B4: sparse requests, each held for longer than a switch takes; ports change, too."""
    with authentication(platform, *seconds) as middleware:

        def version(number: int) -> Options:
            port = 8000 + 1000 * (number % 2)
            routes = [{"host": f"{name}.test", "middlewares": [middleware]}]
            return app("12"[number % 2], port=port, env={"PORT": str(port)}, routes=routes, drain={"timeout": 20})

        assert not platform.apply(**version(0))["failed"]
        load = Sparse(platform, f"{name}.test")
        load.start()
        slowest = 0.0
        for number in range(1, switches + 1):
            begun = time.monotonic()
            result = platform.apply(**version(number))
            assert (result["failed"], result["connections"]["cut"]) == (False, 0), result
            drained = next(step["seconds"] for step in result["steps"] if step["name"] == "drain")
            slowest = max(slowest, drained)
            time.sleep(max(0.0, begun + 4 - time.monotonic()))  # some requests of every moment of a switch
        statuses = load.stop()
        assert len(statuses) > 2 * switches
        assert set(statuses) == {200}, statuses
        assert slowest < sum(seconds) + 10, "it ends with the last request that is held, not with the longest time"


def test_nothing_is_waited_for_where_nothing_is_held(platform: Platform, app: App, name: str) -> None:
    """B4: a middleware that asks, and is asked nothing now, costs a moment."""
    with authentication(platform, 0.0) as middleware:
        routes = [{"host": f"{name}.test", "middlewares": [middleware]}]
        platform.apply(**app("1", routes=routes))
        assert platform.get(f"{name}.test")[0] == 200
        result = platform.apply(**app("2", routes=routes))
        (drained,) = (step["seconds"] for step in result["steps"] if step["name"] == "drain")
        assert drained < 15, result["steps"]  # thirty seconds is what it would wait for
