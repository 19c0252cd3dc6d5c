"""Hosts on which workloads are deployed, and what would be done on them: what the tests of decisions start from."""

from __future__ import annotations

import typing as t
from dataclasses import replace

from ansible_collections.tidegate.platform.plugins.module_utils._core.decide.foretell import after
from ansible_collections.tidegate.platform.plugins.module_utils._core.decide.plan import decide
from ansible_collections.tidegate.platform.plugins.module_utils._core.decide.strategies import STRATEGIES
from ansible_collections.tidegate.platform.plugins.module_utils._core.values.actual import Actual, Container, Image
from ansible_collections.tidegate.platform.plugins.module_utils._core.values.identity import (
    container_names,
    deployment_id,
    time_of,
)
from ansible_collections.tidegate.platform.plugins.module_utils._core.values.plan import Plan
from ansible_collections.tidegate.platform.plugins.module_utils._core.values.release import RecordedRelease, Release
from ansible_collections.tidegate.platform.plugins.module_utils._core.values.workload import State, Workload
from hypothesis import strategies as st

from unit.declarations import declared

ROUTES = [{"host": "shop.test"}]
NEW, OLD, OLDER = (deployment_id(n, bytes([n]) * 10) for n in (3, 2, 1))


def web(version: int = 1, **options: t.Any) -> Workload:
    """A routed workload of some version."""
    return declared(image=f"registry.test/shop:{version}", **{"port": 8000, "routes": ROUTES, **options})


def candidate(want: Workload, identity: str = NEW) -> Release:
    """What a deployment of it would make; the image's id follows from its tag."""
    image_id = want.container.image
    names = container_names(want.name, identity, want.container.replicas)
    fingerprint = want.container.fingerprint(image_id)
    return Release(identity, want.container.image, image_id, fingerprint, names, None, want.snapshot)


def running(want: Workload, identity: str = OLD) -> Actual:
    """A host on which this workload is deployed and well."""
    green = candidate(want, identity)
    plan = decide(replace(want, force=True), Actual(), green)
    return replace(after(Actual(), plan), image=Image(want.container.image))


def planned(want: Workload, have: Actual) -> Plan:
    """What would be done."""
    return decide(want, have, candidate(want))


def broken(have: Actual, **changes: t.Any) -> Actual:
    """The same host with its first container changed."""
    first, *others = have.containers
    return replace(have, containers=(replace(first, **changes), *others))


def stopped_by_hand(have: Actual) -> Actual:
    return broken(have, state="exited")


PUBLISHED = {"container": 80, "host": 8080, "address": "0.0.0.0"}
PORTS: dict[str, t.Any] = {"strategy": "handover", "routes": [], "ports": [PUBLISHED]}
RECREATE: dict[str, t.Any] = {"strategy": "recreate"}
ORPHAN = Container("shop-0000000a-1", "running")


wants = st.builds(
    lambda version, strategy, routed, command, replicas, state, port: web(
        version,
        port=port,
        release_command=["migrate"] if command else None,
        state=state,
        **(PORTS if strategy == "handover" else {"routes": ROUTES if routed else [], "replicas": replicas}),
        **({} if strategy == "handover" else {"strategy": strategy}),
    ),
    st.integers(1, 3),
    st.sampled_from([s.value for s in STRATEGIES]),
    st.booleans(),
    st.booleans(),
    st.integers(1, 3),
    st.sampled_from([s.value for s in State]),
    st.sampled_from([8000, 8001]),
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


def released(number: int, withdrawn: str | None = None, version: int | None = None) -> RecordedRelease:
    identity = deployment_id(number, bytes([number]) * 10)
    return RecordedRelease(candidate(web(version or number), identity), float(number), withdrawn)


def ids(releases: t.Iterable[Release]) -> list[int]:
    return [time_of(release.id) for release in releases]
