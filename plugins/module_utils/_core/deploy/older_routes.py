# Copyright: (c) 2026, tidegate.platform contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Priorities for route files of an earlier version, before the first one of this version comes beside them.

Without a priority they would all come after it, whatever they say.
"""

from __future__ import annotations

from ..host import locks
from ..values.errors import LockHeld
from ..values.identity import Subject
from .run import Run


def order_older_routes(run: Run) -> None:
    """Give the routes of all other workloads their priorities; Traefik reads them with what is placed next."""
    files = run.on.traefik.files
    for key in files.outdated():
        workload, _dot, environment = key.rpartition(".")
        if key == run.key:
            continue
        try:
            with locks.held(run.on.state_dir, Subject(workload, environment), 0, run.on.clock):
                files.order(key)
        except LockHeld:
            continue  # its own run places it
