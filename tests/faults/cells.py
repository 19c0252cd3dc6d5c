"""The crash matrix: every step of every strategy, killed in its middle and after it, repaired in two ways."""

from __future__ import annotations

import os
import typing as t

from harness.mixed_load import FLYING, SPARSE

Options = dict[str, t.Any]
COMMAND: Options = {"release_command": ["python3", "-c", "import time; time.sleep(0.3)"]}
BAKE: Options = {"bake": {"seconds": 2}}


# What a release may change of how it is reached and left, and what one must not do with the other's (B3): the old one
# listens on 8000 and is drained there, whatever the new one says.
MOVED: Options = {"port": 8001, "env": {"PORT": "8001"}, "drain": {"timeout": 6}, "stop_timeout": 4}


class Cell(t.NamedTuple):
    """One kill and one repair.

    :param more: what the new release declares besides its version.
    :param rates: the traffic meanwhile, arrivals a second by kind.
    :param about: what is special, for people.
    """

    strategy: str
    step: str
    when: str
    repair: str
    more: Options
    rates: dict[str, float] = FLYING
    about: str = ""

    @property
    def name(self) -> str:
        """For people."""
        return "-".join(word for word in (self.strategy, self.about, self.step, self.when, self.repair) if word)


STEPS: dict[str, dict[str, Options]] = {
    "blue-green": {
        "release_command": COMMAND,
        "start": {},
        "gate": {"env": {"BOOT_DELAY": "0.4"}},
        "switch": {},
        "persist": {},
        "bake": BAKE,
        "drain": {},
        "reap": {},
    },
    "recreate": {
        "hold": {},
        "drain": {},
        "stop": {},
        "release_command": COMMAND,
        "start": {},
        "gate": {"env": {"BOOT_DELAY": "0.4"}},
        "switch": {},
        "persist": {},
        "bake": BAKE,
        "reap": {},
    },
    "handover": {
        "stand_in": {},
        "gate": {"env": {"BOOT_DELAY": "0.4"}},
        "divert": {},
        "stop": {},
        "start": {},
        "undivert": {},
        "persist": {},
        "reap": {},
    },
}


ALL = bool(os.environ.get("TIDEGATE_EVERY"))


def chosen(when: str, repair: str) -> bool:
    """Half of the cells, unless all are asked for: both moments of each step, and each repair once."""
    return ALL or (when == "middle") == (repair == "reconcile")


CELLS = [
    Cell(strategy, step, when, repair, more)
    for strategy, steps in STEPS.items()
    for step, more in steps.items()
    for when in ("middle", "after")
    for repair in ("again", "reconcile")
    if chosen(when, repair)
]

# The steps that leave something of the old release, or take back something of the new one, with a port, a limit and a
# network that change (T1); with requests by the dozen, and with hardly any, which shows what a dozen hides (T6).
CELLS += [
    Cell("blue-green", step, when, repair, {**MOVED, **more}, rates, about)
    for number, (step, more) in enumerate(
        (("switch", {}), ("persist", {}), ("bake", BAKE), ("drain", {}), ("reap", {}))
    )
    for rates, about in ((FLYING, "moved"), (SPARSE, "moved-sparse"))
    for when in ("middle", "after")
    for repair in ("again", "reconcile")
    if ALL or (chosen(when, repair) and (when == "middle") == ((number + (rates is SPARSE)) % 2 == 0))
]

# Requests that a middleware of the proxy holds before it dials, which no connection tells of (B4): hardly any, a port that
# changes, and what is left of the old release when the run is killed.
ASKED: dict[str, float] = {"new": 1.5, "slow": 0.8}
CELLS += [
    Cell("blue-green", step, when, repair, MOVED, ASKED, "asked")
    for number, step in enumerate(("switch", "persist", "drain", "reap"))
    for when in ("middle", "after")
    for repair in ("again", "reconcile")
    if ALL or (chosen(when, repair) and (when == "middle") == (number % 2 == 0))
]

# Steps that fail, and whose undoing is killed after the first of what it has to do.
CELLS += [
    Cell(strategy, step, "undoing", repair, {})
    for strategy, steps in (
        ("blue-green", ("start", "switch")),
        ("recreate", ("stop", "gate", "switch")),
        ("handover", ("gate", "divert", "start", "undivert")),
    )
    for number, step in enumerate(steps)
    for repair in ("again", "reconcile")
    if ALL or (repair == "again") == (number % 2 == 0)
]

_BUILT = ("build", "start", "gate", "switch", "persist", "drain", "reap")
_PUBLISHED = ("build", "keep_assets", "hold", "drain", "stop", "start", "gate", "switch", "persist", "reap")
# A build's own steps; the others are the core's, and are tried in one way each where all are asked for.
SOURCE_CELLS = [
    (kind, Cell(strategy, step, when, repair, {}))
    for kind, strategy, steps in (
        ("dockerfile", "blue-green", _BUILT),
        ("static", "recreate", _PUBLISHED),
        ("runner", "blue-green", _BUILT),
    )
    for number, step in enumerate(steps)
    for when, repair in (("middle", "again"), ("after", "reconcile"))
    if step in ("build", "keep_assets") or (ALL and (when == "middle") == bool(number % 2))
]
"""Each source, killed in the steps that are its own; where all are asked for, in every step of its usual strategy."""

STACK_CELLS = [
    Cell(strategy, step, when, repair, {})
    for strategy, steps in (("rolling", ("place", "roll", "persist")), ("recreate", ("hold", "up", "persist")))
    for step in steps
    for when in ("middle", "after")
    for repair in ("again", "reconcile")
    if chosen(when, repair)
]
"""A Compose project, killed in every step of its two strategies."""
