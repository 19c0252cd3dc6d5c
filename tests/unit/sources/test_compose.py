"""What Compose says and only warns of."""

from __future__ import annotations

import pytest
from ansible_collections.tidegate.platform.plugins.module_utils._core.sources import compose
from ansible_collections.tidegate.platform.plugins.module_utils._core.values.errors import InvalidOption


def test_a_variable_that_is_not_set_is_refused_by_its_name() -> None:
    """U4 (review): Compose only warns, and a database would have a blank password."""
    said = 'time="2026-01-01T00:00:00Z" level=warning msg="The \\"DB_PASSWORD\\" variable is not set. Defaulting to a'
    with pytest.raises(InvalidOption, match=r"compose[.]env='DB_PASSWORD'.*is not set"):
        compose.refuse_unset(f'{said} blank string."\n')
    compose.refuse_unset('level=warning msg="the attribute `version` is obsolete"')
