# Copyright: (c) 2026, tidegate.platform contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a playbook was asked for: an empty variable, as CI and surveys give it, is one that was not given."""

from __future__ import annotations

import typing as t

from ansible.errors import AnsibleFilterError


def given(value: t.Any, otherwise: t.Any = "") -> t.Any:
    """The value, or `otherwise` for none and for text that is blank.

    :param otherwise: what counts where nothing was given.
    """
    return otherwise if value is None or (isinstance(value, str) and not value.strip()) else value


def listed(value: t.Any) -> list[str]:
    """The names in a text with commas between, or in a list; without blank ones."""
    rows = value.split(",") if isinstance(value, str) else value if isinstance(value, (list, tuple)) else [value]
    return [str(row).strip() for row in rows if given(row) != ""]


def agreed(names: dict[str, t.Any]) -> t.Any:
    """The one value that a variable of several names has; empty text for none.

    :param names: what each name was given.
    :raises AnsibleFilterError: they were given different ones.
    """
    said = {name: value for name, value in names.items() if given(value) != ""}
    values = list(said.values())
    if any(value != values[0] for value in values):
        pairs = " and ".join(f"{name}={value}" for name, value in said.items())
        raise AnsibleFilterError(f"{pairs} are two names of one variable, and differ. Give {next(iter(said))} alone.")
    return values[0] if values else ""


class FilterModule:
    """The filters of this file."""

    def filters(self) -> dict[str, t.Callable[..., t.Any]]:
        """By name."""
        return {"given": given, "listed": listed, "agreed": agreed}
