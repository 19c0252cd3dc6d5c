"""Compose projects: what is rolled, in which order, and what is taken back."""

from __future__ import annotations

import typing as t
from dataclasses import replace

import pytest
from ansible_collections.tidegate.platform.plugins.module_utils._core.decide import plan as whole
from ansible_collections.tidegate.platform.plugins.module_utils._core.decide import stacks
from ansible_collections.tidegate.platform.plugins.module_utils._core.decide.foretell import after
from ansible_collections.tidegate.platform.plugins.module_utils._core.proxy import routing_documents
from ansible_collections.tidegate.platform.plugins.module_utils._core.values.actual import Actual, Container
from ansible_collections.tidegate.platform.plugins.module_utils._core.values.errors import InvalidOption
from ansible_collections.tidegate.platform.plugins.module_utils._core.values.plan import Plan, Step, Verb
from ansible_collections.tidegate.platform.plugins.module_utils._core.values.release import Release
from ansible_collections.tidegate.platform.plugins.module_utils._core.values.stack import Definition
from ansible_collections.tidegate.platform.plugins.module_utils._core.values.workload import Strategy

from unit.projects import PAIR, WEB, declared_project, defined, planned_steps, release_of, there


def test_only_what_is_behind_is_touched_whatever_was_interrupted() -> None:
    want = declared_project()
    old = defined({"web": WEB, "db": {"image": "db:1"}}, want)
    new = defined({"web": {"image": "web:2"}, "db": {"image": "db:1"}}, want)
    document = routing_documents.stack_document(want, {"web": ["web-1"]})
    live = Release("01", "compose/x", "id", "old", ("db-1", "web-1"), document, want.snapshot)
    have = Actual(containers=there(old), live=live, route=document, definition=new, live_definition=old)
    assert planned_steps(want, have) == ["roll web", "persist"]
    both = replace(
        have, containers=(*there(old), *(replace(c, name="web-2") for c in there(new) if c.service == "web"))
    )
    assert planned_steps(want, both) == ["roll web", "persist"]
    recreate = replace(want, strategy=Strategy.RECREATE)
    assert planned_steps(recreate, have) == ["hold", "up", "persist"]
    assert planned_steps(recreate, replace(both, containers=both.containers[2:])) == ["hold", "up", "persist"], (
        "not proven yet"
    )
    other = replace(have, definition=defined({"web": WEB, "db": {"image": "db:2"}}, want))
    assert planned_steps(recreate, other) == ["up", "persist"], "nobody asks for what is recreated"
    same = replace(have, definition=old, live=replace(live, fingerprint="new"))
    assert planned_steps(want, same) == []
    assert planned_steps(want, replace(same, route=None)) == ["switch"]
    assert planned_steps(want, replace(same, containers=there(old, db="exited"))) == ["resume", "roll db"]
    stale = replace(same, containers=(*there(old), Container("gone-1", "running", service="gone")))
    assert planned_steps(want, stale)[-1] == Verb.REAP.value


def test_a_project_that_is_recreated_is_taken_back_to_what_ran() -> None:
    """DS-T5: to the definition that was live; a first one, which has none, is taken away."""
    want = replace(declared_project(), strategy=Strategy.RECREATE)
    old, new = (defined({"web": {"image": image, "scale": 2}}, want) for image in ("web:1", "web:2"))
    document = routing_documents.stack_document(want, {"web": ["web-1", "web-2"]})
    live = Release("01", "compose/x", "id", "old", ("web-1", "web-2"), document, want.snapshot)
    before = Actual(containers=there(old), live=live, route=document, definition=new, live_definition=old)

    def taken_back(have: Actual) -> list[tuple[Verb, Definition | None]]:
        steps = stacks.decide(want, have, replace(live, id="02", fingerprint="new")).steps
        (up,) = (step for step in steps if step.verb is Verb.UP)
        return [(step.verb, step.definition) for step in up.undo]

    assert taken_back(before) == [(Verb.UP, old)]
    assert taken_back(Actual(definition=new)) == [(Verb.UNROUTE, None), (Verb.UNROLL, new)]
    ran = after(before, Plan((Step(Verb.UP, definition=new),)))
    assert [(c.name, c.state) for c in ran.containers] == [("web-1", "running"), ("web-2", "running")]


