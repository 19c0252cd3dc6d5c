# Copyright: (c) 2026, tidegate.platform contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether this host has a Compose that can do what is needed of it."""

from __future__ import annotations

import os
import re
import typing as t

from ..host import process
from ..host.clock import Clock
from ..values.errors import CommandFailure

COMMAND = ("docker", "compose")
# The first with content of configs and secrets in a file's own words (2.23.1), as a release that was mended.
LEAST = (2, 24)
REMEDY = "Install it by the role docker (docker_compose), or as the package docker-compose-plugin."
_KEPT = ("PATH", "HOME", "DOCKER_CONFIG")
SECONDS = 20.0
_PROVEN: set[tuple[tuple[str, str], ...]] = set()


def environment() -> dict[str, str]:
    """What Compose is given of this process's environment: nothing else may decide what a file means."""
    return {name: os.environ[name] for name in _KEPT if name in os.environ}


def require(clock: Clock) -> None:
    """Refuse a host without a Compose that is new enough, before anything is touched; asked once in a run.

    :raises CommandFailure: says what is there, and how to get another.
    """
    env = environment()
    key = tuple(sorted(env.items()))
    if key in _PROVEN:
        return
    said = problem(version(clock, env))
    if said:
        raise CommandFailure(said, subject=" ".join(COMMAND), remedy=REMEDY)
    _PROVEN.add(key)


def version(clock: Clock, env: t.Mapping[str, str]) -> str:
    """What it says of itself; an empty text where there is none."""
    try:
        done = process.run([*COMMAND, "version", "--short"], clock, SECONDS, env=env)
    except CommandFailure:
        return ""
    return "" if done.code else done.out.strip()


def problem(said: str) -> str:
    """Why a version is none to work with; an empty text when it is. Pure."""
    least = ".".join(map(str, LEAST))
    numbers = tuple(int(number) for number in re.findall(r"\d+", said)[:2])
    if not numbers:
        return f"is not there, or does not say its version; {least} or newer is needed"
    return f"is {said}; {least} or newer is needed" if numbers < LEAST else ""
