# Copyright: (c) 2026, tidegate.platform contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The release command: run once in a container of the candidate's make, before it may serve."""

from __future__ import annotations

from dataclasses import replace

from ..host.clock import attempts
from ..values.errors import Unhealthy
from ..values.identity import SUFFIX_LENGTH
from ..values.plan import Step
from .containers import create_container, make_ground, prune_kept, release_of
from .run import Run


def run_release_command(run: Run, step: Step) -> str:
    """Run the release command once, in a container of the candidate's make, and remove that container."""
    release = release_of(step)
    name = f"{run.want.name}-{release.id[-SUFFIX_LENGTH:]}-release"
    engine, seconds, passed = run.on.engine, run.want.release_command_timeout, False
    try:
        make_ground(run)
        # Nobody calls it: it has neither an address nor a name of those that serve.
        spec = replace(run.want.container, addresses=(), aliases=())
        create_container(run, name, release, spec, run.want.release_command)
        engine.containers.start(name)
        code = _exit_code(run, name, seconds)
        if code != 0:
            how = f"did not end within {seconds:g} s" if code is None else f"ended with exit code {code}"
            remedy = "What served before still serves; the output is in `logs`."
            raise Unhealthy(
                f"the release command {how}", subject=name, remedy=remedy, logs=engine.containers.tail(name)
            )
        passed = True
    finally:  # whatever ended it: no step takes this back
        engine.containers.remove(name, volumes=True)
        if not passed:
            prune_kept(run)
    return f"exit code {code}"


def _exit_code(run: Run, name: str, seconds: float) -> int | None:
    """How a one-off container ended, or None when it has not after `seconds`."""
    for _left in attempts(run.watch, seconds, first=0.02):
        facts = run.on.engine.containers.inspect(name)
        if facts is not None and facts.state in ("exited", "dead"):
            return facts.exit_code
    return None
