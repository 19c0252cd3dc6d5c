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
from ansible_collections.tidegate.platform.plugins.filter.asked import listed
from ansible_collections.tidegate.platform.plugins.filter.problems import problems
from ansible_collections.tidegate.platform.plugins.module_utils._core.options.argument_specs import (
    DECLARATION,
    WORKLOADS,
)
from ansible_collections.tidegate.platform.plugins.module_utils._core.options.parse import Context, parse
from ansible_collections.tidegate.platform.plugins.module_utils._core.values.errors import InvalidOption
from ansible_collections.tidegate.platform.plugins.plugin_utils._images import tagged
from ansible_collections.tidegate.platform.plugins.plugin_utils._meant import doubtful, unclear

SCHEMA = Path(__file__).parents[2] / "schemas" / "workload.schema.json"
_OF_FILES = ("environments", "groups", "version")
Declaration = t.Dict[str, t.Any]


class Claimed(t.NamedTuple):
    """Who claims a route or a project: of which file and environment, for which groups, and whether it is asked for."""

    path: Path
    name: str
    environment: str
    groups: frozenset[str]
    wanted: bool

    def meets(self, other: Claimed) -> bool:
        """Whether both may come to one host; of groups that differ nobody knows but the inventory."""
        together = self.environment == other.environment or (self.wanted and other.wanted)
        return together and (self._everywhere or other._everywhere or bool(self.groups & other.groups))

    @property
    def _everywhere(self) -> bool:
        return not self.groups or "all" in self.groups


class Reader:
    """Collects declarations, and what is wrong with them, of one environment.

    :param environment: empty for the one that each file is of; of a file that is of several, `production`.
    """

    def __init__(self, loader: t.Any, templar: t.Any, environment: str) -> None:
        self.loader, self.templar, self.environment = loader, templar, environment
        self.schema = json.loads(SCHEMA.read_text(encoding="utf-8"))
        self.declarations: list[Declaration] = []
        self.problems: list[str] = []
        self._seen: dict[tuple[str, str], str] = {}
        self._claims: dict[str, list[Claimed]] = {}

    def read(self, place: str) -> None:
        """One file, or those of a directory."""
        path = Path(place)
        if not path.exists():
            self.problems.append(f"{path}: is not there. Name a file or a directory.")
            return
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
        several = document.get("environments")
        wanted = self.environment or ("production" if "environments" in document else "")
        for environment in several or [document.get("environment", "production")]:
            self._check(path, resolved(document, environment, path), wanted in ("", environment))
        own = list(several or ()) if "environments" in document else [document.get("environment", "production")]
        self.declarations += [resolved(document, name, path) for name in own if wanted in ("", name)]

    def close(self) -> None:
        """After the last file: an environment that none of them is of is written wrong."""
        if self.environment and not self.declarations and self._seen and not self.problems:
            there = ", ".join(sorted({environment for _name, environment in self._seen}))
            self.problems.append(
                f"no file declares anything in the environment {self.environment!r}. There are: {there}."
            )

    def _check(self, path: Path, declaration: Declaration, wanted: bool) -> None:
        """What the module would say of it, and that no other file declares the same."""
        subject = (declaration["name"], declaration["environment"])
        if subject in self._seen:
            first = self._seen[subject]
            self.problems.append(f"{path}: name: {subject[0]!r} is also declared by {first}. Rename one of them.")
        self._seen.setdefault(subject, str(path))
        bare = {key: value for key, value in declaration.items() if key not in _OF_FILES}
        unmeant = unclear(DECLARATION, bare) or doubtful("version", declaration.get("version"))
        if unmeant:
            self.problems.append(f"{path}: {unmeant}")
            return
        if declaration.get("version") not in (None, "") and not declaration.get("image"):
            cause = "is the tag of an image, and there is none"
            self.problems.append(
                f"{path}: version={declaration['version']!r} {cause}. Say it as source.ref, or not at all."
            )
        elif declaration.get("version") not in (None, ""):
            bare["image"] = tagged(str(bare["image"]), str(declaration["version"]))
        checked = ArgumentSpecValidator(copy.deepcopy(WORKLOADS)).validate({"workloads": [bare]})
        if checked.error_messages:
            self.problems += [f"{path}: {message}" for message in checked.error_messages]
            return
        try:
            want = parse(checked.validated_parameters["workloads"][0], _anywhere(declaration))
        except InvalidOption as error:
            self.problems.append(f"{path}: {error}")
            return
        groups = frozenset(listed(declaration.get("groups") or ()))
        self._claim(want.claims, Claimed(path, want.name, want.environment, groups, wanted))

    def _claim(self, claims: t.Iterable[str], mine: Claimed) -> None:
        """What no two on one host may have, such as a route."""
        for claim in claims:
            for other in self._claims.setdefault(claim, []):
                if other.name != mine.name and mine.meets(other):
                    whose = f"is declared for {other.name} by {other.path}, too"
                    self.problems.append(f"{mine.path}: {claim!r} {whose}. Take it away from one of them.")
            self._claims[claim].append(mine)


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


def _anywhere(declaration: Declaration) -> Context:
    """A host that has whatever language image is asked for: which there are is the host's to say."""
    names = [(declaration.get("runner") or {}).get("image"), (declaration.get("static") or {}).get("build_image")]
    runners = [{"name": name or "any", "language": "any", "image": "any:1"} for name in names]
    preset = (declaration.get("runner") or {}).get("preset") or "auto"
    catalog: Declaration = {"runners": runners, "presets": [{"name": preset, "language": "any", "detect": {}}]}
    return Context(lambda _value: "", catalog=lambda: catalog)
