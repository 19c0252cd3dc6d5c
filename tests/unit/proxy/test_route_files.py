"""Route files: when they count, who may read them, and those of an earlier version."""

from __future__ import annotations

import errno
import json
import stat
import typing as t
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from ansible_collections.tidegate.platform.plugins.module_utils._core.host import filesystem
from ansible_collections.tidegate.platform.plugins.module_utils._core.proxy import routing_documents
from ansible_collections.tidegate.platform.plugins.module_utils._core.proxy.route_files import RouteFiles

from unit.declarations import declared

from .documents import earlier, priority, routed


def test_a_route_file_counts_once_traefik_was_told_of_it(tmp_path: Path) -> None:
    """DP-T9: a run that is killed between the change and its notice must not look as if users had it."""
    files, text = RouteFiles(str(tmp_path / "routes")), json.dumps(routed())
    (tmp_path / "routes").mkdir()
    files.place("shop.production", text)
    files.place("wiki.production", text)
    wait_for_another_tick(tmp_path)
    files.announce()
    assert files.read("shop.production") == files.read("wiki.production") == routed()
    wait_for_another_tick(tmp_path)
    files.place("shop.production", text)
    assert files.read("shop.production") == {"unreadable": text}
    assert files.read("wiki.production") == routed(), "what was told before is not in doubt"
    files.announce()
    assert files.read("shop.production") == routed()
    files.remove("shop.production")
    files.remove("shop.production")
    assert files.read("shop.production") is None
    assert sorted(p.name for p in tmp_path.rglob("*")) == ["changed", "routes", "wiki.production.yml", "workloads"]


@pytest.mark.usefixtures("strict_mask")
def test_traefik_may_read_what_a_run_with_a_strict_mask_placed(tmp_path: Path) -> None:
    """Traefik runs as a user of its own, and so does a site's server."""
    (tmp_path / "routes").mkdir()
    RouteFiles(str(tmp_path / "routes")).place("shop.production", json.dumps(routed()))
    folder = tmp_path / "routes" / "workloads"
    assert stat.S_IMODE(folder.stat().st_mode) == 0o755
    assert stat.S_IMODE((folder / "shop.production.yml").stat().st_mode) == 0o644
    assert stat.S_IMODE((tmp_path / "routes").stat().st_mode) == 0o700, "what was there is left as it is"


def wait_for_another_tick(folder: Path) -> None:
    """Until the kernel's clock of files has gone on, in some milliseconds."""
    mark = folder / "mark"
    mark.touch()
    begun = mark.stat().st_mtime_ns
    while mark.stat().st_mtime_ns == begun:
        mark.touch()
    mark.unlink()


def test_neighbours_of_an_earlier_version_get_priorities(tmp_path: Path) -> None:
    """B1: the first file with one must not take the requests of those without."""
    files = RouteFiles(str(tmp_path / "routes"))
    (tmp_path / "routes").mkdir()
    assert files.outdated() == []
    wants = {
        "exact": [{"host": "shop.test"}, {"host": "shop.test", "path_prefix": "/api"}],
        "wild": [{"host": "*.test"}],
        "last": [{"host": "*", "priority": 1}],
        "first": [{"host": "*", "path_prefix": "/.well-known"}],
    }
    for key, routes in wants.items():
        document = routing_documents.document(declared(name=key, port=1, routes=routes), ("c",))
        old = earlier(document)
        if key == "last":
            old["http"]["routers"]["last.production-0"]["priority"] = 1
        if key == "first":
            old["http"]["routers"]["first.production-0"]["priority"] = 500
        files.place(key, json.dumps(old))
    assert files.outdated() == ["exact", "first", "wild"]
    for key in files.outdated():
        files.order(key)
    found = [
        router["priority"]
        for key in ("last", "wild", "exact", "first")
        for router in json.loads(Path(files.path(key)).read_text())["http"]["routers"].values()
    ]
    assert found == sorted(found)
    assert found[3] == priority(host="shop.test", path_prefix="/api")
    assert files.outdated() == []
    files.place(
        "exact", json.dumps(earlier(routing_documents.document(declared(port=1, routes=[{"host": "a.test"}]), ("c",))))
    )
    assert files.outdated() == [], "they are looked for once"


def test_a_batch_on_an_upgraded_host_marks_its_routes_from_many_threads(tmp_path: Path) -> None:
    """B12: drafts of one name, by the process alone, took each other away; most of the first batch failed."""
    hosts = [tmp_path / str(number) / "routes" for number in range(40)]
    for routes in hosts:
        (routes / "workloads").mkdir(parents=True)
    with ThreadPoolExecutor(8) as pool:
        marked = [pool.submit(RouteFiles(str(routes)).outdated) for routes in hosts for _thread in range(8)]
    assert [one.result() for one in marked] == [[]] * len(marked)
    assert {path.name for path in tmp_path.rglob("*") if path.is_file()} == {"ordered"}, "no draft is left"


def test_a_mark_that_cannot_be_written_stops_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """B12: it spares a look; the deployment that would have set it goes on."""
    (tmp_path / "workloads").mkdir()

    def full(*_given: t.Any) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(filesystem, "place", full)
    assert RouteFiles(str(tmp_path)).outdated() == []
