# Copyright: (c) 2026, tidegate.platform contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether text that was written without quotes is still what was written. Private to tidegate.platform.

YAML makes 493 of `0755`, 750 of `12:30`, 1.1 of `1.10`, 202410 of `2024_10`, false of `no`. ansible-core remembers
where each value stands; what it cannot tell, because it came from elsewhere, is taken as it is.
"""

from __future__ import annotations

import datetime as dt
import linecache
import re
import typing as t
from collections.abc import Mapping

import yaml
from ansible import context

try:
    from ansible._internal._datatag._tags import Origin
except ImportError:  # the place is not a published one, and may move
    Origin = None

Options = t.Mapping[str, t.Any]
_NUMBER = re.compile(r"[-+.\d][-+.:\w]*")


def unclear(options: Options, given: Options, where: str = "") -> str:
    """The first number in the place of a text that is not what was written; empty if there is none.

    :param options: an argument specification.
    """
    for name, value in given.items():
        known = options.get(name, {})
        kind = known.get("elements") if known.get("type") == "list" else known.get("type")
        rows = value if isinstance(value, (list, tuple)) else [value]
        for row in rows:
            path = f"{where}{name}"
            if kind == "dict" and known.get("options") and isinstance(row, Mapping):
                found = unclear(known["options"], row, f"{path}.")
            elif isinstance(row, bool):
                found = _truth(path, row) if kind in ("str", "path") and "choices" not in known else ""
            else:
                found = _inside(path, row) if kind in ("str", "dict", "path") else ""
            if found:
                return f"{path} is a number that is not as it was written. Quote it." if known.get("no_log") else found
    return ""


def _inside(path: str, value: t.Any) -> str:
    """The same for a value, and whatever is in it."""
    if isinstance(value, Mapping):
        rows = [(f"{path}.{key}", inner) for key, inner in value.items()]
    elif isinstance(value, (list, tuple)):
        rows = [(f"{path}[{number}]", inner) for number, inner in enumerate(value)]
    else:
        return altered(path, value)
    return next((found for found in (_inside(*row) for row in rows) if found), "")


def doubtful(path: str, value: t.Any) -> str:
    """What is wrong with a value that has to be a text, such as a version; empty for what is fine."""
    if isinstance(value, bool):
        return _truth(path, value)
    if isinstance(value, float):
        cause = f"{path}={value} is a number, of which YAML drops what it does not need: 1.10 is 1.1. Quote it."
        return altered(path, value) or cause
    return altered(path, value)


def altered(path: str, value: t.Any) -> str:
    """What is wrong with one number or date; empty when it is as it was written, or nobody knows."""
    if isinstance(value, bool) or not isinstance(value, (int, float, dt.date)):
        return ""
    origin = Origin.get_tag(value) if Origin is not None else None
    if origin is None or not origin.line_num:
        return ""
    number, column = origin.line_num, (origin.col_num or 1) - 1
    lines = [linecache.getline(str(origin.path), number)] if origin.path else _commanded(number)
    found = [match.group() for match in (_NUMBER.match(line[column:]) for line in lines) if match]
    # Of several -e, nobody knows which it was.
    texts = [text for text in found if origin.path or yaml.safe_load(text) == value]
    if not texts or str(value) in texts:
        return ""
    place = f" ({origin.path}:{origin.line_num})" if origin.path else ""
    return f"{path}={value} is what YAML makes of {texts[0]}{place}. Quote it: '{texts[0]}'."


def _commanded(number: int) -> list[str]:
    """That line of each -e that is YAML."""
    given = (context.CLIARGS or {}).get("extra_vars") or ()
    lines = [str(text).splitlines()[number - 1 : number] for text in given if str(text).startswith(("{", "["))]
    return [line for one in lines for line in one]


def _truth(path: str, value: bool) -> str:
    words = "yes, on or true" if value else "no, off or false"
    return f"{path}={value} is what YAML makes of {words}, where a text is meant. Quote it."
