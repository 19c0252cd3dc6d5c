"""Routing documents of declarations: what the tests of the proxy start from."""

from __future__ import annotations

import json
import typing as t

from ansible_collections.tidegate.platform.plugins.module_utils._core.proxy import routing_documents

from unit.declarations import declared


def routed(**route: t.Any) -> dict[str, t.Any]:
    want = declared(port=8000, routes=[{"host": "shop.test", **route}])
    document = routing_documents.document(want, ("shop-1", "shop-2"))
    assert document is not None
    return document


def routers(*routes: dict[str, t.Any]) -> dict[str, t.Any]:
    """The routers of a workload."""
    document = routing_documents.document(declared(port=8000, routes=list(routes)), ("shop-1",))
    assert document is not None
    found: dict[str, t.Any] = document["http"]["routers"]
    return found


def priority(**route: t.Any) -> int:
    (router,) = routers(route).values()
    return int(router["priority"])


def earlier(document: t.Any) -> dict[str, t.Any]:
    """The document as a version without priorities of its own wrote it."""
    found: dict[str, t.Any] = json.loads(json.dumps(document))
    for router in found["http"]["routers"].values():
        del router["priority"]
        router["rule"] = router["rule"].replace("(Path(`/api`) || PathPrefix(`/api/`))", "PathPrefix(`/api`)")
    return found
