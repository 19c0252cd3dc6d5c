# Copyright: (c) 2026, tidegate.platform contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether there is a dictionary wherever options have options of their own. Pure. Private to tidegate.platform.

ansible-core ends with a traceback of its own where it finds a number or a truth value there (seen with 2.19 and 2.20).
"""

from __future__ import annotations

import typing as t
from collections.abc import Mapping

Options = t.Mapping[str, t.Any]


def misfit(options: Options, given: Options, where: str = "") -> str:
    """The first option that has to be a dictionary, or a list of them, and is not; empty if there is none.

    :param options: an argument specification.
    """
    for name, value in given.items():
        inner = options.get(name, {}).get("options")
        if inner is None or value is None:
            continue
        path = f"{where}{name}"
        if options[name]["type"] == "dict":
            rows = [(path, value)]
        elif isinstance(value, (list, tuple)):
            rows = [(f"{path}[{number}]", row) for number, row in enumerate(value)]
        else:
            return _said(path, value, "a list of dictionaries")
        for place, row in rows:
            found = misfit(inner, row, f"{place}.") if isinstance(row, Mapping) else _said(place, row, "a dictionary")
            if found:
                return found
    return ""


def _said(path: str, value: t.Any, wanted: str) -> str:
    return f"{path}={value!r} is not {wanted}. Write it as one; the module's documentation names what may be in it."
