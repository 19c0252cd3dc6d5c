"""What is done about interrupted deployments, reverts and lost records."""

from __future__ import annotations

import typing as t
from dataclasses import replace

import pytest
from ansible_collections.tidegate.platform.plugins.module_utils._core.decide.foretell import after
from ansible_collections.tidegate.platform.plugins.module_utils._core.decide.phase_plans import committed_at
from ansible_collections.tidegate.platform.plugins.module_utils._core.decide.plan import decide
from ansible_collections.tidegate.platform.plugins.module_utils._core.decide.recovery import (
    adopt,
    decide_recovery,
    give_up,
    revert,
)
from ansible_collections.tidegate.platform.plugins.module_utils._core.values import release_text
from ansible_collections.tidegate.platform.plugins.module_utils._core.values.actual import Actual, Container
from ansible_collections.tidegate.platform.plugins.module_utils._core.values.identity import deployment_id
from ansible_collections.tidegate.platform.plugins.module_utils._core.values.plan import Plan, Step, Verb
from ansible_collections.tidegate.platform.plugins.module_utils._core.values.release import Attempt
from ansible_collections.tidegate.platform.plugins.module_utils._core.values.workload import State, Workload
from hypothesis import given, settings
from hypothesis import strategies as st

from unit.projects import declared_project, release_of

from .deployed import NEW, OLD, PORTS, RECREATE, candidate, hosts, planned, running, wants, web


@settings(max_examples=300, deadline=None)
@given(wants.filter(lambda w: w.state is State.PRESENT), hosts(), st.data())
def test_a_crash_after_any_step_is_recovered_to_exactly_one_release(
    want: Workload, have: Actual, data: st.DataObject
) -> None:
    """DS-T5: kill after each step, recover, decide again: one live release, route = store = containers."""
    plan = planned(want, have)
    if plan.candidate is None:
        return
    done = plan.steps[: data.draw(st.integers(0, len(plan.steps)))]
    crashed = replace(after(have, Plan(done)), attempt=Attempt(NEW, plan.candidate, proven=proven(done)))
    recovered = after(crashed, decide_recovery(web(), crashed))
    assert recovered.attempt is None
    again = decide(want, recovered, candidate(want, deployment_id(9, b"z" * 10)))
    final = after(recovered, again)
    assert final.live is not None
    assert {c.name for c in final.containers} == set(final.live.containers)
    assert all(c.serves for c in final.containers)
    assert final.route == final.live.route


def crash(want: Workload, have: Actual, last: Verb) -> Actual:
    """The host after a kill right behind a step."""
    plan = planned(want, have)
    until = [s.verb for s in plan.steps].index(last) + 1
    done = plan.steps[:until]
    return replace(after(have, Plan(done)), attempt=Attempt(NEW, plan.candidate, proven=proven(done)))


def proven(done: t.Iterable[Step]) -> bool:
    """What the journal tells of a gate that was passed."""
    return any(step.verb in (Verb.UNDIVERT, Verb.PERSIST) for step in done)


def boot(have: Actual) -> Actual:
    """The same host after a power cut: rules are gone, what was stopped stays so, all else starts by itself."""
    return replace(have, diverted=False)


@pytest.mark.parametrize(
    ("want", "last", "steps", "live"),
    [
        (web(2), Verb.START, "drain reap", OLD),
        (web(2), Verb.GATE, "drain reap", OLD),
        (web(2), Verb.SWITCH, "switch persist drain reap", NEW),
        (web(2), Verb.PERSIST, "drain reap", NEW),
        (web(2), Verb.REAP, "", NEW),
        (web(2, **RECREATE), Verb.HOLD, "switch", OLD),
        (web(2, **RECREATE), Verb.STOP, "resume gate switch", OLD),
        (web(2, **RECREATE), Verb.START, "drain reap resume gate switch", OLD),
        (web(2, **RECREATE), Verb.SWITCH, "switch persist drain reap", NEW),
        (web(routes=[{"host": "b.test"}]), Verb.SWITCH, "switch persist", NEW),
        (web(2, **PORTS), Verb.STAND_IN, "reap", OLD),
        (web(2, **PORTS), Verb.DIVERT, "undivert reap", OLD),
        (web(2, **PORTS), Verb.STOP, "resume gate undivert reap", OLD),
        (web(2, **PORTS), Verb.START, "divert reap resume gate undivert reap", OLD),
        (web(2, **PORTS), Verb.UNDIVERT, "persist drain reap", NEW),
    ],
)
def test_recovery_rolls_forward_once_switched_else_back(want: Workload, last: Verb, steps: str, live: str) -> None:
    """DS-T5, decided from the route file and the record, never from the newest container or a tag."""
    before = web(**PORTS) if want.container.ports else web()
    crashed = crash(want, running(before), last)
    plan = decide_recovery(web(), crashed)
    assert " ".join(plan.verbs()) == steps
    later = after(crashed, plan)
    assert later.live is not None
    assert later.live.id == live


