"""Compose projects as values: what is refused, what is rolled, in which order, and fuzzed definitions."""

from __future__ import annotations

import copy
import typing as t
from dataclasses import replace

import pytest
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible_collections.tidegate.platform.plugins.module_utils._core.decide import plan as whole
from ansible_collections.tidegate.platform.plugins.module_utils._core.decide import stacks
from ansible_collections.tidegate.platform.plugins.module_utils._core.decide.foretell import after
from ansible_collections.tidegate.platform.plugins.module_utils._core.decide.replicas import replicas
from ansible_collections.tidegate.platform.plugins.module_utils._core.engine.listing import container_of
from ansible_collections.tidegate.platform.plugins.module_utils._core.host.secrets import Secrets
from ansible_collections.tidegate.platform.plugins.module_utils._core.options.argument_specs import WORKLOADS
from ansible_collections.tidegate.platform.plugins.module_utils._core.options.compose import project_name
from ansible_collections.tidegate.platform.plugins.module_utils._core.options.parse import Here, parse
from ansible_collections.tidegate.platform.plugins.module_utils._core.proxy import routing_documents
from ansible_collections.tidegate.platform.plugins.module_utils._core.sources import (
    compose,
    compose_conflicts,
    compose_model,
    compose_version,
    compose_volumes,
)
from ansible_collections.tidegate.platform.plugins.module_utils._core.values.actual import Actual, Container
from ansible_collections.tidegate.platform.plugins.module_utils._core.values.errors import InvalidOption
from ansible_collections.tidegate.platform.plugins.module_utils._core.values.identity import digest
from ansible_collections.tidegate.platform.plugins.module_utils._core.values.plan import Plan, Step, Verb
from ansible_collections.tidegate.platform.plugins.module_utils._core.values.release import Release
from ansible_collections.tidegate.platform.plugins.module_utils._core.values.stack import Definition
from ansible_collections.tidegate.platform.plugins.module_utils._core.values.workload import Strategy, Workload
from hypothesis import given, settings
from hypothesis import strategies as st

OWNER = {"tidegate.workload": "shop"}
WEB = {"image": "web:1"}
SIGN = Secrets("/nowhere").version
ROUTED = {"name": "web", "port": 80, "routes": [{"host": "shop.test"}]}


def declared(**options: t.Any) -> Workload:
    """A parsed stack."""
    project = {"definition": {"services": {"web": WEB}}, "services": [ROUTED], **options.pop("compose", {})}
    element = {"name": "shop", "type": "compose", "strategy": "rolling", "compose": project, **options}
    result = ArgumentSpecValidator(copy.deepcopy(WORKLOADS)).validate({"workloads": [element]})
    assert not result.error_messages, result.error_messages
    return parse(result.validated_parameters["workloads"][0], Here(lambda _value: ""))


def defined(services: dict[str, t.Any], want: Workload | None = None, **more: t.Any) -> Definition:
    """What Compose made of these services, and of what else its file has."""
    stack = (want or declared()).stack
    assert stack
    return compose_model.definition(stack, "id", {"services": copy.deepcopy(services), **more}, OWNER, SIGN)


@pytest.mark.parametrize(
    ("given_", "plain"),
    [
        ("Shop", "shop"),
        ("--foo", "foo"),
        ("-f x", "f-x"),
        ("---", "tg-shop-production"),
        ("_x", "x"),
        ("Größe", "gr-e"),
        ("a" * 200, "a" * 63),
        (None, "tg-shop-production"),
    ],
)
def test_a_project_name_is_safe(given_: str | None, plain: str) -> None:
    """DS-12, DS-T7, DS-T9."""
    assert project_name(given_, "shop", "production") == plain


