# Copyright: (c) 2026, tidegate.platform contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Room on the engine's disk, before anything is fetched or built."""

from __future__ import annotations

from ..host import filesystem
from ..values.errors import EngineFailure, setting
from .run import Run


def refuse_full_disk(run: Run) -> None:
    """Refuse to fetch or build what may fill the engine's disk."""
    root, reserve = run.on.engine.root_dir(), run.on.disk_reserve
    free = filesystem.free_bytes(root)
    if free is not None and free < reserve:
        cause = f"has {free // 2**20} MiB free, less than disk_reserve ({reserve // 2**20} MiB)"
        raise EngineFailure(
            cause, subject=root, remedy=f"Free space (playbook prune), or lower {setting('disk_reserve')}."
        )
