# Copyright: (c) 2026, tidegate.platform contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The story of `workload_info`: what is live, how it is, what it was."""

from __future__ import annotations

import time
import typing as t
from dataclasses import replace

from ..decide.fleet import until, waits, whose_until
from ..decide.plan import decide
from ..decide.replicas import Replica, replicas
from ..decide.retention import retained
from ..deploy import definitions
from ..deploy.converge import unchanged
from ..deploy.observe import Survey, survey
from ..deploy.redeclare import released
from ..deploy.store import Store
from ..deploy.unrecorded import refusal, unrecorded, volumes_left
from ..host import published_ports
from ..options.snapshot import terms
from ..proxy.routing_documents import routers_of
from ..values.actual import Actual
from ..values.errors import CommandFailure, EngineFailure, InvalidOption, ProxyFailure
from ..values.identity import Document, Subject, key_of
from ..values.release import Attempt, Release, Standing
from .call import Call, Result
from .gate_answers import ask_gates, closed_reason
from .result import release_document, table

UNKNOWN = "unknown"
_HEADINGS = ("WORKLOAD", "ENVIRONMENT", "HEALTH", "LIVE", "SINCE", "ROUTES", "DRIFT", "LAST DEPLOYMENT")


def info(call: Call) -> Result:
    """Everything that is known of the workloads; what does not answer is `unknown`, never `missing` (DS-T12)."""
    seen, silent = _look(call)
    routers, no_proxy = _routers(call)
    store = seen.on.store if seen else call.store
    known = seen.known if seen else store.known()
    # Who is asked for by name may have left nothing but data.
    left = volumes_left(seen.on, known) if seen and call.params["names"] else {}
    everybody = {*known, *left, *(seen.containers if seen else ())}
    subjects = sorted(subject for subject in everybody if call.wanted(subject))
    rows = [
        {
            **_workload(call, store, subject, known.get(subject, Standing()), seen, routers),
            "volumes": list(left.get(subject, ())),
        }
        for subject in subjects
    ]
    return {
        "changed": False,
        "workloads": rows,
        "unknown": [text for text in (silent, no_proxy) if text],
        "table": table(_HEADINGS, [_line(row) for row in rows]),
    }


def _look(call: Call) -> tuple[Survey | None, str]:
    try:
        return survey(call.on), ""
    except EngineFailure as error:
        return None, str(error)


def _routers(call: Call) -> tuple[dict[str, Document] | None, str]:
    try:
        return call.traefik.api.table(), ""
    except ProxyFailure as error:
        return None, str(error)


def _workload(
    call: Call,
    store: Store,
    subject: Subject,
    known: Standing,
    seen: Survey | None,
    routers: dict[str, Document] | None,
) -> Result:
    live = known.live
    kept = {entry.release.id: entry for entry in store.releases(subject)}
    releases = retained(list(kept.values()), known)
    rows = None
    if seen is not None:
        rows = replicas(live, seen.containers.get(subject, ()), definitions.kept(seen.on, subject, live))
        rows = _asked(call, live, rows)
    refused = _closed(call, live, rows)
    health, kept_from = _health(live, rows), closed_reason(live)
    return {
        "name": subject.workload,
        "environment": subject.environment,
        "state": live.state if live else "absent",
        "since": _moment(known.since),
        "release": release_document(live),
        "releases": [_release(r, kept[r.id].made_at, kept[r.id].withdrawn, live, seen) for r in releases],
        "containers": None if rows is None else [row._asdict() for row in rows],
        "health": "degraded" if (refused or kept_from) and health == "healthy" else health,
        "refused": refused,
        "routes": _routes(live, routers),
        "drift": _drift(call, subject, known, seen)
        or (f"no connection to {', '.join(refused)}" if refused else kept_from),
        "deploying": _attempt(known.attempt) if known.attempt else None,
        "deployments": [
            _deployment(row, store.step(row["id"])) for row in store.deployments(subject, call.params["deployments"])
        ],
    }


def _release(
    release: Release, made_at: float, withdrawn: str | None, live: Release | None, seen: Survey | None
) -> Result:
    return {
        "id": release.id,
        "image": release.image,
        "image_id": release.image_id,
        "made_at": _moment(made_at),
        "withdrawn": withdrawn,
        "live": live is not None and live.id == release.id,
        "available": UNKNOWN if seen is None else "yes" if seen.find_image(release.image_id) else "no",
    }