@given(st.text(max_size=80))
def test_any_project_name_is_one_that_compose_takes(text: str) -> None:
    """DS-T9: a leading letter or digit, nothing that looks like a flag."""
    name = project_name(text, "shop", "production")
    assert name[0].isascii()
    assert name[0].isalnum()
    assert set(name) <= set("abcdefghijklmnopqrstuvwxyz0123456789_-")


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=6),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=6), inner, max_size=2),
    max_leaves=4,
)
MOUNTS = st.lists(st.fixed_dictionaries({"type": st.sampled_from(["bind", "volume", "tmpfs"]), "source": st.text()}))
KNOWN = st.fixed_dictionaries(
    {"image": st.text(max_size=8)},
    optional={
        "build": JSON,
        "container_name": st.text(max_size=4),
        "depends_on": st.dictionaries(st.sampled_from(["web", "db"]), st.just({"condition": "service_started"})),
        "deploy": st.fixed_dictionaries({"replicas": st.integers(0, 3)}),
        "labels": st.dictionaries(st.text(max_size=4), st.text(max_size=4), max_size=2),
        "network_mode": st.sampled_from(["host", "none"]),
        "ports": st.lists(st.fixed_dictionaries({"target": st.integers(1, 9), "published": st.text(max_size=3)})),
        "volumes": MOUNTS,
    },
)


@settings(max_examples=300, deadline=None)
@given(st.dictionaries(st.sampled_from(["web", "db", "x"]), KNOWN, max_size=3))
def test_any_project_is_defined_or_refused(services: dict[str, t.Any]) -> None:
    """What Compose lets pass becomes a definition whose services are labelled as ours, or one clear error."""
    if any(set(facts.get("depends_on", ())) - set(services) or name in facts.get("depends_on", ())
           for name, facts in services.items()):  # fmt: skip
        return  # Compose itself refuses these
    if {"web", "db"} <= set(services) and "db" in services["web"].get("depends_on", ()):
        services["db"].pop("depends_on", None)
    try:
        found = defined(services)
    except InvalidOption:
        return
    assert {service.name for service in found.services} == set(services)
    labels = [facts["labels"] for facts in found.model["services"].values()]
    assert all(own["tidegate.workload"] == "shop" and own["tidegate.fingerprint"] for own in labels)


def test_services_come_after_what_they_depend_on_and_tell_what_they_are() -> None:
    ready, done = {"condition": "service_healthy"}, {"condition": "service_completed_successfully"}
    found = defined(
        {
            "web": {**WEB, "depends_on": {"db": ready, "job": done}},
            "db": {"image": "db:1", "volumes": [{"type": "volume", "source": "d", "target": "/d"}]},
            "job": {"image": "job:1", "depends_on": {"db": ready}},
            "port": {"image": "p:1", "ports": [{"target": 80, "published": "80"}]},
            "reads": {"image": "r:1", "volumes": [{"type": "bind", "source": "/c", "target": "/c", "read_only": True}]},
        }
    )
    assert [s.name for s in found.services] == ["db", "job", "port", "reads", "web"]
    assert [s.name for s in found.services if s.in_place] == ["db", "port"]
    assert [s.name for s in found.services if s.completes] == ["job"]


@pytest.mark.parametrize(
    ("row", "writes"),
    [
        *[("data", True), ("data:rw", True), ("between", True), ("container:x", True)],
        *[("data:ro", False), ("container:x:ro", False), ("reads", False)],
    ],
)
def test_what_is_taken_from_another_service_for_writing_is_written(row: str, writes: bool) -> None:
    """A5 (review): a service that is rolled would run twice on one volume; also on what only an image declares."""
    mount = {"type": "volume", "source": "d", "target": "/d"}
    services: dict[str, t.Any] = {
        "data": {"image": "d:1", "volumes": [mount]},
        "between": {"image": "b:1", "volumes_from": ["data:rw"]},
        "reads": {"image": "r:1", "volumes": [{**mount, "read_only": True}]},
        "web": {**WEB, "volumes_from": [row]},
    }
    web = defined(services).service("web")
    assert web
    assert web.in_place is writes
    del services["data"]["volumes"]
    found = compose_model.with_images(defined(services), {"d:1": ["/d"]}).service("web")
    assert found
    assert found.in_place is writes


