# Copyright: (c) 2026, tidegate.platform contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Secrets that stand in other options of a declaration, in any of their spellings."""

from __future__ import annotations

import contextlib
import ipaddress
import typing as t

from ..values.errors import InvalidOption
from ..values.identity import Document
from ..values.redaction import LEAST_LINE, LEAST_VALUE, spellings
from .masks import secret_values

# Options of free text. A weak password may well be the name of its workload, which shows nothing.
_FREE = (
    "command",
    "entrypoint",
    "env",
    "labels",
    "log_options",
    "release_command",
    "health",
    "build",
    "runner",
    "static",
    "compose",
    "source",
)


def _known(values: t.Iterable[str], least: int) -> list[str]:
    return [form for value in values for form in spellings(value) if len(form) >= least]


def moved(params: Document) -> dict[str, t.Any]:
    """The parameters, with each variable that has a secret inside it as a secret of its own.

    An address that a password is part of is as secret as the password.
    """
    forms = _known(set(secret_values(params)), LEAST_VALUE)
    found = {**params}
    env, secrets = _split(params["env"] or {}, forms)
    known = {str(row["value"]) for row in params["secrets"] or ()}
    env.update({key: text for key, text in secrets.items() if text in known})  # those are refused: they are twice
    moving = [
        {"name": key, "value": text, "delivery": "environment"} for key, text in secrets.items() if key not in env
    ]
    found.update(env=env, secrets=[*(params["secrets"] or ()), *moving])
    given = params["compose"]
    if given:
        env, secrets = _split(given.get("env") or {}, forms)
        rows = [{"name": key, "value": text} for key, text in secrets.items()]
        found["compose"] = {**given, "env": env, "secrets": [*(given.get("secrets") or ()), *rows]}
    return found


def _split(env: Document, forms: t.Collection[str]) -> tuple[dict[str, t.Any], dict[str, str]]:
    """Variables without a secret inside, and those with one."""
    secret = {
        key: value for key, value in env.items() if isinstance(value, str) and any(form in value for form in forms)
    }
    return {key: value for key, value in env.items() if key not in secret}, secret


def refuse(params: Document, recorded: Document) -> None:
    """Refuse a declaration that would show a secret: in labels, arguments, an image's history or on record.

    :param recorded: what is kept on record of it.
    :raises InvalidOption: names the option.
    """
    # A server's address is no secret, whatever list it stands in: that of a name server is in one with its key.
    forms = _known({value for value in secret_values(params) if not _is_address(value)}, LEAST_LINE)
    for option, text in _texts("", {name: recorded.get(name) for name in _FREE}):
        if any(form in text for form in forms):
            cause = "holds the value of a secret, and would show it"
            raise InvalidOption(option, "***", cause, "Deliver it in secrets, and refer to it there.")


def _is_address(text: str) -> bool:
    """True for an IP address, with a port or without."""
    for host in (text, text.rpartition(":")[0].strip("[]")):
        with contextlib.suppress(ValueError):
            ipaddress.ip_address(host)
            return True
    return False


def _texts(option: str, value: t.Any) -> t.Iterator[tuple[str, str]]:
    """Every text of a document, and the option that it stands in."""
    if isinstance(value, str):
        yield option, value
    elif isinstance(value, dict):
        for key, inner in value.items():
            if key != "secrets":
                yield from _texts(f"{option}.{key}" if option else str(key), inner)
    elif isinstance(value, (list, tuple)):
        for inner in value:
            yield from _texts(option, inner)
