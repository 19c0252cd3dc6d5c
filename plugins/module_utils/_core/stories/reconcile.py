# Copyright: (c) 2026, tidegate.platform contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The stories that need no declaration, because a release holds its own: rollback, cancel, reconcile."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from ..decide.fleet import remedy, said, waits
from ..decide.retention import target
from ..deploy.batch import Batch, Manner, alone
from ..deploy.observe import survey
from ..deploy.phases import released
from ..deploy.run import World
from ..deploy.unrecorded import refusal, unrecorded
from ..host import published_ports
from ..host.clock import Watch, attempts
from ..options.parse import nothing
from ..values.actual import Known, Release
from ..values.errors import Canceled, EngineFailure, LockHeld, Unhealthy, Unrecorded
from ..values.grammar import key_of
from ..values.workload import TRAEFIK, Subject, Workload
from .call import Call, Result
from .declare import documents, together

OPENED: Result = {"changed": True, "state": "repaired", "reason": "its rules of the packet filter were away"}


def rollback(call: Call) -> Result:
    """`workload_rollback`: make an earlier release live again, by its own snapshot and artifact."""
    subject = call.subject
    goal: list[Release] = []

    def earlier(world: World) -> Workload:
        known = world.on.store.known(subject).get(subject, Known())
        chosen = target(world.on.store.releases(subject), known, call.params["to"], subject.workload)
        goal.append(chosen)
        if known.live is not None and known.live.id != chosen.id:
            world.leaves = (known.live.id, f"rolled back to {chosen.id}")
        return as_released(world, chosen, known)

    ended = alone(call.on, nothing(subject), Manner(check=call.check, declare=earlier), call.interrupts)
    (document,) = documents([ended], call)
    document["target"] = goal[-1].id if goal else None
    return document


def cancel(call: Call) -> Result:
    """`workload_cancel`: end a deployment that is under way, before it is live."""
    subject = call.subject
    store = call.store()
    attempt = store.known(subject).get(subject, Known()).attempt
    if attempt is None:
        return {"changed": False, "reason": "no deployment is under way", "deployment": None}
    document = {"id": attempt.id, "status": attempt.status, "conclusion": None}
    if call.check:
        return {"changed": True, "reason": "it is to be canceled", "deployment": document}
    if not store.cancel(attempt.id):
        cause = f"deployment {attempt.id} is live already"
        if attempt.fleet:
            cause += f", as a {said(attempt)}"
            raise Canceled(cause, subject=subject.workload, remedy=f"To end that, {remedy(key_of(*subject))}")
        raise Canceled(cause, subject=subject.workload, remedy="Use workload_rollback to go back.")
    conclusion = _concluded(call, subject, attempt.id)
    if conclusion != "canceled":
        cause = f"deployment {attempt.id} ended {conclusion or 'not'} before it could be canceled"
        raise Canceled(cause, subject=subject.workload, remedy="See workload_info.")
    reason = f"deployment {attempt.id} was canceled"
    return {
        "changed": True,
        "reason": reason,
        "deployment": {**document, "status": "completed", "conclusion": conclusion},
    }


def _concluded(call: Call, subject: Subject, deployment: str) -> str | None:
    """Wait until the run has stopped; where it was killed before, take back what it left."""
    watch = Watch(call.clock, call.interrupts.check)
    impatient = replace(call.on, lock_timeout=0)
    for _left in attempts(watch, call.params["timeout"]):
        conclusion = call.store().conclusion(deployment)
        if conclusion is not None:
            return conclusion
        ended = alone(impatient, nothing(subject), Manner(declare=_by_record), call.interrupts)
        if ended.error is not None and not isinstance(ended.error, (LockHeld, Unrecorded)):
            raise ended.error
    return None