def there(definition: Definition, **states: str) -> tuple[Container, ...]:
    """A container of each service, as it is declared."""
    return tuple(
        Container(f"{s.name}-1", states.get(s.name, "running"), fingerprint=s.fingerprint, service=s.name)
        for s in definition.services
    )


def plan(want: Workload, have: Actual) -> list[str]:
    """The plan's steps, rolls with the service that they are of."""
    candidate = Release("02", "compose/x", "id", "new", (), None, want.snapshot)
    steps = stacks.decide(want, have, candidate).steps
    return [f"{s.verb.value} {s.service.name}" if s.service else s.verb.value for s in steps]


def test_only_what_is_behind_is_touched_whatever_was_interrupted() -> None:
    want = declared()
    old = defined({"web": WEB, "db": {"image": "db:1"}}, want)
    new = defined({"web": {"image": "web:2"}, "db": {"image": "db:1"}}, want)
    document = routing_documents.stack_document(want, {"web": ["web-1"]})
    live = Release("01", "compose/x", "id", "old", ("db-1", "web-1"), document, want.snapshot)
    have = Actual(containers=there(old), live=live, route=document, definition=new, live_definition=old)
    assert plan(want, have) == ["roll web", "persist"]
    both = replace(
        have, containers=(*there(old), *(replace(c, name="web-2") for c in there(new) if c.service == "web"))
    )
    assert plan(want, both) == ["roll web", "persist"]
    recreate = replace(want, strategy=Strategy.RECREATE)
    assert plan(recreate, have) == ["hold", "up", "persist"]
    assert plan(recreate, replace(both, containers=both.containers[2:])) == ["hold", "up", "persist"], "not proven yet"
    other = replace(have, definition=defined({"web": WEB, "db": {"image": "db:2"}}, want))
    assert plan(recreate, other) == ["up", "persist"], "nobody asks for what is recreated"
    same = replace(have, definition=old, live=replace(live, fingerprint="new"))
    assert plan(want, same) == []
    assert plan(want, replace(same, route=None)) == ["switch"]
    assert plan(want, replace(same, containers=there(old, db="exited"))) == ["resume", "roll db"]
    stale = replace(same, containers=(*there(old), Container("gone-1", "running", service="gone")))
    assert plan(want, stale)[-1] == Verb.REAP.value


def test_a_project_that_is_recreated_is_taken_back_to_what_ran() -> None:
    """DS-T5: to the definition that was live; a first one, which has none, is taken away."""
    want = replace(declared(), strategy=Strategy.RECREATE)
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
    want = declared()
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
    want = declared()
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
    want = declared()
    old, new = (defined({"web": WEB, **more}, want) for more in ({}, {"work": {"image": "w"}}))
    live = Release("01", "compose/x", "id", "old", ("web-1",), None, want.snapshot)
    have = Actual(containers=there(new), live=live, definition=new, live_definition=old)
    have = replace(have, unrecorded=("work-1",) if lost else ())
    steps = stacks.decide(want, have, replace(live, id="02", fingerprint="new")).steps
    undo = {s.service.name: [u.verb for u in s.undo] for s in steps if s.service}
    assert undo == {"work": [] if lost else [Verb.UNROLL]}
    assert stacks.spared(have) == set(have.unrecorded)


def test_only_routes_of_services_that_are_down_say_when_to_come_back() -> None:
    """DS-02: whoever is still there answers for itself."""
    want = declared(compose={"services": [ROUTED, {"name": "api", "port": 80, "routes": [{"host": "api.test"}]}]})
    routed = routing_documents.stack_document(want, {"web": ["web-1"], "api": ["api-1"]})
    assert routed
    held = routing_documents.stack_without_servers(want, routed, ["web"])["http"]
    waits = {row["service"]: row.get("middlewares", []) for row in held["routers"].values()}
    assert waits == {"shop.production-web": ["shop.production-web-hold"], "shop.production-api": []}
    assert [len(row["loadBalancer"]["servers"]) for row in held["services"].values()] == [0, 1]
    assert routing_documents.stack_without_servers(want, {"http": held}, ["web"]) == {"http": held}


