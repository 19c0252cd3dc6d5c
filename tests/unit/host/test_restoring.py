"""The way back from a restore that was interrupted."""

from __future__ import annotations

from pathlib import Path

import pytest
from ansible_collections.tidegate.platform.plugins.module_utils._core.host import restoring
from ansible_collections.tidegate.platform.plugins.module_utils._core.values.errors import StoreFailure


@pytest.mark.parametrize("made", [(), ("locks",)])
def test_the_way_back_from_an_interrupted_restore_is_one(tmp_path: Path, made: tuple[str, ...]) -> None:
    """A directory that was made meanwhile took what was renamed to its name, as the remedy says, into itself."""
    state, aside = tmp_path / "state", tmp_path / "state.before-1"
    record = str(state / "tidegate.db")
    aside.mkdir()
    (aside / "tidegate.db").write_text("")
    restoring.begin(str(state), record, str(aside))
    with pytest.raises(StoreFailure) as plain:
        restoring.refuse(str(state), record)
    assert f"to go back, rename {aside} to {state}, remove" in plain.value.remedy
    state.mkdir()
    for name in made:
        (state / name).mkdir()
    with pytest.raises(StoreFailure) as refused:
        restoring.refuse(str(state), record)
    first = f"rename {state}, which holds no platform, to another name, "
    assert refused.value.remedy == plain.value.remedy.replace("to go back, ", f"to go back, {first}")
    assert restoring.kept(str(state), record) == str(aside)
    state.rename(tmp_path / "another")
    aside.rename(state)
    restoring.refuse(str(state), record)
    assert restoring.kept(str(state), record) == ""