@pytest.mark.parametrize(
    ("last", "steps", "live"),
    [
        (Verb.STAND_IN, "reap", OLD),
        (Verb.DIVERT, "reap", OLD),
        (Verb.STOP, "reap resume gate", OLD),
        (Verb.START, "reap resume gate", OLD),
        (Verb.UNDIVERT, "persist drain reap", NEW),
        (Verb.PERSIST, "drain reap", NEW),
    ],
)
def test_a_power_cut_in_a_handover_makes_nothing_live_that_did_not_pass_its_gate(
    last: Verb, steps: str, live: str
) -> None:
    """The new proxy was made live by its mere start, because nothing was diverted from it after the boot."""
    crashed = boot(crash(web(2, **PORTS), running(web(**PORTS)), last))
    plan = decide_recovery(web(), crashed)
    later = after(crashed, plan)
    assert later.live is not None
    assert (" ".join(plan.verbs()), later.live.id) == (steps, live)
    assert {c.name for c in later.containers} == set(later.live.containers)
    assert all(c.serves for c in later.containers)


@pytest.mark.parametrize("state", ["exited", "restarting"])
def test_a_handover_from_what_does_not_serve_is_taken_back_before_its_gate(state: str) -> None:
    """It is a recreate, with nothing to divert; a kill before its gate made the candidate live."""
    before = running(web(**PORTS))
    broken = replace(before, containers=tuple(replace(c, state=state) for c in before.containers))
    plan = decide_recovery(web(), crash(web(2, **PORTS), broken, Verb.START))
    assert (plan.verbs(), plan.candidate) == (["reap", "resume", "gate"], None)


def test_what_was_switched_to_and_does_not_answer_is_taken_back() -> None:
    """B2: to the old release, whether or not the new one is on record; without an attempt there is nothing to do."""
    switched = crash(web(2), running(web()), Verb.SWITCH)
    plan = give_up(web(), switched)
    assert " ".join(plan.verbs()) == "switch drain reap"
    final = after(switched, plan)
    assert final.live is not None
    assert (final.live.id, final.route) == (OLD, final.live.route)
    assert {c.name for c in final.containers} == set(final.live.containers)
    assert give_up(web(), running(web())).steps == ()


@pytest.mark.parametrize(
    ("want", "last", "steps"),
    [
        (web(2, **RECREATE), Verb.DRAIN, "stop resume gate switch"),
        (web(2, **PORTS), Verb.DIVERT, "stop resume gate undivert reap"),
        (web(2), Verb.GATE, "drain reap"),
    ],
)
def test_what_the_engine_may_still_be_stopping_has_ended_before_it_serves_again(
    want: Workload, last: Verb, steps: str
) -> None:
    """B8, DS-T5: the engine goes on with a stop that nobody waits for, and calls the container running until its end."""
    crashed = crash(want, running(web(**PORTS) if want.container.ports else web()), last)
    assert crashed.attempt is not None
    stopping = replace(crashed, attempt=replace(crashed.attempt, stopping=True))
    plan = decide_recovery(want, stopping)
    assert " ".join(plan.verbs()) == steps
    later = after(stopping, plan)
    assert later.live is not None
    assert all(container.serves for container in later.named(later.live.containers))


def test_switched_but_dead_green_goes_back_to_blue() -> None:
    crashed = crash(web(2), running(web()), Verb.SWITCH)
    dead = tuple(replace(c, state="exited") if NEW[-8:] in c.name else c for c in crashed.containers)
    plan = decide_recovery(web(), replace(crashed, containers=dead))
    assert plan.verbs() == ["switch", "drain", "reap"]
    assert plan.candidate is None


def test_a_release_command_that_outlived_its_run_is_taken_back() -> None:
    crashed = replace(running(web()), attempt=Attempt(NEW, candidate(web(2))))
    command = Container(f"shop-{NEW[-8:]}-release", "running", deployment=NEW)
    plan = decide_recovery(web(), replace(crashed, containers=(*crashed.containers, command)))
    assert [(step.verb.value, step.containers) for step in plan.steps] == [("reap", (command.name,))]


def test_an_attempt_that_made_nothing_is_just_concluded() -> None:
    assert decide_recovery(web(), replace(running(web()), attempt=Attempt(NEW, None))).steps == ()


def test_a_step_without_its_release_is_a_bug_that_shows() -> None:
    with pytest.raises(ValueError, match="carries its release"):
        after(Actual(), Plan((Step(Verb.START, ("a",)),)))


def routed(have: Actual, plan: Plan) -> t.Iterator[tuple[Step, Actual]]:
    """Each step with the host before it."""
    for step in plan.steps:
        yield step, have
        have = after(have, Plan((step,)))


