"""How a deployment is cut in phases."""

from __future__ import annotations

import pytest
from ansible_collections.tidegate.platform.plugins.module_utils._core.decide.phase_plans import (
    committed_at,
    stage_part,
    switch_part,
)
from ansible_collections.tidegate.platform.plugins.module_utils._core.values.plan import Plan, Step, Verb
from ansible_collections.tidegate.platform.plugins.module_utils._core.values.workload import Workload

from .deployed import RECREATE, candidate, planned, running, web


@pytest.mark.parametrize(
    ("want", "stage", "switch"),
    [
        (web(2), "start gate", "gate switch persist"),
        (web(2, release_command=["m"]), "release_command start gate", "gate switch persist"),
        (web(2, bake={"seconds": 1}), "start gate", "gate switch persist bake"),
        (web(2, **RECREATE), "", "hold drain stop start gate switch persist"),
        (web(routes=[{"host": "b.test"}]), "", "switch persist"),
        (web(), "", ""),
    ],
)
def test_a_deployment_is_cut_in_phases(want: Workload, stage: str, switch: str) -> None:
    plan = planned(want, running(web()))
    staged = stage_part(plan)
    assert " ".join(staged.verbs()) == stage
    later = switch_part(plan, bool(staged.steps))
    assert " ".join(later.verbs()) == switch
    if stage:
        undone = [undo.verb for step in later.steps[:1] for undo in step.undo]
        assert undone == [Verb.REAP], "if the switch fails the staged candidate goes, too"


def test_a_plan_without_a_commit_has_none() -> None:
    assert committed_at(()) == -1
    assert committed_at((Step(Verb.START), Step(Verb.GATE))) == -1
    assert committed_at((Step(Verb.START), Step(Verb.PERSIST), Step(Verb.REAP))) == 1


@pytest.mark.parametrize(
    ("verbs", "staged"),
    [
        ((Verb.START, Verb.GATE, Verb.SWITCH), 2),
        ((Verb.HOLD, Verb.START, Verb.GATE), 0),
        ((Verb.PERSIST,), 0),
        ((), 0),
    ],
)
def test_only_what_begins_unnoticed_is_staged(verbs: tuple[Verb, ...], staged: int) -> None:
    """A fleet: whoever is held first is nobody's to hold while others still get ready."""
    plan = Plan(tuple(Step(verb) for verb in verbs), "why", candidate(web()))
    assert len(stage_part(plan).steps) == staged
