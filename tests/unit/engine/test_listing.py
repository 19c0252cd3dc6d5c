"""What the engine's listings say. Pure."""

from __future__ import annotations

import typing as t

import pytest
from ansible_collections.tidegate.platform.plugins.module_utils._core.engine import listing
from ansible_collections.tidegate.platform.plugins.module_utils._core.engine.listing import container_of


@pytest.mark.parametrize(
    ("status", "code"), [("Exited (0) 2 days ago", 0), ("Exited (137) now", 137), ("Up 3 s", None)]
)
def test_how_a_container_ended_is_told_by_its_listing(status: str, code: int | None) -> None:
    """The engine's listing says it in words only."""
    row = {"Labels": {}, "Status": status, "Names": ["/a"], "State": "exited"}
    assert container_of(row, None).exit_code == code


def test_networks_that_were_there_keep_no_address() -> None:
    """C9: the engine lists every network whose name has this one's in it."""
    rows: list[dict[str, t.Any]] = [
        {"Name": "tidegate-a", "Labels": {"tidegate.proxy": "10.0.0.2/31"}},
        {"Name": "tidegate", "Labels": None},
    ]
    assert listing.kept_for_proxy(rows, "tidegate") == {"tidegate": ""}
    assert listing.kept_for_proxy(rows, "tidegate-a") == {"tidegate-a": "10.0.0.2/31"}
    assert listing.kept_for_proxy(rows, "other") == {}
