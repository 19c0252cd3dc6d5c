# Copyright: (c) 2026, tidegate.platform contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a doctor says of each thing that was looked at. Pure."""

from __future__ import annotations

import re
import typing as t

from ..deploy.unrecorded import REMEDY
from ..host.machine import Space
from ..options.snapshot import terms
from ..proxy.certificates import DAY, Certificate
from ..sources import compose_version
from ..values.actual import Container
from ..values.errors import setting
from ..values.identity import Subject, key_of
from ..values.release import Standing
from . import gate_answers

OK, WARNING, FAILURE = "ok", "warning", "failure"
GIB = 2**30
# What RHEL 8 has, the oldest distribution whose Python and engine the collection takes.
KERNEL = (4, 18)
ENGINE = (20, 10)
# Until then two containers of one network that stop at once can bring the whole engine to a stop (moby issue 46661).
ENGINE_WITHOUT_DEADLOCK = (20, 10, 27)
MEMORY, MEMORY_SCARCE = GIB, 128 * 2**20
_ENGINE_REMEDIES = {
    "memory limits": "Boot with cgroup_enable=memory.",
    "log driver": "Run the role docker with docker_log_driver=json-file.",
}
INODES = 0.05
# Records of two hosts are ordered by their clocks, and certificates have a first second.
SKEW_WARNING, SKEW_FAILURE = 10.0, 300.0


class Finding(t.NamedTuple):
    """One thing that was looked at; `remedy` says what to do where it is not well."""

    check: str
    state: str
    found: str
    remedy: str = ""


def of_kernel(release: str, machine: str) -> Finding:
    """The kernel's release."""
    found = f"{release} on {machine}"
    if _version(release) < KERNEL:
        return Finding("kernel", FAILURE, found, f"Upgrade it to {_dotted(KERNEL)} or newer.")
    return Finding("kernel", OK, found)


def of_distribution(found: str, packages: bool) -> Finding:
    """Whether roles can install packages; the modules do without."""
    if packages:
        return Finding("distribution", OK, found)
    remedy = "Install the engine, its SDK and Traefik yourself; the roles docker and traefik are for Debian and Ubuntu."
    return Finding("distribution", WARNING, f"{found}, without dpkg and apt", remedy)


def of_memory(facts: t.Mapping[str, int]) -> Finding:
    """Memory in all and what is left of it, in bytes."""
    total, free = facts["MemTotal"], facts.get("MemAvailable", facts["MemTotal"])
    found = f"{total / GIB:.1f} GiB, {free / GIB:.1f} GiB available"
    if free < MEMORY_SCARCE:
        return Finding("memory", FAILURE, found, "Stop something, lower limits of workloads, or add memory.")
    if total < MEMORY:
        return Finding("memory", WARNING, found, "Give the host 1 GiB or more; in a deployment two releases run.")
    return Finding("memory", OK, found)


def of_clock(synchronized: bool | None, controller: float | None, here: float) -> Finding:
    """Whether the clock is kept right, and how far it is from the controller's, in seconds of Unix time."""
    said = {True: "synchronized", False: "not synchronized", None: "not known to be synchronized"}[synchronized]
    skew = abs(here - controller) if controller is not None else 0.0
    found = said if controller is None else f"{said}, {skew:.0f} s from the controller"
    remedy = "Run an NTP client, such as systemd-timesyncd or chrony."
    if skew >= SKEW_FAILURE:
        return Finding("clock", FAILURE, found, remedy)
    if skew >= SKEW_WARNING or synchronized is False:
        return Finding("clock", WARNING, found, remedy)
    return Finding("clock", OK, found)


