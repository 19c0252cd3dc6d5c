"""Whose registry a reference names."""

from __future__ import annotations

import pytest
from ansible_collections.tidegate.platform.plugins.module_utils._core.values.workload import registry_of


@pytest.mark.parametrize(
    ("reference", "registry"),
    [
        ("app:1", "docker.io"),
        ("team/app:1", "docker.io"),
        ("docker.io/team/app:1", "docker.io"),
        ("index.docker.io/team/app:1", "docker.io"),
        ("registry.test/app:1", "registry.test"),
        ("Registry.Test/app:1", "registry.test"),
        ("registry.test:5000/app@sha256:abc", "registry.test:5000"),
        ("registry:5000/app", "registry:5000"),
        ("localhost/app", "localhost"),
        ("app@sha256:abc", "docker.io"),
    ],
)
def test_the_registry_of_a_reference_is_the_engines(reference: str, registry: str) -> None:
    """Docker Hub has several names, and none."""
    assert registry_of(reference) == registry
