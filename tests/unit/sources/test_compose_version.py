"""Which Compose is new enough."""

from __future__ import annotations

import pytest
from ansible_collections.tidegate.platform.plugins.module_utils._core.sources import compose_version


@pytest.mark.parametrize(
    ("said", "words"),
    [
        ("2.40.3", ""),
        ("v2.24.0-desktop.1", ""),
        ("10.0.0", ""),
        ("2.23.3", "is 2.23.3; 2.24 or newer"),
        ("1.29.2", "is 1.29.2"),
        ("", "is not there"),
    ],
)
def test_which_compose_is_new_enough(said: str, words: str) -> None:
    """D4."""
    found = compose_version.problem(said)
    assert (words in found) if words else found == ""
