# Copyright: (c) 2026, tidegate.platform contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The files that Compose reads because a Compose file names them: its model does not say which they were.

A host has no reader of YAML but Compose itself. So a file is given to it as the content
of an extension field, which it takes apart, with anchors and variables, and reads nothing for.
"""

from __future__ import annotations

import json
import os
import re
import typing as t

from ..values.errors import InvalidOption
from ..values.identity import Document

FIELD = "x-tidegate"
_HEAD = "services: {tidegate: {image: none}}\n" + FIELD + ":\n"
# Whoever names a file says one of these words, or writes it in a way that YAML undoes.
_WORDS = ("env_file", "label_file", "extends", "include", "\\", "!")
_REMEDY = (
    "Have it in the source, or give variables by compose.env and compose.secrets. If it has to be, say unsafe=true."
)

Models = t.Callable[["Origin", str], Document]
"""What Compose makes of a text that stands in for a file, which it refuses where it refuses that."""


class Origin(t.NamedTuple):
    """A file that Compose takes services from, and the folder that its paths are relative to.

    :param strict: it is refused where it cannot be told which files it names.
    """

    path: str
    base: str
    included: bool = False
    extended: bool = False
    strict: bool = True


class Named(t.NamedTuple):
    """A path in a file; services are in it that name files themselves where `then` is said.

    :param said: what the file says.
    """

    path: str
    then: Origin | None = None
    said: str = ""


def outside(root: str, main: str, models: Models, refused: bool) -> list[str]:
    """Files beyond a folder that Compose reads for a file in it.

    What is no file is something that Compose fetches, from git or a registry: nobody knows what is in it.

    :param refused: none may be.
    :raises InvalidOption: says which, or that a file cannot be looked through.
    """
    found: list[str] = []
    todo, seen = [Origin(main, root, strict=refused)], set[Origin]()
    while todo:
        origin = todo.pop()
        if origin in seen or not os.path.isfile(origin.path):
            continue
        seen.add(origin)
        for named in _named_by(origin, models):
            shown = os.path.relpath(origin.path, root)
            if named.path != os.devnull and not _within(root, named.path):
                if refused:
                    cause = f"in {shown} is a file outside of the source"
                    raise InvalidOption("compose", os.path.relpath(named.path, root), cause, _REMEDY)
                found.append(named.path)
            elif refused and named.then and not os.path.isfile(named.path):
                raise InvalidOption("compose", named.said, f"in {shown} is no file of the source", _REMEDY)
            todo += [named.then] if named.then else []
    return sorted(set(found))


def _within(root: str, path: str) -> bool:
    top = os.path.realpath(root)
    return os.path.realpath(path).startswith(top + os.sep)


def _named_by(origin: Origin, models: Models) -> t.Iterator[Named]:
    """What a file names, and the file of variables beside it that Compose reads unasked."""
    if not origin.extended:
        yield Named(os.path.join(origin.base, ".env"))
    for text in texts(origin.path):
        model = models(origin, text)
        yield from of_services(model.get("services"), origin)
        if not origin.extended:  # what a file includes whose services are extended, Compose does not read
            yield from of_includes(model.get("include"), origin)


def texts(path: str) -> list[str]:
    """A file's documents, each as the content of an extension field; none where it names no file for certain.

    :raises InvalidOption: it cannot be told what is in it.
    """
    try:
        with open(path, encoding="utf-8-sig") as stream:
            said = stream.read()
    except ValueError as error:
        raise InvalidOption("compose.file", path, "is no text in UTF-8", "Write it so.") from error
    if not any(word in said for word in _WORDS):
        return []
    documents: list[list[str]] = [[]]
    for line in said.splitlines():  # YAML has more ends of lines than one
        if line.startswith("%"):
            raise InvalidOption("compose.file", os.path.basename(path), "has directives of YAML", "Remove them.")
        begins = re.match(r"(---|\.\.\.)(\s|$)", line)
        if begins:
            documents.append([])
        documents[-1].append("  " + (line[3:] if begins else line))
    return [_HEAD + "\n".join(lines) + "\n" for lines in documents if "".join(lines).strip()]


def content(said: str) -> Document:
    """What Compose made of such a text. Pure."""
    found = json.loads(said).get(FIELD)
    return found if isinstance(found, dict) else {}


def of_services(services: t.Any, origin: Origin) -> t.Iterator[Named]:
    """What services name. Pure."""
    for facts in services.values() if isinstance(services, dict) else ():
        if not isinstance(facts, dict):
            continue
        for option in ("env_file", "label_file"):
            for entry in _listed(facts.get(option)):
                yield Named(_at(origin, entry.get("path") if isinstance(entry, dict) else entry))
        extends = facts.get("extends")
        file = extends.get("file") if isinstance(extends, dict) else None
        if file:
            path = _at(origin, file)
            yield Named(path, origin._replace(path=path, base=os.path.dirname(path), extended=True), str(file))


def of_includes(includes: t.Any, origin: Origin) -> t.Iterator[Named]:
    """What is included, with what it is read with. Pure."""
    for entry in _listed(includes):
        facts = entry if isinstance(entry, dict) else {"path": entry}
        paths = [(str(said), _at(origin, said)) for said in _listed(facts.get("path"))]
        if not paths:
            continue
        given = facts.get("project_directory")
        base = _at(origin, given) if given else os.path.dirname(paths[0][1])
        yield Named(os.path.join(base, ".env"))
        for said, path in paths:
            yield Named(path, Origin(path, base, included=True, strict=origin.strict), said)
        yield from (Named(_at(origin, path)) for path in _listed(facts.get("env_file")))


def _at(origin: Origin, path: t.Any) -> str:
    """Where a path leads to; one with a variable that is not known here leads nowhere for certain."""
    text = str(path or "")
    if origin.included and "$" in text:
        if not origin.strict:
            return os.devnull
        remedy = "Name files that are included without variables in their paths. If they have to be, say unsafe=true."
        raise InvalidOption("compose", text, f"in {os.path.basename(origin.path)} cannot be followed", remedy)
    return os.path.normpath(os.path.join(origin.base, os.path.expanduser(text)))


def _listed(value: t.Any) -> list[t.Any]:
    return value if isinstance(value, list) else [] if value is None else [value]
