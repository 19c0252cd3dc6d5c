# Copyright: (c) 2026, tidegate.platform contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The catalog of runners as a host gets it: what is shipped or given, and on top what was changed of it."""

from __future__ import annotations

import typing as t

Row = t.Mapping[str, t.Any]


def with_overrides(base: Row, runners: Row, presets: Row, disabled: t.Collection[str]) -> dict[str, list[Row]]:
    """The catalog with what is said of single runners and presets; a runner is enabled unless it says otherwise.

    :param disabled: names of runners that are not offered.
    """

    def effective(row: Row) -> Row:
        own = {"enabled": False} if row["name"] in disabled else {}
        return {"enabled": True, **row, **runners.get(row["name"], {}), **own}

    return {
        "runners": [effective(row) for row in base.get("runners", ())],
        "presets": [{**row, **presets.get(row["name"], {})} for row in base.get("presets", ())],
    }


class FilterModule:
    """The filters of this file."""

    def filters(self) -> dict[str, t.Callable[..., t.Any]]:
        """By name."""
        return {"with_overrides": with_overrides}
