# Copyright: (c) 2026, tidegate.platform contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which declared workloads a run of a playbook is about, and what is wrong with what was asked for."""

from __future__ import annotations

import re
import typing as t

from ansible.module_utils.parsing.convert_bool import boolean
from ansible_collections.tidegate.platform.plugins.filter.aimed import takes
from ansible_collections.tidegate.platform.plugins.filter.asked import given, listed
from ansible_collections.tidegate.platform.plugins.filter.doubts import doubts
from ansible_collections.tidegate.platform.plugins.plugin_utils._images import tagged

Row = t.Dict[str, t.Any]
Groups = t.Mapping[str, t.Sequence[str]]
USUAL = "production"
NO_LIST = (
    "workloads has to be a list of declarations, each with a name of its own, in the inventory or in a file given with "
    "-e @FILE."
)


class Asked(t.NamedTuple):
    """What was asked for.

    :param names: of the workloads that are meant; none means all of them.
    :param environment: that is meant; an empty text means all of them.
    :param place: the environment of what is only on record.
    :param recorded: names that are on record and may be gone from the declarations; None where nobody looked.
    """

    names: t.List[str]
    environment: str = ""
    place: str = USUAL
    version: t.Any = ""
    recorded: t.Optional[t.List[str]] = None


def _environment(row: Row) -> str:
    return str(given(row.get("environment"), USUAL))


def _chosen(workloads: t.Sequence[Row], asked: Asked) -> list[Row]:
    """Those of the environment, and what is to go and only on record."""
    rows = [row for row in workloads if asked.environment in ("", _environment(row))]
    declared = {row["name"] for row in rows}
    rows += [{"name": name, "environment": asked.place} for name in asked.recorded or () if name not in declared]
    return rows


def _is_list(workloads: t.Any, asked: Asked) -> bool:
    if workloads is None:
        return bool(asked.recorded)
    rows = workloads if isinstance(workloads, (list, tuple)) else [None]
    return all(isinstance(r, t.Mapping) and isinstance(r.get("name"), (str, int, float)) for r in rows)


def _misnamed(workloads: t.Sequence[Row], rows: t.Sequence[Row], asked: Asked) -> str:
    """What is wrong with the names and the environment that were asked for."""
    names = [str(row["name"]) for row in rows]
    if len(set(names)) < len(names):
        return f"{NO_LIST} Of one that is in several environments, say which with -e tidegate_environment=NAME."
    if not rows and workloads and asked.environment:
        there = ", ".join(sorted({_environment(row) for row in workloads}))
        return f"Nothing is declared in the environment {asked.environment}. There are {there}."
    missing = [name for name in asked.names if name not in names]
    if not missing:
        return ""
    where = f" in {asked.environment}" if asked.environment else ""
    record = f", and no host has it on record in {asked.place}" if asked.recorded is not None else ""
    cause = f"workload={','.join(asked.names)} names {', '.join(missing)}, which is not declared{where}{record}."
    return f"{cause} Declared are {', '.join(names) or 'none'}."


def _misplaced(rows: t.Iterable[Row], groups: Groups) -> str:
    """Groups that are none. One that is written wrong would be deployed nowhere, and all would be green."""
    grouped = [(row["name"], listed(row["groups"])) for row in rows if "groups" in row]
    patterns = [f"{name} has {group}" for name, had in grouped for group in had if re.search(r"[*?!&:~\[]", group)]
    if patterns:
        cause = f"groups of {', '.join(patterns)}: these are patterns. Name groups of the inventory there, or all;"
        return f"{cause} which of their hosts a run is about is said with --limit or tidegate_hosts."
    peopled = [name for name, hosts in groups.items() if hosts]
    homeless = [
        f"{name} of the groups {', '.join(had) or 'none'}" for name, had in grouped if not set(had) & set(peopled)
    ]
    if homeless:
        return f"No host of the inventory takes {', '.join(homeless)}. Groups with hosts are {', '.join(peopled)}."
    return ""


