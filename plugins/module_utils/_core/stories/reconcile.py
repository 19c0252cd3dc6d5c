# Copyright: (c) 2026, tidegate.platform contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The story of `reconcile`, which needs no declaration, because a release holds its own."""

from __future__ import annotations

from collections.abc import Sequence

from ..decide.fleet import remedy, waits, whose_until
from ..deploy.batch import Batch, Manner
from ..deploy.observe import survey
from ..deploy.redeclare import by_record
from ..host import proxy_entry, published_ports
from ..options.snapshot import terms
from ..values.errors import EngineFailure, LockHeld, Unhealthy, Unrecorded
from ..values.identity import Subject, key_of
from ..values.release import Standing
from ..values.workload import TRAEFIK, nothing
from .call import Call, Result
from .result import documents, together

OPENED: Result = {"changed": True, "state": "repaired", "reason": "its rules of the packet filter were away"}


def reconcile(call: Call) -> Result:
    """`reconcile`: make containers, routes and record agree again, for every workload or for some."""
    before = _open_ways(call)
    try:
        seen = survey(call.on)
    except EngineFailure as error:
        known = call.store.known()
        rows = [_row(subject, "unknown", str(error)) for subject in sorted(known) if call.wanted(subject)]
        return {"changed": False, "failed": True, "msg": str(error), "kind": "EngineFailure", "workloads": rows}
    subjects = sorted(subject for subject in {*seen.known, *seen.containers} if call.wanted(subject))
    staged = [subject for subject in subjects if waits(seen.known.get(subject, Standing()).attempt, call.clock.now())]
    wants = [nothing(subject) for subject in subjects if subject not in staged]
    manner = Manner(check=call.check, concurrency=call.params["concurrency"], declare=by_record, deep=True)
    ended = Batch(call.on, manner, call.interrupts, call.tell).run(wants)
    # What the rules lead to may only be there now.
    opened = _open_ways(call) or (OPENED if before else {})
    rows = [_with_ways(_check_ways_in(call, _judge(row)), opened) for row in documents(ended, call)]
    rows += [_row(subject, "busy", _kept(seen.known[subject], subject)) for subject in staged]
    done = together([row for row in rows if row["state"] != "busy"], call.diff)
    done["workloads"] = sorted(rows, key=lambda row: (row["name"], row["environment"]))
    done["summary"] = {
        state: sum(row["state"] == state for row in rows) for state in ("ok", "repaired", "busy", "failed", "unknown")
    }
    call.warnings += [row["msg"] for row in rows if row["state"] == "unknown"]
    return done


def _kept(known: Standing, subject: Subject) -> str:
    """Why a fleet's deployment is left alone, and what ends it."""
    whose = whose_until(known.attempt) if known.attempt else "part of a fleet's run"
    return f"it is a {whose}; if that is gone, {remedy(key_of(*subject))}"


def _judge(row: Result) -> Result:
    if not row["failed"]:
        return {**row, "state": "repaired" if row["changed"] else "ok"}
    states = {LockHeld.__name__: "busy", Unrecorded.__name__: "unknown"}
    if row["kind"] in states:
        return {**row, "failed": False, "state": states[row["kind"]], "reason": row["msg"]}
    return {**row, "state": "failed"}


def _check_ways_in(call: Call, row: Result) -> Result:
    """What runs and is not got in to has failed, whatever was repaired; it is made anew for that once, and not again.

    What refuses may be no matter of the container's: a firewall, say. Once clients get in, that is forgotten.
    """
    subject = Subject(row["name"], row["environment"])
    if row["state"] not in ("ok", "repaired") or (call.check and row["changed"]):
        return row
    live, key = call.on.store.known(subject).get(subject, Standing()).live, key_of(*subject)
    ports = terms(live).ports if live is not None and live.state == "running" else ()
    before, closed = published_ports.given_up(call.params["state_dir"], key), dict[str, Sequence[str]]()
    for name in live.containers if live is not None and ports else ():
        facts = call.on.engine.containers.inspect(name)
        if facts is not None and facts.state == "running" and (row["changed"] or name in before):
            closed[name] = published_ports.refused(ports, facts.reachable, call.clock)
    closed = {name: ways for name, ways in closed.items() if ways}
    if not call.check and (before or closed):
        published_ports.give_up(call.params["state_dir"], key, closed)
    if not closed:
        return row
    ways_in = ", ".join(way for ways in closed.values() for way in ways)
    cause = f"its published port takes no connection at {ways_in}, and a new container does not change that"
    whose_until = f"{cause}. Look at the host's firewall, and whether the engine publishes ports of this address."
    return {**row, "failed": True, "state": "failed", "kind": Unhealthy.__name__, "msg": whose_until, "reason": cause}


def _open_ways(call: Call) -> Result:
    """Set the proxy's rules of the packet filter again, and say what to say of it; nothing where they stood."""
    state_dir = call.params["state_dir"]
    if not call.wanted(TRAEFIK) or proxy_entry.rules_stand(state_dir, call.clock):
        return {}
    whose_until = "" if call.check else proxy_entry.set_rules(state_dir, call.clock)
    if whose_until:
        return {
            "failed": True,
            "state": "failed",
            "msg": f"its rules of the packet filter cannot be set: {whose_until}",
        }
    return OPENED


def _with_ways(row: Result, opened: Result) -> Result:
    """Add to the proxy's row what became of its rules, unless it says something that matters more."""
    if (row["name"], row["environment"]) != TRAEFIK:
        return row
    return {**row, **opened} if row["state"] == "ok" or (opened.get("failed") and row["state"] == "repaired") else row


def _row(subject: Subject, state: str, reason: str) -> Result:
    return {
        **subject._asdict(),
        "name": subject.workload,
        "state": state,
        "reason": reason,
        "changed": False,
        "failed": False,
    }
