"""Who gets a request: routes of several workloads side by side, as Traefik serves them."""

from __future__ import annotations

import json
import os
import signal
import sqlite3
import subprocess
import sys
import typing as t
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import names
import pytest
from ansible_collections.tidegate.platform.plugins.module_utils._core.host.clock import Clock
from ansible_collections.tidegate.platform.plugins.module_utils._core.proxy.traefik import Traefik
from harness.platforms import Options, Platform, containers, docker
from harness.stories import DRIVER

Make = t.Callable[..., Options]


@pytest.fixture
def family(platform: Platform) -> t.Iterator[Make]:
    """Options of demonstration applications by a word each; `DOMAIN` in their routes is the test's own."""
    label, made = f"r{os.urandom(3).hex()}", []

    def options(word: str, *routes: Options, **more: t.Any) -> Options:
        made.append(f"{label}-{word}")
        rows = json.loads(json.dumps(list(routes)).replace("DOMAIN", f"{label}.test"))
        return {
            "name": f"{label}-{word}",
            "image": names.image("app", "1"),
            "env": {"VERSION": word},
            "port": 8000,
            "networks": [platform.network],
            "health": {"path": "/healthz", "deadline": 10},
            "drain": {"timeout": 2},
            "stop_timeout": 2,
            "routes": rows,
            **more,
        }

    options.__dict__["label"] = label
    yield options
    platform.stories(
        {"story": "image", "params": {"name": name, "state": "absent", "drain": {"timeout": 0}}}
        for name in dict.fromkeys(made)
    )
    left = [one for name in made for one in containers(name)]
    if left:
        docker("rm", "-f", *left)


def domain(family: Make) -> str:
    return f"{family.__dict__['label']}.test"


def good(result: Options) -> Options:
    assert not result["failed"], result
    return result


def who(platform: Platform, host: str, path: str = "/") -> str:
    """The word of the application that answers, or the status of whatever else does."""
    status, _headers, body = platform.get(host, path)
    return str(json.loads(body)["version"]) if status == 200 else str(status)


def test_the_more_specific_route_wins_whatever_is_deployed_last(platform: Platform, family: Make) -> None:
    """B1: a wildcard took the requests of a live host, and a list of hosts those of another workload's path."""
    own = domain(family)
    both: list[Options] = [{"hosts": ["DOMAIN", "with-a-long-name.DOMAIN"]}, {"hosts": ["mix.DOMAIN", "*.mix.DOMAIN"]}]
    declared: dict[str, list[Options]] = {
        "shop": [{"host": "shop.DOMAIN"}, {"host": "a.mix.DOMAIN"}],
        "api": [{"host": "DOMAIN", "path_prefix": "/api"}],
        "wild": [{"host": "*.DOMAIN"}],
        "both": both,
    }
    for word, routes in declared.items():
        good(platform.apply(**family(word, *routes)))
    asked = {
        (f"shop.{own}", "/"): "shop",
        (f"SHOP.{own}.", "/"): "shop",
        (f"other.{own}", "/"): "wild",
        (f"other.{own}.", "/"): "wild",
        (own, "/"): "both",
        (own, "/api"): "api",
        (own, "/api/v1"): "api",
        (own, "/apikeys"): "both",
        (f"mix.{own}", "/"): "both",
        (f"a.mix.{own}", "/"): "shop",
        (f"b.mix.{own}", "/"): "both",
    }
    assert {key: who(platform, *key) for key in asked} == asked


def test_a_priority_of_ones_own_comes_before_or_after_all_others(platform: Platform, family: Make) -> None:
    """B1: from 50 on before every route without one, below it after them; the catch-all page stays the last."""
    own = domain(family)
    good(platform.apply(**family("shop", {"host": "shop.DOMAIN"})))
    good(platform.apply(**family("wild", {"host": "*.DOMAIN", "priority": 49})))
    assert (who(platform, f"shop.{own}"), who(platform, f"x.{own}")) == ("shop", "wild")
    good(platform.apply(**family("wild", {"host": "*.DOMAIN", "priority": 50})))
    assert (who(platform, f"shop.{own}"), who(platform, f"x.{own}")) == ("wild", "wild")
    assert who(platform, f"a.b.{own}") == "404"


@pytest.mark.parametrize("spelling", [{"host": "SHOP.DOMAIN."}, {"host": "shop.DOMAIN", "path_prefix": "/api/"}])
def test_the_same_route_in_another_spelling_is_refused_by_name(
    platform: Platform, family: Make, spelling: Options
) -> None:
    """B1: whoever came first keeps it."""
    path = {"path_prefix": "/api"} if "path_prefix" in spelling else {}
    good(platform.apply(**family("first", {"host": "shop.DOMAIN", **path})))
    refused = platform.apply(**family("second", spelling))
    assert refused["failed"], refused
    assert f"is already routed to {family.__dict__['label']}-first (production)" in refused["msg"]