def _misversioned(rows: t.Sequence[Row], asked: Asked) -> str:
    """What is wrong with the versions that were asked for or declared."""
    version = given(asked.version)
    if version != "" and len(asked.names) != 1:
        return f"version={version} applies to one workload. Say which with -e workload=NAME."
    unclear = doubts([{"version": asked.version}, *rows], ["name", "environment", "version"])
    if unclear:
        return " ".join(unclear)
    imageless = [row for row in rows if "image" not in row]
    without = [row["name"] for row in imageless if "version" in row]
    without += [row["name"] for row in imageless if version != "" and row["name"] in asked.names]
    if without:
        cause = f"version is the tag of an image, and {', '.join(without)} has none: it is built, or of Compose."
        return f"{cause} Say there which one is meant, as with source.ref."
    return ""


def _arguments(row: Row, asked: Asked) -> Row:
    """The module's options of a declaration, with the version that was asked for or declared."""
    unsaid = {"environment"} if given(row.get("environment")) == "" else set()
    own = {key: value for key, value in row.items() if key not in {"groups", "version"} | unsaid}
    tag = str(given(given(asked.version), given(row.get("version"))))
    if tag and "image" in row:
        own["image"] = tagged(str(row["image"]), tag)
    return own


def selection(workloads: t.Any, host: str, groups: Groups, **asked: t.Any) -> Row:
    """The workloads that are meant, their options on one host, and what is wrong with what was asked for.

    :param workloads: the declarations, or None.
    :param asked: the fields of `Asked`.
    """
    wanted = Asked(**asked)
    if not _is_list(workloads, wanted):
        return {"problem": NO_LIST, "rows": [], "arguments": {}}
    rows = _chosen(workloads or [], wanted)
    meant = [row for row in rows if not wanted.names or row["name"] in wanted.names]
    wrong = _misnamed(workloads or [], rows, wanted) or _misplaced(meant, groups) or _misversioned(rows, wanted)
    mine = [row for row in meant if "groups" not in row or takes(row["groups"], host, groups)]
    arguments = {} if wrong else {row["name"]: _arguments(row, wanted) for row in mine}
    return {"problem": wrong, "rows": [] if wrong else rows, "arguments": arguments}


def untaken(
    rows: t.Iterable[Row],
    names: t.Collection[str],
    hosts: t.Iterable[str],
    taken: t.Mapping[str, t.Any],
    groups: Groups,
) -> list[str]:
    """What was asked for by its name and no host of a run takes, with its groups.

    :param hosts: of the run.
    :param taken: the variables of each, of which `tidegate_arguments` has what it takes.
    """

    def taker(row: Row, host: str) -> bool:
        return row["name"] in taken[host].get("tidegate_arguments", ()) or takes(row["groups"], host, groups)

    grouped = [row for row in rows if row["name"] in names and "groups" in row]
    lost = [row for row in grouped if not any(taker(row, host) for host in hosts)]
    return [f"{row['name']} of the groups {', '.join(listed(row['groups']))}" for row in lost]


def within(workloads: t.Iterable[t.Any], environment: str = "") -> list[Row]:
    """The declarations of an environment; an empty one means all of them."""
    rows: list[Row] = [row for row in workloads if isinstance(row, dict)]
    return [row for row in rows if environment in ("", _environment(row))]


def wanted_on(workloads: t.Iterable[t.Any], host: str, groups: Groups, environment: str = "") -> list[Row]:
    """The declarations by which something is to run on a host."""
    rows = [row for row in within(workloads, environment) if given(row.get("state"), "present") == "present"]
    return [row for row in rows if "groups" not in row or takes(row["groups"], host, groups)]


def run_once(rows: t.Iterable[Row]) -> list[str]:
    """The names of the declarations whose release command is to run on one host for all."""
    return [row["name"] for row in rows if boolean(given(row.get("release_command_once"), False), strict=False)]


def declared_line(row: Row) -> str:
    """What a declaration declares, as one line."""
    return f"{row['name']} ({row['environment']}): {row.get('type', 'image')}"


def called(row: Row) -> str:
    """A declaration's name, with its environment where that is not production."""
    environment = _environment(row)
    return str(row["name"]) if environment == USUAL else f"{row['name']}.{environment}"


class FilterModule:
    """The filters of this file."""

    def filters(self) -> dict[str, t.Callable[..., t.Any]]:
        """By name."""
        return {
            "called": called,
            "declared_line": declared_line,
            "run_once": run_once,
            "selection": selection,
            "untaken": untaken,
            "wanted_on": wanted_on,
            "within": within,
        }
