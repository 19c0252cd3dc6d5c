# Copyright: (c) 2026, tidegate.platform contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reading a Dockerfile just as far as its base images. Pure. Private to tidegate.platform.

The build itself is the engine's; what has to be known before is which images it starts from, so that an image is built
again once one of them is another (https://docs.docker.com/reference/dockerfile/#from).
"""

from __future__ import annotations

import re
import typing as t

from ._errors import InvalidOption

_VARIABLE = re.compile(r"\$(?:\{(\w+)(?::?([-+])([^}]*))?\}|(\w+))")


def bases(text: str, args: t.Mapping[str, str]) -> tuple[str, ...]:
    """References of all images that a Dockerfile begins a stage from or copies files of, without its own stages.

    :param args: build arguments, which may be part of a reference.
    :raises InvalidOption: no stage, or a reference that comes out empty.
    """
    stages: list[str] = []
    found: dict[str, None] = {}
    known: dict[str, str] = {}
    for words in _instructions(text):
        name = words[0].upper()
        if name == "ARG" and not stages:
            known.update(_argument(words, known, args))
        elif name == "FROM":
            found.update(dict.fromkeys({_from(words, known)} - {*stages, "scratch"}))
            stages.append(_stage(words))
        elif name == "COPY":
            copied = {word[7:] for word in words if word.startswith("--from=")}
            found.update(dict.fromkeys(n for n in copied if n.lower() not in stages and not n.isdigit()))
    if not stages:
        raise InvalidOption("build.dockerfile", "", "has no FROM", "Begin it with FROM and a base image.")
    return tuple(found)


def _argument(words: t.Sequence[str], known: t.Mapping[str, str], args: t.Mapping[str, str]) -> dict[str, str]:
    key, _equals, default = " ".join(words[1:]).partition("=")
    return {key: args.get(key, _expanded(default.strip("\"'"), known))}


def _stage(words: t.Sequence[str]) -> str:
    """The name that a stage is given, or an empty text."""
    named = len(words[2:]) > 1 and words[-2].upper() == "AS"
    return words[-1].lower() if named else ""


def _from(words: t.Sequence[str], known: t.Mapping[str, str]) -> str:
    plain = [word for word in words[1:] if not word.startswith("--")]
    reference = _expanded(plain[0], known) if plain else ""
    if not reference:
        line = " ".join(words)
        raise InvalidOption("build.args", line, "names no base image", "Give the argument a value in build.args.")
    return reference


def _expanded(text: str, known: t.Mapping[str, str]) -> str:
    def value(match: t.Match[str]) -> str:
        name = match[1] or match[4]
        given = known.get(name, "")
        if match[2] == "-":
            return given or match[3]
        return (match[3] if given else "") if match[2] == "+" else given

    return _VARIABLE.sub(value, text)


def _instructions(text: str) -> t.Iterator[list[str]]:
    """The instructions' words; comments are gone and continued lines joined."""
    escape = "`" if re.match(r"(?:#.*\n)*?#\s*escape\s*=\s*`", text) else "\\"
    joined = ""
    for line in text.splitlines():
        if line.lstrip().startswith("#") or (joined and not line.strip()):
            continue
        joined += line.strip()
        if joined.endswith(escape):
            joined = joined[:-1] + " "
            continue
        if joined.split():
            yield joined.split()
        joined = ""
    if joined.split():
        yield joined.split()
