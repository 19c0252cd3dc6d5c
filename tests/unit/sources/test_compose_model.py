"""Compose's model of a project as a definition: what is refused, in which order services come, and fuzzed ones."""

from __future__ import annotations

import copy
import typing as t

import pytest
from ansible_collections.tidegate.platform.plugins.module_utils._core.sources import compose_model
from ansible_collections.tidegate.platform.plugins.module_utils._core.values.errors import InvalidOption
from ansible_collections.tidegate.platform.plugins.module_utils._core.values.identity import digest
from hypothesis import given, settings
from hypothesis import strategies as st

from unit.projects import OWNER, WEB, declared_project, defined

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


def test_a_fingerprint_tells_nothing_without_the_key() -> None:
    """C4: whoever sees labels or differences cannot try secrets; content that a service uses is part of it (A2)."""
    facts = {"image": "web:1", "secrets": [{"source": "key", "target": "/k"}]}

    def told(file: str, key: str) -> str:
        stack = declared_project().stack
        assert stack
        model = {"services": {"web": copy.deepcopy(facts)}, "secrets": {"key": {"name": "x", "file": file}}}
        found = compose_model.definition(stack, "id", model, OWNER, lambda text: digest([key, text]))
        return found.services[0].fingerprint

    assert told("/a", "one") == told("/a", "one")
    assert len({told("/a", "one"), told("/b", "one"), told("/a", "two")}) == 3


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


@pytest.mark.parametrize("facts", [{"deploy": {"replicas": 0}}, {"scale": 0}])
def test_a_service_of_no_replicas_has_none(facts: dict[str, t.Any]) -> None:
    """And cannot be routed."""
    found = defined({"web": WEB, "off": {"image": "off:1", **facts}})
    off = found.service("off")
    assert off is not None
    assert off.replicas == 0
    with pytest.raises(InvalidOption, match="no replicas"):
        defined({"web": {**WEB, **facts}})
