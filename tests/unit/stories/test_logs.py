"""Moments that logs are asked for."""

from __future__ import annotations

import pytest
from ansible_collections.tidegate.platform.plugins.module_utils._core.stories import logs
from ansible_collections.tidegate.platform.plugins.module_utils._core.values.errors import InvalidOption

NOW = 1_700_000_000.0


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("now", NOW), ("90s", NOW - 90), ("15m", NOW - 900), ("2h", NOW - 7200), ("1w", NOW - 604800)],
)
def test_moments_from_now(text: str, seconds: float) -> None:
    assert logs.moment("since", text, NOW) == seconds * 10**9


def test_moments_in_iso_8601_to_the_nanosecond_and_back() -> None:
    text = "2026-01-31T12:00:00.000000123Z"
    assert logs.stamp(logs.moment("since", text, NOW)) == text
    assert logs.moment("since", "2026-01-31 12:00:00", NOW) == logs.moment("since", "2026-01-31T12:00:00Z", NOW)


@pytest.mark.parametrize("text", ["", "yesterday", "15 m", "-1h", "2026-02-31T00:00:00Z", "2026-01-31", "1y"])
def test_what_is_no_moment_is_refused(text: str) -> None:
    with pytest.raises(InvalidOption, match="since="):
        logs.moment("since", text, NOW)
