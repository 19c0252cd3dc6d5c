"""Documents that are placed for Traefik, and a Traefik that gives no answer."""

from __future__ import annotations

import socket
import typing as t
from pathlib import Path

import pytest
from ansible_collections.tidegate.platform.plugins.module_utils._core.host.clock import Clock
from ansible_collections.tidegate.platform.plugins.module_utils._core.proxy.traefik import Traefik
from ansible_collections.tidegate.platform.plugins.module_utils._core.values.errors import ProxyFailure

from .documents import routed


@pytest.mark.parametrize(
    "document",
    [
        {},
        {"http": {}},
        {"http": {"routers": {}}},
        {"tcp": {"routers": {"a": {}}}},
        {"http": {"routers": {"a": {"rule": "", "entryPoints": ["web"], "service": "noop@internal"}}}},
        {"http": {"routers": {"a": {"rule": "x", "entryPoints": [], "service": "noop@internal"}}}},
        {"http": {"routers": {"a": {"rule": "x", "entryPoints": ["web"], "service": "b"}}}},
        {"http": {**routed()["http"], "middlewares": {}}},
        {"http": {**routed()["http"], "serversTransports": {"other": {"a": 1}}}},
        {"http": {**routed()["http"], "middlewares": {"m": {"a": 1, "b": 2}}}},
    ],
)
def test_a_document_that_would_break_the_whole_directory_is_never_placed(
    document: dict[str, t.Any], tmp_path: Path
) -> None:
    traefik = Traefik(str(tmp_path / "routes"), "http://127.0.0.1:1", 1.0, Clock())
    (tmp_path / "routes").mkdir()
    with pytest.raises(ProxyFailure, match="not written"):
        traefik.place("shop.production", document)
    assert list((tmp_path / "routes").iterdir()) == []


def test_a_foreign_route_file_equals_nothing(tmp_path: Path) -> None:
    traefik = Traefik(str(tmp_path), "http://127.0.0.1:1", 1.0, Clock())
    assert traefik.read("shop.production") is None
    (tmp_path / "workloads").mkdir()
    for text in ("http:\n  routers: {}\n", "[]", '{"http": {}}', "\x00"):
        (tmp_path / "workloads" / "shop.production.yml").write_text(text)
        traefik.files.announce()
        assert traefik.read("shop.production") == {"unreadable": text}


def test_no_answer_from_the_api_is_one_error_with_a_remedy(tmp_path: Path) -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        api = f"http://127.0.0.1:{closed.getsockname()[1]}"
    with pytest.raises(ProxyFailure, match=r"gives no answer.*Start Traefik"):
        Traefik(str(tmp_path), api, 1.0, Clock()).require()
    with pytest.raises(ProxyFailure, match="not a directory"):
        Traefik(str(tmp_path / "none"), api, 1.0, Clock()).require()
