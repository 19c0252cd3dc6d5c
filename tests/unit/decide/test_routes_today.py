"""Releases of an earlier version have the routes that their declaration makes today."""

from __future__ import annotations

import typing as t
from dataclasses import replace

from ansible_collections.tidegate.platform.plugins.module_utils._core.decide import routes_today
from ansible_collections.tidegate.platform.plugins.module_utils._core.proxy import routing_documents
from ansible_collections.tidegate.platform.plugins.module_utils._core.values.release import Release
from ansible_collections.tidegate.platform.plugins.module_utils._core.values.workload import Workload

from unit.declarations import declared
from unit.proxy.documents import earlier


def released(want: Workload, route: t.Any) -> Release:
    return Release("id", "image", "sha", "print", ("shop-1", "shop-2"), route, want.snapshot)


def test_a_release_of_an_earlier_version_has_the_routes_that_its_declaration_makes_today() -> None:
    """B1: or every workload would be declared otherwise after an upgrade."""
    want = declared(port=8000, routes=[{"host": "shop.test", "path_prefix": "/api"}, {"host": "*.shop.test"}])
    today = routing_documents.document(want, ("shop-1", "shop-2"))
    old = released(want, earlier(today))
    assert routes_today.current(old).route == today
    assert routes_today.current(released(want, today)).route is today
    assert routes_today.current(replace(old, route=None)).route is None
