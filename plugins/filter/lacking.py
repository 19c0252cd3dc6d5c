# Copyright: (c) 2026, tidegate.platform contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which Python packages the controller lacks."""

from __future__ import annotations

import importlib
import typing as t


def lacking(packages: t.Sequence[str]) -> list[str]:
    """Those of the packages that this interpreter cannot import."""
    return [name for name in packages if not _there(name)]


def _there(name: str) -> bool:
    try:
        importlib.import_module(name)
    except ImportError:
        return False
    return True


class FilterModule:
    """The filters of this file."""

    def filters(self) -> dict[str, t.Callable[..., t.Any]]:
        """By name."""
        return {"lacking": lacking}
