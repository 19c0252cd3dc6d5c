# Copyright: (c) 2026, tidegate.platform contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What Traefik's API says of the routes that it read from files. Traefik v3."""

from __future__ import annotations

import http.client
import json
import re
import typing as t
from urllib.parse import quote, urlsplit

from ..values.errors import ProxyFailure, setting
from ..values.identity import Document
from .questions import HEADER, Door, Question, named

TIMEOUT = 5.0
# A server that Traefik cannot dial has failed by then (`dialTimeout`); one that has not answered yet was reached.
ANSWER_TIME = 6.0
_OWN_FAILURES = {502: b"Bad Gateway", 504: b"Gateway Timeout"}
_SERVICE_REQUESTS = re.compile(r"^traefik_service_requests_total\{([^}]*)\} (\S+)$", re.MULTILINE)

Look = t.Callable[[str, str], t.Optional[Document]]
"""What Traefik has: `services` or `routers`, and the name in a route file; None where there is none."""


class Answer(t.NamedTuple):
    """The answer to a question: whether it was `asked` at all, and whether the server was `reached`; in words."""

    asked: bool
    reached: bool
    said: str


class AnswerCount(t.NamedTuple):
    """Answers of a service, and how many of them had a status of 500 or above."""

    total: int
    errors: int


class Api:
    """Traefik's API.

    :param url: base URL, on loopback.
    :param timeout: seconds that one answer may take.
    """

    def __init__(self, url: str, timeout: float) -> None:
        self.url, self.timeout = url.rstrip("/"), min(timeout, TIMEOUT)
        self._door: Door | None = None

    def version(self) -> Document | None:
        """What it is; None where there is no API at this address.

        :raises ProxyFailure: no answer; so do all others.
        """
        return self._get("/api/version")

    def look(self, kind: str, name: str) -> Document | None:
        """One router or service of a route file."""
        return self._get(f"/api/http/{kind}/{quote(name)}@file")

    def middleware(self, name: str) -> Document | None:
        """A middleware of any provider; without a provider in its name, one of a route file."""
        return self._get(f"/api/http/middlewares/{quote(name if '@' in name else f'{name}@file')}")

    def middlewares(self, routers: t.Iterable[str]) -> list[str]:
        """The middlewares that requests to these routers of a route file pass, those of entry points, too."""
        found = [self.look("routers", name) or {} for name in routers]
        return [name for router in found for name in router.get("middlewares", ())]

    def everything(self) -> Document:
        """All routers and services, by their qualified names."""
        return self._get("/api/rawdata") or {}

    def snapshot(self) -> Look:
        """All of it as it is now, to look at without asking again."""
        data = self.everything()
        return lambda kind, name: data.get(kind, {}).get(f"{name}@file")

    def table(self) -> dict[str, Document]:
        """Every router of the file provider as Traefik has it, with its service's servers."""
        data = self.everything()
        found: dict[str, Document] = {}
        for name, router in data.get("routers", {}).items():
            if name.startswith("_"):
                continue  # a question of a switch
            own = named(router.get("service", ""))
            service = data.get("services", {}).get(f"{own}@file", {})
            servers = [s["url"] for s in service.get("loadBalancer", {}).get("servers", [])]
            found[name.rpartition("@")[0]] = {**router, "service": own, "servers": servers}
        return found

    def door(self) -> Door | None:
        """How this API is reached; None where Traefik does not say."""
        if self._door is None:
            service = self._get("/api/http/services/api@internal") or {}
            for name in service.get("usedBy", ()):
                router = self._get(f"/api/http/routers/{quote(name)}") or {}
                if router.get("entryPoints"):
                    self._door = Door(tuple(router["entryPoints"]), tuple(router.get("middlewares", ())))
        return self._door

    def ask(self, question: Question) -> Answer:
        """Ask one server through Traefik."""
        url = urlsplit(self.url)
        connection = http.client.HTTPConnection(url.hostname or "", url.port or 80, timeout=ANSWER_TIME)
        headers = {HEADER: question.word, **({"Host": question.ask.host} if question.ask.host else {})}
        try:
            connection.request("GET", question.ask.path, headers=headers)
            answer = connection.getresponse()
            if answer.getheader(HEADER) != question.word:
                return Answer(False, False, f"status {answer.status} of somebody else")
            own = _OWN_FAILURES.get(answer.status)
            reached = own is None or answer.read(len(own) + 1) != own
        except TimeoutError:
            return Answer(True, True, f"no answer within {ANSWER_TIME:g} s")
        except (OSError, http.client.HTTPException) as error:
            return Answer(False, False, str(error) or type(error).__name__)
        finally:
            connection.close()
        return Answer(True, reached, f"status {answer.status}")

    def answered(self, key: str) -> AnswerCount:
        """How many requests to a workload's service were answered since Traefik began, by its own metrics.

        :raises ProxyFailure: there are no metrics.
        """
        text = self._fetch("/metrics")
        if text is None:
            remedy = "Set traefik_metrics to true in the traefik role, or leave bake.error_ratio out."
            raise ProxyFailure("has no metrics", subject=f"Traefik's API at {self.url}", remedy=remedy)
        total = errors = 0
        for labels, value in _SERVICE_REQUESTS.findall(text):
            if f'service="{key}@file"' in labels:
                total += int(float(value))
                errors += int(float(value)) if 'code="5' in labels else 0
        return AnswerCount(total, errors)

    def _get(self, path: str) -> Document | None:
        """An API object, or None where there is none."""
        text = self._fetch(path)
        try:
            found = {} if text is None else json.loads(text)
        except ValueError:
            found = None
        if not isinstance(found, dict):
            raise self._useless(f"answers something else than Traefik to {path}")
        return None if text is None else found

    def _fetch(self, path: str) -> str | None:
        url = urlsplit(self.url)
        connection = http.client.HTTPConnection(url.hostname or "", url.port or 80, timeout=self.timeout)
        try:
            connection.request("GET", url.path + path)
            answer = connection.getresponse()
            body = answer.read()
        except (OSError, http.client.HTTPException) as error:
            raise self._useless(f"gives no answer ({error})") from error
        finally:
            connection.close()
        if answer.status == http.HTTPStatus.NOT_FOUND:
            return None
        if answer.status != http.HTTPStatus.OK:
            raise self._useless(f"answers {answer.status} to {path}")
        return body.decode("utf-8", "replace")

    def _useless(self, cause: str) -> ProxyFailure:
        remedy = f"Start Traefik (role traefik), or set {setting('traefik_api')}."
        return ProxyFailure(cause, subject=f"Traefik's API at {self.url}", remedy=remedy)