def test_a_network_that_is_another_now_is_not_rolled() -> None:
    """A container is on the old or on the new network of one name; whoever rolls needs both."""
    want = declared()
    web = {**WEB, "networks": {"back": None}}
    old, new = (defined({"web": web}, want, networks={"back": {"internal": internal}}) for internal in (False, True))
    document = routing_documents.stack_document(want, {"web": ["web-1"]})
    live = Release("01", "compose/x", "id", "old", ("web-1",), document, want.snapshot)
    have = Actual(containers=there(old), live=live, route=document, definition=new, live_definition=old)
    with pytest.raises(InvalidOption, match=r"networks[.]back"):
        plan(want, have)
    assert "up" in plan(replace(want, strategy=Strategy.RECREATE), have)
    assert plan(want, replace(have, definition=old, live=replace(live, fingerprint="new"))) == []


def test_who_is_to_be_restarted_with_another_goes_with_it() -> None:
    """A10 (review): held and drained where Compose restarts it, and replaced after it where that is done one by one."""
    want = declared()
    needs = {"depends_on": {"db": {"condition": "service_started", "restart": True}}}
    plain = {"image": "p:1", "depends_on": {"db": {"condition": "service_started"}}}
    volume = {"type": "volume", "source": "d", "target": "/d"}
    rest = {"web": {**WEB, **needs}, "kept": {"image": "k:1", **needs, "volumes": [volume]}, "plain": plain}
    old, new = (defined({"db": {"image": image}, **rest}, want) for image in ("db:1", "db:2"))
    document = routing_documents.stack_document(want, {"web": ["web-1"]})
    live = Release("01", "compose/x", "id", "old", ("db-1", "web-1"), document, want.snapshot)
    have = Actual(containers=there(old), live=live, route=document, definition=new, live_definition=old)
    assert plan(want, have) == ["roll db", "roll kept", "roll web", "persist"]
    steps = stacks.decide(want, have, replace(live, id="02", fingerprint="new")).steps
    assert [step.containers for step in steps if step.service] == [("db-1",), ("kept-1",), ("web-1",)]
    assert plan(replace(want, strategy=Strategy.RECREATE), have) == ["hold", "up", "persist"], "web is not there, too"
    assert plan(want, replace(have, definition=old, live=replace(live, fingerprint="new"))) == []


def restarting(services: dict[str, t.Any], *names: str) -> dict[str, t.Any]:
    """Services of which some are to be restarted with the service `db`."""
    needs = {"depends_on": {"db": {"condition": "service_started", "restart": True}}}
    return {name: {**facts, **needs} if name in names else facts for name, facts in services.items()}


def rolls(want: Workload, have: Actual) -> dict[str, tuple[tuple[str, ...], bool]]:
    """The rolls of a plan: who goes whatever it is, and whether because of another."""
    candidate = Release("02", "compose/x", "id", "new", (), None, want.snapshot)
    steps = stacks.decide(want, have, candidate).steps
    return {step.service.name: (step.containers, step.anew) for step in steps if step.service}


@pytest.mark.parametrize(
    "made",
    [
        {"db-2": 20, "web-3": 21, "web-4": 21},
        {"db-2": 20, "web-3": 21},
        {"db-2": 20},
        {"db-1": 10, "db-2": 20},
        {"db-1": 10},
    ],
    ids=["gated", "half made", "not yet", "db's gate", "nothing"],
)
def test_who_was_not_restarted_with_another_by_a_killed_run_is_by_the_next(made: dict[str, int]) -> None:
    """A10: with as many again beside them they were no more restarted, and stayed with dead connections."""
    want = declared()
    rest = {"web": {**WEB, "scale": 2}}
    old, new = (defined(restarting({"db": {"image": image}, **rest}, "web"), want) for image in ("db:1", "db:2"))
    live = Release("01", "compose/x", "id", "old", ("db-1", "web-1", "web-2"), None, want.snapshot)
    prints = {s.name: s.fingerprint for s in new.services}
    of = {"db-1": old.services[0].fingerprint, "db-2": prints["db"]}
    found = tuple(
        Container(n, "running", fingerprint=of.get(n, prints["web"]), service=n.partition("-")[0], created=created)
        for n, created in {"web-1": 11, "web-2": 11, **made}.items()
    )
    have = Actual(containers=found, live=live, definition=new, live_definition=old)
    going = rolls(want, have)["web"]
    assert going == (("web-1", "web-2"), True)
    lost = replace(have, live=None, live_definition=None)
    assert rolls(want, lost)["web"] == going, "also of a first deployment"
    if "db-1" not in made:
        same = tuple(replace(c, created=11) for c in found)
        assert rolls(want, replace(lost, containers=same))["web"] == ((), False), "a lost record restarts nobody"


