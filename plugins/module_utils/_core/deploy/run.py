# Copyright: (c) 2026, tidegate.platform contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What acting needs: the parts of the host, the declaration, and what has been said so far."""

from __future__ import annotations

import os
import typing as t
from dataclasses import dataclass, field, replace

from ..decide.fleet import NO_FLEET, Fleet
from ..engine.engine import Engine
from ..host.clock import Clock, Interrupts, Watch
from ..host.connections import DrainResult
from ..host.places import Places
from ..host.secrets import Secrets
from ..proxy.traefik import Traefik
from ..values.actual import Actual
from ..values.errors import Canceled
from ..values.identity import Subject, deployment_id, key_of, time_of
from ..values.redaction import Redactor
from ..values.workload import Workload
from .store import Store

Tell = t.Callable[[str, str], None]
"""Called with a workload's key and what it does now, so that a long run can be watched."""


@dataclass(frozen=True)
class Platform:
    """The parts of one host."""

    engine: Engine
    store: Store
    traefik: Traefik
    secrets: Secrets
    clock: Clock
    state_dir: str
    lock_timeout: float
    disk_reserve: int = 0

    def paced(self, pending: set[str]) -> Platform:
        """The same host, for a batch whose route changes are made together.

        :param pending: keys of the workloads whose routes may yet be changed; each leaves when that is over.
        """
        return replace(self, traefik=self.traefik.paced(pending))

    def another(self) -> Platform:
        """The same host, for a thread of its own."""
        return replace(self, engine=self.engine.another(), store=Store(self.state_dir))


def silent(_key: str, _what: str) -> None:
    """Nobody watches."""


@dataclass
class Deployment:
    """The deployment that a run is about just now: its own, or an interrupted one that it recovers first.

    :param recorded: its row is on record, and what is done is added to its journal.
    :param committed: users are on its release; what fails from now on is only left to be tidied.
    :param undoing: it is taken back, which nothing interrupts.
    :param failure: why it is taken back; empty while it is not.
    :param leaves: the release that it goes back from, and why.
    """

    id: str
    recorded: bool = False
    committed: bool = False
    undoing: bool = False
    failure: str = ""
    leaves: tuple[str, str] = ("", "")


@dataclass
class Run:
    """One run of one workload: the host, the declaration and the results so far."""

    on: Platform
    want: Workload
    have: Actual
    deployment: Deployment
    fleet: Fleet = NO_FLEET
    interrupts: Interrupts = field(default_factory=Interrupts)
    teller: Tell = silent
    steps: list[dict[str, t.Any]] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    drained: DrainResult = field(default_factory=lambda: DrainResult(0, 0))
    hidden: set[str] = field(default_factory=set, repr=False)

    @property
    def key(self) -> str:
        """The workload's name in files, locks and Traefik."""
        return key_of(*self.subject)

    @property
    def subject(self) -> Subject:
        """Workload and environment."""
        return self.want.subject

    @property
    def watch(self) -> Clock:
        """The clock of everything that may be stopped while it waits."""
        return Watch(self.on.clock, self.check)

    def check(self) -> None:
        """Stop here if a signal came or somebody asked for a cancellation; never while taking back.

        :raises Canceled: says which.
        """
        if self.deployment.undoing:
            return
        self.interrupts.check()
        mine = self.deployment
        if mine.recorded and not mine.committed and self.on.store.canceling(mine.id):
            raise Canceled("canceled on request", remedy="Deploy again when it is wanted after all.")

    def tell(self, key: str, what: str) -> None:
        """Say what is done now, without this workload's secrets: builds and Compose say what they like."""
        self.teller(key, self.redact(what))

    @property
    def redact(self) -> Redactor:
        """Takes this workload's secrets out of a text, also those of releases that it is brought back to."""
        # What is pruned later in a run was said something of before.
        stack = Places(self.on.state_dir).stack(self.key)
        if os.path.isdir(stack):
            from ..sources.kept_definitions import secrets_of  # loaded only for projects

            self.hidden |= secrets_of(stack)
        values = list(self.hidden)
        values += [secret.value for secret in self.want.secrets]
        values += [self.want.registry.password] if self.want.registry else []
        if self.want.recipe is not None:
            access = self.want.recipe.source.access
            values += [access.token, access.deploy_key, *(value for _name, value in self.want.recipe.secrets)]
        return Redactor(values)


def new_run(want: Workload, on: Platform, interrupts: Interrupts, tell: Tell = silent) -> Run:
    """A run that has not looked yet; its deployment's id says when it was asked for."""
    deployment = new_deployment(on, on.store.newest(want.subject))
    return Run(on=on, want=want, have=Actual(), deployment=deployment, interrupts=interrupts, teller=tell)


def new_deployment(on: Platform, newest: str) -> Deployment:
    """One that begins now.

    :param newest: the id on record that its own is never earlier than, even if the host's clock went back.
    """
    moment = max(int(on.clock.now() * 1000), time_of(newest) + 1)
    return Deployment(deployment_id(moment, os.urandom(10)))
