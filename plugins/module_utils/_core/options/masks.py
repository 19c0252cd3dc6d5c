# Copyright: (c) 2026, tidegate.platform contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which values are secret: those whose option the specification says so of (`no_log`), and no list beside it."""

from __future__ import annotations

import typing as t

from .argument_specs import DECLARATION
from .checks import Spec

MASK = "VALUE_SPECIFIED_IN_NO_LOG_PARAMETER"
# Ansible masks a value wherever it is a part of a result; what is shorter is part of names, ports, counts.
LEAST_MASKED = 8


def secret_values(params: t.Mapping[str, t.Any], spec: Spec = DECLARATION) -> t.Iterator[str]:
    """Every secret of parameters, at whatever depth."""
    for name, option in spec.items():
        value = params.get(name)
        if option.get("no_log"):
            yield from [str(value)] if value else []
        else:
            for row in _rows(option, value):
                yield from secret_values(row, option["options"])


def masked(params: t.Mapping[str, t.Any], spec: Spec) -> dict[str, t.Any]:
    """The parameters as a result may show them."""
    shown = dict(params)
    for name, option in spec.items():
        value = params.get(name)
        if option.get("no_log"):
            shown[name] = MASK if value else value
        elif isinstance(value, dict) and option.get("options"):
            shown[name] = masked(value, option["options"])
        elif isinstance(value, list) and option.get("options"):
            shown[name] = [masked(row, option["options"]) if isinstance(row, dict) else row for row in value]
    return shown


def _rows(option: t.Mapping[str, t.Any], value: t.Any) -> list[t.Mapping[str, t.Any]]:
    """What of a value has options of its own."""
    rows = value if isinstance(value, list) else [value]
    return [row for row in rows if isinstance(row, dict)] if option.get("options") else []
