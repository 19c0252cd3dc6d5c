# Copyright: (c) 2026, tidegate.platform contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a route file has besides routes: a stamp, and questions that only the servers behind it can answer. Pure.

Traefik v3. The stamp is a digest of all the file says; a Traefik that has it has read
exactly this file. A question is a router for one server, without the middlewares that may answer in its place, on the
entry point that the API answers on and behind what guards the API. It is there for the moment of its answer. And where
Traefik watches the health of several servers, there is a way round it, so that it never takes the last one away.
"""

from __future__ import annotations

import typing as t

from ..values.identity import Document, digest

HEADER = "X-Tidegate-Asked"
_OWN = "_"  # no workload's name begins with it
STAMP, _ANY = f"{_OWN}stamp-", f"{_OWN}any-"
# Above the API's own, so that it may be asked for any path.
_PRIORITY = 2_000_000_001


class Ask(t.NamedTuple):
    """What a service's servers are asked for."""

    path: str = "/"
    host: str = ""


class Door(t.NamedTuple):
    """How the API is reached, by names of Traefik's."""

    entry_points: tuple[str, ...]
    middlewares: tuple[str, ...]


class Question(t.NamedTuple):
    """One server, what it is asked for, and the word that its router is known by."""

    url: str
    ask: Ask
    word: str


def as_written(key: str, doc: Document) -> dict[str, t.Any]:
    """The document with its stamp, which is the same with and without questions: a service that nobody is sent to."""
    server = {"url": f"http://{digest(plain(doc))}"}
    return _with(_with_last_resort(doc), {"services": {f"{STAMP}{key}": {"loadBalancer": {"servers": [server]}}}})


def _with_last_resort(doc: Document) -> Document:
    """The document with a way round its health checks: where all servers are sick, all of them get requests again."""
    part, extra = doc["http"], {}
    for key, service in part.get("services", {}).items():
        balancer = service["loadBalancer"]
        if "healthCheck" in balancer:
            every = {name: entry for name, entry in balancer.items() if name != "healthCheck"}
            extra[f"{_OWN}all-{key}"] = {"loadBalancer": every}
            extra[_ANY + key] = {"failover": {"service": key, "fallback": f"{_OWN}all-{key}"}}
    if not extra:
        return doc
    routers = {
        name: {**router, "service": _ANY + router["service"]} if _ANY + router["service"] in extra else router
        for name, router in part["routers"].items()
    }
    return _with(doc, {"routers": routers, "services": extra})


def is_stamped(doc: Document) -> bool:
    """False for a document of an earlier version."""
    return any(name.startswith(STAMP) for name in doc["http"].get("services", {}))


Extra = t.Dict[str, t.Dict[str, t.Any]]
"""What questions add to a document, by kind."""


def asking(doc: Document, asks: t.Mapping[str, Ask], door: Door, token: str) -> tuple[Extra, list[Question]]:
    """A question to every server that a document has for these services: what it takes, and the questions."""
    kinds = ("routers", "services", "middlewares", "serversTransports")
    extra: Extra = {kind: {} for kind in kinds}
    questions: list[Question] = []
    for service, ask in asks.items():
        balancer = doc["http"].get("services", {}).get(service, {}).get("loadBalancer", {})
        for server in balancer.get("servers", ()):
            name, word = f"{_OWN}ask-{len(questions)}-{service}", f"{token}-{len(questions)}"
            questions.append(Question(server["url"], ask, word))
            extra["routers"][name] = {
                "rule": f"Header(`{HEADER}`, `{word}`)",
                "priority": _PRIORITY,
                "service": name,
                "entryPoints": list(door.entry_points),
                "middlewares": [*door.middlewares, name],
            }
            extra["services"][name] = {"loadBalancer": {"servers": [server], "serversTransport": name}}
            # A connection of its own: one that is open already says nothing of the next.
            own = doc["http"]["serversTransports"][service]
            extra["serversTransports"][name] = {**own, "maxIdleConnsPerHost": -1}
            said = {"customResponseHeaders": {HEADER: word}, "customRequestHeaders": {HEADER: ""}}
            extra["middlewares"][name] = {"headers": said}
    return extra, questions


def with_questions(doc: Document, extra: Extra) -> Document:
    """A document with questions beside its routes, be they to servers that it does not route to."""
    return _with(doc, extra)


def only(doc: Document) -> dict[str, t.Any]:
    """The stamp and the questions of a document that is written, without its routes."""
    return {
        "http": {
            kind: {name: entry for name, entry in entries.items() if name.startswith(_OWN)}
            for kind, entries in doc["http"].items()
        }
    }


def named(service: str) -> str:
    """The service that a router means."""
    return service.removeprefix(_ANY)


def _with(doc: Document, extra: t.Mapping[str, Document]) -> dict[str, t.Any]:
    part = doc["http"]
    return {"http": {**part, **{kind: {**part.get(kind, {}), **entries} for kind, entries in extra.items()}}}


def plain(doc: Document) -> dict[str, t.Any]:
    """The document without what this file added."""
    kinds = {
        kind: {name: entry for name, entry in entries.items() if not name.startswith(_OWN)}
        for kind, entries in doc["http"].items()
    }
    for name, router in kinds.get("routers", {}).items():
        kinds["routers"][name] = {**router, "service": named(router["service"])}
    return {"http": {kind: entries for kind, entries in kinds.items() if entries}}
