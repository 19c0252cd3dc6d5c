"""What the host looks like after a plan."""

from __future__ import annotations

import pytest
from ansible_collections.tidegate.platform.plugins.module_utils._core.decide.foretell import after
from ansible_collections.tidegate.platform.plugins.module_utils._core.values.actual import Actual, Container
from ansible_collections.tidegate.platform.plugins.module_utils._core.values.plan import Plan, Step, Verb

from unit.projects import PAIR, declared_project, defined, there


def test_a_service_that_is_rolled_leaves_the_others_as_they_are() -> None:
    """Check mode: what comes after a roll is the service's new containers beside everybody else's."""
    want = declared_project()
    old, new = (defined({**PAIR, "web": {"image": image}}, want) for image in ("web:1", "web:2"))
    have = Actual(containers=there(old))
    service = new.service("web")
    assert service
    found = after(have, Plan((Step(Verb.ROLL, service=service, definition=new),))).containers
    (db,) = (c for c in have.containers if c.service == "db")
    assert sorted(found, key=lambda c: c.service) == [
        db,
        Container("web-1", "running", fingerprint=service.fingerprint, service="web"),
    ]
    with pytest.raises(ValueError, match="carries its service"):
        after(have, Plan((Step(Verb.ROLL),)))
