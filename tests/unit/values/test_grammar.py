"""Paths in their plainest form."""

from __future__ import annotations

import pytest
from ansible_collections.tidegate.platform.plugins.module_utils._core.values.grammar import inside


@pytest.mark.parametrize(
    ("given", "plain"), [("./", "."), ("./src", "src"), ("src", "src"), (".web", ".web"), ("./web", "web")]
)
def test_a_path_in_its_plainest_form(given: str, plain: str) -> None:
    """AW-T20, DP-T16."""
    assert inside("x", given) == plain