def test_one_route_for_two_of_a_list_is_refused_before_anything_is_begun(platform: Platform, family: Make) -> None:
    """B9: both switched, and then one failed with a UNIQUE constraint and "check its file system's space"."""
    rows = [
        {**family("one", {"host": "shop.DOMAIN"}), "type": "image"},
        {**family("two", {"host": "a.DOMAIN"}, {"hosts": ["b.DOMAIN", "SHOP.DOMAIN."]}), "type": "image"},
    ]
    (refused,) = platform.stories([{"story": "declare_many", "params": {"workloads": rows}}])
    assert refused["failed"], refused
    label = family.__dict__["label"]
    said = (
        f"workloads[1] ({label}-two): routes='shop.{label}.test/ on web' is declared for {label}-one (production), too"
    )
    assert said in refused["msg"]
    assert platform.rows("SELECT 1 FROM deployments WHERE workload LIKE ?", f"{label}%") == []


def test_a_route_is_taken_when_a_deployment_begins(platform: Platform, family: Make) -> None:
    """B9: of two runs with one route the second is refused at once; what failed to get there has nothing."""
    slow = family("slow", {"host": "shop.DOMAIN"}, health={"path": "/never", "codes": ["204"], "deadline": 6})
    quick = family("quick", {"host": "shop.DOMAIN"})
    with ThreadPoolExecutor(1) as pool:
        first = pool.submit(platform.apply, **slow)
        query = "SELECT 1 FROM wanted JOIN deployments ON id = deployment WHERE workload = ?"
        while not platform.rows(query, slow["name"]):
            assert not first.done(), first.result()
        refused = platform.apply(**quick)
        assert refused["failed"], refused
        assert f"is already routed to {slow['name']} (production)" in refused["msg"]
        assert containers(quick["name"]) == []
        assert first.result()["failed"]
    assert platform.rows(query, slow["name"]) == []
    good(platform.apply(**quick))


def killed(platform: Platform, params: Options, when: str) -> None:
    """A deployment that is killed at its switch, by a file of its own name."""
    order = {
        "story": "image",
        "params": {**platform.places(), **params},
        "fault": {"step": "switch", "when": when},
    }
    env = {**os.environ, "PYTHONPATH": platform.collections}
    ended = subprocess.run([sys.executable, str(DRIVER), json.dumps(order)], env=env, check=False, capture_output=True)
    assert ended.returncode == -signal.SIGKILL, ended


def touched(path: Path) -> None:
    """What a backup by hard links, or a `chown`, leaves of a file: another change time, the same content."""
    os.link(path, path.parent / "backup-link")
    (path.parent / "backup-link").unlink()


def test_a_route_file_counts_by_what_traefik_serves_not_by_its_times(platform: Platform, family: Make) -> None:
    """B12: a hard link made a route file foreign; and then a confirmed release was removed without a drain."""
    own = domain(family)
    shop = family("shop", {"host": "shop.DOMAIN"})
    good(platform.apply(**shop))
    touched(platform.route(shop["name"]))
    assert not good(platform.apply(**shop))["changed"]
    killed(platform, {**shop, "env": {"VERSION": "new"}}, "after")
    touched(platform.route(shop["name"]))
    again = good(platform.apply(**{**shop, "env": {"VERSION": "new"}}))
    assert "was rolled forward" in " ".join(again["warnings"])
    assert who(platform, f"shop.{own}") == "new"
    assert len(containers(shop["name"])) == 1


def test_what_traefik_may_serve_is_drained_before_it_goes(platform: Platform, family: Make) -> None:
    """B12: a file that Traefik was not told of is one that it may read at any moment."""
    own = domain(family)
    shop = family("shop", {"host": "shop.DOMAIN"})
    good(platform.apply(**shop))
    killed(platform, {**shop, "env": {"VERSION": "new"}}, "middle")
    again = good(platform.apply(**shop))
    assert "was taken back" in " ".join(again["warnings"])
    assert [step["name"] for step in again["steps"]][:3] == ["switch", "drain", "reap"]
    assert who(platform, f"shop.{own}") == "shop"


