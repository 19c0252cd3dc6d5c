# Copyright: (c) 2026, tidegate.platform contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The stories of the modules that declare workloads: one, or a list of them."""

from __future__ import annotations

import typing as t
from dataclasses import replace

from ..decide.fleet import LONGEST, NO_FLEET, UNNAMED, Fleet
from ..decide.phase_plans import Phase
from ..deploy.batch import Batch, Manner
from ..options.checks import positive
from ..options.parse import parse
from ..values.errors import InvalidOption
from ..values.grammar import ENVIRONMENT, WORKLOAD
from ..values.identity import Subject, key_of
from ..values.workload import State, Workload, nothing
from .call import Call, Params, Result
from .result import documents, together


def declares(kind: str) -> t.Callable[[Call], Result]:
    """The story of `workload_image` and its siblings: make one workload of a source as declared."""

    def story(call: Call) -> Result:
        call.secrets.lasting = not call.check
        want = parse({**call.params, "type": kind}, call.context)
        try:
            (ended,) = Batch(call.on, Manner(check=call.check), call.interrupts, call.tell).run([want])
        finally:
            call.end_progress()
        return documents([ended], call, [call.params])[0]

    return story


def declare_many(call: Call) -> Result:
    """`workloads`: make every workload of a list as declared; nothing is begun while any of them is invalid."""
    params, call.secrets.lasting = call.params, not call.check
    positive("concurrency", params["concurrency"])
    wants = _parsed(call)
    phase = Phase(params["phase"])
    manner = Manner(
        check=call.check,
        phase=phase,
        fleet=fleet_of(call),
        reason=params["reason"],
        concurrency=params["concurrency"],
        stop_on_failure=params["stop_on_failure"],
    )
    try:
        ended = Batch(call.on, manner, call.interrupts, call.tell).run(wants)
    finally:
        call.end_progress()
    return together(documents(ended, call, params["workloads"]), call.diff)


def _parsed(call: Call) -> list[Workload]:
    wants: list[Workload] = []
    seen: dict[str, Workload] = {}
    for number, params in enumerate(call.params["workloads"]):
        try:
            wants.append(_new(params, seen, call))
        except InvalidOption as error:
            error.subject = f"workloads[{number}] ({params['name']})"
            raise
    return wants


def fleet_of(call: Call) -> Fleet:
    """The run over many hosts that the options `fleet` and `hold` name; none where all is done at once."""
    hold = call.params["hold"]
    positive("hold", hold)
    if not hold <= LONGEST:  # nor is what is no number
        raise InvalidOption("hold", hold, f"is more than {LONGEST:.0f} seconds, a year", "Lower it.")
    if call.params["phase"] == Phase.DEPLOY.value:
        return NO_FLEET
    return Fleet(call.params["fleet"] or UNNAMED, call.params["hold"])


def _new(params: Params, seen: dict[str, Workload], call: Call) -> Workload:
    """The workload, whose name and routes none of those before it has.

    :param seen: by what no two may have, who has it.
    """
    want = _meant(params, call)
    if want.name in call.params["skip_release_commands"] and params.get("release_command_once"):
        want = replace(want, release_command=())
    if seen.setdefault(key_of(*want.subject), want) is not want:
        raise InvalidOption("name", want.name, "is declared twice", "Remove one of them.")
    for claim in want.claims:
        owner = seen.setdefault(claim, want)
        if owner is not want:
            option, cause = "routes", f"is declared for {owner.name} ({owner.environment}), too"
            if claim.startswith("project "):
                option = "compose.project"
            raise InvalidOption(option, claim, cause, "Take it away from one of them.")
    return want


def _meant(params: Params, call: Call) -> Workload:
    """The declaration; of what is finished or reverted, which is on record, the name is enough."""
    ending = call.params["phase"] in (Phase.FINISH.value, Phase.REVERT.value)
    named = params["state"] == State.PRESENT.value and not any(params.get(s) for s in ("image", "source", "compose"))
    return nothing(subject_of(params), State.PRESENT) if ending and named else parse(params, call.context)


def subject_of(params: Params) -> Subject:
    """The workload that an element of the list names."""
    name, environment = params["name"], params["environment"]
    return Subject(WORKLOAD.check("name", name), ENVIRONMENT.check("environment", environment))
