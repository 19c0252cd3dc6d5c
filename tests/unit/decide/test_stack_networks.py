"""Services of a project that would find each other by a network in which a wall stands."""

from __future__ import annotations

import typing as t

import pytest
from ansible_collections.tidegate.platform.plugins.module_utils._core.decide import stack_networks
from ansible_collections.tidegate.platform.plugins.module_utils._core.sources import compose_model


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


@pytest.mark.parametrize(("project", "found"), [("shop", {}), ("web", {"a": "web_default", "b": "web_default"})])
def test_names_that_lead_to_the_wall_are_found(project: str, found: dict[str, str]) -> None:
    """C9: the engine answers with the network whose name sorts first; who is not routed is not in the public one."""
    key = compose_model.NETWORK_KEY
    model = {
        "networks": {"default": {"name": f"{project}_default"}, key: {"name": "tidegate", "external": True}},
        "services": {
            "a": {"networks": {"default": None, key: None}},
            "b": {"networks": {"default": None, key: None}},
            "worker": {"networks": {"default": None}},
            "host": {"network_mode": "host"},
        },
    }
    assert stack_networks.misled(model) == found
    assert (
        stack_networks.misled({"services": {"a": {"networks": {"default": None}}}, "networks": {"default": {}}}) == {}
    )
