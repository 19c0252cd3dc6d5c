"""How containers leave: ports by their own release, limits by what is declared now, else by what is on record."""

from __future__ import annotations

import typing as t
from dataclasses import replace

import pytest
from ansible_collections.tidegate.platform.plugins.module_utils._core.decide import leave
from ansible_collections.tidegate.platform.plugins.module_utils._core.decide.plan import decide
from ansible_collections.tidegate.platform.plugins.module_utils._core.decide.recovery import (
    decide_recovery,
    finish,
    revert,
)
from ansible_collections.tidegate.platform.plugins.module_utils._core.options.of_record import declaration_of_record
from ansible_collections.tidegate.platform.plugins.module_utils._core.options.parse import Context
from ansible_collections.tidegate.platform.plugins.module_utils._core.proxy import routing_documents
from ansible_collections.tidegate.platform.plugins.module_utils._core.values.actual import Actual, Container
from ansible_collections.tidegate.platform.plugins.module_utils._core.values.errors import InvalidOption
from ansible_collections.tidegate.platform.plugins.module_utils._core.values.plan import Verb
from ansible_collections.tidegate.platform.plugins.module_utils._core.values.release import Attempt
from ansible_collections.tidegate.platform.plugins.module_utils._core.values.traffic import Drain
from ansible_collections.tidegate.platform.plugins.module_utils._core.values.workload import Workload, nothing

from .deployed import NEW, OLDER, RECREATE, candidate, planned, running, web

OLD_WEB = web(port=80, drain={"timeout": 40}, stop_timeout=41)
NEW_WEB = web(2, port=90, drain={"timeout": 50}, stop_timeout=51)
BLUE = running(OLD_WEB)
OLD_NAME, NEW_NAME = BLUE.containers[0].name, candidate(NEW_WEB).containers[0]


def ports_of(plan: t.Any) -> dict[str, tuple[int, ...]]:
    """Where each draining or undone step counts, by verb and container."""
    steps = [*plan.steps, *(undo for step in plan.steps for undo in step.undo)]
    return {
        f"{step.verb.value} {name}": dict(step.leaving.ports)[name]
        for step in steps
        if step.verb in (Verb.DRAIN, Verb.STOP, Verb.REAP)
        for name in step.containers
    }


@pytest.mark.parametrize("options", [{}, RECREATE], ids=["blue-green", "recreate"])
def test_forward_and_back_each_container_has_its_own_port(options: dict[str, t.Any]) -> None:
    """B3: blue's in the plan, green's in every undo."""
    want = web(2, port=90, **options)
    found = ports_of(planned(want, BLUE))
    assert {name.partition(" ")[2]: ports for name, ports in found.items()} == {OLD_NAME: (80,), NEW_NAME: (90,)}


def test_recovery_finish_and_revert_know_them_too() -> None:
    """B3: after persist green is live, and blue, on its own port, is what leaves; on the way back it is green."""
    plan = planned(NEW_WEB, BLUE)
    green = replace(candidate(NEW_WEB), route=routing_documents.document(NEW_WEB, (NEW_NAME,)))
    both = (*BLUE.containers, Container(NEW_NAME, "running", deployment=NEW))
    switched = replace(
        BLUE, containers=both, live=green, previous=BLUE.live, route=green.route, attempt=Attempt(NEW, plan.candidate)
    )
    assert ports_of(decide_recovery(web(), switched)) == {
        f"drain {OLD_NAME}": (80,),
        f"reap {OLD_NAME}": (80,),
    }
    (drain, _reap) = finish(web(), switched, green)
    assert drain.leaving.ports == ((OLD_NAME, (80,)),)
    assert ports_of(revert(web(), switched)) == {f"drain {NEW_NAME}": (90,), f"reap {NEW_NAME}": (90,)}


def again_as_on_record(have: Actual) -> Workload:
    assert have.live
    return declaration_of_record(have.live, {}, Context(lambda value: f"v{len(value)}"))


def test_limits_are_those_declared_now_else_those_on_record() -> None:
    """B3: a pinned declaration, as a rollback's, is on record as well; it is the leaving release's that counts."""
    declared = leave.leaving(NEW_WEB, BLUE, [OLD_NAME])
    assert (declared.limits, declared.stop_timeout) == (Drain(50, 50), 51)
    for want in (nothing(web().subject), web(state="absent"), replace(again_as_on_record(BLUE), drain=Drain(1, 1))):
        kept = leave.leaving(want, BLUE, [OLD_NAME])
        assert (kept.limits, kept.stop_timeout) == (Drain(40, 40), 41)
    given = leave.leaving(web(state="absent", drain={"timeout": 3}, stop_timeout=4), BLUE, [OLD_NAME])
    assert (given.limits, given.stop_timeout) == (Drain(3, 3), 4)


@pytest.mark.parametrize("state", ["absent", "stopped"])
def test_what_is_given_on_purpose_is_given_though_it_is_the_default(state: str) -> None:
    """B3: `stop_timeout: 10` counted as not given, and the longer one on record won."""
    assert leave.leaving(web(state=state, stop_timeout=10), BLUE, [OLD_NAME]).stop_timeout == 10
    assert leave.leaving(web(state=state), BLUE, [OLD_NAME]).stop_timeout == 41
    with pytest.raises(InvalidOption, match="at least 0"):
        web(state=state, stop_timeout=-1)


def test_what_is_not_given_is_recorded_as_it_is_meant() -> None:
    """A release made before and one made after have the same declaration on record."""
    assert (web().stop_timeout, web().snapshot["stop_timeout"], web().container.stop_timeout) == (10, 10, 10)


def test_what_nobody_knows_is_looked_at_wherever_it_may_listen() -> None:
    """B3: an orphan at every port on record; with the record lost, at the port that the route says."""
    orphan = Container("shop-0000000a-1", "running", deployment=OLDER)
    have = replace(BLUE, containers=(*BLUE.containers, orphan), previous=candidate(NEW_WEB, OLDER))
    assert dict(leave.leaving(web(), have, [orphan.name]).ports)[orphan.name] == (90,)
    have = replace(have, previous=replace(candidate(NEW_WEB), id=NEW))
    assert dict(leave.leaving(web(), have, [orphan.name]).ports)[orphan.name] == (80, 90)
    lost = replace(BLUE, live=None)
    gone = decide(web(state="absent"), lost, candidate(web()))
    assert ports_of(gone) == {f"drain {OLD_NAME}": (80,), f"reap {OLD_NAME}": (80,)}
