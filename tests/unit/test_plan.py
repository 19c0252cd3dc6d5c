"""The pure plan: tables for each situation, and properties that hold for all of them."""

from __future__ import annotations

import typing as t
from dataclasses import replace

import pytest
from ansible_collections.tidegate.platform.plugins.module_utils import _names, _routing
from ansible_collections.tidegate.platform.plugins.module_utils._after import after
from ansible_collections.tidegate.platform.plugins.module_utils._declared import State, Strategy, Workload
from ansible_collections.tidegate.platform.plugins.module_utils._errors import InvalidOption
from ansible_collections.tidegate.platform.plugins.module_utils._model import (
    Actual,
    Attempt,
    Container,
    Image,
    Plan,
    Release,
    Step,
    Verb,
)
from ansible_collections.tidegate.platform.plugins.module_utils._plan import Routing, decide, prepare, recover
from hypothesis import given, settings
from hypothesis import strategies as st

from .conftest import declared

ROUTING = Routing(_routing.document, _routing.hold)
ROUTES = [{"host": "shop.test"}]
NEW, OLD, OLDER = (_names.deployment_id(n, bytes([n]) * 10) for n in (3, 2, 1))


def web(version: int = 1, **options: t.Any) -> Workload:
    """A routed workload of some version."""
    return declared(image=f"registry.test/shop:{version}", port=8000, **{"routes": ROUTES, **options})


def candidate(want: Workload, identity: str = NEW) -> Release:
    """What a deployment of it would make; the image's id follows from its tag."""
    image_id = want.container.image
    names = _names.container_names(want.name, identity, want.container.replicas)
    fingerprint = want.container.fingerprint(image_id)
    return Release(identity, want.container.image, image_id, fingerprint, names, None, want.snapshot)


def running(want: Workload, identity: str = OLD) -> Actual:
    """A host on which this workload is deployed and well."""
    green = candidate(want, identity)
    plan = decide(replace(want, force=True), Actual(), green, ROUTING)
    return replace(after(Actual(), plan), image=Image(want.container.image))


def planned(want: Workload, have: Actual) -> Plan:
    """What would be done."""
    return decide(want, have, candidate(want), ROUTING)


def broken(have: Actual, **changes: t.Any) -> Actual:
    """The same host with its first container changed."""
    first, *others = have.containers
    return replace(have, containers=(replace(first, **changes), *others))


def stopped_by_hand(have: Actual) -> Actual:
    return broken(have, state="exited")


RECREATE: dict[str, t.Any] = {"strategy": "recreate"}
ORPHAN = Container("shop-0000000a-1", "running")
CASES: list[tuple[str, Workload, Actual, str]] = [
    ("first deployment", web(), Actual(), "start gate switch persist"),
    ("first deployment, recreate", web(**RECREATE), Actual(), "start gate switch persist"),
    ("first deployment without routes", web(routes=[]), Actual(), "start gate persist"),
    ("same declaration does nothing", web(), running(web()), ""),
    (
        "old serves until new is gated, switched and persisted (DS-04)",
        web(2),
        running(web()),
        "start gate switch persist drain reap",
    ),
    (
        "recreate keeps the old one until the new one passed (DS-06)",
        web(2, **RECREATE),
        running(web()),
        "hold drain stop start gate switch persist reap",
    ),
    (
        "release command before green starts",
        web(2, release_command=["migrate"]),
        running(web()),
        "release_command start gate switch persist drain reap",
    ),
    (
        "release command of a recreate after blue stopped",
        web(2, release_command=["migrate"], **RECREATE),
        running(web()),
        "hold drain stop release_command start gate switch persist reap",
    ),
    ("no routes any more", web(2, routes=[]), running(web()), "start gate unroute persist drain reap"),
    ("only the routes changed", web(routes=[{"host": "b.test"}]), running(web()), "switch persist"),
    ("only the routes went", web(routes=[]), running(web()), "unroute persist"),
    ("routes of a workload without", web(), running(web(routes=[])), "switch persist"),
    ("container stopped by hand", web(), stopped_by_hand(running(web())), "resume gate"),
    ("container paused by hand", web(), broken(running(web()), state="paused"), "resume gate"),
    ("container removed by hand", web(), replace(running(web()), containers=()), "start gate switch persist"),
    (
        "container unhealthy",
        web(),
        broken(running(web()), health="unhealthy"),
        "start gate switch persist drain reap",
    ),
    (
        "container in a crash loop",
        web(),
        broken(running(web()), state="restarting"),
        "start gate switch persist drain reap",
    ),
    (
        "container of another make",
        web(),
        broken(running(web()), fingerprint="x"),
        "start gate switch persist drain reap",
    ),
    ("route file deleted", web(), replace(running(web()), route=None), "switch"),
    ("route file edited", web(), replace(running(web()), route={"unreadable": "x"}), "switch"),
    (
        "route file that should not be",
        web(routes=[]),
        replace(running(web(routes=[])), route={"unreadable": "y"}),
        "unroute",
    ),
    (
        "an orphan is reaped",
        web(),
        replace(running(web()), containers=(*running(web()).containers, ORPHAN)),
        "reap",
    ),
    ("forced", web(force=True), running(web()), "start gate switch persist drain reap"),
    (
        "store lost: what runs serves until green does",
        web(),
        replace(running(web()), live=None),
        "start gate switch persist drain reap",
    ),
    ("to be stopped", web(state="stopped"), running(web()), "hold drain stop persist"),
    ("never deployed, to be stopped", web(state="stopped"), Actual(), ""),
    ("to be absent", web(state="absent"), running(web()), "unroute drain reap forget"),
    ("absent already", web(state="absent"), Actual(), ""),
    ("absent, but an orphan is left", web(state="absent"), Actual(containers=(ORPHAN,)), "drain reap"),
    ("absent, but a route is left", web(state="absent"), Actual(route={"unreadable": "y"}), "unroute"),
]