@pytest.mark.parametrize(
    ("want", "last", "steps"),
    [
        (web(2), Verb.GATE, "drain reap"),
        (web(2), Verb.PERSIST, "withdraw switch drain reap"),
        (web(2, **RECREATE), Verb.PERSIST, "withdraw hold drain reap resume gate switch"),
        (web(routes=[{"host": "b.test"}]), Verb.PERSIST, "withdraw switch"),
    ],
)
def test_a_revert_makes_the_release_before_live_again(want: Workload, last: Verb, steps: str) -> None:
    crashed = crash(want, running(web()), last)
    plan = revert(web(), crashed)
    assert " ".join(plan.verbs()) == steps
    later = after(crashed, plan)
    assert later.live is not None
    assert later.live.id == OLD
    assert later.route == later.live.route
    assert {c.name for c in later.containers} == set(later.live.containers)
    for step, before in routed(crashed, plan):
        if step.verb is Verb.REAP and want.strategy.value == "blue-green":
            assert before.route == later.route, "green goes only once traffic is back on blue"


def test_a_revert_without_a_release_before_leaves_nothing() -> None:
    plan = planned(web(), Actual())
    crashed = replace(after(Actual(), plan), attempt=Attempt(NEW, plan.candidate))
    later = after(crashed, revert(web(), crashed))
    assert (later.live, later.route, later.containers) == (None, None, ())


@settings(max_examples=200, deadline=None)
@given(wants.filter(lambda w: w.state is State.PRESENT), hosts(), st.data())
def test_a_crash_in_a_revert_goes_on_with_it(want: Workload, have: Actual, data: st.DataObject) -> None:
    """A release that was gone back from never comes back by a recovery, wherever the revert was killed."""
    plan = planned(replace(want, force=True), have)
    if have.live is None or plan.candidate is None:
        return
    done = after(have, Plan(plan.steps[: committed_at(plan.steps) + 1]))
    switched = replace(done, attempt=Attempt(NEW, plan.candidate))
    steps = revert(web(), switched).steps
    killed = after(switched, Plan(steps[: data.draw(st.integers(1, len(steps)))]))
    killed = replace(killed, attempt=Attempt(NEW, plan.candidate, withdrawn=True))
    later = after(killed, decide_recovery(web(), killed))
    assert later.live == have.live
    assert later.route == have.live.route


def test_a_bake_cut_short_rolls_forward_unless_green_is_dead() -> None:
    crashed = crash(web(2), running(web()), Verb.PERSIST)
    assert decide_recovery(web(), crashed).verbs() == ["drain", "reap"]
    dead = tuple(replace(c, state="exited") if NEW[-8:] in c.name else c for c in crashed.containers)
    assert decide_recovery(web(), replace(crashed, containers=dead)).verbs() == [
        "withdraw",
        "switch",
        "drain",
        "reap",
    ]
    alone = tuple(c for c in dead if NEW[-8:] in c.name)
    assert decide_recovery(web(), replace(crashed, containers=alone)).candidate is not None, (
        "there is nothing to go back to"
    )


def test_what_was_canceled_is_taken_back_even_if_it_was_switched() -> None:
    """DP-T5: a late write never revives it."""
    crashed = crash(web(2), running(web()), Verb.SWITCH)
    canceled = replace(crashed, attempt=Attempt(NEW, planned(web(2), running(web())).candidate, withdrawn=True))
    assert decide_recovery(web(), canceled).verbs() == ["switch", "drain", "reap"]


def labelled(have: Actual) -> Actual:
    """The same host with what containers say of their release."""
    assert have.live is not None
    label = release_text.to_text(have.live)
    containers = tuple(replace(c, record=label, deployment=have.live.id) for c in have.containers)
    return replace(have, containers=containers)


def test_a_lost_record_is_derived_from_the_containers_that_serve() -> None:
    well = labelled(running(web()))
    plan = adopt(replace(well, live=None))
    assert plan.verbs() == ["persist"]
    assert after(replace(well, live=None), plan).live == well.live
    assert adopt(well).steps == ()
    assert adopt(replace(well, live=None, route=None)).steps == (), "it does not serve what is routed"
    assert adopt(replace(running(web()), live=None)).steps == (), "without a file nobody knows"
    exited = tuple(replace(c, state="exited") for c in well.containers)
    assert adopt(replace(well, live=None, containers=exited)).steps == ()


@pytest.mark.parametrize("live", ["01", "02"])
def test_an_interrupted_project_succeeded_only_if_it_is_the_live_one(live: str) -> None:
    """DS-T5: a release that is on record as live is not said to have been taken back."""
    have = Actual(live=release_of(live), attempt=Attempt("02", release_of("02")))
    found = decide_recovery(declared_project(), have)
    assert found.candidate == (release_of("02") if live == "02" else None)
