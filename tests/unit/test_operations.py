"""What operators ask: the judgements of the doctor, moments and pages of logs, what is kept of a command's output."""

from __future__ import annotations

import http.server
import json
import socket
import threading
import typing as t
from urllib.parse import parse_qs, urlsplit

import pytest
from ansible_collections.tidegate.platform.plugins.module_utils._core.host.clock import Clock
from ansible_collections.tidegate.platform.plugins.module_utils._core.host.machine import (
    Space,
    connect_problem,
    listeners,
    memory,
    own_addresses,
    resolved,
    space,
)
from ansible_collections.tidegate.platform.plugins.module_utils._core.stories import findings, logs, loki
from ansible_collections.tidegate.platform.plugins.module_utils._core.stories.execute import Limited
from ansible_collections.tidegate.platform.plugins.module_utils._core.stories.loki import (
    Line,
    Loki,
    lines_of,
    pages,
    selector,
)
from ansible_collections.tidegate.platform.plugins.module_utils._core.values.errors import InvalidOption, LogFailure

GIB = 2**30
INFO = {
    "ServerVersion": "26.1.5+dfsg1",
    "Driver": "overlay2",
    "LiveRestoreEnabled": True,
    "LoggingDriver": "json-file",
    "MemoryLimit": True,
}


# -- doctor ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("finding", "state"),
    [
        (findings.of_kernel("6.1.0-28-amd64", "x86_64"), "ok"),
        (findings.of_kernel("4.18.0-553.el8", "aarch64"), "ok"),
        (findings.of_kernel("3.10.0-1160.el7", "x86_64"), "failure"),
        (findings.of_distribution("Debian GNU/Linux 12 (bookworm)", True), "ok"),
        (findings.of_distribution("AlmaLinux 9.4 (Seafoam Ocelot)", False), "warning"),
        (findings.of_entry(8, [], True), "ok"),
        (findings.of_entry(8, [], False), "warning"),
        (findings.of_entry(8, ["[::1]:80"], True), "failure"),
        (findings.of_memory({"MemTotal": 4 * GIB, "MemAvailable": GIB}), "ok"),
        (findings.of_memory({"MemTotal": GIB // 2, "MemAvailable": GIB // 4}), "warning"),
        (findings.of_memory({"MemTotal": 4 * GIB, "MemAvailable": 100 * 2**20}), "failure"),
        (findings.of_clock(True, 1000.0, 1003.0), "ok"),
        (findings.of_clock(None, None, 1003.0), "ok"),
        (findings.of_clock(False, 1000.0, 1003.0), "warning"),
        (findings.of_clock(True, 1000.0, 1020.0), "warning"),
        (findings.of_clock(True, 1000.0, 400.0), "failure"),
        (findings.of_space(Space("/", 2 * GIB, 0.5), GIB), "ok"),
        (findings.of_space(Space("/", 2 * GIB, None), GIB), "ok"),
        (findings.of_space(Space("/", 2 * GIB, 0.01), GIB), "warning"),
        (findings.of_space(Space("/", GIB // 2, 0.5), GIB), "failure"),
        (findings.of_port(80, None, ours=False), "ok"),
        (findings.of_port(80, "docker-proxy (7)", ours=True), "ok"),
        (findings.of_port(80, None, ours=True), "failure"),
        (findings.of_port(80, "nginx (7)", ours=False), "failure"),
        (findings.of_name("a.test", ["10.0.0.1"], ["10.0.0.1"], certain=False), "ok"),
        (findings.of_name("a.test", ["192.0.2.1"], ["10.0.0.1"], certain=False), "warning"),
        # D11: any of several addresses is enough.
        (findings.of_name("a.test", ["192.0.2.1", "10.0.0.1"], ["10.0.0.1"], certain=False), "ok"),
        (findings.of_name("a.test", ["192.0.2.1", "10.0.0.1"], ["10.0.0.1", "10.0.0.2"], certain=True), "ok"),
        (findings.of_name("a.test", ["192.0.2.1"], ["192.0.2.2"], certain=True), "failure"),
        (findings.of_name("a.test", "Name or service not known", [], certain=True), "failure"),
        (findings.of_reach("a.test:443", ""), "ok"),
        (findings.of_reach("a.test:443", "timed out"), "failure"),
    ],
)
def test_what_is_not_well_comes_with_a_remedy_and_what_is_without(finding: findings.Finding, state: str) -> None:
    assert finding.state == state
    assert bool(finding.remedy) == (state != "ok")
    assert finding.found


@pytest.mark.parametrize(
    ("change", "check", "state"),
    [
        ({}, "engine", "ok"),
        ({"ServerVersion": "19.3.8"}, "engine", "failure"),
        ({"ServerVersion": "20.10.24+dfsg1"}, "engine", "warning"),
        ({"ServerVersion": "20.10.27"}, "engine", "ok"),
        ({"ServerVersion": "28.1.1"}, "engine", "ok"),
        ({"LiveRestoreEnabled": False}, "live restore", "warning"),
        ({"LoggingDriver": "journald"}, "log driver", "warning"),
        ({"MemoryLimit": False}, "memory limits", "warning"),
    ],
)
def test_engines_are_judged_by_what_they_say(change: dict[str, t.Any], check: str, state: str) -> None:
    found = {finding.check: finding for finding in findings.of_engine({**INFO, **change})}
    assert found[check].state == state
    assert all(finding.state == "ok" for name, finding in found.items() if name != check)


def test_what_is_no_name_and_no_port_is_said() -> None:
    """U11 (review): both were mistakes of the platform's."""
    assert resolved("shop..example.com") == "is no name that can be resolved"
    assert resolved(f"{'x' * 64}.test") == "is no name that can be resolved"
    for target in ("registry.example.org", ":443", "registry.test:", "registry.test:https"):
        assert connect_problem(target) == "says no port; write HOST:PORT"


def test_the_host_is_read_for_real() -> None:
    """Memory, room, who listens, names and servers: of this machine."""
    facts = memory()
    assert 0 < facts["MemAvailable"] <= facts["MemTotal"]
    assert space("/no/such/folder").path == "/"
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        assert "python" in listeners([port])[port] or "pytest" in listeners([port])[port]
        assert connect_problem(f"127.0.0.1:{port}") == ""
    assert listeners([port]) == {}
    assert "refused" in connect_problem(f"127.0.0.1:{port}")
    assert connect_problem("no-port") != ""
    assert resolved("127.0.0.1") == ["127.0.0.1"]
    assert isinstance(resolved("no-such-name.invalid"), str)
    assert "127.0.0.1" not in own_addresses(Clock())


# -- logs ------------------------------------------------------------------------------------------------------------

NOW = 1_700_000_000.0


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("now", NOW), ("90s", NOW - 90), ("15m", NOW - 900), ("2h", NOW - 7200), ("1w", NOW - 604800)],
)
def test_moments_from_now(text: str, seconds: float) -> None:
    assert logs.moment("since", text, NOW) == seconds * 10**9


def test_moments_in_iso_8601_to_the_nanosecond_and_back() -> None:
    text = "2026-01-31T12:00:00.000000123Z"
    assert logs.stamp(logs.moment("since", text, NOW)) == text
    assert logs.moment("since", "2026-01-31 12:00:00", NOW) == logs.moment("since", "2026-01-31T12:00:00Z", NOW)


@pytest.mark.parametrize("text", ["", "yesterday", "15 m", "-1h", "2026-02-31T00:00:00Z", "2026-01-31", "1y"])
def test_what_is_no_moment_is_refused(text: str) -> None:
    with pytest.raises(InvalidOption, match="since="):
        logs.moment("since", text, NOW)


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


def test_of_a_long_output_the_begin_is_kept_and_the_rest_counted() -> None:
    written = Limited(5)
    assert [written.write(b"abc"), written.write(b"def"), written.write(b"g")] == [3, 3, 1]
    assert (written.text, written.lost) == ("abcde", 2)