@pytest.mark.parametrize(("want", "have", "steps"), [c[1:] for c in CASES], ids=[c[0] for c in CASES])
def test_plan(want: Workload, have: Actual, steps: str) -> None:
    """DS-04, DS-06, DS-08, DS-09: the steps of every situation; an empty plan says why."""
    plan = planned(want, have)
    assert " ".join(plan.verbs()) == steps
    assert plan.reason


@pytest.mark.parametrize(("want", "have", "_steps"), [c[1:] for c in CASES], ids=[c[0] for c in CASES])
def test_plan_after_apply_is_empty(want: Workload, have: Actual, _steps: str) -> None:
    later = after(have, planned(want, have))
    assert planned(replace(want, force=False), later).verbs() == []


def test_stopped_comes_back() -> None:
    stopped = after(running(web()), planned(web(state="stopped"), running(web())))
    assert planned(web(state="stopped"), stopped).verbs() == []
    assert planned(web(), stopped).verbs() == ["resume", "gate", "switch", "persist"]


def test_a_route_that_another_workload_has_is_refused() -> None:
    """DP-T17: an alias never changes its owner."""
    with pytest.raises(InvalidOption, match=r"already routed to wiki") as caught:
        planned(web(), Actual(claimed=(("shop.test/ on web", "wiki (production)"),)))
    assert caught.value.remedy


def test_prepare_pulls_only_what_is_needed() -> None:
    assert prepare(web(), Actual(pull_needed=True)).verbs() == ["pull"]
    assert prepare(web(), Actual()).verbs() == []
    assert prepare(web(state="absent"), Actual(pull_needed=True)).verbs() == []


# -- properties ------------------------------------------------------------------------------------------------------

wants = st.builds(
    lambda version, strategy, routed, command, replicas, state: web(
        version,
        strategy=strategy,
        routes=ROUTES if routed else [],
        release_command=["migrate"] if command else None,
        replicas=replicas,
        state=state,
    ),
    st.integers(1, 3),
    st.sampled_from([s.value for s in Strategy]),
    st.booleans(),
    st.booleans(),
    st.integers(1, 3),
    st.sampled_from([s.value for s in State]),
)


@st.composite
def hosts(draw: st.DrawFn) -> Actual:
    """A host that is virgin or well, or on which somebody has had their hands."""
    if draw(st.booleans()):
        return Actual()
    have = running(draw(wants.filter(lambda w: w.state is State.PRESENT)))
    state = draw(st.sampled_from(["running", "exited", "paused", "restarting", "created"]))
    have = broken(have, state=state, health=draw(st.sampled_from(["", "healthy", "unhealthy"])))
    if draw(st.booleans()):
        have = replace(have, route=draw(st.sampled_from([None, {"unreadable": "x"}])))
    if draw(st.booleans()):
        have = replace(have, containers=(*have.containers, ORPHAN))
    return replace(have, live=None) if draw(st.integers(0, 9)) == 0 else have


@settings(max_examples=300, deadline=None)
@given(wants, hosts())
def test_plan_after_apply_is_empty_everywhere(want: Workload, have: Actual) -> None:
    assert planned(want, after(have, planned(want, have))).verbs() == []


