# Copyright: (c) 2026, tidegate.platform contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What acting needs: the parts of the host, the declaration, and what has been said so far.

Private to tidegate.platform.
"""

from __future__ import annotations

import signal
import typing as t
from contextlib import contextmanager
from dataclasses import dataclass, field

from ._clock import Clock
from ._declared import Workload
from ._drain import Drained
from ._engine import Engine
from ._errors import Canceled
from ._model import Actual
from ._names import key_of
from ._secrets import Redactor, Secrets
from ._store import Store
from ._traefik import Traefik


class Interrupts:
    """Turns SIGTERM, SIGINT and SIGHUP into `Canceled`, but only where stopping is safe.

    A signal during a wait ends the wait; one during a write is kept until the step is over.
    """

    SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)

    def __init__(self) -> None:
        self._pending = ""
        self._waiting = False

    def install(self) -> None:
        """Take over the signals of this process."""
        for number in self.SIGNALS:
            signal.signal(number, self._arrive)

    def ignore(self) -> None:
        """From here on nothing stops this run any more: it is taking back what it did."""
        self._pending = ""
        for number in self.SIGNALS:
            signal.signal(number, signal.SIG_IGN)

    def _arrive(self, number: int, _frame: t.Any) -> None:
        self._pending = signal.Signals(number).name
        if self._waiting:
            self.check()

    def check(self) -> None:
        """Stop here if a signal came.

        :raises Canceled: names the signal.
        """
        if self._pending:
            raise Canceled(f"stopped by {self._pending}", remedy="Run again; nothing that served was taken away.")

    @contextmanager
    def waiting(self) -> t.Iterator[None]:
        """A block that may be left at any point."""
        self.check()
        self._waiting = True
        try:
            yield
        finally:
            self._waiting = False


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


@dataclass
class World:
    """One run of one workload: the host, the declaration and the results so far."""

    on: Platform
    want: Workload
    have: Actual
    deployment: str
    recorded: bool = False
    interrupts: Interrupts = field(default_factory=Interrupts)
    steps: list[dict[str, t.Any]] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    drained: Drained = field(default_factory=lambda: Drained(0, 0))

    @property
    def key(self) -> str:
        """The workload's name in files, locks and Traefik."""
        return key_of(*self.subject)

    @property
    def subject(self) -> tuple[str, str]:
        """Workload and environment."""
        return (self.want.name, self.want.environment)

    @property
    def redact(self) -> Redactor:
        """Takes this workload's secrets out of a text."""
        values = [secret.value for secret in self.want.secrets]
        return Redactor([*values, self.want.registry.password] if self.want.registry else values)
