"""Which release a rollback goes to."""

from __future__ import annotations

import pytest
from ansible_collections.tidegate.platform.plugins.module_utils._core.decide.rollback import rollback_target
from ansible_collections.tidegate.platform.plugins.module_utils._core.values.errors import InvalidOption
from ansible_collections.tidegate.platform.plugins.module_utils._core.values.release import Standing

from .deployed import ids, released


def test_a_rollback_goes_to_the_last_good_release() -> None:
    """DP-T2, DP-20: never to one that was gone back from, nor to a twin of the live one."""
    history = [released(5, version=3), released(4, "bad"), released(3), released(2), released(1)]
    known = Standing(history[0].release)
    assert ids([rollback_target(history, known, None)]) == [2], "3 is what is live, 4 was bad"
    twice = [released(7, version=1), released(6, "bad", version=2), *history[1:]]
    assert ids([rollback_target(twice, Standing(twice[0].release), None)]) == [3], (
        "the release that 6 had brought back was bad, too"
    )
    assert ids([rollback_target(history, known, "4")]) == [4], "by name a bad one, too"
    assert ids([rollback_target(history, known, "registry.test/shop:1")]) == [1]
    assert ids([rollback_target(history, known, history[3].release.id)]) == [2]
    assert ids([rollback_target(history, known, "3")]) == [5]
    often = [history[0], released(4, version=2), released(3, version=1), released(2)]
    assert ids([rollback_target(often, known, "2")]) == [4], "of several with that tag the newest"
    with pytest.raises(InvalidOption, match="is no release that is kept") as caught:
        rollback_target(history, known, "99")
    assert "registry.test/shop:2" in caught.value.remedy
    with pytest.raises(InvalidOption, match="no good earlier release"):
        rollback_target(history[:2], known, None)
    with pytest.raises(InvalidOption, match="no live release"):
        rollback_target(history, Standing(), None)


def test_a_rollback_of_what_has_no_release_names_the_workload() -> None:
    with pytest.raises(InvalidOption, match="name='shop' has no live release"):
        rollback_target([], Standing(), None, "shop")
