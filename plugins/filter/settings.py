# Copyright: (c) 2026, tidegate.platform contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Settings of one's own in a document that has others' settings, too: put in, and taken out again."""

from __future__ import annotations

import typing as t

Document = dict[str, t.Any]
MISSING = object()


def with_settings(document: Document, own: Document) -> Document:
    """The document with these settings: a value wins, a list is added to, a mapping is merged; the rest stays."""
    merged = dict(document)
    for key, value in own.items():
        there = document.get(key)
        if isinstance(value, dict) and isinstance(there, dict):
            merged[key] = with_settings(there, value)
        elif isinstance(value, list) and isinstance(there, list):
            merged[key] = there + [item for item in value if item not in there]
        else:
            merged[key] = value
    return merged


def without_settings(document: Document, own: Document, before: Document) -> Document:
    """The document as it would be without these settings; what others changed since they were put in stays.

    :param own: what was put in.
    :param before: the document that it was put into.
    """
    left = dict(document)
    for key, value in own.items():
        if key in document:
            kept = _without(document[key], value, before.get(key, MISSING))
            if kept is MISSING:
                del left[key]
            else:
                left[key] = kept
    return left


def _without(there: t.Any, value: t.Any, earlier: t.Any) -> t.Any:
    """What is left of one setting; nothing of a mapping or list that was not there before is none."""
    # Ansible's own mappings and lists are of types of their own.
    three = (there, value, there if earlier is MISSING else earlier)
    left = there
    if all(isinstance(one, dict) for one in three):
        left = without_settings(there, value, {} if earlier is MISSING else earlier)
    elif all(isinstance(one, list) for one in three):
        left = [item for item in there if item not in value or (earlier is not MISSING and item in earlier)]
    elif there == value:
        return earlier
    return MISSING if earlier is MISSING and left in ({}, []) else left


class FilterModule:
    """The filters of this file."""

    def filters(self) -> dict[str, t.Callable[..., t.Any]]:
        """By name."""
        return {"with_settings": with_settings, "without_settings": without_settings}
