"""What a route file has besides routes."""

from __future__ import annotations

import pytest
from ansible_collections.tidegate.platform.plugins.module_utils._core.proxy import questions as proxy_questions
from ansible_collections.tidegate.platform.plugins.module_utils._core.proxy import routing_documents

from unit.declarations import declared


@pytest.mark.parametrize("codes", [None, ["204"]])
def test_what_is_added_to_a_route_file_is_taken_off_it_again(codes: list[str] | None) -> None:
    """B10, B18: with questions and without, for one container and for several, the stamp is that of the routes."""
    health = {"path": "/healthz", "codes": codes, "port": 9000, "host": "in.test"}
    want = declared(port=8000, replicas=2, health=health, routes=[{"host": "shop.test"}])
    for targets in (("shop-1",), ("shop-1", "shop-2")):
        document = routing_documents.document(want, targets)
        assert document is not None
        asks = {"shop.production": proxy_questions.Ask("/healthz", "shop.test")}
        door = proxy_questions.Door(("traefik",), ("platform-host-only@file",))
        extra, questions = proxy_questions.asking(document, asks, door, "secret")
        asking = proxy_questions.with_questions(document, extra)
        assert [question.url for question in questions] == [f"http://{name}:8000" for name in targets]
        plainly, written = proxy_questions.as_written("k", document), proxy_questions.as_written("k", asking)
        assert proxy_questions.plain(plainly) == proxy_questions.plain(written) == document
        assert plainly["http"]["services"]["_stamp-k"] == written["http"]["services"]["_stamp-k"]
        assert routing_documents.problems(plainly) == routing_documents.problems(written) == []
        for name, router in written["http"]["routers"].items():
            if name.startswith("_ask"):
                assert router["middlewares"][0] == "platform-host-only@file", "what guards the API guards it, too"
    service = plainly["http"]["services"]["shop.production"]["loadBalancer"]
    usual = {"path": "/healthz", "interval": "5s", "timeout": "2s", "followRedirects": False}
    assert service["healthCheck"] == {
        **usual,
        "port": 9000,
        "hostname": "in.test",
        **({"status": 204} if codes else {}),
    }
    failover = plainly["http"]["services"]["_any-shop.production"]["failover"]
    assert failover == {"service": "shop.production", "fallback": "_all-shop.production"}
    assert plainly["http"]["routers"]["shop.production-0"]["service"] == "_any-shop.production"
