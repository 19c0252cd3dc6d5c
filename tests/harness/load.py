"""An open-loop HTTP client: requests arrive at a fixed rate whether or not earlier ones were answered.

A closed-loop client stops asking while it hangs, and so under-counts what is lost. A request that is not answered
completely and correctly is lost, and so is one that is answered late: users of a page that takes seconds have left.
What is offered follows the machine: `capacity` says first what it can do.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import math
import os
import struct
import threading
import time
import typing as t
from collections import Counter
from contextvars import ContextVar
from dataclasses import dataclass, field

DEADLINE = 60.0
HELD = 503
# Seconds after which an answer counts as lost (T3), beyond what the request takes by itself (`LENGTHS`).
LATE = 2.0
LATE_ANSWER = "but late"
LENGTHS = {"download": 1.0, "upload": 0.5, "websocket": 1.0, "slow": 1.0}
# How far the request of this task came, for the one that is asked why it was lost: its last word counts.
STATIONS: ContextVar[list[str]] = ContextVar("STATIONS")
# Seconds without an answer after which somebody may look at what holds it, while that is still there to be seen.
SILENT = 5.0
# How often the client looks whether it stands still itself, and how late that look may be before it counts as so.
BEAT, STALL = 0.05, 0.1


@dataclass
class Target:
    """Where requests go: the proxy's address and the host name that is asked for."""

    host: str
    address: str = "127.0.0.1"
    port: int = 80
    path: str = "/"


@dataclass
class Count:
    """What was counted; `moments` are (seconds since the begin, what answered) for the picture, `spans` when losses were
    asked and ended, `waits` the same for every request that took more than half of what is late, on the monotonic clock.
    """

    requests: int = 0
    lost: int = 0
    held: int = 0
    slowest: float = 0.0
    answers: Counter[str] = field(default_factory=Counter)
    losses: list[str] = field(default_factory=list)
    moments: list[tuple[float, str]] = field(default_factory=list)
    spans: list[tuple[float, float]] = field(default_factory=list)
    waits: list[tuple[float, float]] = field(default_factory=list)

    def add(self, moment: float, seconds: float, answer: str, lost: str) -> None:
        """Count one request, which has just ended."""
        self.requests += 1
        self.slowest = max(self.slowest, seconds)
        now = time.monotonic()
        if seconds > LATE / 2:
            self.waits.append((now - seconds, now))
        if lost:
            self.lost += 1
            self.losses.append(f"{moment:.2f} s: {lost} after {seconds:.2f} s")
            self.spans.append((now - seconds, now))
        elif answer == "held":
            self.held += 1
        else:
            self.answers[answer] += 1
        self.moments.append((moment, "lost" if lost else answer))

    def take(self, kind: str, other: Count) -> None:
        """Add what another client counted."""
        self.requests += other.requests
        self.lost += other.lost
        self.held += other.held
        self.slowest = max(self.slowest, other.slowest)
        self.answers += other.answers
        self.losses += [f"{kind}, {loss}" for loss in other.losses]
        self.moments += other.moments
        self.spans += other.spans
        self.waits += other.waits

    def beside(self, bystander: Count) -> list[str]:
        """Losses but for answers that came late while the bystander waited for its own, whom nobody changes.

        Such a wait is the machine's, or all its users': this is for tests that put more on it than it can carry.
        """
        return [
            loss
            for loss, (asked, ended) in zip(self.losses, self.spans)
            if LATE_ANSWER not in loss or not any(since < ended and asked < until for since, until in bystander.waits)
        ]


class Lost(Exception):
    """A request that was not answered as it should be."""