def reconcile(call: Call) -> Result:
    """`reconcile`: make containers, routes and record agree again, for every workload or for some."""
    before = _open_ways(call)
    try:
        seen = survey(call.on)
    except EngineFailure as error:
        known = call.store().known()
        rows = [_row(subject, "unknown", str(error)) for subject in sorted(known) if call.wanted(subject)]
        return {"changed": False, "failed": True, "msg": str(error), "kind": "EngineFailure", "workloads": rows}
    subjects = sorted(subject for subject in {*seen.known, *seen.containers} if call.wanted(subject))
    staged = [subject for subject in subjects if waits(seen.known.get(subject, Known()).attempt, call.clock.now())]
    wants = [nothing(subject) for subject in subjects if subject not in staged]
    manner = Manner(check=call.check, concurrency=call.params["concurrency"], declare=_by_record, deep=True)
    ended = Batch(call.on, manner, call.interrupts, call.tell).run(wants)
    # What the rules lead to may only be there now.
    opened = _open_ways(call) or (OPENED if before else {})
    rows = [_with_ways(_entered(call, _judged(row)), opened) for row in documents(ended, call)]
    rows += [_row(subject, "busy", _kept(seen.known[subject], subject)) for subject in staged]
    done = together([row for row in rows if row["state"] != "busy"], call.diff)
    done["workloads"] = sorted(rows, key=lambda row: (row["name"], row["environment"]))
    done["summary"] = {
        state: sum(row["state"] == state for row in rows) for state in ("ok", "repaired", "busy", "failed", "unknown")
    }
    call.warnings += [row["msg"] for row in rows if row["state"] == "unknown"]
    return done


def _kept(known: Known, subject: Subject) -> str:
    """Why a fleet's deployment is left alone, and what ends it."""
    whose = said(known.attempt) if known.attempt else "part of a fleet's run"
    return f"it is a {whose}; if that is gone, {remedy(key_of(*subject))}"


def _by_record(world: World) -> Workload:
    """What the record says, and what is pinned by it; nothing where it says that nothing is live.

    :raises Unrecorded: there are containers that nobody remembers; they stay.
    """
    subject = world.subject
    known = world.on.store.known(subject).get(subject, Known())
    if known.live is not None:
        return as_released(world, known.live, known)
    found = unrecorded(world.on, subject, world.have.containers)
    if found:
        raise refusal(world.key, found)
    return nothing(subject)


def as_released(world: World, release: Release, known: Known) -> Workload:
    """The declaration of a release, for as long as nobody asks for something later.

    :raises InvalidOption: a secret is not kept any more.
    """
    return replace(released(world.on, world.subject, release), sequence=known.sequence)


def _judged(row: Result) -> Result:
    if not row["failed"]:
        return {**row, "state": "repaired" if row["changed"] else "ok"}
    states = {LockHeld.__name__: "busy", Unrecorded.__name__: "unknown"}
    if row["kind"] in states:
        return {**row, "failed": False, "state": states[row["kind"]], "reason": row["msg"]}
    return {**row, "state": "failed"}


def _entered(call: Call, row: Result) -> Result:
    """What runs and is not got in to has failed, whatever was repaired; it is made anew for that once, and not again.

    What refuses may be no matter of the container's: a firewall, say. Once clients get in, that is forgotten.
    """
    subject = Subject(row["name"], row["environment"])
    if row["state"] not in ("ok", "repaired") or (call.check and row["changed"]):
        return row
    live, key = call.on.store.known(subject).get(subject, Known()).live, key_of(*subject)
    ports = (live.snapshot.get("ports") or ()) if live is not None and live.state == "running" else ()
    before, closed = published_ports.given_up(call.params["state_dir"], key), dict[str, Sequence[str]]()
    for name in live.containers if live is not None and ports else ():
        facts = call.on.engine.inspect(name)
        if facts is not None and facts.state == "running" and (row["changed"] or name in before):
            closed[name] = published_ports.refused(ports, facts.reachable, call.clock)
    closed = {name: ways for name, ways in closed.items() if ways}
    if not call.check and (before or closed):
        published_ports.give_up(call.params["state_dir"], key, closed)
    if not closed:
        return row
    ways_in = ", ".join(way for ways in closed.values() for way in ways)
    cause = f"its published port takes no connection at {ways_in}, and a new container does not change that"
    said = f"{cause}. Look at the host's firewall, and whether the engine publishes ports of this address."
    return {**row, "failed": True, "state": "failed", "kind": Unhealthy.__name__, "msg": said, "reason": cause}


def _open_ways(call: Call) -> Result:
    """Set the proxy's rules of the packet filter again, and say what to say of it; nothing where they stood."""
    state_dir = call.params["state_dir"]
    if not call.wanted(TRAEFIK) or published_ports.stands(state_dir, call.clock):
        return {}
    said = "" if call.check else published_ports.restore(state_dir, call.clock)
    if said:
        return {"failed": True, "state": "failed", "msg": f"its rules of the packet filter cannot be set: {said}"}
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
