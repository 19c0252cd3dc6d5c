# Copyright: (c) 2026, tidegate.platform contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How a secret may be spelled where it comes out, and texts without it: redaction."""

from __future__ import annotations

import base64
import json
import re
import typing as t
from urllib.parse import quote


class Redactor:
    """Takes secrets out of texts that leave the module."""

    def __init__(self, values: t.Iterable[str]) -> None:
        forms = {form for value in values if len(value) >= LEAST_VALUE for form in spellings(value)}
        self._forms = sorted(forms, key=len, reverse=True)

    def __call__(self, text: str) -> str:
        """The text without them."""
        for form in self._forms:
            # A short one is a part of names and numbers, which it is not the secret of; a shorter one of everything.
            text = (
                re.sub(rf"(?<!\w){re.escape(form)}(?!\w)", "***", text)
                if len(form) < LEAST_LINE
                else text.replace(form, "***")
            )
        return text


# What is shorter is only known as it is: its other spellings, or it as a part of others, would be ordinary words.
LEAST_VALUE = 4
LEAST_LINE = 8


def spellings(value: str) -> t.Iterator[str]:
    """How a value may be spelled: plain, each of its lines, in JSON, in a URL, in base64."""
    yield value
    if len(value) < LEAST_VALUE:
        return
    yield from (line for line in value.splitlines() if len(line) >= LEAST_LINE)
    yield json.dumps(value)[1:-1]
    yield quote(value, safe="")
    yield base64.b64encode(value.encode()).decode()
