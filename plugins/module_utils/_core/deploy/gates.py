# Copyright: (c) 2026, tidegate.platform contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The gate: what a candidate has to show before traffic may go to it.

One deadline, the first probe at once, short backoff, N successes in a row; an exited container fails at once.
"""

from __future__ import annotations

import http.client
import os
import socket
import typing as t
from dataclasses import replace

from ..engine.engine import Engine
from ..engine.listing import Facts
from ..host.clock import Clock, attempts
from ..options.snapshot import terms
from ..values.actual import Container
from ..values.errors import Unhealthy
from ..values.plan import Step
from ..values.stack import Service
from ..values.traffic import Gate
from ..values.workload import Workload
from .run import Run

COMPLETION_SECONDS = 300.0
STILL_SERVES = "What served before still serves."


class Place(t.NamedTuple):
    """The container that is probed, as it was just inspected."""

    name: str
    facts: Facts


Probe = t.Callable[[Engine, Clock, Gate, Place], str]
"""Gives an empty text when the container is fine, else what was found instead."""


class Entry(t.NamedTuple):
    """A container in front of its gate; `restarts` is how often it may have restarted, None for as often as it has."""

    name: str
    gate: Gate
    restarts: int | None = 0


def resolve_gate(gate: Gate, has_healthcheck: bool) -> Gate:
    """Make `auto` one of the kinds: the image's own HEALTHCHECK, or a liveness window."""
    if gate.kind == "image" and not has_healthcheck:
        raise Unhealthy("the image has no HEALTHCHECK", subject="health.type=image", remedy="Use type http or tcp.")
    if gate.kind != "auto":
        return gate
    return replace(gate, kind="image" if has_healthcheck else "window")


def pass_gate(engine: Engine, clock: Clock, entry: Entry) -> str:
    """Wait until the container has passed; how many probes it took.

    :raises Unhealthy: it exited, restarted, or the deadline passed; carries the last answer and the log's tail.
    """
    gate, name = entry.gate, entry.name
    begun, good, last = clock.monotonic(), 0, "no probe was made"
    facts, allowed = engine.containers.inspect(name), entry.restarts
    for probes, _left in enumerate(attempts(clock, gate.deadline, first=0.01), 1):
        if probes > 1 and not _unchanged(facts, gate):
            facts = engine.containers.inspect(name)
        if facts is None or facts.state != "running" or (allowed is not None and facts.restarts > allowed):
            raise _ended(engine, name, facts)
        allowed = facts.restarts
        last = probe(engine, clock, gate, Place(name, facts))
        good = 0 if last else good + 1
        lived = clock.monotonic() - begun >= gate.window or gate.kind != "window"
        if good >= gate.successes and lived:
            return f"{gate.kind}, {probes} probe{'s' if probes > 1 else ''}"
    raise _failed(
        engine, name, f"not healthy after {gate.deadline:g} s by {gate.kind}; last: {last or 'too few successes'}"
    )


def _unchanged(facts: Facts | None, gate: Gate) -> bool:
    """True while the container's process is the one that was inspected: the kernel says so without the engine."""
    return facts is not None and gate.kind != "image" and facts.pid > 0 and os.path.exists(f"/proc/{facts.pid}")


def probe(engine: Engine, clock: Clock, gate: Gate, at: Place) -> str:
    """Look once; an empty text when the container is fine, else what was found instead."""
    said = PROBES[gate.kind](engine, clock, gate, at)
    if said or gate.routed is None or (gate.kind in _BY_ADDRESS and gate.port == gate.routed):
        return said
    # Its own check may well have asked from inside, where an application that listens on loopback only answers.
    refused = _tcp(engine, clock, replace(gate, port=gate.routed), at)
    return refused and f"{refused}; its routes go there, so it has to listen on all addresses (0.0.0.0)"


def ended(facts: Facts | None) -> str:
    """How a container that should run does not."""
    if facts is None:
        return "the container is gone"
    if facts.state == "running":
        return f"the container restarted ({facts.restarts} times), last exit code {facts.exit_code}"
    return f"the container is {facts.state}, exit code {facts.exit_code}"


def _ended(engine: Engine, name: str, facts: Facts | None) -> Unhealthy:
    """No probe was wrong about what ended; where that was its purpose, others have to wait for it."""
    if facts is None or facts.state != "exited" or facts.exit_code != 0:
        return _failed(engine, name, ended(facts))
    remedy = (
        f"{STILL_SERVES} What is deployed goes on running; a service of a Compose project may end where another waits "
        "for it by `condition: service_completed_successfully`. Say so there, or leave it out."
    )
    return unhealthy(engine, name, ended(facts), remedy)


def _failed(engine: Engine, name: str, cause: str) -> Unhealthy:
    remedy = f"{STILL_SERVES} Its log's last lines are in `logs`; change `health` if the probe is wrong."
    return unhealthy(engine, name, cause, remedy)


def unhealthy(engine: Engine, name: str, cause: str, remedy: str) -> Unhealthy:
    """The error of a container, with the last lines of its log if it is still there."""
    return Unhealthy(cause, subject=name, remedy=remedy, logs=engine.containers.tail(name))