def of_engine(facts: t.Mapping[str, t.Any]) -> t.Iterator[Finding]:
    """What `docker info` says."""
    version = str(facts["ServerVersion"])
    if _version(version) < ENGINE:
        yield Finding("engine", FAILURE, version, f"Upgrade it to {_dotted(ENGINE)} or newer.")
    elif _version(version) < ENGINE_WITHOUT_DEADLOCK:
        remedy = f"Restart it when it gives no answer, or upgrade it to {_dotted(ENGINE_WITHOUT_DEADLOCK)} or newer."
        yield Finding("engine", WARNING, f"{version}: seldom, it hangs when containers stop at once", remedy)
    else:
        yield Finding("engine", OK, f"{version}, {facts['Driver']}, cgroup {facts.get('CgroupVersion') or '1'}")
    wanted = {
        "live restore": (bool(facts.get("LiveRestoreEnabled")), "on", "off: its restart stops every workload"),
        "log driver": (
            facts.get("LoggingDriver") == "json-file",
            "json-file",
            f"{facts.get('LoggingDriver')}: the role alloy reads json-file only",
        ),
        "memory limits": (bool(facts.get("MemoryLimit")), "enforced", "not enforced by this kernel"),
    }
    for what, (well, good, bad) in wanted.items():
        remedy = "" if well else _ENGINE_REMEDIES.get(what, "Run the role docker.")
        yield Finding(what, OK if well else WARNING, good if well else bad, remedy)


def of_containers(left: t.Mapping[Subject, t.Sequence[Container]]) -> t.Iterator[Finding]:
    """Containers of workloads that are not on record: nobody repairs them, and they may be all that serves."""
    if left:
        rows = [(key_of(*subject), containers) for subject, containers in sorted(left.items())]
        said = [f"{', '.join(f'{c.name} ({c.state})' for c in containers)} of {key}" for key, containers in rows]
        yield Finding("containers", WARNING, f"of what is not on record: {'; '.join(said)}", REMEDY)


def of_volumes(left: t.Mapping[Subject, t.Sequence[str]], used: t.Collection[Subject] = ()) -> t.Iterator[Finding]:
    """Data that workloads left which are not on record; that is well, as long as somebody knows.

    :param used: workloads that have containers. What is not on record of them is the workload, not only its data.
    """
    rows = [(key_of(*subject), names) for subject, names in sorted(left.items()) if subject not in used]
    if rows:
        said = [f"{', '.join(names)} of {key}" for key, names in rows]
        remedy = "The playbook teardown removes them by the workload's name, with remove_volumes=true."
        yield Finding("volumes", OK, f"kept, of what is not on record: {'; '.join(said)}", remedy)


def of_space(space: Space, reserve: int) -> Finding:
    """Room on a disk beside what is to stay free, in bytes."""
    what, found = f"disk of {space.path}", f"{space.free / GIB:.1f} GiB free"
    if space.free < reserve:
        return Finding(what, FAILURE, found, f"Run the playbook prune, enlarge it, or lower {setting('disk_reserve')}.")
    if space.inodes is not None and space.inodes < INODES:
        return Finding(what, WARNING, f"{found}, {space.inodes:.0%} of its inodes", "Run the playbook prune.")
    return Finding(what, OK, found)


def of_compose(version: str, projects: t.Sequence[str]) -> Finding:
    """The program that Compose projects need; without one of them, it is only worth a word."""
    said = compose_version.problem(version)
    if not said:
        return Finding("compose", OK, version)
    needed = f"; needed by {', '.join(projects)}" if projects else "; Compose projects cannot be deployed"
    return Finding("compose", FAILURE if projects else WARNING, f"{said}{needed}", compose_version.REMEDY)


