# Copyright: (c) 2026, tidegate.platform contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Checks of one value, for the options of all modules, and what they are where nobody says."""

from __future__ import annotations

import re
import typing as t

from ..values.errors import InvalidOption

Params = t.Mapping[str, t.Any]
LAST_PORT = 65535
_UNITS = {"": 1, "b": 1, "k": 2**10, "m": 2**20, "g": 2**30, "t": 2**40}


def positive(option: str, value: t.Any, least: float = 0.0, strict: bool = True) -> None:
    """Refuse numbers below `least` (or equal to it, when strict).

    :raises InvalidOption: names the option and the bound.
    """
    if value is not None and (value < least or (strict and value == least)):
        raise InvalidOption(option, value, f"is not {'above' if strict else 'at least'} {least:g}", "Raise it.")


def port_number(option: str, value: int | None) -> int | None:
    """A TCP or UDP port, or None."""
    if value is not None and not 1 <= value <= LAST_PORT:
        raise InvalidOption(option, value, "is not a port number", "Use 1 to 65535.")
    return value


def unique(option: str, values: t.Iterable[str]) -> None:
    """Refuse a value that is given twice."""
    seen: set[str] = set()
    for value in values:
        if value in seen:
            raise InvalidOption(option, value, "is given twice", "Remove one of them.")
        seen.add(value)


def scalar(option: str, value: t.Any) -> str:
    """Text of a string or number; a boolean is refused, because YAML's yes and no hide what was meant."""
    if isinstance(value, str):
        if "\x00" in value:
            raise InvalidOption(option, value, "holds a zero byte", "Remove it.")
        return value
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return str(value)
    raise InvalidOption(option, value, "is not a string or a number", "Put it in quotes.")


def size(option: str, text: str) -> int:
    """Bytes of a text such as 512m.

    :raises InvalidOption: it is not a size.
    """
    match = re.fullmatch(r"(\d+(?:\.\d+)?)\s*([bkmgt]?)(?:i?b)?", text.lower())
    if not match:
        raise InvalidOption(option, text, "is not a size", "Write it as 512m or 2g.")
    return int(float(match[1]) * _UNITS[match[2]])


def plain_host(host: str) -> str:
    """A host name as Traefik compares it: in lower case, without the dot that a full name may end with."""
    return host.lower().removesuffix(".")


Spec = t.Dict[str, t.Dict[str, t.Any]]

DEFAULT_STATE_DIR = "/var/lib/tidegate"
DEFAULT_ROUTES_DIR = "/var/lib/tidegate/routes"
DEFAULT_TRAEFIK_API = "http://127.0.0.1:8080"
DEFAULT_NETWORK = "tidegate"
