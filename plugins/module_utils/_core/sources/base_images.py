# Copyright: (c) 2026, tidegate.platform contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reading a Dockerfile just as far as its base images. Pure.

The build itself is the engine's; what has to be known before is which images it starts from, so that an image is built
again once one of them is another (https://docs.docker.com/reference/dockerfile/#from).
"""

from __future__ import annotations

import re
import typing as t
from dataclasses import dataclass, field

from ..values.errors import InvalidOption
from .dockerfile_words import expanded, split

_DIRECTIVE = re.compile(r"#\s*([A-Za-z][A-Za-z0-9]*)\s*=\s*(\S+)\s*")
_HEREDOC = re.compile(r"\d*<<(-?)(['\"]?)([^\s<'\"]+)\2")
_WITH_HEREDOCS = ("RUN", "COPY", "ADD")


@dataclass
class _Stage:
    """A stage: the image or the earlier stage that it begins from, and what it takes files of."""

    name: str
    base: str
    sources: list[str] = field(default_factory=list)


def bases(
    text: str,
    args: t.Mapping[str, str],
    target: str | None = None,
    predefined: t.Mapping[str, str] | None = None,
) -> tuple[str, ...]:
    """References of all images that a build begins a stage from or takes files of, without its own stages.

    :param args: build arguments, which may be part of a reference.
    :param target: the stage that is built; the classic builder builds those before it as well.
    :param predefined: arguments that BuildKit knows by itself; with them, only stages that the target needs count.
    :raises InvalidOption: no stage, or a reference that comes out empty.
    """
    stages = _stages(text, args, predefined)
    if not stages:
        raise InvalidOption("build.dockerfile", "", "has no FROM", "Begin it with FROM and a base image.")
    last = _position(stages, target, len(stages) - 1)
    wanted = range(last + 1) if predefined is None else sorted(_needed(stages, last))
    found: dict[str, None] = {}
    for number in wanted:
        stage = stages[number]
        if stage.base != "scratch" and _earlier(stages, stage.base, number, by_number=False) is None:
            found[stage.base] = None
        for source in stage.sources:
            if _earlier(stages, source, number) is None and "$" not in source:
                found[source] = None
    return tuple(found)


def platform_arguments(platform: str, machine: str) -> dict[str, str]:
    """What BuildKit defines by itself (https://docs.docker.com/reference/dockerfile/#automatic-platform-args-in-the-global-scope).

    :param platform: the declared one, such as linux/arm64; empty is the host's.
    :param machine: what the kernel calls this host's processor.
    """
    own = {"x86_64": "amd64", "aarch64": "arm64", "armv7l": "arm/v7", "i686": "386"}.get(machine, machine)
    found = {}
    for prefix, given in (("BUILD", f"linux/{own}"), ("TARGET", platform or f"linux/{own}")):
        system, architecture, variant = [*given.split("/"), "", ""][:3]
        found.update({f"{prefix}PLATFORM": given, f"{prefix}OS": system, f"{prefix}ARCH": architecture})
        found[f"{prefix}VARIANT"] = variant
    return found


def _stages(text: str, args: t.Mapping[str, str], predefined: t.Mapping[str, str] | None) -> list[_Stage]:
    known = {name: args.get(name, value) for name, value in (predefined or {}).items()}
    stages: list[_Stage] = []
    escape = _escape(text)
    for line in _instructions(text, escape):
        verb, rest = [*line.split(None, 1), ""][:2]
        verb = verb.upper()
        if verb == "ARG" and not stages:
            known.update(_arguments(split(rest, escape), known, args, escape, predefined is not None))
        elif verb == "FROM":
            stages.append(_from(rest.split(), known, escape))
        elif stages and verb in ("COPY", "RUN"):
            stages[-1].sources += _sources(verb, rest.split())
    return stages


def _arguments(
    words: t.Iterable[str], known: t.Mapping[str, str], args: t.Mapping[str, str], escape: str, sees: bool
) -> dict[str, str]:
    """The values of `ARG name[=default] …`; one without any stays unset.

    :param sees: whether a default may refer to arguments before it in the same instruction, as with BuildKit.
    """
    found = dict(known)
    for word in words:
        key, equals, default = word.partition("=")
        if key in args:
            found[key] = args[key]
        elif equals:
            found[key] = expanded(default, found if sees else known, escape)
    return found


def _from(words: t.Sequence[str], known: t.Mapping[str, str], escape: str) -> _Stage:
    plain = [word for word in words if not word.startswith("--")]
    reference = expanded(plain[0], known, escape) if plain else ""
    if not reference:
        line = " ".join(["FROM", *words])
        raise InvalidOption("build.args", line, "names no base image", "Give the argument a value in build.args.")
    _image, word, name = [*plain, "", ""][:3]
    return _Stage(name.lower() if word.upper() == "AS" else "", reference)


def _sources(verb: str, words: t.Sequence[str]) -> t.Iterator[str]:
    """What a COPY takes its files of, or a RUN mounts."""
    for word in words:
        if not word.startswith("--"):
            return
        if verb == "COPY" and word.startswith("--from="):
            yield word[7:].strip("\"'")
        elif verb == "RUN" and word.startswith("--mount="):
            yield from (part[5:].strip("\"'") for part in word[8:].split(",") if part.startswith("from="))


def _earlier(stages: t.Sequence[_Stage], name: str, before: int, by_number: bool = True) -> int | None:
    """Which stage before this one is meant, if it is one; of two of a name, the later."""
    if by_number and name.isdigit():
        return int(name) if int(name) < before else None
    found = [number for number in range(before) if stages[number].name and stages[number].name == name.lower()]
    return found[-1] if found else None


def _position(stages: t.Sequence[_Stage], target: str | None, otherwise: int) -> int:
    if target is None:
        return otherwise
    found = _earlier(stages, target, len(stages))
    return otherwise if found is None else found  # the builder says that there is none


def _needed(stages: t.Sequence[_Stage], number: int) -> set[int]:
    stage, found = stages[number], {number}
    used = [_earlier(stages, stage.base, number, by_number=False)]
    used += [_earlier(stages, source, number) for source in stage.sources]
    for other in used:
        if other is not None:
            found |= _needed(stages, other)
    return found


def _escape(text: str) -> str:
    """The character that continues lines: directives stand above everything else, other comments included."""
    for line in text.lstrip("\ufeff").splitlines():
        match = _DIRECTIVE.fullmatch(line.strip())
        if not match or match[1].lower() not in ("escape", "syntax", "check"):
            break
        if match[1].lower() == "escape":
            return match[2]
    return "\\"


def _instructions(text: str, escape: str) -> t.Iterator[str]:
    """Instructions as one line each; comments and the bodies of heredocs are gone, continued lines joined."""
    continued = re.compile(re.escape(escape) + r"[ \t]*$")
    joined, lines = "", iter(text.lstrip("\ufeff").replace("\r\n", "\n").split("\n"))
    for line in lines:
        if line.lstrip().startswith("#") or (joined and not line.strip()):
            continue
        joined += line
        if continued.search(joined):
            joined = continued.sub("", joined)
            continue
        if joined.strip():
            yield joined.strip()
            _skip_bodies(joined.split(), lines)
        joined = ""
    if joined.strip():
        yield joined.strip()


def _skip_bodies(words: t.Sequence[str], lines: t.Iterator[str]) -> None:
    """Go behind the heredocs that an instruction opens."""
    if words[0].upper() not in _WITH_HEREDOCS:
        return
    for match in filter(None, map(_HEREDOC.fullmatch, words[1:])):
        for line in lines:
            if (line.lstrip("\t") if match[1] else line) == match[3]:
                break
