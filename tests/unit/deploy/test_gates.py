"""What a gate says that was not passed."""

from __future__ import annotations

import pytest
from ansible_collections.tidegate.platform.plugins.module_utils._core.deploy.gates import Entry, pass_gate
from ansible_collections.tidegate.platform.plugins.module_utils._core.engine.containers import Containers
from ansible_collections.tidegate.platform.plugins.module_utils._core.engine.engine import Engine
from ansible_collections.tidegate.platform.plugins.module_utils._core.engine.listing import Facts
from ansible_collections.tidegate.platform.plugins.module_utils._core.host.clock import Clock
from ansible_collections.tidegate.platform.plugins.module_utils._core.values.errors import Unhealthy
from ansible_collections.tidegate.platform.plugins.module_utils._core.values.traffic import Gate


@pytest.mark.parametrize(("code", "words"), [(0, "service_completed_successfully"), (3, "change `health`")])
def test_what_ended_with_success_is_not_told_to_change_its_probe(
    monkeypatch: pytest.MonkeyPatch, code: int, words: str
) -> None:
    """A service of a project that ends as it is meant to, for which nobody waits."""
    facts = Facts("exited", "", code, 0, "", "", 0, {})
    monkeypatch.setattr(Containers, "inspect", lambda _containers, _name: facts)
    monkeypatch.setattr(Containers, "tail", lambda _containers, _name: "")
    engine = Engine.__new__(Engine)
    engine.containers = Containers.__new__(Containers)
    with pytest.raises(Unhealthy) as raised:
        pass_gate(engine, Clock(), Entry("shop-1", Gate("window")))
    assert words in raised.value.remedy