def of_certificates(
    found: t.Sequence[Certificate], unread: t.Sequence[str], hosts: t.Collection[str], days: float, now: float
) -> t.Iterator[Finding]:
    """Of each routed host the certificate that ends last, and what a person gave for hosts that are not routed yet."""
    for path in unread:
        yield Finding(
            f"certificate {path}", WARNING, "cannot be read", "Look again; if it stays so, run the role traefik."
        )
    covering = [[one for one in found if one.covers(host)] for host in hosts]
    last = {max(ones, key=lambda one: one.ends) for ones in covering if ones}
    unasked = {one for one in found if one.brought and not any(map(one.covers, hosts))}
    kept = sorted(last | unasked, key=lambda one: (one.ends, one.names))
    due = [one for one in kept if one.due(days, now)]
    for one in due:
        left, obtained = int(abs(one.ends - now) // DAY), "Its renewal fails: see the logs of traefik (platform)."
        said = f"ends in {left} days" if one.ends > now else f"ended {left} days ago"
        remedy = "Give the role traefik the next one (traefik_certificates)." if one.brought else obtained
        yield Finding(f"certificate {_title(one)}", WARNING if one.ends > now else FAILURE, said, remedy)
    if kept and not due:
        first = f"the first to end is {_title(kept[0])}'s, in {int((kept[0].ends - now) // DAY)} days"
        yield Finding("certificates", OK, f"{len(kept)}; {first}")


def _title(one: Certificate) -> str:
    return ", ".join(one.names) or one.brought


def of_walls(known: t.Mapping[Subject, Standing]) -> Finding:
    """Workloads whose declaration says that they may reach the host."""
    open_to = [
        str(subject.workload) for subject, row in sorted(known.items()) if row.live and terms(row.live).reaches_host
    ]
    return Finding("walls", OK, f"open by declaration: {', '.join(open_to)}" if open_to else "closed for all workloads")


def of_closed(known: t.Mapping[Subject, Standing]) -> t.Iterator[Finding]:
    """Releases that run, and that a role which has not ended keeps their clients from."""
    for subject, row in sorted(known.items()):
        why = gate_answers.closed_reason(row.live)
        if why:
            yield Finding(subject.workload, FAILURE, why, "Run the playbook or role that did so again.")


def of_entry(ways: int, closed: t.Sequence[str], stands: bool) -> Finding:
    """Whether the proxy takes connections on each address that it is published on, and by the rules that it has."""
    remedy = "Run the playbook reconcile, or the role traefik."
    if closed:
        return Finding("entry", FAILURE, f"no connection to {', '.join(closed)}", remedy)
    if not stands:
        found = f"{ways} ways in; rules of the packet filter are away, the engine's docker-proxy is in between"
        return Finding("entry", WARNING, found, remedy)
    return Finding("entry", OK, f"{ways} ways in")


def of_wall(missed: str | None) -> Finding:
    """Whether workloads are kept from each other: what is missing; None where that is not asked for."""
    if missed is None:
        return Finding("wall", OK, "none is wanted: workloads on the public network reach each other")
    if missed:
        remedy = "Give the host iptables and a kernel with br_netfilter, and run `entry up` in its folder of Traefik."
        away = "its rules are away" in missed
        found = f"away: workloads on the public network reach each other; {missed}"
        if away:
            return Finding("wall", FAILURE, found, "Run the playbook reconcile, or the role traefik.")
        return Finding("wall", WARNING, found, remedy)
    return Finding("wall", OK, "on the public network, workloads and the proxy reach each other only")


def of_port(port: int, program: str | None, ours: bool) -> Finding:
    """A port that the proxy needs, the program that has it, and whether that is the proxy's own."""
    what = f"port {port}"
    if ours and program:
        return Finding(what, OK, "the platform's proxy listens")
    if ours:
        return Finding(what, FAILURE, "nobody listens", "Run the role traefik.")
    if program:
        return Finding(what, FAILURE, f"taken by {program}", "Stop it, or give the role traefik another port.")
    return Finding(what, OK, "free")


def of_name(domain: str, addresses: list[str] | str, own: t.Sequence[str], certain: bool) -> Finding:
    """Where a domain points to.

    :param addresses: what it resolves to, or why it does not.
    :param certain: `own` are the addresses that it has to have; else a router may stand before the host.
    """
    what = f"name {domain}"
    if isinstance(addresses, str):
        return Finding(what, FAILURE, addresses, f"Make an A or AAAA record: {', '.join(own) or 'this host'}.")
    found = ", ".join(addresses)
    if any(address in own for address in addresses):  # of several, others may be other hosts' that serve it, too
        return Finding(what, OK, found)
    remedy = f"Point it to {', '.join(own) or 'this host'}{'' if certain else ', or say in addresses where'}."
    return Finding(what, FAILURE if certain else WARNING, found, remedy)


def of_reach(target: str, problem: str) -> Finding:
    """Whether a server that the host needs takes connections."""
    remedy = "Check the name, the firewall and the proxy between." if problem else ""
    return Finding(f"reach {target}", FAILURE if problem else OK, problem or "answers", remedy)


def _version(text: str) -> tuple[int, ...]:
    return tuple(int(number) for number in re.findall(r"\d+", text)[:3])


def _dotted(version: t.Iterable[int]) -> str:
    return ".".join(map(str, version))
