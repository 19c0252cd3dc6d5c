# Copyright: (c) 2026, tidegate.platform contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How a run ended, for one workload."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass, field

from ..values.errors import TidegateError
from ..values.release import Release
from ..values.workload import Workload
from .run import Run


class WorkloadOutcome(t.NamedTuple):
    """How one workload of a batch ended: with an outcome or with an error."""

    want: Workload
    outcome: Outcome | None
    error: TidegateError | None
    run: Run | None


@dataclass
class Outcome:
    """What a run did, or in check mode would do."""

    changed: bool
    reason: str
    steps: list[dict[str, t.Any]]
    before: dict[str, t.Any]
    after: dict[str, t.Any]
    live: Release | None = None
    previous: Release | None = None
    deployment: dict[str, t.Any] | None = None
    cut: dict[str, int] = field(default_factory=lambda: {"outlived": 0, "cut": 0})
