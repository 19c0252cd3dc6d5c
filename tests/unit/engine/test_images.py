"""Images, without an engine: who is told a registry's password."""

from __future__ import annotations

import typing as t

import pytest
from ansible_collections.tidegate.platform.plugins.module_utils._core.engine.client import Client
from ansible_collections.tidegate.platform.plugins.module_utils._core.engine.images import Images
from ansible_collections.tidegate.platform.plugins.module_utils._core.values.workload import Registry


@pytest.mark.parametrize(("reference", "told"), [("mine.test/base:1", True), ("evil.test/base:1", False)])
def test_no_other_registry_is_told(reference: str, told: bool) -> None:
    """Neither by a pull nor by the question for a digest."""
    asked: list[t.Any] = []

    class Asked:
        """What the engine's SDK was asked with."""

        def pull(self, _reference: str, **options: t.Any) -> list[t.Any]:
            """Nothing to report."""
            asked.append(options["auth_config"])
            return []

        def inspect_distribution(self, _reference: str, auth_config: t.Any) -> t.Any:
            """A digest."""
            asked.append(auth_config)
            return {"Descriptor": {"digest": "sha256:abc"}}

    client = Client.__new__(Client)
    client.api = Asked()
    images = Images(client)
    registry = Registry("mine.test", "team", "s3cr3t")
    images.pull(reference, registry, lambda: None)
    images.remote_digest(reference, registry)
    assert asked == [{"username": "team", "password": "s3cr3t"} if told else None] * 2