class Client:
    """Runs a load in a thread of its own until `stop`.

    :param kind: `keepalive`, `new`, `slow`, `download`, `upload` or `websocket`.
    :param rate: arrivals a second.
    :param witness: says what is to be seen of a request that has no answer for long; told where that one is lost.
    """

    def __init__(
        self, target: Target, kind: str = "keepalive", rate: float = 100.0, witness: t.Callable[[], str] | None = None
    ) -> None:
        self.target, self.kind, self.rate, self.witness = target, kind, rate, witness
        self.count = Count()
        self._idle: list[tuple[asyncio.StreamReader, asyncio.StreamWriter]] = []
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._run()), daemon=True)
        self._begin = 0.0
        self._stalled, self._seen = 0.0, math.inf

    def start(self) -> Client:
        """Begin."""
        self._begin = time.monotonic()
        self._thread.start()
        return self

    def end(self) -> None:
        """Send no more."""
        self._stopping.set()

    def stop(self) -> Count:
        """Send no more, wait for what is under way, and give the count."""
        self.end()
        self._thread.join(DEADLINE + 5)
        return self.count

    def capacity(self, seconds: float = 2.0, workers: int = 16) -> float:
        """Requests a second that are answered when some workers ask without a pause: what this machine can do now."""

        async def ask(end: float) -> None:
            while time.monotonic() < end:
                await self._one()

        async def run() -> None:
            await asyncio.gather(*(ask(time.monotonic() + seconds) for _worker in range(workers)))

        self._begin = begun = time.monotonic()
        asyncio.run(run())
        answered, self.count, self._idle = self.count.requests - self.count.lost, Count(), []
        return answered / (time.monotonic() - begun)

    async def _run(self) -> None:
        beat = asyncio.ensure_future(self._watch_itself())
        try:
            await self._offer()
        finally:
            beat.cancel()

    async def _watch_itself(self) -> None:
        """Add up for how long this client did not get the processor: that is the machine's, not the server's delay."""
        self._seen = time.monotonic()
        while True:
            await asyncio.sleep(BEAT)
            now = time.monotonic()
            self._stalled, self._seen = self._stood_still(now), now

    def _stood_still(self, now: float) -> float:
        """For how long in all; a request may be judged before the look that is late has its turn."""
        late = now - self._seen - BEAT
        return self._stalled + (late if late > STALL else 0.0)

    async def _offer(self) -> None:
        under_way: set[asyncio.Task[None]] = set()
        number = 0
        while not self._stopping.is_set():
            number += 1
            task = asyncio.ensure_future(self._one())
            under_way.add(task)
            task.add_done_callback(under_way.discard)
            await asyncio.sleep(max(0.0, self._begin + number / self.rate - time.monotonic()))
        if under_way:
            await asyncio.wait(under_way, timeout=DEADLINE)

    async def _one(self) -> None:
        begun = time.monotonic()
        stalled = self._stood_still(begun)
        answer, lost = "", ""
        STATIONS.set(stations := ["over a kept connection"])
        seen = asyncio.ensure_future(self._see(self.witness)) if self.witness else None
        try:
            answer = await asyncio.wait_for(KINDS[self.kind](self), DEADLINE)
        except (OSError, Lost, asyncio.IncompleteReadError, asyncio.TimeoutError, ValueError) as error:
            lost = f"{type(error).__name__} {error} {stations[-1]}"
        if seen is not None:
            lost += f"; seen meanwhile:\n{seen.result()}\n" if lost and seen.done() else ""
            seen.cancel()
        now = time.monotonic()
        took = now - begun
        if not lost and took - (self._stood_still(now) - stalled) > LATE + LENGTHS.get(self.kind, 0.0):
            lost = f"answered by {answer}, {LATE_ANSWER}"
        self.count.add(begun - self._begin, took, answer, lost)

    @staticmethod
    async def _see(witness: t.Callable[[], str]) -> str:
        await asyncio.sleep(SILENT)
        return await asyncio.to_thread(witness)

    async def _open(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        STATIONS.get().append("while it connected")
        reader, writer = await asyncio.open_connection(self.target.address, self.target.port)
        STATIONS.get().append(f"over a connection from port {writer.get_extra_info('sockname')[1]}")
        return reader, writer

    def _head(self, line: str, *headers: str) -> bytes:
        return ("\r\n".join((f"{line} HTTP/1.1", f"Host: {self.target.host}", *headers)) + "\r\n\r\n").encode()

    async def keepalive(self) -> str:
        """A small GET over one of a few kept connections; one that the server has closed is not used again."""
        self._idle = [kept for kept in self._idle if not kept[0].at_eof()]
        reader, writer = self._idle.pop() if self._idle else await self._open()
        answer = ""
        try:
            answer = await self._exchange(reader, writer, self._head(f"GET {self.target.path}"))
        finally:
            if answer:
                self._idle.append((reader, writer))
            else:
                writer.close()
        return answer

    async def new(self) -> str:
        """A small GET over a connection of its own."""
        reader, writer = await self._open()
        try:
            return await self._exchange(reader, writer, self._head(f"GET {self.target.path}", "Connection: close"))
        finally:
            writer.close()

    async def slow(self) -> str:
        """A small answer that the application takes a second for, over a connection of its own."""
        reader, writer = await self._open()
        try:
            return await self._exchange(reader, writer, self._head("GET /slow?seconds=1", "Connection: close"))
        finally:
            writer.close()

    async def download(self) -> str:
        """A body that drips for a second and has to arrive whole."""
        reader, writer = await self._open()
        try:
            return await self._exchange(reader, writer, self._head("GET /download?kb=200&seconds=1"))
        finally:
            writer.close()

    async def upload(self) -> str:
        """A body that is sent over half a second and has to be acknowledged byte for byte."""
        reader, writer = await self._open()
        body = os.urandom(100_000)
        try:
            writer.write(self._head("POST /upload", f"Content-Length: {len(body)}"))
            for at in range(0, len(body), 10_000):
                writer.write(body[at : at + 10_000])
                await writer.drain()
                await asyncio.sleep(0.05)
            status, headers, answer = await _read(reader)
        finally:
            writer.close()
        if status == HELD and "retry-after" in headers:
            return "held"
        if hashlib.sha256(body).hexdigest().encode() not in answer:
            raise Lost(f"status {status}: {answer[:80]!r}")
        return _version(headers, answer)

    async def websocket(self) -> str:
        """A WebSocket that echoes five messages over a second, all from one version."""
        reader, writer = await self._open()
        try:
            key = base64.b64encode(os.urandom(16)).decode()
            upgrade = ("Upgrade: websocket", "Connection: Upgrade", "Sec-WebSocket-Version: 13")
            writer.write(self._head("GET /ws", *upgrade, f"Sec-WebSocket-Key: {key}"))
            head = await reader.readuntil(b"\r\n\r\n")
            status = int(head.split(b" ", 2)[1])
            if status == HELD and b"retry-after" in head.lower():
                return "held"
            if status != 101:
                raise Lost(f"status {status} instead of 101")
            versions = {await self._echo(reader, writer, number) for number in range(5)}
            writer.write(b"\x88\x80\x00\x00\x00\x00")
        finally:
            writer.close()
        return versions.pop()

    async def _echo(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, number: int) -> str:
        text = f"message {number}".encode()
        writer.write(struct.pack("BB", 0x81, 0x80 | len(text)) + b"\x00" * 4 + text)
        _first, length = await reader.readexactly(2)
        version, _colon, back = (await reader.readexactly(length)).partition(b":")
        if back != text:
            raise Lost(f"echo of {text!r} is {back!r}")
        await asyncio.sleep(0.2)
        return version.decode()

    async def _exchange(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, request: bytes) -> str:
        writer.write(request)
        status, headers, body = await _read(reader)
        if status == HELD and "retry-after" in headers:
            return "held"
        if status != 200:
            raise Lost(f"status {status}")
        return _version(headers, body)


async def _read(reader: asyncio.StreamReader) -> tuple[int, dict[str, str], bytes]:
    """Status, headers and whole body of one answer."""
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
    headers = {k.lower(): v.strip() for k, _sep, v in (line.partition(":") for line in head[1:] if line)}
    body = await reader.readexactly(int(headers.get("content-length", "0")))
    return int(head[0].split(" ")[1]), headers, body


def _version(headers: dict[str, str], body: bytes) -> str:
    if "x-version" in headers:
        return headers["x-version"]
    before, _mark, after = body.decode().partition('"version": "')
    return after.partition('"')[0] if not before.strip("{") else "?"


KINDS = {kind: getattr(Client, kind) for kind in ("keepalive", "new", "slow", "download", "upload", "websocket")}
