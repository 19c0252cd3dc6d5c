# Copyright: (c) 2026, tidegate.platform contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which packages that a role installed are nobody else's by now."""

from __future__ import annotations

import re
import typing as t

Row = t.Mapping[str, t.Any]


def used_since(looks: t.Iterable[Row]) -> list[str]:
    """The packages by whose programs the host has rules of its own.

    :param looks: results of a loop over rows with `package` and `used`, the pattern of a line that says so.
    """
    rows = [row for row in looks if any(re.search(row["item"]["used"], line) for line in row.get("stdout_lines", ()))]
    return list(dict.fromkeys(row["item"]["package"] for row in rows))


def removable(simulated: t.Iterable[Row], packages: t.Collection[str], used: t.Collection[str]) -> list[str]:
    """Those of the packages with which nothing goes but what is to go, and nothing that is used.

    :param simulated: what apt says it would remove, as results of a loop over the packages.
    """
    found = []
    for row in simulated:
        gone = {line.split(" ")[1] for line in row["stdout_lines"] if line.startswith("Remv ")}
        if row["item"] not in used and gone <= set(packages) - set(used):
            found.append(row["item"])
    return found


class FilterModule:
    """The filters of this file."""

    def filters(self) -> dict[str, t.Callable[..., t.Any]]:
        """By name."""
        return {"used_since": used_since, "removable": removable}