def _http(_engine: Engine, _clock: Clock, gate: Gate, at: Place) -> str:
    connection = http.client.HTTPConnection(at.facts.reachable, t.cast("int", gate.port), timeout=gate.timeout)
    try:
        connection.connect()  # most probes end here, while the application starts: nothing is written for them
        connection.request("GET", gate.path, headers={"Host": gate.host} if gate.host else {})
        status = connection.getresponse().status
    except (OSError, http.client.HTTPException) as error:
        return f"GET {gate.path} on port {gate.port}: {error or type(error).__name__}"
    finally:
        connection.close()
    if any(low <= status <= high for low, high in gate.codes):
        return ""
    return f"GET {gate.path} on port {gate.port}: status {status}"


def _tcp(_engine: Engine, _clock: Clock, gate: Gate, at: Place) -> str:
    try:
        socket.create_connection((at.facts.reachable, t.cast("int", gate.port)), gate.timeout).close()
    except OSError as error:
        return f"connect to port {gate.port}: {error}"
    return ""


def _command(engine: Engine, clock: Clock, gate: Gate, at: Place) -> str:
    running, code = engine.commands.begin(at.name, gate.command), None
    try:
        for _left in attempts(clock, gate.timeout):
            code = engine.commands.exit_code(running)
            if code is not None:
                return "" if code == 0 else f"{gate.command[0]}: exit code {code}"
    finally:
        if code is None:  # neither a container that serves nor one that is stopped is left with a probe in it
            engine.commands.end(running)
    return f"{gate.command[0]}: no end within {gate.timeout:g} s"


def _image(_engine: Engine, _clock: Clock, _gate: Gate, at: Place) -> str:
    return "" if at.facts.health == "healthy" else f"HEALTHCHECK is {at.facts.health or 'not run yet'}"


def _window(engine: Engine, clock: Clock, gate: Gate, at: Place) -> str:
    """Staying alive is enough, but traffic is never switched to a port that nobody listens on."""
    return _tcp(engine, clock, gate, at) if gate.port is not None else ""


_BY_ADDRESS = ("http", "tcp", "window")
PROBES: dict[str, Probe] = {"http": _http, "tcp": _tcp, "command": _command, "image": _image, "window": _window}


def gate(run: Run, step: Step) -> str:
    """Wait until every container passed its release's gate."""
    settled = gate_of_step(run, step)
    said = ""
    # A container made by this very deployment may not have restarted even once.
    own = step.release is not None and step.release.id == run.deployment.id
    for name in step.containers:
        entry = Entry(name, settled, 0 if own else None)
        said = pass_gate(run.on.engine, run.watch, entry)
    return said


def gate_of_step(run: Run, step: Step) -> Gate:
    """The gate that a step's release declares, or the declaration where it has none; by its image where nobody says."""
    image = run.on.engine.images.get(step.release.image_id) if step.release else run.have.image
    declared = run.want.gate if step.release is None else terms(step.release).gate
    return resolve_gate(declared, bool(image and image.has_healthcheck))


def of_service(run: Run, want: Workload, service: Service, names: t.Sequence[str]) -> None:
    """Wait until every container of a project's service passed its gate, or ended well where it shall end.

    On a way back to what ran although it was unhealthy, that is no reason to be without it.
    """
    exposed = [e for e in (want.stack.exposed if want.stack else ()) if e.service == service.name]
    if not names and service.replicas:
        raise Unhealthy("has no container", subject=service.name, remedy=STILL_SERVES)
    unwell = _unwell(run, service) if run.deployment.undoing else []
    stayed = {c.name for c in _now(run) if c in unwell} if unwell else set()
    for name in names:
        if service.completes:
            _complete(run, name)
        elif name not in stayed:
            facts = run.on.engine.containers.inspect(name)
            settled = resolve_gate(exposed[0].gate if exposed else Gate("auto"), bool(facts and facts.health))
            try:
                pass_gate(run.on.engine, run.watch, Entry(name, settled, None))
            except Unhealthy:
                if not unwell or not any(c.name == name and c.state == "running" for c in _now(run)):
                    raise


def _unwell(run: Run, service: Service) -> list[Container]:
    """Containers of a service that ran before, and were unhealthy by their own check."""
    mine = [c for c in run.have.containers if c.service == service.name]
    return [c for c in mine if c.state == "running" and not c.serves]


def _now(run: Run) -> t.Sequence[Container]:
    return run.on.engine.containers.by_subject(run.subject).get(run.subject, ())


def _complete(run: Run, name: str) -> None:
    for _left in attempts(run.watch, COMPLETION_SECONDS):
        facts = run.on.engine.containers.inspect(name)
        if facts is not None and facts.state == "exited":
            if facts.exit_code:
                raise unhealthy(run.on.engine, name, f"ended with exit code {facts.exit_code}", "See logs.")
            return
    raise Unhealthy(f"did not end within {COMPLETION_SECONDS:g} s", subject=name, remedy=STILL_SERVES)