def test_a_service_that_is_rolled_is_taken_back_to_what_ran() -> None:
    """DS-T5: to its definition that was live; one that is new in the project is taken away."""
    want = declared_project()
    old, new = (defined({"web": {"image": i}, **more}, want) for i, more in (("a", {}), ("b", {"new": {"image": "n"}})))
    live = Release("01", "compose/x", "id", "old", ("web-1",), None, want.snapshot)
    have = Actual(containers=there(old), live=live, definition=new, live_definition=old)
    steps = stacks.decide(want, have, replace(live, id="02", fingerprint="new")).steps
    undo = {s.service.name: [(u.verb, u.definition) for u in s.undo] for s in steps if s.service}
    assert undo["web"][-1] == (Verb.ROLL, old)
    assert undo["new"][-1] == (Verb.UNROLL, new)


@pytest.mark.parametrize("lost", [False, True])
def test_what_a_killed_deployment_left_is_taken_back_and_what_is_on_no_record_stays(lost: bool) -> None:
    """DS-T5: whose record is lost was guessed from what is there, which also a killed first deployment leaves."""
    want = declared_project()
    new = defined({"web": WEB, "db": {"image": "db:1"}}, want)
    route = routing_documents.stack_document(want, {"web": ["web-1"]})
    names = ("db-1", "web-1")
    have = Actual(containers=there(new), route=route, definition=new, unrecorded=names if lost else ())
    candidate = Release("02", "compose/x", "id", "new", (), None, want.snapshot)

    def undo(strategy: Strategy) -> dict[Verb, list[tuple[Verb, t.Any]]]:
        steps = stacks.decide(replace(want, strategy=strategy), have, candidate).steps
        return {step.verb: [(back.verb, back.route) for back in step.undo] for step in steps if step.undo}

    gone, back = [(Verb.UNROUTE, None)], [(Verb.SWITCH, route)]
    assert undo(Strategy.ROLLING) == ({} if lost else {Verb.ROLL: [*gone, (Verb.UNROLL, None)]})
    first = stacks.decide(want, have, candidate).steps[0]
    whole = [(back.verb, back.service is None) for back in first.undo if back.verb is Verb.UNROLL]
    assert whole == ([] if lost else [(Verb.UNROLL, False), (Verb.UNROLL, True)]), "at last what only that one declared"
    held = back if lost else gone
    assert undo(Strategy.RECREATE) == {Verb.HOLD: held, Verb.UP: [*held, (Verb.UNROLL, None)]}
    assert stacks.spared(have) == (set(names) if lost else set())
    one = replace(have, unrecorded=("web-1",))
    assert stacks.spared(one) == set(names), "what is there beside it may be all that still works with it"


@pytest.mark.parametrize("lost", [False, True])
def test_a_new_service_of_a_killed_deployment_goes_with_the_one_that_fails(lost: bool) -> None:
    """DS-T5: it ran on beside the release before."""
    want = declared_project()
    old, new = (defined({"web": WEB, **more}, want) for more in ({}, {"work": {"image": "w"}}))
    live = Release("01", "compose/x", "id", "old", ("web-1",), None, want.snapshot)
    have = Actual(containers=there(new), live=live, definition=new, live_definition=old)
    have = replace(have, unrecorded=("work-1",) if lost else ())
    steps = stacks.decide(want, have, replace(live, id="02", fingerprint="new")).steps
    undo = {s.service.name: [u.verb for u in s.undo] for s in steps if s.service}
    assert undo == {"work": [] if lost else [Verb.UNROLL]}
    assert stacks.spared(have) == set(have.unrecorded)


