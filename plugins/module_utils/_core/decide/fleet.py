# Copyright: (c) 2026, tidegate.platform contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A fleet's deployment that waits on a host: which run of a playbook it belongs to, and until when.

The run over the fleet marks what it stages with its name and a moment. Until then nobody else ends it: not a
deployment, not a rollback, not the timer. After that it is like any other interrupted one: what users get already
stays, what they do not get yet is taken back.
"""

from __future__ import annotations

import typing as t
from datetime import datetime, timezone

from ..values.errors import LockHeld
from ..values.release import Attempt

UNNAMED = "unnamed"
"""What the phases of a run are marked with that says no name of its own."""


class Fleet(t.NamedTuple):
    """The run over many hosts that a phase belongs to, and for how long it keeps what is not finished."""

    name: str = ""
    seconds: float = 0.0


NO_FLEET = Fleet()
_LAST = 253402300799.0  # 9999-12-31T23:59:59Z: earlier versions took any `hold`
LONGEST = 366 * 86400.0
"""The most seconds that a run may keep what it has not finished; a day beyond the calendar could not be told."""


def waits(attempt: Attempt | None, now: float) -> bool:
    """True for a deployment that its fleet is to end; a cancellation ends it all the same."""
    return attempt is not None and bool(attempt.fleet) and attempt.held_until > now and not attempt.withdrawn


def refuse(attempt: Attempt | None, fleet: Fleet, now: float, key: str) -> None:
    """Leave another fleet's deployment alone.

    :raises LockHeld: says whose it is, until when, and who may end it.
    """
    if attempt is None or not waits(attempt, now) or attempt.fleet == fleet.name:
        return
    cause = f"deployment {attempt.id} is a {whose_until(attempt)}"
    raise LockHeld(cause, subject=key, remedy=f"Let that run end; if it is gone, {remedy(key)}")


def whose_until(attempt: Attempt) -> str:
    """Whose it is, and until when."""
    return f"part of the fleet's run {attempt.fleet!r}, which keeps it until {until(attempt)}"


def until(attempt: Attempt) -> str:
    """That moment, in UTC by ISO 8601; what is beyond the calendar, as its end."""
    return datetime.fromtimestamp(min(attempt.held_until, _LAST), timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")


def remedy(key: str) -> str:
    """How a person ends what a run that is gone has left.

    :param key: the workload and its environment.
    """
    workload, _dot, environment = key.rpartition(".")
    where = "" if environment == "production" else f" -e tidegate_environment={environment}"
    return f"run the playbook cancel with -e workload={workload}{where} -e outcome=finish or revert."
