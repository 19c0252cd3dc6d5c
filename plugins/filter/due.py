# Copyright: (c) 2026, tidegate.platform contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which steps between two versions are due at an upgrade, and whether it got there."""

from __future__ import annotations

import os
import typing as t

from ansible.errors import AnsibleFilterError
from ansible.module_utils.compat.version import LooseVersion


def due(paths: t.Sequence[str], current: str, target: str) -> list[str]:
    """The files, each named by a version, that lie behind `current` and not behind `target`, oldest first.

    :param current: version that runs; empty when nothing does, so that nothing is due.
    """
    if not current:
        return []
    try:
        found = [(LooseVersion(_version(path)), path) for path in paths]
        chosen = sorted(row for row in found if LooseVersion(current) < row[0] <= LooseVersion(target))
    except TypeError as error:
        versions = [current, target, *map(_version, paths)]
        raise AnsibleFilterError(f"versions cannot be compared: {', '.join(versions)}") from error
    return [path for _version_of, path in chosen]


def _version(path: str) -> str:
    return os.path.splitext(os.path.basename(path))[0].lstrip("v")


def version_of(image: str) -> str:
    """The tag of an image reference, without a leading v; empty where it has none."""
    name = image.partition("@")[0].rpartition("/")[2]
    return name.partition(":")[2].lstrip("v")


def unreached(scope: t.Sequence[t.Mapping[str, t.Any]], workloads: t.Sequence[t.Mapping[str, t.Any]]) -> list[str]:
    """What is said of components that are not at their version after all, or not well.

    :param workloads: what runs.
    """
    pairs = [(component, _of(component, workloads)) for component in scope]
    left = [(one, row) for one, row in pairs if not _reached(one, row)]
    return [f"{one['name']}: {row['release']['image']} is {row['health']}" for one, row in left]


def _of(component: t.Mapping[str, t.Any], workloads: t.Sequence[t.Mapping[str, t.Any]]) -> t.Mapping[str, t.Any]:
    return next(row for row in workloads if row["name"] == component["workload"])


def _reached(component: t.Mapping[str, t.Any], row: t.Mapping[str, t.Any]) -> bool:
    """A name that is new for the same content is no change."""
    same = any(row["release"][key] == component[key] for key in ("image", "image_id"))
    return same and row["health"] == "healthy"


class FilterModule:
    """The filters of this file."""

    def filters(self) -> dict[str, t.Callable[..., t.Any]]:
        """By name."""
        return {"due": due, "unreached": unreached, "version_of": version_of}
