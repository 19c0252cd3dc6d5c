"""The engine's client, without an engine: what it asks for at once."""

from __future__ import annotations

import threading
import typing as t
from concurrent.futures import ThreadPoolExecutor

import pytest
from ansible_collections.tidegate.platform.plugins.module_utils._core.engine import client
from ansible_collections.tidegate.platform.plugins.module_utils._core.engine.containers import STARTS_AT_ONCE
from ansible_collections.tidegate.platform.plugins.module_utils._core.engine.engine import Engine


class Slow:
    """An SDK client whose starts end when as many as are allowed have begun; it counts how many there were at once."""

    lock = threading.Lock()
    now = most = 0
    full = threading.Event()

    def __init__(self, **_options: t.Any) -> None:
        self.api_version = "1.41"
        self.trust_env = True
        self.hooks: dict[str, list[t.Any]] = {"response": []}

    def start(self, _name: str) -> None:
        """Begin, wait for the others, end."""
        with Slow.lock:
            Slow.now += 1
            Slow.most = max(Slow.most, Slow.now)
            if Slow.now == STARTS_AT_ONCE:
                Slow.full.set()
        assert Slow.full.wait(10), "as many as are allowed start at once"
        with Slow.lock:
            Slow.now -= 1


def test_containers_start_a_few_at_a_time_however_many_threads_ask(monkeypatch: pytest.MonkeyPatch) -> None:
    """Fifty starts at once end late together, and a tenth more work is done for them."""
    monkeypatch.setattr(client, "APIClient", Slow)
    first = Engine("unix:///nowhere.sock", "/state")
    threads = 4 * STARTS_AT_ONCE
    with ThreadPoolExecutor(threads) as pool:
        list(pool.map(lambda number: first.another().containers.start(f"shop-{number}"), range(threads)))
    assert Slow.most == STARTS_AT_ONCE
