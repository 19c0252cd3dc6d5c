"""A row for every replica."""

from __future__ import annotations

from ansible_collections.tidegate.platform.plugins.module_utils._core.decide.replicas import replicas
from ansible_collections.tidegate.platform.plugins.module_utils._core.values.actual import Container
from ansible_collections.tidegate.platform.plugins.module_utils._core.values.release import Release

from unit.projects import WEB, defined


def test_a_row_for_every_replica_and_one_for_each_that_is_missing() -> None:
    """DS-T13: rows equal reality; what ends by itself is good once it ended with 0, and only then."""
    waits = {"setup": {"condition": "service_completed_successfully"}}
    definition = defined({"web": {**WEB, "scale": 2, "depends_on": waits}, "setup": {"image": "b"}})
    live = Release("1", "compose/shop", "i", "f", ("shop-web-1", "shop-setup-1"), None, {"compose": {}})
    prints = {service.name: service.fingerprint for service in definition.services}

    def rows(code: int | None) -> list[tuple[str, str, bool]]:
        web = Container("shop-web-1", "running", fingerprint=prints["web"], service="web")
        setup = Container("shop-setup-1", "exited", fingerprint=prints["setup"], service="setup", exit_code=code)
        return [(row.service, row.state, row.good) for row in replicas(live, (web, setup), definition)]

    assert rows(0) == [("web", "running", True), ("setup", "exited", True), ("web", "missing", False)]
    assert rows(1)[1] == ("setup", "exited", False)
    plain = Release("1", "a:1", "i", "f", ("shop-1", "shop-2"), None, {})
    found = replicas(plain, (Container("shop-1", "running"), Container("shop-0", "running")), None)
    assert [(row.name, row.state, row.live, row.good) for row in found] == [
        ("shop-1", "running", True, True),
        ("shop-0", "running", False, False),
        ("shop-2", "missing", True, False),
    ]
