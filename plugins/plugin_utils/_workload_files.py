# Copyright: (c) 2026, tidegate.platform contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads and checks workload files on the controller. Private to tidegate.platform."""

from __future__ import annotations

import copy
import json
import typing as t
from pathlib import Path

from ansible.errors import AnsibleError
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible_collections.tidegate.platform.plugins.filter.problems import problems
from ansible_collections.tidegate.platform.plugins.module_utils._errors import InvalidOption
from ansible_collections.tidegate.platform.plugins.module_utils._parse import Here, parse
from ansible_collections.tidegate.platform.plugins.module_utils._spec import DECLARATION, WORKLOADS
from ansible_collections.tidegate.platform.plugins.plugin_utils._meant import altered, unclear

SCHEMA = Path(__file__).parents[2] / "schemas" / "workload.schema.json"
_OF_FILES = ("environments", "groups", "version")
Declaration = t.Dict[str, t.Any]


class Reader:
    """Collects declarations, and what is wrong with them, of one environment."""

    def __init__(self, loader: t.Any, templar: t.Any, environment: str) -> None:
        self.loader, self.templar, self.environment = loader, templar, environment
        self.schema = json.loads(SCHEMA.read_text(encoding="utf-8"))
        self.declarations: list[Declaration] = []
        self.problems: list[str] = []
        self._seen: dict[tuple[str, str], str] = {}

    def read(self, place: str) -> None:
        """One file, or those of a directory."""
        path = Path(place)
        found = sorted(p for p in path.iterdir() if p.suffix in (".yml", ".yaml")) if path.is_dir() else [path]
        if not found:
            self.problems.append(f"{path}: has no *.yml file. Add one, or name another directory.")
        for file in found:
            self._file(file)

    def _file(self, path: Path) -> None:
        try:
            document = self.loader.load_from_file(str(path), cache="none", trusted_as_template=True)
            document = self.templar.template(document)
        except AnsibleError as error:
            self.problems.append(f"{path}: cannot be read: {error}")
            return
        wrong = problems(document, self.schema)
        self.problems += [f"{path}: {problem}" for problem in wrong]
        if wrong:
            return
        for environment in document.get("environments") or [document.get("environment", "production")]:
            self._check(path, resolved(document, environment, path))
        wanted = self.environment in document["environments"] if "environments" in document else True
        if wanted:
            environment = self.environment if "environments" in document else document.get("environment", "production")
            self.declarations.append(resolved(document, environment, path))

    def _check(self, path: Path, declaration: Declaration) -> None:
        """What the module would say of it, and that no other file declares the same."""
        subject = (declaration["name"], declaration["environment"])
        if subject in self._seen:
            first = self._seen[subject]
            self.problems.append(f"{path}: name: {subject[0]!r} is also declared by {first}. Rename one of them.")
        self._seen.setdefault(subject, str(path))
        bare = {key: value for key, value in declaration.items() if key not in _OF_FILES}
        unmeant = unclear(DECLARATION, bare) or altered("version", declaration.get("version"))
        if unmeant:
            self.problems.append(f"{path}: {unmeant}")
            return
        checked = ArgumentSpecValidator(copy.deepcopy(WORKLOADS)).validate({"workloads": [bare]})
        if checked.error_messages:
            self.problems += [f"{path}: {message}" for message in checked.error_messages]
            return
        try:
            parse(checked.validated_parameters["workloads"][0], _anywhere(declaration))
        except InvalidOption as error:
            self.problems.append(f"{path}: {error}")


def resolved(document: Declaration, environment: str, path: Path) -> Declaration:
    """The declaration of one environment: dictionaries are merged with its overlay, all else is replaced.

    :param path: the file, which a source's relative path starts from.
    """
    overlay = (document.get("environments") or {}).get(environment) or {}
    own = {key: value for key, value in document.items() if key != "environments"}
    found: Declaration = {**_merged(own, overlay), "environment": environment}
    source = found.get("source") or {}
    if source.get("path") and not source.get("remote"):
        found["source"] = {**source, "path": str((path.parent / source["path"]).resolve())}
    return found


def _merged(under: Declaration, over: Declaration) -> Declaration:
    def value(key: str, new: t.Any) -> t.Any:
        both = isinstance(new, dict) and isinstance(under.get(key), dict)
        return _merged(under[key], new) if both else new

    return {**under, **{key: value(key, new) for key, new in over.items()}}


def _anywhere(declaration: Declaration) -> Here:
    """A host that has whatever language image is asked for: which there are is the host's to say."""
    names = [(declaration.get("runner") or {}).get("image"), (declaration.get("static") or {}).get("build_image")]
    runners = [{"name": name or "any", "language": "any", "image": "any:1"} for name in names]
    preset = (declaration.get("runner") or {}).get("preset") or "auto"
    catalog: Declaration = {"runners": runners, "presets": [{"name": preset, "language": "any", "detect": {}}]}
    return Here(lambda _value: "", catalog=lambda: catalog)
