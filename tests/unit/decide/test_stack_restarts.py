"""Services of a Compose project that are to be restarted with another one."""

from __future__ import annotations

import typing as t
from dataclasses import replace

import pytest
from ansible_collections.tidegate.platform.plugins.module_utils._core.decide import stacks
from ansible_collections.tidegate.platform.plugins.module_utils._core.proxy import routing_documents
from ansible_collections.tidegate.platform.plugins.module_utils._core.values.actual import Actual, Container
from ansible_collections.tidegate.platform.plugins.module_utils._core.values.release import Release
from ansible_collections.tidegate.platform.plugins.module_utils._core.values.workload import Strategy, Workload

from unit.projects import WEB, declared_project, defined, planned_steps, there


def test_who_is_to_be_restarted_with_another_goes_with_it() -> None:
    """A10 (review): held and drained where Compose restarts it, and replaced after it where that is done one by one."""
    want = declared_project()
    needs = {"depends_on": {"db": {"condition": "service_started", "restart": True}}}
    plain = {"image": "p:1", "depends_on": {"db": {"condition": "service_started"}}}
    volume = {"type": "volume", "source": "d", "target": "/d"}
    rest = {"web": {**WEB, **needs}, "kept": {"image": "k:1", **needs, "volumes": [volume]}, "plain": plain}
    old, new = (defined({"db": {"image": image}, **rest}, want) for image in ("db:1", "db:2"))
    document = routing_documents.stack_document(want, {"web": ["web-1"]})
    live = Release("01", "compose/x", "id", "old", ("db-1", "web-1"), document, want.snapshot)
    have = Actual(containers=there(old), live=live, route=document, definition=new, live_definition=old)
    assert planned_steps(want, have) == ["roll db", "roll kept", "roll web", "persist"]
    steps = stacks.decide(want, have, replace(live, id="02", fingerprint="new")).steps
    assert [step.containers for step in steps if step.service] == [("db-1",), ("kept-1",), ("web-1",)]
    assert planned_steps(replace(want, strategy=Strategy.RECREATE), have) == ["hold", "up", "persist"], (
        "web is not there, too"
    )
    assert planned_steps(want, replace(have, definition=old, live=replace(live, fingerprint="new"))) == []


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
    want = declared_project()
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
    want = declared_project()
    both = defined(restarting({"db": {"image": "db:1"}, "web": WEB}, "web"), want)
    live = Release("01", "compose/x", "id", "new", ("db-1", "web-1"), None, want.snapshot)
    made = {"db": 20, "web": 11}
    found = tuple(replace(c, created=made[c.service]) for c in there(both))
    have = Actual(containers=found, live=live, definition=both, live_definition=both, newest="02")
    assert rolls(want, have) == {"web": (("web-1",), True)}
    after_it = tuple(replace(c, created=20) for c in found)
    assert rolls(want, replace(have, containers=after_it)) == {}, "it was restarted already"
    assert rolls(want, replace(have, newest="01")) == {}, "a clock that went back restarts nobody at each tick"


def test_who_is_in_its_place_is_restarted_also_where_all_is_forced() -> None:
    """A10: the result listed its roll, which did nothing."""
    want = declared_project(force=True)
    kept = {"image": "k:1", "volumes": [{"type": "volume", "source": "d", "target": "/d"}]}
    both = defined(restarting({"db": {"image": "db:1"}, "kept": kept, "alone": kept, "web": WEB}, "kept"), want)
    live = Release("01", "compose/x", "id", "old", ("db-1", "kept-1", "web-1"), None, want.snapshot)
    have = Actual(containers=there(both), live=live, definition=both, live_definition=both)
    forced = {"db": (("db-1",), False), "kept": (("kept-1",), True), "web": (("web-1",), False)}
    assert rolls(want, have) == forced


def test_going_back_ends_with_who_is_to_be_restarted_with_what_was_gone_back_to() -> None:
    """A10: newest first, it was there before what it depends on went back, and kept its dead connections."""
    want = declared_project()
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
