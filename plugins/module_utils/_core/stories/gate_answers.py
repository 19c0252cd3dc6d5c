# Copyright: (c) 2026, tidegate.platform contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether what runs would still pass the gate that it once passed: for info and the doctor."""

from __future__ import annotations

from ..deploy.gates import Place, probe
from ..engine.engine import Engine
from ..host.clock import Clock
from ..options.snapshot import terms
from ..values.release import Release
from ..values.traffic import Gate

# What is asked over the network. Commands run inside of containers, and looking runs nothing; the result of an image's
# own HEALTHCHECK is part of what the engine lists.
_ASKED = ("http", "tcp")
# A role's word on a release that runs well and that its clients are kept from, as in the middle of an upgrade.
CLOSED = "tidegate-closed"


def closed_reason(release: Release | None) -> str:
    """Why a release was deployed so that nobody reaches it; empty text for all others. Pure."""
    return str((terms(release).labels.get(CLOSED) if release else None) or "")


def ask_gates(engine: Engine, clock: Clock, release: Release, running: dict[str, str]) -> dict[str, str]:
    """What the gates of a release's containers find wrong with them, by name; each is asked once.

    :param running: containers, and the service of a Compose project that each is of.
    """
    gates = _gates(release)
    found = {}
    for name, service in running.items():
        gate = gates.get(service)
        facts = engine.containers.inspect(name) if gate else None
        said = probe(engine, clock, gate, Place(name, facts)) if gate and facts else ""
        if said:
            found[name] = said
    return found


def _gates(release: Release) -> dict[str, Gate]:
    recorded = terms(release)
    services = {exposed.service: exposed.gate for exposed in recorded.exposed}
    gates = services if recorded.is_stack else {"": recorded.gate}
    return {service: gate for service, gate in gates.items() if gate.kind in _ASKED}
