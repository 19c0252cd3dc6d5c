"""Names: of deployments, of containers, of workloads."""

from __future__ import annotations

from ansible_collections.tidegate.platform.plugins.module_utils._core.values import identity


def test_deployment_ids_sort_by_time_and_are_ulids() -> None:
    early, late = identity.deployment_id(1_000, b"\xff" * 10), identity.deployment_id(1_001, b"\x00" * 10)
    assert early < late
    assert len(early) == 26
    assert set(early) <= set(identity.BASE32)


def test_container_names_fit_a_dns_label_and_follow_the_deployment() -> None:
    """DS-07, DS-T3: one unique name is both the container's and the route's."""
    names = identity.container_names("a" * 40, "x" * 18 + "7kq2m9xa", 100)
    assert max(map(len, names)) <= 63
    assert names[0].endswith("-7kq2m9xa-1")
    assert len(set(names)) == 100


def test_keys_of_different_workloads_never_meet() -> None:
    """DP-T17: `a-b` in `c` is not `a` in `b-c`."""
    assert identity.key_of("a-b", "c") != identity.key_of("a", "b-c")