def test_who_was_not_restarted_by_a_killed_repair_is_by_the_next() -> None:
    """What it had made anew was as declared, so that who depends on it kept dead connections for good."""
    want = declared()
    both = defined(restarting({"db": {"image": "db:1"}, "web": WEB}, "web"), want)
    live = Release("01", "compose/x", "id", "new", ("db-1", "web-1"), None, want.snapshot)
    made = {"db": 20, "web": 11}
    found = tuple(replace(c, created=made[c.service]) for c in there(both))
    have = Actual(containers=found, live=live, definition=both, live_definition=both, newest="02")
    assert rolls(want, have) == {"web": (("web-1",), True)}
    after_it = tuple(replace(c, created=20) for c in found)
    assert rolls(want, replace(have, containers=after_it)) == {}, "it was restarted already"
    assert rolls(want, replace(have, newest="01")) == {}, "a clock that went back restarts nobody at each tick"


def test_a_stop_that_fails_has_all_of_a_project_go_on_also_what_has_another_name_by_now() -> None:
    """A container that a failed deployment was gone back to with stayed stopped."""
    want = declared(state="stopped")
    both = defined({"web": WEB, "work": {"image": "w:1"}})
    live = Release("01", "compose/x", "id", "new", ("web-1", "work-0"), None, declared().snapshot)
    have = Actual(containers=there(both), live=live, definition=both, live_definition=both)
    steps = whole.decide(want, have, replace(live, id="02")).steps
    (again,) = [undo for step in steps for undo in step.undo if undo.verb is Verb.RESUME]
    assert set(again.containers) == {"web-1", "work-1"}


def test_who_is_in_its_place_is_restarted_also_where_all_is_forced() -> None:
    """A10: the result listed its roll, which did nothing."""
    want = declared(force=True)
    kept = {"image": "k:1", "volumes": [{"type": "volume", "source": "d", "target": "/d"}]}
    both = defined(restarting({"db": {"image": "db:1"}, "kept": kept, "alone": kept, "web": WEB}, "kept"), want)
    live = Release("01", "compose/x", "id", "old", ("db-1", "kept-1", "web-1"), None, want.snapshot)
    have = Actual(containers=there(both), live=live, definition=both, live_definition=both)
    forced = {"db": (("db-1",), False), "kept": (("kept-1",), True), "web": (("web-1",), False)}
    assert rolls(want, have) == forced


def test_going_back_ends_with_who_is_to_be_restarted_with_what_was_gone_back_to() -> None:
    """A10: newest first, it was there before what it depends on went back, and kept its dead connections."""
    want = declared()
    rest = {"web": WEB, "zet": {"image": "z:1"}}
    old, new = (defined(restarting({"db": {"image": image}, **rest}, "web"), want) for image in ("db:1", "db:2"))
    live = Release("01", "compose/x", "id", "old", ("db-1", "web-1"), None, want.snapshot)
    have = Actual(containers=there(old), live=live, definition=new, live_definition=old)
    steps = stacks.decide(want, have, replace(live, id="02", fingerprint="new")).steps
    back = [undo for step in reversed(steps) for undo in step.undo if undo.service]
    assert [(undo.service and undo.service.name, undo.anew) for undo in back] == [
        ("web", False),
        ("db", False),
        ("web", True),
    ]
    assert all(undo.release == live and undo.definition == old for undo in back)


