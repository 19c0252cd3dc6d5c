# Copyright: (c) 2026, tidegate.platform contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Words of a Dockerfile: quotes, and variables in the forms that Docker knows. Pure.

https://docs.docker.com/reference/dockerfile/#environment-replacement
"""

from __future__ import annotations

import fnmatch
import re
import typing as t

_NAME = re.compile(r"\w+")
_MODIFIER = re.compile(r":?[-+?]|##?|%%?")


def split(text: str, escape: str) -> list[str]:
    """Words as they stand, blanks inside of quotes being no ends."""
    inside = rf"\"(?:[^\"{re.escape(escape)}]|{re.escape(escape)}.)*\"|'[^']*'|{re.escape(escape)}.|[^\s\"']"
    return re.findall(rf"(?:{inside})+", text)


def expanded(word: str, known: t.Mapping[str, str], escape: str) -> str:
    """A word without its quotes and with the values of its variables; one that is not set is empty."""
    return _Reader(word, known, escape).read("")


class _Reader:
    """Reads a word from left to right."""

    def __init__(self, word: str, known: t.Mapping[str, str], escape: str) -> None:
        self._word, self._known, self._escape, self._at = word, known, escape, 0

    def read(self, end: str) -> str:
        """Everything up to a character that ends it."""
        found, quoted = "", False
        while self._at < len(self._word):
            character = self._word[self._at]
            self._at += 1
            if character == end and not quoted:
                break
            if character == '"':
                quoted = not quoted
            elif character == "'" and not quoted:
                close = self._word.find("'", self._at)
                close = len(self._word) if close < 0 else close
                found, self._at = found + self._word[self._at : close], close + 1
            elif character == self._escape and self._at < len(self._word):
                found, self._at = found + self._word[self._at], self._at + 1
            else:
                found += self._variable() if character == "$" else character
        return found

    def _variable(self) -> str:
        braced = self._word[self._at : self._at + 1] == "{"
        name = _NAME.match(self._word, self._at + braced)
        if not name:
            return "$"
        self._at = name.end()
        value = self._known.get(name[0])
        if not braced:
            return value or ""
        modifier = _MODIFIER.match(self._word, self._at)
        self._at = modifier.end() if modifier else self._at
        word = self.read("}")
        return _modified(value, modifier[0] if modifier else "", word)


def _modified(value: str | None, modifier: str, word: str) -> str:
    """A value, or another in its place: with a colon, one that is empty counts as not set."""
    given = bool(value) if modifier.startswith(":") else value is not None
    if modifier.endswith("-"):
        return (value or "") if given else word
    if modifier.endswith("+"):
        return word if given else ""
    return _cut(value or "", modifier, word) if modifier[:1] in ("#", "%") and modifier else value or ""


def _cut(value: str, modifier: str, pattern: str) -> str:
    """Without a beginning (#) or an end (%) that matches, the longest where the sign is doubled."""
    places = range(len(value) + 1)
    front = modifier[0] == "#"
    for place in places if front == (len(modifier) == 1) else reversed(places):
        part, rest = (value[:place], value[place:]) if front else (value[place:], value[:place])
        if fnmatch.fnmatchcase(part, pattern):
            return rest
    return value