@settings(max_examples=300, deadline=None)
@given(wants, hosts())
def test_nothing_that_serves_is_taken_away_before_green_is_live(want: Workload, have: Actual) -> None:
    """DS inv. 1, 2: with blue-green no running container is stopped or reaped before `persist`."""
    if want.strategy is not Strategy.BLUE_GREEN or want.state is not State.PRESENT:
        return
    serving = {c.name for c in have.containers if c.state == "running" and c.name != ORPHAN.name}
    for step in planned(want, have).steps:
        if step.verb is Verb.PERSIST:
            return
        if step.verb in (Verb.STOP, Verb.REAP):
            assert not serving & set(step.containers)


@settings(max_examples=300, deadline=None)
@given(wants, hosts(), st.data())
def test_undoing_from_any_step_leaves_what_served_serving(want: Workload, have: Actual, data: st.DataObject) -> None:
    """DS inv. 3, 4: a failure at any step before `persist` ends with the same live release, running and routed."""
    steps = planned(want, have).steps
    until = next((n for n, s in enumerate(steps) if s.verb is Verb.PERSIST), 0)
    if have.live is None or want.state is not State.PRESENT or not until:
        return
    failing = data.draw(st.integers(0, until - 1))
    begun = steps[: failing + 1]
    undone = tuple(undo for step in reversed(begun) for undo in step.undo)
    later = after(have, Plan(begun + undone))
    assert later.live == have.live
    was_running = {c.name for c in have.named(have.live.containers) if c.state == "running"}
    assert was_running <= {c.name for c in later.containers if c.state == "running"}
    if any(s.verb in (Verb.SWITCH, Verb.HOLD, Verb.UNROUTE) for s in begun):
        assert later.route == have.live.route


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
    crashed = replace(after(have, Plan(done)), attempt=Attempt(NEW, plan.candidate))
    recovered = after(crashed, recover(crashed))
    assert recovered.attempt is None
    again = decide(want, recovered, candidate(want, _names.deployment_id(9, b"z" * 10)), ROUTING)
    final = after(recovered, again)
    assert final.live is not None
    assert {c.name for c in final.containers} == set(final.live.containers)
    assert all(c.serves for c in final.containers)
    assert final.route == final.live.route


def crash(want: Workload, have: Actual, last: Verb) -> Actual:
    """The host after a kill right behind a step."""
    plan = planned(want, have)
    until = [s.verb for s in plan.steps].index(last) + 1
    return replace(after(have, Plan(plan.steps[:until])), attempt=Attempt(NEW, plan.candidate))


@pytest.mark.parametrize(
    ("want", "last", "steps", "live"),
    [
        (web(2), Verb.START, "reap", OLD),
        (web(2), Verb.GATE, "reap", OLD),
        (web(2), Verb.SWITCH, "switch persist drain reap", NEW),
        (web(2), Verb.PERSIST, "drain reap", NEW),
        (web(2), Verb.REAP, "", NEW),
        (web(2, **RECREATE), Verb.HOLD, "switch", OLD),
        (web(2, **RECREATE), Verb.STOP, "resume gate switch", OLD),
        (web(2, **RECREATE), Verb.START, "resume gate switch reap", OLD),
        (web(2, **RECREATE), Verb.SWITCH, "switch persist drain reap", NEW),
        (web(routes=[{"host": "b.test"}]), Verb.SWITCH, "switch persist", NEW),
    ],
)
def test_recovery_rolls_forward_once_switched_else_back(want: Workload, last: Verb, steps: str, live: str) -> None:
    """DS-T5, decided from the route file and the record, never from the newest container or a tag."""
    crashed = crash(want, running(web()), last)
    plan = recover(crashed)
    assert " ".join(plan.verbs()) == steps
    later = after(crashed, plan)
    assert later.live is not None
    assert later.live.id == live


def test_switched_but_dead_green_goes_back_to_blue() -> None:
    crashed = crash(web(2), running(web()), Verb.SWITCH)
    dead = tuple(replace(c, state="exited") if NEW[-8:] in c.name else c for c in crashed.containers)
    plan = recover(replace(crashed, containers=dead))
    assert plan.verbs() == ["switch", "reap"]
    assert plan.candidate is None


def test_a_release_command_that_outlived_its_run_is_taken_back() -> None:
    crashed = replace(running(web()), attempt=Attempt(NEW, candidate(web(2))))
    command = Container(f"shop-{NEW[-8:]}-release", "running", deployment=NEW)
    plan = recover(replace(crashed, containers=(*crashed.containers, command)))
    assert [(step.verb.value, step.containers) for step in plan.steps] == [("reap", (command.name,))]


def test_an_attempt_that_made_nothing_is_just_concluded() -> None:
    assert recover(replace(running(web()), attempt=Attempt(NEW, None))).steps == ()


def test_a_step_without_its_release_is_a_bug_that_shows() -> None:
    with pytest.raises(ValueError, match="carries its release"):
        after(Actual(), Plan((Step(Verb.START, ("a",)),)))
