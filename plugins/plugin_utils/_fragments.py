# Copyright: (c) 2026, tidegate.platform contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Documentation fragments composed of others, as the argument specifications are. Private to tidegate.platform.

A composed fragment has its own text in `OWN`, which ansible-test checks as it does every text of a fragment's class.
Its `DOCUMENTATION` has an annotation, because ansible-test takes what is assigned without one for a literal.
"""

from __future__ import annotations

import re
import types
import typing as t

import yaml


def options_of(fragment: types.ModuleType) -> dict[str, t.Any]:
    """The options that a fragment documents."""
    options: dict[str, t.Any] = yaml.safe_load(fragment.ModuleDocFragment.DOCUMENTATION)["options"]
    return options


def nested(text: str, path: str, *fragments: types.ModuleType) -> str:
    """The text, with the options of fragments below its option `path`, such as `compose.services`.

    What they say of their own options leads to where these are then: O(port) to O(compose.services[].port).
    """
    options = below = yaml.safe_load(text)["options"]
    prefix = ""
    for name in path.split("."):
        prefix += f"{name}[]." if below[name]["type"] == "list" else f"{name}."
        below = below[name].setdefault("suboptions", {})
    for fragment in fragments:
        below.update(_relocate(prefix, options_of(fragment)))
    whole: str = yaml.safe_dump({"options": options}, sort_keys=False)
    return whole


def _relocate(prefix: str, value: t.Any) -> t.Any:
    """Documentation, its references to options with the prefix of these options' new place."""
    if isinstance(value, dict):
        return {key: _relocate(prefix, entry) for key, entry in value.items()}
    if isinstance(value, list):
        return [_relocate(prefix, entry) for entry in value]
    return re.sub(r"\bO\((?=[a-z_])", f"O({prefix}", value) if isinstance(value, str) else value
