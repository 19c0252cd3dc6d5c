"""Which steps lie between two versions."""

from __future__ import annotations

import pytest
from ansible.errors import AnsibleFilterError
from ansible_collections.tidegate.platform.plugins.filter.due import due, version_of

HOOKS = ["h/10.0.yml", "h/7.2.4.yml", "h/v7.4.0.yml", "h/7.4.5.yml", "h/9.yml"]


@pytest.mark.parametrize(
    ("current", "target", "expected"),
    [
        ("7.2.4", "7.4.5", ["h/v7.4.0.yml", "h/7.4.5.yml"]),
        ("7.4.5", "7.4.5", []),
        ("7.4.5", "7.2.4", []),
        ("7.4.5", "10.0", ["h/9.yml", "h/10.0.yml"]),
        ("", "10.0", []),
    ],
)
def test_hooks_behind_what_runs_and_not_behind_what_is_to_run(current: str, target: str, expected: list[str]) -> None:
    """DP-32: current < hook <= target, by version and not by text."""
    assert due(HOOKS, current, target) == expected


def test_versions_that_cannot_be_compared_are_named() -> None:
    with pytest.raises(AnsibleFilterError, match=r"cannot be compared: 7\.2, stable"):
        due(["h/7.4.yml"], "7.2", "stable")


@pytest.mark.parametrize(
    ("image", "version"),
    [
        ("docker.io/library/redis:7.4.5", "7.4.5"),
        ("registry.test:5000/grafana/alloy:v1.11.3@sha256:abc", "1.11.3"),
        ("registry.test:5000/app", ""),
    ],
)
def test_the_version_in_an_image_reference(image: str, version: str) -> None:
    assert version_of(image) == version
