"""Single decisions that a changed token would turn round, each by the values that tell: what mutants showed."""

from __future__ import annotations

import typing as t
from dataclasses import replace

import pytest
from ansible_collections.tidegate.platform.plugins.module_utils._core.decide import stack_networks, stacks
from ansible_collections.tidegate.platform.plugins.module_utils._core.decide.foretell import after
from ansible_collections.tidegate.platform.plugins.module_utils._core.decide.phase_plans import stage_part
from ansible_collections.tidegate.platform.plugins.module_utils._core.decide.plan import decide
from ansible_collections.tidegate.platform.plugins.module_utils._core.decide.recovery import decide_recovery
from ansible_collections.tidegate.platform.plugins.module_utils._core.proxy import routing_documents, rules
from ansible_collections.tidegate.platform.plugins.module_utils._core.sources import compose_model
from ansible_collections.tidegate.platform.plugins.module_utils._core.values.actual import Actual, Container
from ansible_collections.tidegate.platform.plugins.module_utils._core.values.identity import deployment_id
from ansible_collections.tidegate.platform.plugins.module_utils._core.values.plan import Plan, Step, Verb
from ansible_collections.tidegate.platform.plugins.module_utils._core.values.release import Attempt, Release

from . import test_plan, test_stacks
from .conftest import declared

PAIR = {"web": test_stacks.WEB, "db": {"image": "db:1"}}


def release_of(identity: str, fingerprint: str = "fp") -> Release:
    """A release of a project."""
    return Release(identity, "compose/x", "id", fingerprint, (), None, test_stacks.declared().snapshot)


@pytest.mark.parametrize("live", ["01", "02"])
def test_an_interrupted_project_succeeded_only_if_it_is_the_live_one(live: str) -> None:
    """DS-T5: a release that is on record as live is not said to have been taken back."""
    have = Actual(live=release_of(live), attempt=Attempt("02", release_of("02")))
    found = decide_recovery(test_stacks.declared(), have)
    assert found.candidate == (release_of("02") if live == "02" else None)


def test_a_service_that_is_rolled_leaves_the_others_as_they_are() -> None:
    """Check mode: what comes after a roll is the service's new containers beside everybody else's."""
    want = test_stacks.declared()
    old, new = (test_stacks.defined({**PAIR, "web": {"image": image}}, want) for image in ("web:1", "web:2"))
    have = Actual(containers=test_stacks.there(old))
    service = new.service("web")
    assert service
    found = after(have, Plan((Step(Verb.ROLL, service=service, definition=new),))).containers
    (db,) = (c for c in have.containers if c.service == "db")
    assert sorted(found, key=lambda c: c.service) == [
        db,
        Container("web-1", "running", fingerprint=service.fingerprint, service="web"),
    ]
    with pytest.raises(ValueError, match="carries its service"):
        after(have, Plan((Step(Verb.ROLL),)))


def test_a_deployment_of_the_same_moment_is_no_later_one() -> None:
    """DP-T4: two requests of one millisecond: neither is older, so that what is asked for is deployed."""
    moment = test_plan.OLD
    twin = deployment_id(2, b"z" * 10)
    assert twin[:10] == moment[:10]
    have, want = test_plan.running(test_plan.web(1), twin), test_plan.web(2)
    found = decide(want, have, test_plan.candidate(want, moment))
    assert not found.skipped
    assert found.candidate is not None


def test_a_project_that_is_as_declared_says_so() -> None:
    """The reason of an empty plan names what runs, and that of another one what is to be done."""
    want = test_stacks.declared()
    old = test_stacks.defined(PAIR, want)
    document = routing_documents.stack_document(want, {"web": ["web-1"]})
    live = replace(release_of("01"), route=document)
    have = Actual(containers=test_stacks.there(old), live=live, route=document, definition=old, live_definition=old)
    plan = stacks.decide(want, have, release_of("02"))
    assert (plan.steps, plan.reason.startswith("shop already runs ")) == ((), True), plan
    one, two = Container("web-2", "running", fingerprint="other", service="web"), replace(have.containers[0])
    for containers, why in (((*have.containers, one), "too many"), ((two,), "too few")):
        plan = stacks.decide(want, replace(have, containers=containers), release_of("02"))
        assert "to be brought up to its declaration" in plan.reason, why


def test_a_redirect_is_for_good() -> None:
    """Search engines and clients keep what 308 says, and would ask again for 307."""
    want = declared(port=8000, routes=[{"host": "old.test", "redirect_to": "https://new.test"}])
    document = routing_documents.document(want, ("shop-1",))
    assert document is not None
    (middleware,) = document["http"]["middlewares"].values()
    assert middleware["redirectRegex"]["permanent"] is True


def test_a_wildcard_is_for_one_label_before_the_domain() -> None:
    """Neither the domain itself, nor two labels, nor another dot."""
    assert rules.text(["*.shop.test"], "/") == r"HostRegexp(`^[a-z0-9-]+\.shop\.test\.?$`)"


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
    plan = Plan(tuple(Step(verb) for verb in verbs), "why", test_plan.candidate(test_plan.web()))
    assert len(stage_part(plan).steps) == staged


def test_routed_services_that_know_each_other_by_a_walled_network_are_told() -> None:
    """C9: the public network sorts before theirs, so that the engine answers with addresses that the wall refuses."""
    networks = {"tidegate": {"name": "a-public"}, "inner": {"name": "z-inner"}}
    both: dict[str, t.Any] = {"networks": {compose_model.NETWORK_KEY: None, "inner": None}}
    model = {
        "networks": {compose_model.NETWORK_KEY: networks["tidegate"], "inner": networks["inner"]},
        "services": {"web": both, "api": both, "db": {"networks": {"inner": None}}},
    }
    assert stack_networks.misled(model) == {"api": "z-inner", "web": "z-inner"}
    first = {**model, "networks": {**t.cast("dict[str, t.Any]", model["networks"]), "inner": {"name": "A-inner"}}}
    assert stack_networks.misled(first) == {}