def test_the_newest_of_a_service_are_those_that_stay() -> None:
    """A10: of what is too much nobody was removed, so that each run said `changed` and left it."""
    service = defined({"web": {**WEB, "scale": 2}}).services[0]
    rows = [("web-9", 5), ("web-10", 5), ("web-1", 7), ("web-2", 3)]
    found = [Container(n, "running", fingerprint=service.fingerprint, service="web", created=at) for n, at in rows]
    assert stacks.newest(service, found) == ["web-10", "web-1"]
    assert stacks.newest(service, found[:1]) == ["web-9"]
    assert stacks.newest(replace(service, replicas=0), found) == []


@pytest.mark.parametrize("project", [None, {}])
def test_a_project_of_a_source_needs_no_options(project: dict[str, t.Any] | None) -> None:
    """U7 (review): it was a KeyError."""
    source = {"path": "/srv/shop"}
    want = declared_as({"compose": project, "source": source})
    assert want.snapshot["compose"] == declared_as({"compose": {}, "source": source}).snapshot["compose"]
    assert want.stack
    assert want.stack.network


def declared_as(options: dict[str, t.Any]) -> Workload:
    """A parsed stack of just these options."""
    result = ArgumentSpecValidator(copy.deepcopy(WORKLOADS)).validate(
        {"workloads": [{"name": "shop", "type": "compose", "strategy": "rolling", **options}]}
    )
    assert not result.error_messages, result.error_messages
    return parse(result.validated_parameters["workloads"][0], Here(lambda _value: ""))


@pytest.mark.parametrize("value", ["", " ", "\n"])
def test_a_secret_of_a_project_that_is_empty_is_refused(value: str) -> None:
    """U4 (review): as one of an image is; what is unset upstream arrives so."""
    with pytest.raises(InvalidOption, match=r"compose[.]secrets[.]value.*of TOKEN is empty"):
        declared(compose={"secrets": [{"name": "TOKEN", "value": value}]})


def test_a_variable_that_is_not_set_is_refused_by_its_name() -> None:
    """U4 (review): Compose only warns, and a database would have a blank password."""
    said = 'time="2026-01-01T00:00:00Z" level=warning msg="The \\"DB_PASSWORD\\" variable is not set. Defaulting to a'
    with pytest.raises(InvalidOption, match=r"compose[.]env='DB_PASSWORD'.*is not set"):
        compose.refuse_unset(f'{said} blank string."\n')
    compose.refuse_unset('level=warning msg="the attribute `version` is obsolete"')


@pytest.mark.parametrize("strategy", ["blue-green", "handover"])
def test_a_strategy_that_compose_cannot_do_is_refused(strategy: str) -> None:
    """DS-02: an error, never a silent downgrade."""
    with pytest.raises(InvalidOption, match="cannot be done with a Compose project"):
        declared(strategy=strategy)


def test_a_row_for_every_replica_and_one_for_each_that_is_missing() -> None:
    """DS-T13: rows equal reality; what ends by itself is good once it ended with 0, and only then."""
    waits = {"setup": {"condition": "service_completed_successfully"}}
    definition = defined({"web": {**WEB, "scale": 2, "depends_on": waits}, "setup": {"image": "b"}})
    live = Release("1", "compose/shop", "i", "f", ("shop-web-1", "shop-setup-1"), None, {"compose": {}})
    prints = {service.name: service.fingerprint for service in definition.services}

    def rows(code: int | None) -> list[tuple[str, str, bool]]:
        web = Container("shop-web-1", "running", fingerprint=prints["web"], service="web")
        setup = Container("shop-setup-1", "exited", fingerprint=prints["setup"], service="setup", exit_code=code)
        return [(row.service, row.state, row.good) for row in replicas(live, (web, setup), definition)]

    assert rows(0) == [("web", "running", True), ("setup", "exited", True), ("web", "missing", False)]
    assert rows(1)[1] == ("setup", "exited", False)
    plain = Release("1", "a:1", "i", "f", ("shop-1", "shop-2"), None, {})
    found = replicas(plain, (Container("shop-1", "running"), Container("shop-0", "running")), None)
    assert [(row.name, row.state, row.live, row.good) for row in found] == [
        ("shop-1", "running", True, True),
        ("shop-0", "running", False, False),
        ("shop-2", "missing", True, False),
    ]


