"""The images of releases, by their digests."""

from __future__ import annotations

import pytest
from ansible_collections.tidegate.platform.plugins.module_utils._core.engine import release_images
from ansible_collections.tidegate.platform.plugins.module_utils._core.values.actual import Image


@pytest.mark.parametrize(
    ("reference", "exact", "tag"),
    [
        ("registry.test:5000/team/shop:1.2", "registry.test:5000/team/shop@sha256:abc", "1.2"),
        ("docker.io/library/redis:7.4.5@sha256:def", "docker.io/library/redis@sha256:abc", "7.4.5"),
        ("shop@sha256:def", "shop@sha256:abc", ""),
        ("localhost:5000/shop", "localhost:5000/shop@sha256:abc", ""),
    ],
)
def test_an_image_is_asked_for_by_the_digest_that_its_registry_has(reference: str, exact: str, tag: str) -> None:
    assert release_images.exact(reference, Image("sha256:1", digests=("sha256:abc",))) == [exact]
    assert release_images.split(reference) == (exact.partition("@")[0], tag)
