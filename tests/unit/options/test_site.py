"""Headers of a site that its server would take for something else are refused."""

from __future__ import annotations

import pytest
from ansible_collections.tidegate.platform.plugins.module_utils._core.values.errors import InvalidOption

from unit.declarations import built


@pytest.mark.parametrize("name", ["-Server", "-", "--x"])
def test_a_header_that_takes_another_away_is_refused(name: str) -> None:
    """Review (heirs): to Caddy, a hyphen before a header's name is the order to remove it."""
    with pytest.raises(InvalidOption, match="not a header"):
        built("static", headers={name: "x"})


def test_what_neither_quoting_of_caddy_can_hold_is_refused() -> None:
    with pytest.raises(InvalidOption, match="not a header"):
        built("static", headers={"X-A": "`a`\\"})
    assert built("static", headers={"X-A": "`a`"}).recipe
