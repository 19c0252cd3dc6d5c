# Copyright: (c) 2026, tidegate.platform contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The only file that talks to Loki: a query over a range of time, complete and in order.

Loki's HTTP API, `GET /loki/api/v1/query_range`; its answer never has more than `limit` lines.
"""

from __future__ import annotations

import http.client
import json
import typing as t
from urllib.parse import urlencode, urlsplit

from ..values.errors import LogFailure

PORT = 3100
# What Loki gives at most for one question, unless it was told otherwise (limits_config.max_entries_limit_per_query).
PAGE = 5000
TIMEOUT = 60.0

Labels = t.Mapping[str, str]


class Line(t.NamedTuple):
    """A line that a container wrote, and when, in nanoseconds of Unix time."""

    time: int
    text: str
    stream: str
    container: str
    release: str
    service: str
    level: str


Ask = t.Callable[[str, int, int, int], t.List[Line]]
"""Lines of a query from a time on and before another one, oldest first, no more than so many."""


def selector(labels: Labels, metadata: Labels, contains: str) -> str:
    """A LogQL query: labels find the streams, metadata and text choose among their lines. Pure."""
    streams = ",".join(f"{name}={_quoted(value)}" for name, value in labels.items() if value)
    chosen = "".join(f" | {name}={_quoted(value)}" for name, value in metadata.items() if value)
    return f"{{{streams}}}{chosen}{f' |= {_quoted(contains)}' if contains else ''}"


def _quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)


def pages(ask: Ask, query: str, since: int, until: int, page: int = PAGE) -> t.Iterator[Line]:
    """Every line of a range once and in order, however many there are.

    A page may end amid lines of the same moment; the next one begins with that moment, and what was seen is left out.

    :raises LogFailure: more lines have one moment than a page takes, so that no question could reach those behind.
    """
    seen: set[Line] = set()
    while since < until:
        found = ask(query, since, until, page)
        yield from (line for line in found if line not in seen)
        if len(found) < page:
            return
        last = found[-1].time
        if last == since:
            cause = f"{page} lines have the same moment, {last} ns"
            raise LogFailure(cause, remedy="Raise limits_config.max_entries_limit_per_query of Loki, and page with it.")
        seen = {line for line in found if line.time == last}
        since = last


class Loki:
    """A Loki by its address.

    :param url: base URL, such as `http://10.0.0.5:3100`.
    :param tenant: who asks, where Loki keeps tenants apart.
    """

    def __init__(self, url: str, tenant: str = "") -> None:
        self.url = url.rstrip("/")
        self._headers = {"X-Scope-OrgID": tenant} if tenant else {}

    def __call__(self, query: str, since: int, until: int, limit: int) -> list[Line]:
        """One page.

        :raises LogFailure: Loki does not answer, or refuses.
        """
        asked = {"query": query, "start": since, "end": until, "limit": limit, "direction": "forward"}
        document = self._get(f"/loki/api/v1/query_range?{urlencode(asked)}")
        return lines_of(document)

    def _get(self, path: str) -> dict[str, t.Any]:
        parts = urlsplit(self.url)
        secure = parts.scheme == "https"
        connect = http.client.HTTPSConnection if secure else http.client.HTTPConnection
        connection = connect(parts.hostname or "", parts.port or (443 if secure else PORT), timeout=TIMEOUT)
        remedy = "See that Loki runs (workload_info), or set url."
        try:
            connection.request("GET", parts.path + path, headers=self._headers)
            answer = connection.getresponse()
            body = answer.read()
        except (OSError, http.client.HTTPException) as error:
            raise LogFailure(f"does not answer: {error}", subject=self.url, remedy=remedy) from error
        finally:
            connection.close()
        if answer.status != http.client.OK:
            said = body[:500].decode("utf-8", "replace").strip()
            raise LogFailure(f"answered {answer.status}: {said}", subject=self.url, remedy=remedy)
        try:
            return t.cast("dict[str, t.Any]", json.loads(body))
        except ValueError as error:
            raise LogFailure("answered with something that is not JSON", subject=self.url, remedy=remedy) from error


def lines_of(document: t.Mapping[str, t.Any]) -> list[Line]:
    """The lines of all streams of an answer in one order. Pure.

    Lines of one stream keep their order even where they have one moment; the order among streams is theirs by name.
    """
    found = []
    for stream in document["data"]["result"]:
        labels = stream["stream"]
        for number, (moment, text, *_more) in enumerate(stream["values"]):
            found.append((int(moment), labels.get("container", ""), labels.get("stream", ""), number, text, labels))
    found.sort(key=lambda row: row[:4])
    return [
        Line(
            moment,
            text.rstrip("\n"),
            labels.get("stream", ""),
            labels.get("container", ""),
            labels.get("release", ""),
            labels.get("service", ""),
            labels.get("level", ""),
        )
        for moment, _container, _stream, _number, text, labels in found
    ]
