"""What the tests themselves see: the client that counts losses."""

from __future__ import annotations

import asyncio
import socket
import threading
import time
import typing as t

import pytest
from harness import load

ANSWER = b'HTTP/1.1 200 OK\r\nContent-Length: 16\r\n\r\n{"version": "1"}'


@pytest.fixture
def server() -> t.Iterator[t.Callable[[float], int]]:
    """Servers that answer every connection once, after some seconds; gives their ports."""
    listening: list[socket.socket] = []

    def serve(open_socket: socket.socket, seconds: float) -> None:
        def answer(connection: socket.socket) -> None:
            with connection:
                connection.recv(4096)
                time.sleep(seconds)
                connection.sendall(ANSWER)

        try:
            while True:
                threading.Thread(target=answer, args=(open_socket.accept()[0],), daemon=True).start()
        except OSError:
            return

    def begin(seconds: float) -> int:
        listening.append(socket.create_server(("127.0.0.1", 0), backlog=64))
        threading.Thread(target=serve, args=(listening[-1], seconds), daemon=True).start()
        return int(listening[-1].getsockname()[1])

    yield begin
    for open_socket in listening:
        open_socket.shutdown(socket.SHUT_RDWR)
        open_socket.close()


def count_of(port: int) -> load.Count:
    """What a client counts in a moment at one of these servers."""
    client = load.Client(load.Target("x.test", port=port), "new", 20).start()
    while client.count.requests < 1:
        time.sleep(0.01)
    return client.stop()


def test_an_answer_that_comes_late_is_lost(server: t.Callable[[float], int], monkeypatch: pytest.MonkeyPatch) -> None:
    """T3: two seconds outside an announced gap; here a fifth of them, so that the test is short."""
    monkeypatch.setattr(load, "LATE", 0.4)
    # Far beyond it: what the client itself stood still is taken off.
    late, soon = count_of(server(1.2)), count_of(server(0.0))
    assert (late.lost, soon.lost) == (late.requests, 0)
    assert "late" in late.losses[0]


def test_a_request_without_an_answer_is_looked_at_while_it_waits(
    server: t.Callable[[float], int], monkeypatch: pytest.MonkeyPatch
) -> None:
    """T3: what holds a request is gone once the client has given up; one that is answered is not looked at."""
    monkeypatch.setattr(load, "DEADLINE", 0.4)
    monkeypatch.setattr(load, "SILENT", 0.1)
    client = load.Client(load.Target("x.test", port=server(1.2)), "new", 2, lambda: "it waits").start()
    while client.count.requests < 1:
        time.sleep(0.01)
    silent = client.stop()
    assert all("from port" in loss and "seen meanwhile:\nit waits" in loss for loss in silent.losses)
    assert silent.lost == silent.requests
    client = load.Client(
        load.Target("x.test", port=server(0.0)), "new", 20, lambda: pytest.fail("nothing waits")
    ).start()
    while client.count.requests < 3:
        time.sleep(0.01)
    assert client.stop().losses == []


def test_a_standstill_of_the_client_is_not_the_servers(
    server: t.Callable[[float], int], monkeypatch: pytest.MonkeyPatch
) -> None:
    """T3, T6: a machine that gives the client no processor says nothing about what is tested."""
    monkeypatch.setattr(load, "LATE", 0.4)
    client = load.Client(load.Target("x.test", port=server(0.1)), "new", 20)
    one, stand_still = client.new, [0.6]

    async def once(_self: load.Client) -> str:
        asked = asyncio.ensure_future(one())
        await asyncio.sleep(0.05)
        time.sleep(stand_still.pop() if stand_still else 0)  # noqa: ASYNC251 (the standstill is the matter)
        return await asked

    monkeypatch.setitem(load.KINDS, "new", once)
    client.start()
    while client.count.requests < 1:
        time.sleep(0.01)
    count = client.stop()
    assert count.slowest > 0.5
    assert count.losses == []


def test_the_offer_follows_what_the_machine_can_do(server: t.Callable[[float], int]) -> None:
    """T6: a server that needs a tenth of a second answers ten times a second for each of those who ask."""
    client = load.Client(load.Target("x.test", port=server(0.1)), "new")
    found = client.capacity(seconds=0.5, workers=2)
    assert 0 < found <= 21, "a slow machine does less, and is offered less; none does more"
    assert client.count.requests == 0


def test_late_answers_are_the_machines_where_one_whom_nobody_changes_waits_too() -> None:
    """T6: what came late beside a bystander's own wait is not counted; what was refused, or late alone, is."""
    bystander = load.Count(waits=[(10.0, 13.0)])
    count = load.Count(
        losses=[
            f"1 s: {load.LATE_ANSWER} after 2.5 s",
            f"20 s: {load.LATE_ANSWER} after 2.5 s",
            "2 s: status 502 after 1.5 s",
        ],
        spans=[(10.5, 13.0), (20.0, 22.5), (11.0, 12.5)],
    )
    assert count.beside(bystander) == count.losses[1:]
