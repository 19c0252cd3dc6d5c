"""Several kinds of traffic at once, and how long a fault kept them from being served, measured beside them."""

from __future__ import annotations

import http.client
import math
import threading
import time
from dataclasses import dataclass

from .load import LENGTHS, Client, Count, Target

# Requests that are in flight for a second or a half, beside quick ones: what a drain is for. Arrivals a second.
FLYING = {"new": 30.0, "download": 2.0, "upload": 2.0, "websocket": 2.0}
# One slow request now and then, and nothing beside it: dense traffic keeps idle connections open, which hides a drain
# that does not see what is in flight.
SPARSE = {"slow": 0.8}
# Seconds between two looks of a watch, and for which each look waits.
LOOK, PATIENCE = 0.02, 0.5


class Mixed:
    """Clients of several kinds with one target."""

    def __init__(self, target: Target, rates: dict[str, float] | None = None) -> None:
        self.rates = FLYING if rates is None else rates
        self._clients = [Client(target, kind, rate) for kind, rate in self.rates.items()]
        self._count: Count | None = None

    def start(self) -> Mixed:
        """Begin all."""
        for client in self._clients:
            client.start()
        return self

    def stop(self) -> Count:
        """End all, wait for what is under way, and give what all of them counted; again, the same."""
        if self._count is None:
            for client in self._clients:
                client.end()
            self._count = Count()
            for client in self._clients:
                self._count.take(client.kind, client.stop())
        return self._count


@dataclass
class Outage:
    """The time for which nobody could be served, on the monotonic clock: from a fault until a look got an answer."""

    begun: float = 0.0
    ended: float = 0.0

    @property
    def seconds(self) -> float:
        """How long it was."""
        return max(0.0, self.ended - self.begun)

    def unexplained(self, count: Count) -> list[str]:
        """Losses that were not under way at any moment of it."""
        spans = zip(count.spans, count.losses, strict=True)
        return [loss for (asked, ended), loss in spans if asked > self.ended or ended < self.begun]

    def most(self, rates: dict[str, float]) -> int:
        """How many requests it can have cost: those that arrived in it, and those that were under way as it began."""
        return math.ceil(sum(rate * (self.seconds + LENGTHS.get(kind, 0.0)) + 1 for kind, rate in rates.items()))


def cost(count: Count, outage: Outage | None) -> dict[str, int]:
    """What the table of faults says of losses: the most that the outage explains, and what it does not."""
    if outage is None:
        return {"bound": 0, "unexplained": count.lost}
    most = outage.most(FLYING)
    return {"bound": most, "unexplained": max(len(outage.unexplained(count)), count.lost - most)}


class Watch:
    """Asks again and again beside a load, each time over a connection of its own, until it is stopped.

    It is counted nowhere, so that the bound of a test's losses does not come from the losses.

    :param status: what counts as an answer.
    """

    def __init__(self, target: Target, status: int = 200) -> None:
        self.target, self.status = target, status
        self._looks: list[tuple[float, float, bool]] = []
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def start(self) -> Watch:
        """Begin, and come back when there was an answer: the fault comes after it."""
        self._thread.start()
        self.answered()
        return self

    def answered(self, seconds: float = 60) -> None:
        """Wait until a look that begins from now on gets an answer."""
        begun = time.monotonic()
        while not any(good and asked > begun for asked, _ended, good in self._looks[-9:]):
            assert time.monotonic() - begun < seconds, f"{self.target.host} did not answer for {seconds:g} s"
            time.sleep(LOOK)

    def stop(self) -> Outage:
        """The outage: from the last answer before the first look that failed to the first after the last that did."""
        self.answered()
        self._stopping.set()
        self._thread.join()
        failed = [number for number, (_asked, _ended, good) in enumerate(self._looks) if not good]
        if not failed:
            return Outage()
        return Outage(self._looks[failed[0] - 1][0], self._looks[failed[-1] + 1][1])

    def _run(self) -> None:
        while not self._stopping.is_set():
            asked = time.monotonic()
            good = self._answers()
            self._looks.append((asked, time.monotonic(), good))
            time.sleep(LOOK)

    def _answers(self) -> bool:
        connection = http.client.HTTPConnection(self.target.address, self.target.port, timeout=PATIENCE)
        try:
            connection.request("GET", self.target.path, headers={"Host": self.target.host})
            return connection.getresponse().status == self.status
        except (OSError, http.client.HTTPException):
            return False
        finally:
            connection.close()
