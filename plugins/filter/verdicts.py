# Copyright: (c) 2026, tidegate.platform contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is said of hosts at the end of a run: what each is on, whether that is what was asked for, what is not well."""

from __future__ import annotations

import typing as t

from ansible_collections.tidegate.platform.plugins.filter.asked import given
from ansible_collections.tidegate.platform.plugins.filter.selection import USUAL, wanted_on

Row = t.Dict[str, t.Any]
HostVars = t.Mapping[str, t.Mapping[str, t.Any]]
GONE: Row = {"state": "absent", "release": None}


def ended(declared: t.Iterable[Row], host: str, verdict: Row, results: t.Mapping[str, Row]) -> Row:
    """What a host was asked for, what it says that it is on, and whether these are one.

    :param verdict: of its batch.
    :param results: of the run's tasks: `before`, `led`, `staged`, `switched`, `applied` and `after`.
    """
    asked = bool(verdict["go"]) and host not in verdict["bad"]
    silent = "workloads" not in results["after"]
    pairs = [] if silent else [_compared(want, asked, results) for want in declared]
    lines, wrong = "; ".join(line for line, _fault in pairs), "; ".join(fault for _line, fault in pairs if fault)
    if silent:
        said = f"This host cannot be asked what it is on: {results['after'].get('msg', '')}"
    elif wrong:
        said = f"This host is NOT on what it should be: {wrong}. It is on {lines}"
    elif asked:
        said = f"live: {lines}; changed {_changed(results)}"
    else:
        whose = "This host is" if verdict["go"] else "Every host of this batch goes back; this one is"
        said = f"{whose} on what it had before: {lines}"
    good = asked and not silent and not wrong
    failed = [results[name] for name in ("led", "staged", "switched", "applied") if results[name].get("failed")]
    causes = "".join(f" {row.get('msg', '')}" for row in failed)
    return {
        "well": good and not results["applied"].get("failed"),
        "said": f"{'' if good else str(verdict['reason']) + '. '}{said}{causes}",
    }


def _compared(want: Row, asked: bool, results: t.Mapping[str, Row]) -> tuple[str, str]:
    """What a host is on of one workload, and what is wrong with that."""
    name, at, state = want["name"], given(want.get("environment"), USUAL), want.get("state", "present")
    now, was = _of(results["after"], name, at), _of(results["before"], name, at)
    release, earlier = now["release"] or {}, was["release"] or {}
    meant = _of(results["switched"], name, at)["release"]
    on = f"{release['image']} ({release['id']}), {now['health']}" if release else "nothing"
    wrong = ""
    if asked and state == "present":
        if meant and release.get("id") != meant["id"]:
            wrong = f"{name} was switched to {meant['image']} ({meant['id']})"
    elif asked:
        wrong = f"{name} is not {state}" if now["state"] != state and earlier else ""
    elif release.get("image_id", "") != earlier.get("image_id", "") or now["state"] != was["state"]:
        wrong = f"{name} was {earlier.get('image', 'not there')}, {was['state']}"
    return f"{name}: {on} in {at}", wrong


def _of(result: Row, name: str, environment: str) -> Row:
    """What a result says of a workload: modules answer by text what a declaration may have as a number."""
    key = (str(name), str(environment))
    rows = [row for row in result.get("workloads", ()) if (str(row["name"]), str(row["environment"])) == key]
    return rows[-1] if rows else GONE


def _changed(results: t.Mapping[str, Row]) -> int:
    rows = [*results["switched"].get("workloads", ()), *results["applied"].get("workloads", ())]
    return len({row["name"] for row in rows if row["changed"]})


def halves(hosts: t.Sequence[str], hostvars: HostVars) -> list[str]:
    """Of what a run over many hosts has left: workloads that are not on one release everywhere, and what each host has.

    :param hostvars: of each host `tidegate_left`, and `tidegate_there` with all that it has.
    """
    left = [(row["name"], row["environment"]) for host in hosts for row in hostvars[host]["tidegate_left"]]
    return [said for key in dict.fromkeys(left) for said in _half(key, hosts, hostvars)]


def _half(key: tuple[str, str], hosts: t.Sequence[str], hostvars: HostVars) -> list[str]:
    switched, others, lines = [], [], []
    for host in hosts:
        mine = [row for row in hostvars[host]["tidegate_left"] if (row["name"], row["environment"]) == key]
        for row in hostvars[host]["tidegate_there"]["workloads"]:
            if (row["name"], row["environment"]) != key:
                continue
            image, moved = (row["release"] or {}).get("image", "nothing"), bool(mine) and mine[0]["switched"]
            staged = bool(mine) and not moved
            lines.append(f"{host} is on {image}" + (", and only staged" if staged else ""))
            if moved:
                switched.append(image)
            elif staged or row["release"]:
                others.append("only staged" if staged else image)
    return [f"{key[0]} ({key[1]}): {', '.join(lines)}"] if set(others) - set(switched) else []


def ill(
    status: Row, declared: t.Iterable[t.Any], host: str, groups: t.Mapping[str, t.Sequence[str]], **asked: t.Any
) -> list[str]:
    """What is not well on a host: of what it has, and of what is declared for it. What no host has is said by all.

    :param status: what the host says of itself.
    :param asked: `names` and `environment` that were asked for, and `everywhere`: the names that hosts of the run have.
    """
    rows = [row for row in status["workloads"] if row["state"] != "absent" or row["containers"] or row["deploying"]]
    there = {(row["name"], row["environment"]) for row in rows}
    wanted = [
        (str(row["name"]), str(given(row.get("environment"), USUAL)))
        for row in wanted_on(declared, host, groups, asked["environment"])
        if not asked["names"] or str(row["name"]) in asked["names"]
    ]
    found = [*status["unknown"], *(said for row in rows for said in _ailments(row))]
    found += [
        f"{name} in {at} is declared for this host, which does not have it"
        for name, at in wanted
        if (name, at) not in there
    ]
    where = f" in {asked['environment']}" if asked["environment"] else ""
    found += [f"no host has {name}{where}" for name in asked["names"] if name not in asked["everywhere"]]
    return list(dict.fromkeys(found))


def _ailments(row: Row) -> t.Iterator[str]:
    whose = f"{row['name']} in {row['environment']}"
    if row["health"] not in ("healthy", "stopped"):
        yield f"{whose} is {row['health']}"
    elif row["health"] == "healthy" and not row["deploying"]:
        bad = [route for route in row["routes"] if route["status"] != "enabled"]
        yield from (f"{whose}: its route {route['rule']} is {route['status']}" for route in bad)
        if row["drift"]:
            yield f"{whose} drifted: {row['drift']}"


class FilterModule:
    """The filters of this file."""

    def filters(self) -> dict[str, t.Callable[..., t.Any]]:
        """By name."""
        return {"ended": ended, "halves": halves, "ill": ill}
