# Copyright: (c) 2026, tidegate.platform contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is wrong with a document, by a JSON Schema."""

from __future__ import annotations

import typing as t

from ansible_collections.tidegate.platform.plugins.plugin_utils._needs import needed

SHOWN = 80


def problems(document: t.Any, schema: dict[str, t.Any]) -> list[str]:
    """Every problem as `path: value: cause`; an empty list for a valid document.

    :param schema: of draft 2020-12.
    """
    validator = needed("jsonschema").Draft202012Validator(schema)
    found = sorted(validator.iter_errors(document), key=lambda error: list(map(str, error.path)))
    return [_said(_closest(error)) for error in found]


def _closest(error: t.Any) -> t.Any:
    """Of alternatives that all fail, the problem of the one that was meant."""
    return needed("jsonschema").exceptions.best_match([error]) if error.context else error


def _said(error: t.Any) -> str:
    path = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in error.absolute_path).lstrip(".")
    cause = error.message
    if error.validator == "additionalProperties":
        known = ", ".join(sorted(error.schema.get("properties", {})))
        cause = f"{error.message.split('(')[-1].rstrip(')')}; known are {known}"
    elif error.validator == "type":
        cause = f"is not of type {error.validator_value}"
    elif error.validator == "enum":
        cause = f"is not one of {', '.join(map(str, error.validator_value))}"
    elif error.validator == "pattern":
        cause = error.schema.get("description") or f"does not match {error.validator_value}"
    if error.validator in ("type", "enum", "pattern"):
        value = repr(error.instance)
        cause = f"{value[:SHOWN]}{'…' if len(value) > SHOWN else ''} {cause}"
    return f"{path or 'the document'}: {cause}"


class FilterModule:
    """The filters of this file."""

    def filters(self) -> dict[str, t.Callable[..., t.Any]]:
        """By name."""
        return {"problems": problems}
