# Copyright: (c) 2026, tidegate.platform contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The rules that bring clients to the proxy, and the wall between workloads: the role's script `entry`."""

from __future__ import annotations

import os

from .clock import Clock
from .places import Places
from .process import run
from .published_ports import SECONDS


def rules_stand(state_dir: str, clock: Clock) -> bool:
    """Whether the proxy's rules and settings are as the role traefik wrote them; true where it wrote none."""
    script = Places(state_dir).entry
    return not os.path.exists(script) or run([script, "check"], clock, SECONDS).code == 0


def wall_is_wanted(state_dir: str) -> bool:
    """Whether there is to be a wall between workloads, as the role traefik wrote it."""
    try:
        with open(f"{Places(state_dir).entry}.conf", encoding="utf-8") as stream:
            return any(row.startswith('subnet4="') and row.strip() != 'subnet4=""' for row in stream)
    except FileNotFoundError:
        return False


def wall_problem(state_dir: str, clock: Clock) -> str | None:
    """Why the wall between workloads does not stand, empty where it does; None where none is wanted."""
    if not wall_is_wanted(state_dir):
        return None
    done = run([Places(state_dir).entry, "wall"], clock, SECONDS)
    said = " ".join((done.out or done.err).split())
    return "" if done.code == 0 else said or f"exit code {done.code}"


def set_rules(state_dir: str, clock: Clock) -> str:
    """Set the rules again; why that failed, or an empty text."""
    done = run([Places(state_dir).entry, "up"], clock, SECONDS)
    return (done.err.strip() or f"exit code {done.code}") if done.code else ""
