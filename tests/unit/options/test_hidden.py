"""What counts as a secret where a declaration would show it."""

from __future__ import annotations

import pytest
from ansible_collections.tidegate.platform.plugins.module_utils._core.options.hidden import _is_address


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("172.17.0.1:5353", True),
        ("172.17.0.1", True),
        ("[fd00::1]:53", True),
        ("fd00::1", True),
        ("hmac-sha256.", False),
        ("a-password:53", False),
        ("12345678", False),
    ],
)
def test_an_address_of_a_server_is_no_secret(text: str, address: bool) -> None:
    """C3, DP-24: a name server stands in one list with its key, and in Traefik's arguments."""
    assert _is_address(text) is address