def test_a_network_that_is_another_now_is_not_rolled() -> None:
    """A container is on the old or on the new network of one name; whoever rolls needs both."""
    want = declared_project()
    web = {**WEB, "networks": {"back": None}}
    old, new = (defined({"web": web}, want, networks={"back": {"internal": internal}}) for internal in (False, True))
    document = routing_documents.stack_document(want, {"web": ["web-1"]})
    live = Release("01", "compose/x", "id", "old", ("web-1",), document, want.snapshot)
    have = Actual(containers=there(old), live=live, route=document, definition=new, live_definition=old)
    with pytest.raises(InvalidOption, match=r"networks[.]back"):
        planned_steps(want, have)
    assert "up" in planned_steps(replace(want, strategy=Strategy.RECREATE), have)
    assert planned_steps(want, replace(have, definition=old, live=replace(live, fingerprint="new"))) == []


def test_a_stop_that_fails_has_all_of_a_project_go_on_also_what_has_another_name_by_now() -> None:
    """A container that a failed deployment was gone back to with stayed stopped."""
    want = declared_project(state="stopped")
    both = defined({"web": WEB, "work": {"image": "w:1"}})
    live = Release("01", "compose/x", "id", "new", ("web-1", "work-0"), None, declared_project().snapshot)
    have = Actual(containers=there(both), live=live, definition=both, live_definition=both)
    steps = whole.decide(want, have, replace(live, id="02")).steps
    (again,) = [undo for step in steps for undo in step.undo if undo.verb is Verb.RESUME]
    assert set(again.containers) == {"web-1", "work-1"}


def test_the_newest_of_a_service_are_those_that_stay() -> None:
    """A10: of what is too much nobody was removed, so that each run said `changed` and left it."""
    service = defined({"web": {**WEB, "scale": 2}}).services[0]
    rows = [("web-9", 5), ("web-10", 5), ("web-1", 7), ("web-2", 3)]
    found = [Container(n, "running", fingerprint=service.fingerprint, service="web", created=at) for n, at in rows]
    assert stacks.newest(service, found) == ["web-10", "web-1"]
    assert stacks.newest(service, found[:1]) == ["web-9"]
    assert stacks.newest(replace(service, replicas=0), found) == []


def test_what_should_have_completed_but_failed_is_done_again() -> None:
    """A run that was killed before it saw a migration fail leaves it exited; the next one does not take it for done."""
    want = declared_project()
    job = {"image": "job:1"}
    both = defined({"web": {**WEB, "depends_on": {"job": {"condition": "service_completed_successfully"}}}, "job": job})
    document = routing_documents.stack_document(want, {"web": ["web-1"]})
    live = Release("01", "compose/x", "id", "new", ("job-1", "web-1"), document, want.snapshot)
    have = Actual(live=live, route=document, definition=both, live_definition=both)
    for code, steps in ((0, []), (1, ["roll job", "persist"])):
        ended = tuple(replace(c, exit_code=code) for c in there(both, job="exited"))
        assert planned_steps(want, replace(have, containers=ended)) == steps


def test_a_project_that_is_as_declared_says_so() -> None:
    """The reason of an empty plan names what runs, and that of another one what is to be done."""
    want = declared_project()
    old = defined(PAIR, want)
    document = routing_documents.stack_document(want, {"web": ["web-1"]})
    live = replace(release_of("01"), route=document)
    have = Actual(containers=there(old), live=live, route=document, definition=old, live_definition=old)
    plan = stacks.decide(want, have, release_of("02"))
    assert (plan.steps, plan.reason.startswith("shop already runs ")) == ((), True), plan
    one, two = Container("web-2", "running", fingerprint="other", service="web"), replace(have.containers[0])
    for containers, why in (((*have.containers, one), "too many"), ((two,), "too few")):
        plan = stacks.decide(want, replace(have, containers=containers), release_of("02"))
        assert "to be brought up to its declaration" in plan.reason, why
