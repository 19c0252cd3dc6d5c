# Copyright: (c) 2026, tidegate.platform contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The story of `workload_logs`: what a workload wrote, from Loki or from the containers that are still there."""

from __future__ import annotations

import calendar
import heapq
import itertools
import re
import time
import typing as t

from ..host.clock import Watch, attempts
from ..options import checks
from ..values.actual import Container
from ..values.errors import InvalidOption, LogFailure
from ..values.identity import Subject
from ..values.release import Standing
from .call import Call, Result
from .loki import PORT, Line, Loki, pages, selector

SECOND = 10**9
UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800}
LOKI = Subject("loki", "platform")
_AGO = re.compile(r"(\d+)([smhdw])")
_MOMENT = re.compile(r"(\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d)(?:\.(\d{1,9}))?Z?")
# How often the newest lines are asked for; and when a line is in Loki at the latest: the collector looks for files
# every two seconds, waits one for a line's continuation, and sends twice a second.
FOLLOW_SECONDS = 1.0
LAG_SECONDS = 4.0

Read = t.Callable[[int, int], t.Iterator[Line]]
"""Lines from a time on and before another one, oldest first."""


def logs(call: Call) -> Result:
    """What was written between two moments; with `follow` also what is written in so many seconds from now."""
    subject, params = call.subject, call.params
    checks.positive("limit", params["limit"], strict=False)
    checks.positive("follow", params["follow"], strict=False)
    now = call.clock.now()
    since, until = moment("since", params["since"], now), moment("until", params["until"], now)
    if since >= until:
        raise InvalidOption("since", params["since"], "is not before until", "Name an earlier moment.")
    source, read = _source(call, subject)
    lag = LAG_SECONDS if source == "loki" else 0.0
    if params["follow"]:
        until = max(since, until - round(lag * SECOND))
    found, more = _limited(read(since, until), params["limit"])
    try:
        found += _followed(call, read, until, lag) if params["follow"] else []
    finally:
        call.end_progress()
    return {
        "changed": False,
        "source": source,
        "lines": [_document(line) for line in found],
        "text": [line.text for line in found],
        "complete": not more,
        "next": stamp(found[-1].time) if more else None,
    }


def moment(option: str, text: str, now: float) -> int:
    """A moment in nanoseconds of Unix time: `now`, so long ago (`90s`, `15m`, `2h`, `7d`), or ISO 8601 in UTC. Pure.

    :raises InvalidOption: it is none of these.
    """
    ago, iso = _AGO.fullmatch(text), _MOMENT.fullmatch(text)
    if text == "now":
        return round(now * SECOND)
    if ago:
        return round(now * SECOND) - int(ago[1]) * UNITS[ago[2]] * SECOND
    if iso:
        try:
            seconds = calendar.timegm(time.strptime(iso[1].replace(" ", "T"), "%Y-%m-%dT%H:%M:%S"))
            return seconds * SECOND + int((iso[2] or "0").ljust(9, "0"))
        except ValueError:
            pass
    raise InvalidOption(option, text, "is no moment", "Say 15m, 2h, 7d, now, or 2026-01-31T12:00:00Z.")


def stamp(nanoseconds: int) -> str:
    """ISO 8601 in UTC, to the nanosecond."""
    seconds, rest = divmod(nanoseconds, SECOND)
    return f"{time.strftime('%Y-%m-%dT%H:%M:%S', time.gmtime(seconds))}.{rest:09d}Z"


def _document(line: Line) -> Result:
    return {**line._asdict(), "time": stamp(line.time)}


def _limited(lines: t.Iterator[Line], limit: int) -> tuple[list[Line], bool]:
    """The first lines, and whether there are more; 0 is all."""
    found = list(itertools.islice(lines, limit or None))
    return found, bool(limit) and next(lines, None) is not None


def _followed(call: Call, read: Read, since: int, lag: float) -> list[Line]:
    """What is written from now on, range after range without a gap; every line is told at once."""
    found: list[Line] = []
    watch = Watch(call.clock, call.interrupts.check)
    for _left in attempts(watch, call.params["follow"] + lag, FOLLOW_SECONDS, FOLLOW_SECONDS):
        until = round((call.clock.now() - lag) * SECOND)
        for line in read(since, until) if until > since else ():
            found.append(line)
            call.tell(call.params["name"], line.text)
        since = max(since, until)
    return found


def _source(call: Call, subject: Subject) -> tuple[str, Read]:
    """Where lines are read: the Loki that is named, that of the platform, or what the engine itself still has."""
    params = call.params
    url = params["url"] or _platform_loki(call)
    if not url:
        return "engine", lambda since, until: from_engine(call, subject, since, until)
    labels = {"workload": subject.workload, "environment": subject.environment, "level": params["level"] or ""}
    metadata = {"release": _release(call, subject) or "", "service": params["service"] or ""}
    query = selector(labels, metadata, params["contains"] or "")
    loki = Loki(url, params["tenant"] or "")
    return "loki", lambda since, until: pages(loki, query, since, until)


def _platform_loki(call: Call) -> str:
    """The address of the Loki that the role runs; it has no port on the host."""
    live = call.store.known(LOKI).get(LOKI, Standing()).live
    running = live.containers[:1] if live and live.state == "running" else ()
    facts = call.on.engine.containers.inspect(running[0]) if running else None
    return f"http://{facts.address}:{PORT}" if facts and facts.address else ""


def _release(call: Call, subject: Subject) -> str | None:
    """The id that was asked for; `live` is the live release's."""
    release = call.params["release"]
    if release != "live":
        return t.cast("str | None", release)
    live = call.store.known(subject).get(subject, Standing()).live
    if live is None:
        raise InvalidOption("release", release, f"is nothing: {subject.workload} has no live release", "Name its id.")
    return live.id


def from_engine(call: Call, subject: Subject, since: int, until: int) -> t.Iterator[Line]:
    """What the containers of a workload wrote that the engine still has, in one order.

    :raises LogFailure: the containers that were asked for are gone, and what they wrote with them.
    """
    params, release = call.params, _release(call, subject)
    if params["level"]:
        raise InvalidOption("level", params["level"], "is known to Loki only", "Leave it out, or run the role loki.")
    have = call.on.engine.containers.by_subject(subject).get(subject, ())
    chosen = [c for c in have if release in (None, "", c.deployment) and params["service"] in (None, "", c.service)]
    if not chosen:
        there = ", ".join(sorted({c.deployment for c in have})) or "none"
        cause = f"no container of release {release or 'any'} is there any more; there are those of {there}"
        raise LogFailure(cause, subject=subject.workload, remedy="The roles loki and alloy keep logs longer than that.")
    written = (_written(call, container, since, until) for container in chosen)
    for line in heapq.merge(*written, key=lambda line: line.time):
        if (params["contains"] or "") in line.text:
            yield line


def _written(call: Call, container: Container, since: int, until: int) -> t.Iterator[Line]:
    for stamped, stream in call.on.engine.containers.logs(container.name, since / SECOND, until / SECOND):
        at, _blank, text = stamped.partition(" ")
        when = moment("time", at, 0)
        if since <= when < until:
            yield Line(when, text, stream, container.name, container.deployment, container.service, "")
