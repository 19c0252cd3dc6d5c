# Copyright: (c) 2026, tidegate.platform contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One call of a module, or of the host's own timer: parameters in, the platform at hand, a document out."""

from __future__ import annotations

import json
import typing as t
from dataclasses import dataclass, field

from ..deploy.run import Platform
from ..deploy.store import Store
from ..engine.engine import Engine
from ..host.clock import Clock, Interrupts
from ..host.places import Places
from ..host.secrets import Secrets
from ..options import checks
from ..options.masks import secret_values
from ..options.parse import Context
from ..proxy.traefik import Traefik
from ..values.errors import StoreFailure
from ..values.grammar import ENVIRONMENT, WORKLOAD, place
from ..values.identity import Subject
from ..values.redaction import Redactor
from .progress import Progress

Params = t.Mapping[str, t.Any]
Result = t.Dict[str, t.Any]


@dataclass
class Call:
    """What is asked, and of which host. The platform is opened when it is first needed."""

    params: Params
    check: bool = False
    diff: bool = False
    interrupts: Interrupts = field(default_factory=Interrupts)
    warnings: list[str] = field(default_factory=list)
    clock: Clock = field(default_factory=Clock)
    _on: Platform | None = None
    _store: Store | None = None

    def __post_init__(self) -> None:
        # One platform, however its directory is written: by it everything that is the platform's own is known.
        self.params = {**self.params, "state_dir": place(self.params["state_dir"])}
        self.secrets = Secrets(self.params["state_dir"])
        self._progress = Progress(self.params.get("progress_file"))

    @property
    def on(self) -> Platform:
        """The parts of this host, by the connection options.

        :raises EngineFailure: the engine does not answer.
        """
        if self._on is None:
            self._on = Platform(
                engine=Engine(self.params["docker_host"], self.params["state_dir"]),
                store=self.store,
                traefik=self.traefik,
                secrets=self.secrets,
                clock=self.clock,
                state_dir=self.params["state_dir"],
                lock_timeout=self.params["lock_timeout"],
                disk_reserve=checks.size("disk_reserve", self.params["disk_reserve"]),
            )
        return self._on

    @property
    def subject(self) -> Subject:
        """The workload that the options `name` and `environment` name.

        :raises InvalidOption: one of them is no name.
        """
        name, environment = self.params["name"], self.params["environment"]
        return Subject(WORKLOAD.check("name", name), ENVIRONMENT.check("environment", environment))

    @property
    def engine_requests(self) -> int:
        """Requests that the engine was sent."""
        return self._on.engine.requests if self._on else 0

    @property
    def context(self) -> Context:
        """What parsing needs to know of this host."""
        return Context(self.secrets.version, self.params["state_dir"], self._catalog)

    def _catalog(self) -> Result:
        """Language images and presets, as the role `runner` placed them; empty where it did not."""
        path = Places(self.params["state_dir"]).runners
        try:
            with open(path, encoding="utf-8") as stream:
                found = json.load(stream)
        except FileNotFoundError:
            return {}
        except (OSError, ValueError) as error:
            raise StoreFailure(f"cannot be read: {error}", subject=path, remedy="Run the role runner.") from error
        return t.cast("Result", found)

    @property
    def store(self) -> Store:
        """The record, which can be read while the engine is away."""
        if self._store is None:
            self._store = Store(self.params["state_dir"])
        return self._store

    @property
    def traefik(self) -> Traefik:
        """The proxy."""
        params = self.params
        return Traefik(params["routes_dir"], params["traefik_api"], params["traefik_timeout"], self.clock)

    def wanted(self, subject: Subject) -> bool:
        """True for a workload that `names` and `environment` choose."""
        names = [name.strip() for name in self.params["names"] if name.strip()]
        environment = self.params["environment"]
        return (not names or subject.workload in names) and environment in (None, "", subject.environment)

    def end_progress(self) -> None:
        """Remove the progress file that this call made, and say so where it could not make one."""
        self._progress.end()
        if self._progress.refused:
            self.warnings.append(self._progress.refused)

    def tell(self, key: str, what: str) -> None:
        """Append a line to the progress file, if there is one; a line that cannot be written stops nothing."""
        self._progress.tell(key, what)


def redactor(declarations: t.Iterable[Params]) -> Redactor:
    """Takes the secrets of declarations, as they came in, out of a text."""
    return Redactor(value for params in declarations for value in secret_values(params))