def gone(routers: t.Iterable[str], look: Look) -> str:
    """Which of a document's routers Traefik still has; an empty text when none."""
    return next((f"router {name} is still there" for name in routers if look("routers", name)), "")


def differs(part: Document, look: Look) -> str:
    """What of a route file Traefik has otherwise; an empty text when nothing.

    Its stamp is among the services: where Traefik has that, it has read all of this very file.
    """
    return _service_differs(part, look) or _router_differs(part, look)


def _service_differs(part: Document, look: Look) -> str:
    for name, service in part.get("services", {}).items():
        found = look("services", name)
        want = sorted(s["url"] for s in service.get("loadBalancer", {}).get("servers", []))
        have = sorted(s["url"] for s in (found or {}).get("loadBalancer", {}).get("servers", []))
        if found is None or want != have:
            return f"service {name} has {have if found else 'no entry'}, not {want}"
    return ""


def _router_differs(part: Document, look: Look) -> str:
    for name, router in part.get("routers", {}).items():
        found = look("routers", name)
        if found is None:
            return f"router {name} is missing"
        if found.get("status") != "enabled":
            return f"router {name} is {found.get('status')}: {'; '.join(found.get('error', []))}"
        want = [m if "@" in m else f"{m}@file" for m in router.get("middlewares", [])]
        if found["rule"] != router["rule"] or found.get("middlewares", []) != want:
            return f"router {name} still has the rule {found['rule']}"
        if sorted(found["entryPoints"]) != sorted(router["entryPoints"]):
            return f"router {name} listens on {found['entryPoints']}"
    return ""