@pytest.mark.parametrize(
    ("status", "code"), [("Exited (0) 2 days ago", 0), ("Exited (137) now", 137), ("Up 3 s", None)]
)
def test_how_a_container_ended_is_told_by_its_listing(status: str, code: int | None) -> None:
    """The engine's listing says it in words only."""
    row = {"Labels": {}, "Status": status, "Names": ["/a"], "State": "exited"}
    assert container_of(row, None).exit_code == code


def test_what_should_have_completed_but_failed_is_done_again() -> None:
    """A run that was killed before it saw a migration fail leaves it exited; the next one does not take it for done."""
    want = declared()
    job = {"image": "job:1"}
    both = defined({"web": {**WEB, "depends_on": {"job": {"condition": "service_completed_successfully"}}}, "job": job})
    document = routing_documents.stack_document(want, {"web": ["web-1"]})
    live = Release("01", "compose/x", "id", "new", ("job-1", "web-1"), document, want.snapshot)
    have = Actual(live=live, route=document, definition=both, live_definition=both)
    for code, steps in ((0, []), (1, ["roll job", "persist"])):
        ended = tuple(replace(c, exit_code=code) for c in there(both, job="exited"))
        assert plan(want, replace(have, containers=ended)) == steps


def test_a_fingerprint_tells_nothing_without_the_key() -> None:
    """C4: whoever sees labels or differences cannot try secrets; content that a service uses is part of it (A2)."""
    facts = {"image": "web:1", "secrets": [{"source": "key", "target": "/k"}]}

    def told(file: str, key: str) -> str:
        stack = declared().stack
        assert stack
        model = {"services": {"web": copy.deepcopy(facts)}, "secrets": {"key": {"name": "x", "file": file}}}
        found = compose_model.definition(stack, "id", model, OWNER, lambda text: digest([key, text]))
        return found.services[0].fingerprint

    assert told("/a", "one") == told("/a", "one")
    assert len({told("/a", "one"), told("/b", "one"), told("/a", "two")}) == 3


@pytest.mark.parametrize(
    ("said", "words"),
    [
        ("2.40.3", ""),
        ("v2.24.0-desktop.1", ""),
        ("10.0.0", ""),
        ("2.23.3", "is 2.23.3; 2.24 or newer"),
        ("1.29.2", "is 1.29.2"),
        ("", "is not there"),
    ],
)
def test_which_compose_is_new_enough(said: str, words: str) -> None:
    """D4."""
    found = compose_version.problem(said)
    assert (words in found) if words else found == ""


def test_compose_is_told_of_every_volume_as_an_external_one() -> None:
    """A1: whatever is declared of a volume, Compose has nothing to compare, and so nothing to make anew."""
    options = {"name": "p_data", "driver": "local", "driver_opts": {"type": "nfs"}, "labels": {"a": "1"}}
    model = {"name": "p", "services": {}, "volumes": {"data": options, "more": {"name": "x", "external": True}}}
    handed = compose_volumes.handed(model)["volumes"]
    assert handed == {"data": {"name": "p_data", "external": True}, "more": {"name": "x", "external": True}}
    (made,) = compose_volumes.labelled(model)
    assert (made.name, made.options, made.labels["com.docker.compose.volume"]) == ("p_data", {"type": "nfs"}, "data")
    ours = made._replace(labels={**made.labels, "tidegate.workload": "other"})
    compose_volumes.refuse_another(model, {"p_data": ours, "x": made})
    for other in (
        made._replace(driver="nfs"),
        made._replace(options={}),
        made._replace(options={"type": "nfs", "o": "ro"}),
        made._replace(labels={}),
    ):
        with pytest.raises(InvalidOption, match="p_data"):
            compose_volumes.refuse_another(model, {"p_data": other, "x": made})
    with pytest.raises(InvalidOption, match="not there"):
        compose_volumes.refuse_another(model, {"p_data": ours})


