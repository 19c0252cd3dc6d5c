"""The pure plan: tables for each situation, and properties that hold for all of them."""

from __future__ import annotations

import typing as t
from dataclasses import replace

import pytest
from ansible_collections.tidegate.platform.plugins.module_utils._core.decide.foretell import after
from ansible_collections.tidegate.platform.plugins.module_utils._core.decide.plan import decide, prepare
from ansible_collections.tidegate.platform.plugins.module_utils._core.proxy import routing_documents
from ansible_collections.tidegate.platform.plugins.module_utils._core.values.actual import Actual, Image, Volume
from ansible_collections.tidegate.platform.plugins.module_utils._core.values.errors import InvalidOption
from ansible_collections.tidegate.platform.plugins.module_utils._core.values.identity import (
    deployment_id,
    stand_in_name,
)
from ansible_collections.tidegate.platform.plugins.module_utils._core.values.plan import Plan, Verb
from ansible_collections.tidegate.platform.plugins.module_utils._core.values.workload import State, Strategy, Workload
from hypothesis import given, settings
from hypothesis import strategies as st

from .deployed import (
    NEW,
    OLD,
    OLDER,
    ORPHAN,
    PORTS,
    RECREATE,
    broken,
    candidate,
    hosts,
    planned,
    running,
    stopped_by_hand,
    wants,
    web,
)

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
    ("ports change hands, first", web(**PORTS), Actual(), "start gate persist"),
    (
        "ports change hands behind a stand-in",
        web(2, **PORTS),
        running(web(**PORTS)),
        "stand_in gate divert stop start gate undivert persist reap",
    ),
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
        "container in a crash loop, recreate",
        web(**RECREATE),
        broken(running(web(**RECREATE)), state="restarting"),
        "hold stop start gate switch persist reap",
    ),
    (
        "paused, and replaced where it has ports",
        web(2, **PORTS),
        broken(running(web(**PORTS)), state="paused"),
        "stop start gate persist reap",
    ),
    (
        "container of another make",
        web(),
        broken(running(web()), deployment="x"),
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
        "drain reap",
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
    ("to be absent", web(state="absent"), running(web()), "unroute drain forget reap clear"),
    ("absent already", web(state="absent"), Actual(), ""),
    ("absent, but an orphan is left", web(state="absent"), Actual(containers=(ORPHAN,)), "drain forget reap clear"),
    ("absent, but files are left", web(state="absent"), Actual(left=True), "clear"),
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
    green = candidate(web())
    assert prepare(web(), Actual(pull_needed=True), green).verbs() == ["pull"]
    assert prepare(web(), Actual(), green).verbs() == []
    assert prepare(web(state="absent"), Actual(pull_needed=True), green).verbs() == []
    newer = replace(running(web(2), NEW), pull_needed=True)
    plan = prepare(web(), newer, candidate(web(), OLD))
    assert (plan.verbs(), plan.skipped) == ([], True), "nothing is fetched for what will be skipped"


BAKE = {"bake": {"seconds": 5}}


def test_a_bake_comes_before_anything_of_blue_is_touched() -> None:
    assert " ".join(planned(web(2, **BAKE), running(web())).verbs()) == "start gate switch persist bake drain reap"
    assert planned(web(2, bake={"seconds": 0}), running(web())).verbs().count("bake") == 0


@pytest.mark.parametrize(
    ("mine", "live", "identity", "skipped"),
    [
        (None, None, OLDER, True),
        (None, None, NEW, False),
        (5, 7, NEW, True),
        (7, 7, NEW, False),
        (8, 7, OLDER, False),
        (5, None, OLDER, True),
        (None, 7, NEW, False),
    ],
)
def test_an_older_request_is_skipped_and_never_takes_the_route(
    mine: int | None, live: int | None, identity: str, skipped: bool
) -> None:
    """DP-T4: by sequence where both have one, else by the moment of the request."""
    want = web(2, sequence=mine)
    for changed in (want, web(1, sequence=mine, routes=[{"host": "b.test"}])):
        plan = decide(changed, replace(running(web()), sequence=live), candidate(changed, identity))
        assert plan.skipped is skipped
        assert bool(plan.steps) is not skipped
    same = decide(web(sequence=mine), replace(running(web()), sequence=live), candidate(web(), identity))
    assert not same.skipped, "what is live already is not skipped"


def test_volumes_go_only_on_request_and_never_from_under_somebody() -> None:
    own = replace(running(web()), volumes=(Volume("data"),))
    assert planned(web(state="absent"), own).verbs() == ["unroute", "drain", "forget", "reap", "clear"]
    asked = web(state="absent", remove_volumes=True)
    assert planned(asked, own).verbs() == ["unroute", "drain", "forget", "reap", "remove_volumes", "clear"]
    assert planned(asked, after(own, planned(asked, own))).verbs() == []
    assert planned(asked, Actual(volumes=(Volume("data"),))).verbs() == ["remove_volumes"], "left by an earlier run"
    with pytest.raises(InvalidOption, match=r"data is used by wiki") as caught:
        planned(asked, replace(own, volumes=(Volume("data", ("wiki",)),)))
    assert caught.value.remedy


@pytest.mark.parametrize("change", [{"networks": ()}, {"altered": ("memory",)}])
def test_a_container_that_was_disconnected_or_altered_is_replaced(change: dict[str, t.Any]) -> None:
    drifted = broken(running(web()), **change)
    assert " ".join(planned(web(), drifted).verbs()) == "start gate switch persist drain reap"
    for networks in (("tidegate",), ("another", "tidegate")):
        assert planned(web(), broken(running(web()), networks=networks)).verbs() == []


@pytest.mark.parametrize(
    ("want", "have", "reason"),
    [
        (web(), Actual(), "has no live release"),
        (web(force=True), running(web()), "a new deployment was asked for"),
        (web(2), running(web()), "the image is another"),
        (web(env={"A": "1"}), running(web()), "the declaration is another"),
        (web(state="stopped"), running(web()), "is to be stopped"),
        (web(state="stopped"), after(running(web()), planned(web(state="stopped"), running(web()))), "is stopped"),
        (web(state="absent"), running(web()), "is to be absent"),
        (web(state="absent"), Actual(), "is absent"),
        (web(), broken(running(web()), state="dead"), "a container of the live release is missing, broken or altered"),
    ],
)
def test_a_plan_says_why(want: Workload, have: Actual, reason: str) -> None:
    """DS-11: what a person reads before a change is what makes it."""
    assert reason in planned(want, have).reason


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
@given(wants, hosts())
def test_nothing_of_blue_can_run_while_green_starts_in_its_place(want: Workload, have: Actual) -> None:
    """DS-T15: what crash-loops or is paused has its ports and volumes, too; whoever takes them back waits for no gate."""
    if want.strategy is Strategy.BLUE_GREEN or want.state is not State.PRESENT:
        return
    steps = planned(want, have).steps
    start = next((n for n, step in enumerate(steps) if step.verb is Verb.START), None)
    if start is None:
        return
    before = after(have, Plan(steps[:start]))
    stand_in = stand_in_name(want.name, NEW)
    assert {c.name for c in before.containers if c.state not in ("exited", "created")} <= {stand_in}
    ran = {c.name for c in have.containers if c.state == "running"}
    stops = [step for step in steps[:start] if step.verb is Verb.STOP]
    if not stops:
        return
    (stop,) = stops
    again = {verb: {n for u in stop.undo if u.verb is verb for n in u.containers} for verb in (Verb.RESUME, Verb.GATE)}
    assert again == {Verb.RESUME: set(stop.containers), Verb.GATE: ran}
    assert {name for step in steps[:start] if step.verb is Verb.DRAIN for name in step.containers} <= ran


@settings(max_examples=300, deadline=None)
@given(wants, hosts(), st.data())
def test_undoing_from_any_step_leaves_what_served_serving(want: Workload, have: Actual, data: st.DataObject) -> None:
    """DS inv. 3, 4, B3: a failure before `persist`, or `forget`, ends with the same live release, running and routed."""
    steps = planned(want, have).steps
    until = next((n for n, s in enumerate(steps) if s.verb in (Verb.PERSIST, Verb.FORGET)), 0)
    if have.live is None or not until:
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


@settings(max_examples=100, deadline=None)
@given(hosts())
def test_nothing_is_on_record_any_more_before_anything_of_it_is_removed(have: Actual) -> None:
    """Whoever finds a teardown that was killed goes by the record, and must not start it on emptied volumes."""
    verbs = planned(web(state="absent", remove_volumes=True), replace(have, volumes=(Volume("data"),))).verbs()
    removed = [number for number, verb in enumerate(verbs) if verb in ("reap", "remove_volumes", "clear")]
    assert have.live is None or verbs.index("forget") < min(removed)


def test_a_stop_after_one_that_was_killed_is_taken_back_to_what_is_on_record() -> None:
    """B3: the routes are held already; those of a release that is stopped on record stay held."""
    have = running(web())
    held = routing_documents.without_servers(t.cast("dict[str, t.Any]", have.route))
    killed = replace(have, route=held)
    assert [s.undo[0].route for s in planned(web(state="stopped"), killed).steps if s.verb is Verb.HOLD] == [have.route]
    stopped = after(have, planned(web(state="stopped"), have))
    (unroute, *_rest) = planned(web(state="absent"), stopped).steps
    assert [undo.route for undo in unroute.undo] == [held]


@pytest.mark.parametrize(
    ("options", "refused"),
    [
        ({}, "strategy"),
        ({"replicas": 2, "strategy": "recreate"}, "replicas"),
        ({"strategy": "recreate"}, ""),
        ({"tmpfs": ["/data"]}, ""),
        ({"volumes": [{"source": "data", "target": "/data", "shared": True}]}, ""),
        ({"volumes": [{"source": "data", "target": "/data/below", "shared": True}]}, "strategy"),
        ({"image_volumes": "discard"}, ""),
    ],
)
def test_what_an_image_keeps_is_never_started_beside_itself(options: dict[str, t.Any], refused: str) -> None:
    """A3: refused by name; what is on record from before is brought back in its place, and recorded so."""
    want = web(**options)
    have = replace(running(web(2)), image=Image("i", volumes=("/data",)))
    if not refused:
        assert planned(want, have).steps
        return
    with pytest.raises(InvalidOption, match=f"^{refused}=.*/data"):
        planned(want, have)
    plan = planned(replace(want, artifact="i"), have)
    assert plan.verbs().index("stop") < plan.verbs().index("start")
    assert plan.candidate
    assert plan.candidate.snapshot["strategy"] == "recreate"


def test_a_deployment_of_the_same_moment_is_no_later_one() -> None:
    """DP-T4: two requests of one millisecond: neither is older, so that what is asked for is deployed."""
    moment = OLD
    twin = deployment_id(2, b"z" * 10)
    assert twin[:10] == moment[:10]
    have, want = running(web(1), twin), web(2)
    found = decide(want, have, candidate(want, moment))
    assert not found.skipped
    assert found.candidate is not None
