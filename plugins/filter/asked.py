# Copyright: (c) 2026, tidegate.platform contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a playbook was asked for: an empty variable, as CI and surveys give it, is one that was not given."""

from __future__ import annotations

import typing as t


def given(value: t.Any, otherwise: t.Any = "") -> t.Any:
    """The value, or `otherwise` for none and for text that is blank.

    :param otherwise: what counts where nothing was given.
    """
    return otherwise if value is None or (isinstance(value, str) and not value.strip()) else value


def listed(value: t.Any) -> list[str]:
    """The names in a text with commas between, or in a list; without blank ones."""
    rows = value.split(",") if isinstance(value, str) else value if isinstance(value, (list, tuple)) else [value]
    return [str(row).strip() for row in rows if given(row) != ""]


class FilterModule:
    """The filters of this file."""

    def filters(self) -> dict[str, t.Callable[..., t.Any]]:
        """By name."""
        return {"given": given, "listed": listed}