@pytest.mark.parametrize(
    ("mounts", "in_place"),
    [
        ({}, True),
        ({"volumes": [{"type": "bind", "source": "/a", "target": "/data/", "read_only": True}]}, False),
        ({"tmpfs": ["/data:size=1m"]}, False),
        ({"tmpfs": ["/other"]}, True),
    ],
)
def test_a_service_whose_image_keeps_data_stays_in_its_place(mounts: dict[str, t.Any], in_place: bool) -> None:
    """A3: unless something is mounted at that very path."""
    found = compose_model.with_images(defined({"web": {**WEB, **mounts}}), {"web:1": ["/data"]})
    assert found.services[0].in_place is in_place


def test_the_routes_of_some_services_change_and_those_of_others_stay() -> None:
    """B3: whatever the services are called, each entry of a document is one service's own."""
    names = ["web", "web-0", "web-0-hold", "other"]
    rows = [
        {
            "name": name,
            "port": 80,
            "routes": [
                {"host": f"{name}.test"},
                {"hosts": ["b.test", "*.c.test"], "path_prefix": f"/{name}", "strip_prefix": True},
            ],
        }
        for name in names
    ]
    want = declared(compose={"definition": {"services": dict.fromkeys(names, WEB)}, "services": rows})
    before = routing_documents.stack_document(want, {name: [f"{name}-1"] for name in names})
    after = routing_documents.stack_document(want, {name: [f"{name}-2"] for name in names})
    assert before
    assert after
    held = routing_documents.stack_without_servers(want, before, names)
    for name in names:
        one = routing_documents.merged(held, after, want, [name])
        others = routing_documents.merged(held, None, want, [name])
        for kind, entries in one["http"].items():
            key = f"shop.production-{name}"
            mine = {k for k in entries if k not in others["http"].get(kind, {})}
            assert mine == {k for k, v in after["http"].get(kind, {}).items() if _is_of(kind, k, v, key, after)}, kind
            assert all(entries[k] == held["http"][kind][k] for k in entries if k not in mine)
    assert routing_documents.merged(held, after, want, names) == after


def _is_of(kind: str, name: str, entry: t.Any, key: str, document: t.Any) -> bool:
    if kind == "routers":
        return bool(entry["service"] == key)
    routers = [router for router in document["http"]["routers"].values() if router["service"] == key]
    return name == key or any(name in router.get("middlewares", ()) for router in routers)


@pytest.mark.parametrize("facts", [{"deploy": {"replicas": 0}}, {"scale": 0}])
def test_a_service_of_no_replicas_has_none(facts: dict[str, t.Any]) -> None:
    """And cannot be routed."""
    found = defined({"web": WEB, "off": {"image": "off:1", **facts}})
    off = found.service("off")
    assert off is not None
    assert off.replicas == 0
    with pytest.raises(InvalidOption, match="no replicas"):
        defined({"web": {**WEB, **facts}})


def test_a_part_of_a_volume_is_refused() -> None:
    """An engine before 26 mounted all of it without a word, and a backup was of the part, as if it were the volume."""
    mount = {"type": "volume", "source": "data", "target": "/data", "volume": {"subpath": "nine"}}
    for volumes, fine in (([mount], False), ([{**mount, "volume": {}}], True), ([{**mount, "volume": None}], True)):
        services = {"web": {"image": "i", "volumes": volumes}}
        if fine:
            compose_conflicts.refuse_conflicts(services)
            continue
        with pytest.raises(InvalidOption, match=r"services.web.volumes, at /data.*the part 'nine' of a volume"):
            compose_conflicts.refuse_conflicts(services)
