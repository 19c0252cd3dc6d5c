"""How long a run over many hosts may keep what it has not finished, and how that is told."""

from __future__ import annotations

import pytest
from ansible_collections.tidegate.platform.plugins.module_utils._core.decide import fleet
from ansible_collections.tidegate.platform.plugins.module_utils._core.stories.call import Call
from ansible_collections.tidegate.platform.plugins.module_utils._core.stories.declare import fleet_of
from ansible_collections.tidegate.platform.plugins.module_utils._core.values.errors import InvalidOption, LockHeld
from ansible_collections.tidegate.platform.plugins.module_utils._core.values.release import Attempt


@pytest.mark.parametrize("held_until", [1e12, float("inf")])
def test_who_keeps_a_deployment_beyond_the_calendar_is_told_all_the_same(held_until: float) -> None:
    """A traceback came instead, for a `hold` that an earlier version took."""
    attempt = Attempt("01", None, fleet="run-1", held_until=held_until)
    with pytest.raises(LockHeld, match="'run-1', which keeps it until 9999-12-31T23:59:59Z"):
        fleet.refuse(attempt, fleet.NO_FLEET, 1.0, "shop.production")


@pytest.mark.parametrize("hold", [1e12, float("inf"), float("nan"), 0.0])
def test_a_hold_is_a_time_that_ends(hold: float) -> None:
    params = {"phase": "stage", "fleet": "run-1", "state_dir": "/var/lib/tidegate"}
    with pytest.raises(InvalidOption, match="hold"):
        fleet_of(Call({**params, "hold": hold}))
    assert fleet_of(Call({**params, "hold": fleet.LONGEST})).seconds == fleet.LONGEST