def test_a_change_is_confirmed_by_all_that_the_file_says(platform: Platform) -> None:
    """B10: rule, middlewares and entry points alone let the old state confirm every other change."""
    key = f"r{os.urandom(3).hex()}.production"
    traefik = Traefik(str(platform.state / "routes"), f"http://127.0.0.1:{platform.ports.api}", 10, Clock())
    router = {"rule": "Host(`a.test`)", "service": "noop@internal", "entryPoints": ["websecure"]}
    to = {"regex": "^(.*)$", "replacement": "https://one.test"}

    def document(more: Options, **middleware: t.Any) -> Options:
        own = {**router, "middlewares": [key], "priority": 30_000_001, **more}
        return {"http": {"routers": {key: own}, "middlewares": {key: middleware}}}

    try:
        for number, made in enumerate(
            [
                document({}, redirectRegex=to),
                document({}, redirectRegex={**to, "replacement": "https://two.test"}),
                document({}, stripPrefix={"prefixes": ["/one"]}),
                document({}, stripPrefix={"prefixes": ["/two"]}),
                document({"tls": {}}, stripPrefix={"prefixes": ["/two"]}),
                document({"tls": {}, "priority": 30_000_002}, stripPrefix={"prefixes": ["/two"]}),
            ]
        ):
            traefik.place(key, made)
            answers = [json.loads(platform.get("api", f"/api/http/{kind}/{key}@file", port=platform.ports.api)[2])
                       for kind in ("routers", "middlewares")]  # fmt: skip
            want = {**made["http"]["routers"][key], **made["http"]["middlewares"][key]}
            found = {**answers[1], **answers[0]}
            assert ("tls" in found) == ("tls" in want), f"change {number}"
            for name in {*want} - {"tls", "middlewares"}:
                assert found[name] == want[name], f"change {number}"
    finally:
        traefik.unroute(key)


def earlier(platform: Platform, name: str) -> None:
    """Make a workload's route file and record those of a version that left the order to Traefik."""
    path = platform.route(name)
    document = json.loads(path.read_text())
    part = document["http"]
    document["http"]["routers"] = {
        key: {k: v.replace("(Path(`/api`) || PathPrefix(`/api/`))", "PathPrefix(`/api`)") if k == "rule" else v
              for k, v in router.items() if k != "priority"}
        for key, router in part["routers"].items()
        if not key.startswith("_")
    }  # fmt: skip
    for kind in ("services", "middlewares"):
        part[kind] = {key: value for key, value in part.get(kind, {}).items() if not key.startswith("_")}
        if not part[kind]:
            del part[kind]
    path.write_text(json.dumps(document))
    (path.parent / "ordered").unlink(missing_ok=True)
    with sqlite3.connect(platform.state / "tidegate.db") as db:
        db.execute("UPDATE releases SET route = ? WHERE workload = ?", (json.dumps(document), name))
    (platform.state / "routes" / "changed").touch()


def test_routes_of_an_earlier_version_are_repaired_and_nothing_is_deployed(platform: Platform, family: Make) -> None:
    """B1: neither does the first route of this version take their requests."""
    own, label = domain(family), family.__dict__["label"]
    shop = family("shop", {"host": "shop.DOMAIN"})
    api = family("api", {"host": "DOMAIN", "path_prefix": "/api"})
    for options in (shop, api):
        good(platform.apply(**options))
        earlier(platform, options["name"])
    before = {name: containers(name) for name in (f"{label}-shop", f"{label}-api")}
    good(platform.apply(**family("wild", {"hosts": ["DOMAIN", "*.DOMAIN"]})))
    assert [who(platform, f"shop.{own}"), who(platform, own, "/api"), who(platform, own)] == ["shop", "api", "wild"]
    for options in (shop, api):
        repaired = good(platform.apply(**options))
        assert repaired["deployment"] is None, repaired
        assert not good(platform.apply(**options))["changed"]
    assert {name: containers(name) for name in before} == before
    assert who(platform, own, "/apikeys") == "wild"


def test_who_waits_for_a_route_of_the_same_batch_stops_nobody(platform: Platform, family: Make) -> None:
    """It is tried again once the other has given the route up: that one was not begun, or the second try was not."""
    taken, other = {"host": "DOMAIN"}, {"host": "DOMAIN", "path_prefix": "/old"}
    good(platform.apply(**family("old", taken)))
    moved = [family("new", taken), family("old", other), family("last", {"host": "DOMAIN", "path_prefix": "/last"})]
    rows = [{"type": "image", **row} for row in moved]
    call = {"workloads": rows, "concurrency": 1, "stop_on_failure": True}
    good(platform.stories([{"story": "declare_many", "params": call}])[0])
    assert [who(platform, domain(family), path) for path in ("/", "/old", "/last")] == ["new", "old", "last"]
    bad = [{**rows[0], "image": names.image("app", "none")}, {**rows[1], "env": {"VERSION": "not-begun"}}]
    (done,) = platform.stories([{"story": "declare_many", "params": {**call, "workloads": bad}}])
    assert [row["kind"] for row in done["workloads"]][1:] == ["Canceled"], done
    assert who(platform, domain(family), "/old") == "old"
