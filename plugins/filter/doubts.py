# Copyright: (c) 2026, tidegate.platform contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which texts are not what was written, because YAML made numbers, dates or booleans of them."""

from __future__ import annotations

import typing as t

from ansible_collections.tidegate.platform.plugins.plugin_utils._meant import doubtful, unclear

Row = t.Mapping[str, t.Any]


def doubts(rows: t.Iterable[Row], keys: t.Sequence[str]) -> list[str]:
    """What is wrong with the values of these keys, which have to be texts; of each row that has a name with it."""
    found = []
    for row in rows:
        for key in keys:
            wrong = doubtful(key, row.get(key))
            whose = f"{row['name']}: " if key != "name" and row.get("name") else ""
            found += [f"{whose}{wrong}"] if wrong else []
    return found


def misshapen(values: Row, options: Row) -> list[str]:
    """What is wrong with values that are text where a list or a mapping is meant, or nothing where something is.

    :param options: the role's argument specification.
    """
    return [wrong for name, option in options.items() for wrong in _misshapen(name, option, values[name])]


def _misshapen(name: str, option: Row, value: t.Any) -> list[str]:
    kind = option["type"]
    if kind == "list" and not isinstance(value, (list, tuple)):
        return [f"{name} has to be a list"]
    if kind == "dict" and not isinstance(value, t.Mapping):
        return [f"{name} has to be a mapping"]
    # Without a user of its own, an image says it.
    needed = kind in ("str", "path") and option.get("default", "") != "" and not name.endswith("_user")
    return [f"{name} is empty"] if needed and str(value).strip() == "" else []


def unmeant(values: Row, options: Row) -> str:
    """The first value of a role that is not what was written; empty without one.

    :param options: the role's argument specification.
    """
    return unclear(options, values) or _unsaid(values, options)


def _unsaid(values: Row, options: Row) -> str:
    """What an item of a list lacks although it has to have it: Ansible takes null and nothing for something."""
    for name, option in options.items():
        needed = [key for key, part in option.get("options", {}).items() if part.get("required")]
        rows = values.get(name) if needed else ()
        for number, row in enumerate(rows if isinstance(rows, (list, tuple)) else ()):
            for key in needed if isinstance(row, t.Mapping) else ():
                if row.get(key) is None or str(row[key]).strip() == "":
                    return f"{name}[{number}].{key} is empty. Give it."
    return ""


class FilterModule:
    """The filters of this file."""

    def filters(self) -> dict[str, t.Callable[..., t.Any]]:
        """By name."""
        return {"doubts": doubts, "misshapen": misshapen, "unmeant": unmeant}
