"""One route in several spellings is given twice."""

from __future__ import annotations

import typing as t

import pytest
from ansible_collections.tidegate.platform.plugins.module_utils._core.values.errors import InvalidOption

from unit.declarations import declared


@pytest.mark.parametrize("second", [{"host": "SHOP.test"}, {"host": "shop.test."}, {"hosts": ["b.test", "shop.test"]}])
def test_claims_see_the_same_host_in_another_spelling(second: dict[str, t.Any]) -> None:
    """B1: in other words it is the same route."""
    with pytest.raises(InvalidOption, match="given twice"):
        declared(port=1, routes=[{"host": "shop.test"}, second])


def test_claims_see_the_same_path_in_another_spelling() -> None:
    """B1: `/api` and `/api/` are one."""
    with pytest.raises(InvalidOption, match="given twice"):
        declared(port=1, routes=[{"host": "s.test", "path_prefix": path} for path in ("/api", "/api/")])
