"""Pages of logs, from a server that a test plays."""

from __future__ import annotations

import http.server
import json
import socket
import threading
import typing as t
from urllib.parse import parse_qs, urlsplit

import pytest
from ansible_collections.tidegate.platform.plugins.module_utils._core.stories import loki
from ansible_collections.tidegate.platform.plugins.module_utils._core.stories.loki import (
    Line,
    Loki,
    lines_of,
    pages,
    selector,
)
from ansible_collections.tidegate.platform.plugins.module_utils._core.values.errors import LogFailure


def test_queries_cannot_be_broken_out_of() -> None:
    """A name or text with quotes and backslashes stays one string of LogQL."""
    query = selector({"workload": "shop", "level": ""}, {"release": 'a"b'}, "\\ `x` \n{}")
    assert query == '{workload="shop"} | release="a\\"b" |= "\\\\ `x` \\n{}"'


def line(moment: int, text: str) -> Line:
    return Line(moment, text, "stdout", "a", "r", "", "")


@pytest.mark.parametrize("page", [3, 5, 7, 100])
def test_pages_give_every_line_once_and_in_order(page: int) -> None:
    """DP-25: complete beyond one answer, also where a page ends amid lines of one moment."""
    have = [line(moment, f"{moment}-{number}") for moment in range(0, 60, 3) for number in range(1 + moment % 2)]
    questions = 0

    def ask(_query: str, since: int, until: int, limit: int) -> list[Line]:
        nonlocal questions
        questions += 1
        return [row for row in have if since <= row.time < until][:limit]

    assert list(pages(ask, "{}", 0, 100, page)) == have
    assert questions <= len(have)
    assert list(pages(ask, "{}", 9, 12, page)) == [row for row in have if row.time == 9]


def test_more_lines_of_one_moment_than_a_page_takes_are_said_and_not_lost() -> None:
    have = [line(5, str(number)) for number in range(10)]
    with pytest.raises(LogFailure, match="same moment"):
        list(pages(lambda _query, _since, _until, limit: have[:limit], "{}", 0, 10, 4))


def test_streams_of_an_answer_become_one_order() -> None:
    def stream(container: str, *values: tuple[str, str]) -> dict[str, t.Any]:
        return {"stream": {"container": container, "stream": "stdout"}, "values": [list(value) for value in values]}

    first = stream("b", ("1", "one\n"), ("3", "three"), ("3", "three and a half"))
    document = {"data": {"result": [first, stream("a", ("2", "two"))]}}
    assert [row.text for row in lines_of(document)] == ["one", "two", "three", "three and a half"]


class Answering(http.server.BaseHTTPRequestHandler):
    """Answers as Loki's documentation says, from 12,345 lines; refuses more than 5,000 at once, as Loki does."""

    def do_GET(self) -> None:
        asked = {name: values[0] for name, values in parse_qs(urlsplit(self.path).query).items()}
        begin, end, limit = (int(asked[name]) for name in ("start", "end", "limit"))
        if limit > loki.PAGE or asked["direction"] != "forward":
            self.answer(400, b"max entries limit per query exceeded")
            return
        values = [[str(n), f"line {n}"] for n in range(max(begin, 0), min(end, 12_345))][:limit]
        row = {"stream": {"container": "c", "stream": "stdout", "release": "r"}, "values": values}
        self.answer(200, json.dumps({"status": "success", "data": {"resultType": "streams", "result": [row]}}).encode())

    def answer(self, status: int, body: bytes) -> None:
        self.send_response(status)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_arguments: t.Any) -> None:
        """Not into the tests' output."""


@pytest.fixture
def answering() -> t.Iterator[str]:
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Answering) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def test_twelve_thousand_lines_by_http(answering: str) -> None:
    """DP-25: complete and in order beyond the 5,000 lines of one answer."""
    found = [row.text for row in pages(Loki(answering), "{}", 0, 20_000)]
    assert found == [f"line {n}" for n in range(12_345)]


def test_a_refusal_and_silence_of_loki_are_said(answering: str) -> None:
    with pytest.raises(LogFailure, match="answered 400: max entries"):
        Loki(answering)("{}", 0, 10, 5001)
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    with pytest.raises(LogFailure, match="does not answer"):
        Loki(f"http://127.0.0.1:{port}")("{}", 0, 10, 10)
