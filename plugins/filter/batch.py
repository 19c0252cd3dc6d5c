# Copyright: (c) 2026, tidegate.platform contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the hosts of a run have, and how it went on them, from their variables."""

from __future__ import annotations

import typing as t

Row = t.Mapping[str, t.Any]
HostVars = t.Mapping[str, t.Mapping[str, t.Any]]


def failing(
    hosts: t.Iterable[str],
    hostvars: HostVars,
    results: t.Iterable[str],
    there: t.Collection[str],
    needed: str = "",
) -> list[str]:
    """The hosts of a batch on which it went wrong.

    :param results: variables in which a host has results of tasks; of a task that was left out there is none.
    :param there: hosts that have not left the play.
    :param needed: that of the results which every host has to have.
    """
    return [host for host in hosts if host not in there or _failed(hostvars[host], results, needed)]


def _failed(variables: Row, results: t.Iterable[str], needed: str) -> bool:
    rows = [variables.get(name, {"failed": name == needed}) for name in results]
    return any(row.get("failed") or row.get("unreachable") for row in rows)


def led(names: t.Iterable[str], host: str, hosts: t.Sequence[str], hostvars: HostVars, variable: str) -> list[str]:
    """Those of the names that a host is the first of all to have.

    :param variable: in which each host has the names that are its own.
    """

    def first(name: str) -> str:
        return next((one for one in hosts if name in (hostvars[one].get(variable) or ())), "")

    return [name for name in names if first(name) == host]


def left_by(workloads: t.Iterable[Row], fleet: str = "") -> list[Row]:
    """What runs over many hosts have left on a host: each workload, whose it is and whether it was switched.

    :param fleet: the run that is meant; empty means all of them.
    """
    return [
        {
            "name": row["name"],
            "environment": row["environment"],
            "fleet": row["deploying"]["fleet"],
            "switched": (row["release"] or {}).get("id") == row["deploying"]["id"],
        }
        for row in workloads
        if row["deploying"] and row["deploying"]["fleet"] and fleet in ("", row["deploying"]["fleet"])
    ]


def applied_line(row: Row) -> str:
    """What was done to a workload, as one line."""
    release = row.get("release") or {}
    live = f"{release.get('image', 'nothing')} ({release.get('id', '-')}) in {row['environment']}"
    steps = " > ".join(step["name"] for step in row["steps"])
    done = f"{row['name']}: {'changed' if row['changed'] else 'unchanged'}, live {live}; {row['reason']}"
    return f"{done} [{steps}]" if steps else done


class FilterModule:
    """The filters of this file."""

    def filters(self) -> dict[str, t.Callable[..., t.Any]]:
        """By name."""
        return {"applied_line": applied_line, "failing": failing, "led": led, "left_by": left_by}
