"""Which releases are kept."""

from __future__ import annotations

from dataclasses import replace

from ansible_collections.tidegate.platform.plugins.module_utils._core.decide.retention import retained
from ansible_collections.tidegate.platform.plugins.module_utils._core.values.release import Standing

from .deployed import ids, released


def test_as_many_good_releases_are_kept_as_declared_and_bad_ones_push_none_out() -> None:
    history = [released(n, "bad" if n in (8, 9) else None) for n in range(10, 0, -1)]
    live = history[0].release
    assert ids(retained(history, Standing(live))) == [10, 9, 8, 7, 6, 5, 4, 3]
    fewer = replace(live, snapshot={**live.snapshot, "retain": 1})
    assert ids(retained(history, Standing(fewer))) == [10, 9, 7]
    assert retained(history, None) == []
