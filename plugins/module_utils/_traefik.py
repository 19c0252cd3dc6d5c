# Copyright: (c) 2026, tidegate.platform contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The only file that talks to Traefik: one route file a workload, and what Traefik's API says of it.

Private to tidegate.platform. Traefik v3.
"""

from __future__ import annotations

import http.client
import json
import os
import re
import typing as t
from urllib.parse import quote, urlsplit

from . import _files
from ._clock import Clock, attempts
from ._declared import Document
from ._errors import ProxyFailure
from ._model import UNREADABLE
from ._routing import problems

# Seconds that Traefik may be silent before a deployment begins; it may just be being replaced by its own role.
PATIENCE = 5.0
# Seconds between two moments at which the changes of a batch are placed: short beside a deployment. At the end of a
# batch, when no other change would be waited for, less is enough.
PACE, LAST_PACE = 0.5, 0.1
FIRST_LOOK, FIRST_LOOK_PACED = 0.005, 0.1
_SERVICE_REQUESTS = re.compile(r"^traefik_service_requests_total\{([^}]*)\} (\S+)$", re.MULTILINE)


Pace = t.Callable[[], float]


class Answered(t.NamedTuple):
    """Answers of a service, and how many of them had a status of 500 or above."""

    total: int
    errors: int


class Traefik:
    """The files that Traefik reads and the API that says what it made of them.

    :param routes_dir: the directory of the file provider; only the platform writes it.
    :param api: base URL of the API, on loopback.
    :param timeout: seconds that a change may take until Traefik serves it.
    :param pace: gives the seconds between two moments at which changes are placed; None is at once.
    """

    def __init__(self, routes_dir: str, api: str, timeout: float, clock: Clock, pace: Pace | None = None) -> None:
        self.routes_dir = routes_dir
        self.api = api.rstrip("/")
        self.timeout = timeout
        self.clock = clock
        self.pace = pace

    def paced(self, more: t.Callable[[], bool]) -> Traefik:
        """The same for one of many changes: those of about the same time are placed in one go.

        Traefik builds all its routes anew at every change, so that fifty at once cost little more than one. The beat is
        the host's own monotonic clock, which all threads and processes share.

        :param more: tells whether further changes will begin.
        """
        return Traefik(self.routes_dir, self.api, self.timeout, self.clock, lambda: PACE if more() else LAST_PACE)

    def path(self, key: str) -> str:
        """The route file of a workload."""
        return os.path.join(self.routes_dir, f"{key}.yml")

    def read(self, key: str) -> Document | None:
        """The routing document in place; one that is not ours reads as a document that equals nothing."""
        try:
            with open(self.path(key), encoding="utf-8") as stream:
                text = stream.read()
        except FileNotFoundError:
            return None
        except OSError as error:
            raise ProxyFailure(f"cannot be read: {error.strerror}", subject=self.path(key)) from error
        try:
            found = json.loads(text)
        except ValueError:
            return {UNREADABLE: text}
        return found if isinstance(found, dict) and not problems(found) else {UNREADABLE: text}

    def require(self) -> None:
        """Fail early when Traefik cannot confirm anything.

        :raises ProxyFailure: no directory, or no answer from the API.
        """
        if not os.path.isdir(self.routes_dir) or os.path.islink(self.routes_dir):
            raise ProxyFailure(
                "is not a directory", subject=self.routes_dir, remedy="Run the traefik role, or set routes_dir."
            )
        limit = min(self.timeout, PATIENCE)
        self._await("", lambda: "" if self._get("/api/version") else "there is no API", limit)

    def place(self, key: str, doc: Document) -> None:
        """Write the route file, then wait until Traefik serves exactly it.

        :raises ProxyFailure: invalid, not writable, or not confirmed in time.
        """
        wrong = problems(doc)
        if wrong:
            raise ProxyFailure(f"not written, because {'; '.join(wrong)}", subject=self.path(key))
        # JSON is YAML; a JSON text needs no library on the host and no quoting rules.
        text = json.dumps(doc, indent=1, sort_keys=True) + "\n"
        if self.pace:
            beat = self.pace()
            self.clock.sleep(beat - self.clock.monotonic() % beat)
        try:
            _files.place(self.path(key), text, 0o644, os.path.dirname(self.routes_dir.rstrip("/")))
        except OSError as error:
            raise self._unwritable(key, error) from error
        self._confirm(key, doc)

    def withdraw(self, key: str) -> None:
        """Remove the route file, then wait until Traefik has forgotten it."""
        routers = (self.read(key) or {}).get("http", {}).get("routers", {})
        try:
            _files.remove(self.path(key))
        except OSError as error:
            raise self._unwritable(key, error) from error
        if not self._answers():
            return  # nobody routes anything, and the file is gone
        gone = [f"/api/http/routers/{quote(name)}@file" for name in routers]
        self._await(key, lambda: next((f"{path} is still there" for path in gone if self._get(path)), ""))

    def table(self) -> dict[str, Document]:
        """Every router of the file provider as Traefik has it, with its service's servers.

        :raises ProxyFailure: no answer.
        """
        data = self._get("/api/rawdata") or {}
        found: dict[str, Document] = {}
        for name, router in data.get("routers", {}).items():
            service = data.get("services", {}).get(f"{router.get('service')}@file", {})
            servers = [s["url"] for s in service.get("loadBalancer", {}).get("servers", [])]
            found[name.rpartition("@")[0]] = {**router, "servers": servers}
        return found

    def answered(self, key: str) -> Answered:
        """How many requests to a workload's service were answered since Traefik began, by its own metrics.

        :raises ProxyFailure: there are no metrics.
        """
        text = self._fetch("/metrics")
        if text is None:
            remedy = "Set traefik_metrics to true in the traefik role, or leave bake.error_ratio out."
            raise ProxyFailure("has no metrics", subject=f"Traefik's API at {self.api}", remedy=remedy)
        total = errors = 0
        for labels, value in _SERVICE_REQUESTS.findall(text):
            if f'service="{key}@file"' in labels:
                total += int(float(value))
                errors += int(float(value)) if 'code="5' in labels else 0
        return Answered(total, errors)

    def _answers(self) -> bool:
        return not self._silence()

    def _silence(self) -> str:
        """Why the API is of no use now; an empty text when it answers."""
        try:
            self._get("/api/version")
        except ProxyFailure as error:
            return f"{error.subject} {error.cause}"
        return ""

    def _unwritable(self, key: str, error: OSError) -> ProxyFailure:
        remedy = "Make the directory writable for root and free space on its file system."
        return ProxyFailure(f"cannot be written: {error.strerror}", subject=self.path(key), remedy=remedy)

    def _confirm(self, key: str, doc: Document) -> None:
        part = doc["http"]
        self._await(key, lambda: self._service_differs(part) or self._router_differs(part))

    def _await(self, key: str, difference: t.Callable[[], str], seconds: float | None = None) -> None:
        """Ask until there is no difference; silence counts as one, because Traefik may be being replaced itself."""
        said, silence = "", None
        limit = self.timeout if seconds is None else seconds
        for _left in attempts(self.clock, limit, first=FIRST_LOOK_PACED if self.pace else FIRST_LOOK, most=0.1):
            try:
                said, silence = difference(), None
            except ProxyFailure as error:
                silence = error
            if not said and silence is None:
                return
        if silence is not None:
            raise silence
        raise ProxyFailure(
            f"Traefik did not take it within {limit:g} s: {said}",
            subject=self.path(key),
            remedy="See Traefik's log; names of entry points, resolvers and middlewares must exist there.",
        )

    def _service_differs(self, part: Document) -> str:
        for name, service in part.get("services", {}).items():
            found = self._get(f"/api/http/services/{quote(name)}@file")
            want = sorted(s["url"] for s in service["loadBalancer"]["servers"])
            have = sorted(s["url"] for s in (found or {}).get("loadBalancer", {}).get("servers", []))
            if found is None or want != have:
                return f"service {name} has {have if found else 'no entry'}, not {want}"
        return ""

    def _router_differs(self, part: Document) -> str:
        for name, router in part["routers"].items():
            found = self._get(f"/api/http/routers/{quote(name)}@file")
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

    def _get(self, path: str) -> Document | None:
        """An API object, or None where there is none.

        :raises ProxyFailure: no answer, or one that is not Traefik's.
        """
        text = self._fetch(path)
        try:
            found = {} if text is None else json.loads(text)
        except ValueError:
            found = None
        if not isinstance(found, dict):
            raise self._useless(f"answers something else than Traefik to {path}")
        return None if text is None else found

    def _fetch(self, path: str) -> str | None:
        url = urlsplit(self.api)
        connection = http.client.HTTPConnection(url.hostname or "", url.port or 80, timeout=min(self.timeout, 5.0))
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
        remedy = "Start Traefik (role traefik), or set traefik_api."
        return ProxyFailure(cause, subject=f"Traefik's API at {self.api}", remedy=remedy)
