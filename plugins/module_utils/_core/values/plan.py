# Copyright: (c) 2026, tidegate.platform contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is to be done: verbs, steps, a plan."""

from __future__ import annotations

import enum
from dataclasses import dataclass, field

from .actual import Leaving
from .identity import Document
from .release import Release
from .stack import Definition, Service


class Verb(str, enum.Enum):
    """What a step does."""

    PULL = "pull"
    BUILD = "build"
    HOLD = "hold"
    STOP = "stop"
    KEEP_ASSETS = "keep_assets"
    PLACE = "place"
    ROLL = "roll"
    UNROLL = "unroll"
    UP = "up"
    RELEASE_COMMAND = "release_command"
    STAND_IN = "stand_in"
    DIVERT = "divert"
    UNDIVERT = "undivert"
    START = "start"
    RESUME = "resume"
    GATE = "gate"
    SWITCH = "switch"
    UNROUTE = "unroute"
    PERSIST = "persist"
    BAKE = "bake"
    WITHDRAW = "withdraw"
    DRAIN = "drain"
    REAP = "reap"
    REMOVE_VOLUMES = "remove_volumes"
    FORGET = "forget"
    CLEAR = "clear"


@dataclass(frozen=True)
class Step:
    """One act, what it acts on, and what takes it back; a switch with its release is one that has to prove itself.

    :param anew: a service is replaced although it is what it shall be, because what it is to be restarted with is
        another; as an undo, only if that was brought back.
    """

    verb: Verb
    containers: tuple[str, ...] = ()
    route: Document | None = None
    release: Release | None = None
    undo: tuple[Step, ...] = ()
    volumes: tuple[str, ...] = ()
    service: Service | None = None
    definition: Definition | None = None
    leaving: Leaving = field(default_factory=Leaving)
    anew: bool = False


@dataclass(frozen=True)
class Plan:
    """An ordered tuple of steps; empty means that there is nothing to do, and `reason` says why (or why not)."""

    steps: tuple[Step, ...] = ()
    reason: str = ""
    candidate: Release | None = None
    skipped: bool = False

    def verbs(self) -> list[str]:
        """The steps' names, in order."""
        return [step.verb.value for step in self.steps]