def _asked(call: Call, live: Release | None, rows: list[Replica]) -> list[Replica]:
    """The rows with what their gates say now, which was asked for last when they were deployed."""
    running = {row.name: row.service for row in rows if row.live and row.good and row.name}
    if live is None or live.state != "running" or not running:
        return rows
    sick = ask_gates(call.on.engine, call.clock, live, running)
    return [row._replace(good=False, health=f"sick: {sick[row.name]}") if row.name in sick else row for row in rows]


def _health(live: Release | None, rows: t.Sequence[Replica] | None) -> str:
    """One word: healthy, degraded, down, stopped, absent or unknown."""
    if live is None:
        return UNKNOWN if rows else "absent"
    if rows is None:
        return UNKNOWN
    if live.state != "running":
        return live.state
    serving = [row.good for row in rows if row.live]
    return "healthy" if all(serving) else "degraded" if any(serving) else "down"


def _closed(call: Call, live: Release | None, rows: t.Sequence[Replica] | None) -> list[str]:
    """Addresses on which a running container is published, and which nevertheless take no connection."""
    ports = terms(live).ports if live else ()
    serving = [row.name for row in rows or () if row.live and row.good and row.name]
    facts = call.on.engine.containers.inspect(serving[0]) if ports and serving else None
    return list(published_ports.refused(ports, facts.reachable, call.clock)) if facts else []


def _routes(live: Release | None, routers: dict[str, Document] | None) -> list[Result]:
    """The declared routers beside what Traefik makes of them."""
    found = []
    for router in routers_of(live.route if live else None):
        has = (routers or {}).get(router.name)
        row = {"rule": router.rule, "entry_points": list(router.entry_points), "status": "missing", "servers": []}
        if routers is None:
            row.update(status=UNKNOWN)
        elif has is not None:
            right = has["rule"] == router.rule and sorted(has["servers"]) == sorted(router.servers)
            row.update(status=has.get("status", UNKNOWN) if right else "differs", servers=has["servers"])
        found.append(row)
    return found


def _drift(call: Call, subject: Subject, known: Standing, seen: Survey | None) -> str:
    """What `reconcile` would repair; an empty text when there is nothing."""
    if seen is None:
        return UNKNOWN
    if known.attempt is not None:
        return _under_way(known.attempt, call.clock.now())
    if known.live is None:
        return _left(subject, seen)
    try:
        want = replace(released(seen.on, subject, known.live), sequence=known.sequence)
        if unchanged(want, seen) is not None:
            return ""
        have: Actual = seen.of(want)
        return decide(want, have, replace(known.live, route=None)).reason
    except (InvalidOption, CommandFailure) as error:
        return str(error)


def _under_way(attempt: Attempt, now: float) -> str:
    if waits(attempt, now):
        return f"{whose_until(attempt)}; if that is gone: cancel -e outcome=finish or revert"
    return f"deployment {attempt.id} is under way or was interrupted"


def _left(subject: Subject, seen: Survey) -> str:
    """What is there although nothing is live on record."""
    there = seen.containers.get(subject, ())
    found = unrecorded(seen.on, subject, there)
    if found:
        return refusal(key_of(*subject), found).cause
    return "containers without a live release" if there else ""


def _attempt(attempt: Attempt) -> Result:
    held = {"fleet": attempt.fleet or None, "held_until": until(attempt) if attempt.held_until else None}
    return {"id": attempt.id, "status": attempt.status, **held}


def _deployment(row: Result, step: str) -> Result:
    moments = {name: _moment(row[name]) for name in ("begun_at", "ended_at")}
    return {**row, **moments, "step": step}


def _moment(seconds: float | None) -> str | None:
    """UTC in ISO 8601, to the second."""
    return None if seconds is None else time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(seconds))


def _line(row: Result) -> tuple[str, ...]:
    last = row["deployments"][0] if row["deployments"] else None
    good = sum(route["status"] == "enabled" for route in row["routes"])
    return (
        row["name"],
        row["environment"],
        row["health"],
        row["release"]["image"].rpartition("/")[2] if row["release"] else "-",
        row["since"] or "-",
        f"{good} of {len(row['routes'])}" if row["routes"] else "-",
        row["drift"] or "none",
        f"{last['conclusion'] or last['status']} {last['ended_at'] or last['begun_at']}" if last else "-",
    )
