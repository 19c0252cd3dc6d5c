# Copyright: (c) 2026, tidegate.platform contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A state directory in its one spelling, as the modules know it by."""

from __future__ import annotations

import typing as t

from ansible_collections.tidegate.platform.plugins.module_utils._core.values.grammar import place


class FilterModule:
    """The filters of this file."""

    def filters(self) -> dict[str, t.Callable[..., t.Any]]:
        """By name."""
        return {"place": place}
