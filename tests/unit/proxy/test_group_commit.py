"""Changes of routes that several threads want at about the same time, on a Traefik that a test plays."""

from __future__ import annotations

import json
import typing as t
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from ansible_collections.tidegate.platform.plugins.module_utils._core.host.clock import Clock
from ansible_collections.tidegate.platform.plugins.module_utils._core.proxy import route_files
from ansible_collections.tidegate.platform.plugins.module_utils._core.proxy.api import Answer, Api
from ansible_collections.tidegate.platform.plugins.module_utils._core.proxy.questions import Ask, Door, Question
from ansible_collections.tidegate.platform.plugins.module_utils._core.proxy.traefik import Traefik
from ansible_collections.tidegate.platform.plugins.module_utils._core.values.errors import ProxyFailure


class Spoken(Api):
    """Traefik, as far as a test tells it; what is asked is counted."""

    def __init__(self) -> None:
        super().__init__("http://127.0.0.1:1", 1.0)
        self.asked: list[str] = []
        self.routes: dict[str, t.Any] = {}
        self.refusing: set[str] = set()
        self.invalid: set[str] = set()
        self.seen: list[tuple[str, list[str]]] = []

    def door(self) -> Door | None:
        return Door(("web",), ())

    def ask(self, question: Question) -> Answer:
        key = question.url.split("/")[2].partition(":")[0]
        found = [part["services"].get(key) for part in self.routes.values() if key in part["services"]]
        self.seen.append((key, [server["url"] for one in found for server in one["loadBalancer"]["servers"]]))
        return Answer(True, key not in self.refusing, "told")

    def everything(self) -> dict[str, t.Any]:
        self.asked.append("everything")
        return self._taken()

    def look(self, kind: str, name: str) -> dict[str, t.Any] | None:
        self.asked.append(name)
        return t.cast("dict[str, t.Any] | None", self._taken()[kind].get(f"{name}@file"))

    def version(self) -> dict[str, t.Any] | None:
        self.asked.append("version")
        return {"Version": "3"}

    def _taken(self) -> dict[str, t.Any]:
        kinds: dict[str, t.Any] = {"routers": {}, "services": {}}
        for part in self.routes.values():
            for kind, entries in kinds.items():
                entries.update({f"{name}@file": self._as_taken(name, part[kind][name]) for name in part[kind]})
        return kinds

    def _as_taken(self, name: str, found: dict[str, t.Any]) -> dict[str, t.Any]:
        qualified = [f"{middleware}@file" for middleware in found.get("middlewares", ())]
        return {**found, "status": "disabled" if name in self.invalid else "enabled", "middlewares": qualified}


class Taking(route_files.RouteFiles):
    """A directory whose Traefik takes what is in it at every notice."""

    def __init__(self, routes_dir: str, api: Spoken) -> None:
        super().__init__(routes_dir)
        self.api, self.notices, self.refused = api, 0, ""

    def announce(self) -> None:
        super().announce()
        self.notices += 1
        paths = [path for path in Path(self.directory).glob("workloads/*.yml") if path.is_file()]
        found = [json.loads(path.read_text())["http"] for path in paths]
        self.api.routes = {next(reversed(part["routers"])): part for part in found}
        self.api.routes.pop(self.refused, None)


def batch_of(tmp_path: Path, pending: set[str]) -> tuple[Traefik, Spoken, Taking]:
    """A Traefik that takes everything, its API and its files, for a batch of these workloads."""
    (tmp_path / "routes").mkdir()
    traefik = Traefik(str(tmp_path / "routes"), "http://127.0.0.1:1", 1.0, Clock())
    api = Spoken()
    files = Taking(str(tmp_path / "routes"), api)
    traefik.api, traefik.files = api, files
    return traefik.paced(pending), api, files


def document(key: str, url: str = "http://10.0.0.1:80") -> dict[str, t.Any]:
    """A workload's routes."""
    router = {"rule": f"Host(`{key}.test`)", "service": key, "entryPoints": ["web"]}
    balancer = {"servers": [{"url": url}], "serversTransport": key}
    transports = {key: {"forwardingTimeouts": {"dialTimeout": "5s"}}}
    services = {key: {"loadBalancer": balancer}}
    return {"http": {"routers": {f"{key}-0": router}, "services": services, "serversTransports": transports}}


def test_the_changes_of_a_batch_are_made_with_one_notice_and_confirmed_by_one_look(tmp_path: Path) -> None:
    """Traefik builds all routes anew at every notice; the last of all is waited for by nobody."""
    keys = [f"shop-{number}" for number in range(20)]
    traefik, api, files = batch_of(tmp_path, set(keys))
    with ThreadPoolExecutor(len(keys)) as pool:
        list(pool.map(lambda key: traefik.place(key, document(key)), keys))
    assert files.notices <= 3, "one before the first file is placed, then one a group"
    assert api.asked.count("everything") <= 2
    assert sorted(api.routes) == sorted(f"{key}-0" for key in keys)


def test_one_bad_change_of_a_group_fails_alone(tmp_path: Path) -> None:
    """The others of its group do not wait for what Traefik never takes, nor for what cannot be written."""
    traefik, _api, files = batch_of(tmp_path, {"good", "unwritable", "never"})
    (tmp_path / "routes" / "workloads" / "unwritable.yml").mkdir(parents=True)
    ended: list[str] = []

    def place(key: str) -> str:
        try:
            traefik.place(key, document(key))
        except ProxyFailure as error:
            return str(error)
        finally:
            ended.append(key)
        return ""

    files.refused = "never-0"
    with ThreadPoolExecutor(3) as pool:
        said = dict(zip(("good", "unwritable", "never"), pool.map(place, ("good", "unwritable", "never"))))
    assert said["good"] == ""
    assert "cannot be written" in said["unwritable"]
    assert "did not take it within 1 s: service never has no entry" in said["never"]
    assert ended.index("good") < ended.index("never")


def test_a_second_change_of_a_workload_waits_for_nobody(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The end of a hold: every moment of waiting would be one of not serving."""
    traefik, _api, files = batch_of(tmp_path, {"shop", "other"})
    traefik.place("shop", document("shop"))
    monkeypatch.setattr(traefik._first, "_together", None)
    traefik.place("shop", document("shop"))
    traefik.unroute("shop")
    assert files.read("shop") is None


def test_nobody_waits_for_ever_for_who_leads_a_group(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A fault of our own in the leader's thread reaches every member of its group as an error."""
    traefik, _api, files = batch_of(tmp_path, {"one", "two", "three"})

    def fault() -> None:
        raise KeyError("a fault of our own")

    monkeypatch.setattr(files, "announce", fault)
    with ThreadPoolExecutor(3) as pool:
        waits = [pool.submit(traefik.place, key, document(key)) for key in ("one", "two", "three")]
        said = [type(wait.exception(timeout=10)).__name__ for wait in waits]
    assert "KeyError" in said
    assert set(said) <= {"KeyError", "ProxyFailure"}


def test_one_answer_of_traefik_says_to_all_of_a_batch_that_it_is_there(tmp_path: Path) -> None:
    traefik, api, _files = batch_of(tmp_path, {"one", "two"})
    for _deployment in range(5):
        traefik.require()
    assert api.asked == ["version"]


def green(key: str) -> dict[str, t.Any]:
    """Its routes to a candidate, whose address is its name."""
    return document(key, f"http://{key}:80")


def test_servers_are_asked_before_anybody_is_sent_to_them(tmp_path: Path) -> None:
    """B2: while a server that does not answer had its time, every user got 502, and what served before was healthy."""
    traefik, api, files = batch_of(tmp_path, set())
    traefik.place("shop", document("shop"))
    api.refusing = {"shop"}
    (answer,) = traefik.ask("shop", green("shop"), {"shop": Ask()})
    assert not answer.reached
    assert {tuple(urls) for _key, urls in api.seen} == {("http://10.0.0.1:80",)}
    assert files.read("shop") == document("shop")
    assert "_ask" not in Path(files.path("shop")).read_text()
    api.refusing = set()
    (answer,) = traefik.ask("shop", green("shop"), {"shop": Ask()})
    assert answer.reached
    assert files.read("shop") == document("shop"), "a run that is killed here leaves what served before"
    traefik.place("shop", green("shop"))
    assert files.read("shop") == green("shop")
    assert "_ask" not in Path(files.path("shop")).read_text()


@pytest.mark.parametrize("reached", [True, False])
def test_servers_of_a_first_deployment_are_asked_before_there_are_routes(tmp_path: Path, reached: bool) -> None:
    """B2: and a file of questions alone is neither routes nor somebody else's."""
    traefik, api, files = batch_of(tmp_path, set())
    api.refusing = set() if reached else {"shop"}
    traefik.ask("shop", green("shop"), {"shop": Ask()})
    assert api.seen[-1] == ("shop", [])
    assert files.read("shop") == ({"http": {}} if reached else None)
    traefik.place("shop", green("shop"))
    assert files.read("shop") == green("shop")


def test_routes_that_traefik_does_not_take_any_more_do_not_keep_a_better_declaration_from_being_asked(
    tmp_path: Path,
) -> None:
    """B2: what is in place may be just what a deployment mends."""
    traefik, api, files = batch_of(tmp_path, set())
    files.place("shop", json.dumps(document("shop")))
    files.announce()
    api.invalid = {"shop-0"}
    (answer,) = traefik.ask("shop", green("shop"), {"shop": Ask()})
    assert answer.reached


def test_the_questions_of_a_batch_go_in_one_group_and_its_switches_in_the_next(tmp_path: Path) -> None:
    """B2: two changes a workload, but not twice the notices and looks of fifty; one that fails is not waited for."""
    keys = [f"shop-{number}" for number in range(20)]
    traefik, api, files = batch_of(tmp_path, set(keys))
    for key in keys:
        traefik.files.place(key, json.dumps(document(key)))
    traefik.files.announce()
    before, api.refusing = files.notices, {"shop-7"}

    def switch(key: str) -> bool:
        good = all(answer.reached for answer in traefik.ask(key, green(key), {key: Ask()}))
        if good:
            traefik.place(key, green(key))
        return good

    with ThreadPoolExecutor(len(keys)) as pool:
        done = dict(zip(keys, pool.map(switch, keys)))
    assert [key for key, good in done.items() if not good] == ["shop-7"]
    assert files.notices - before <= 3, "the questions, the switches, and the end of a question that failed"
    assert api.asked.count("everything") <= 4
    assert [files.read(key) for key in keys] == [green(key) if done[key] else document(key) for key in keys]
    assert not any("_ask" in Path(files.path(key)).read_text() for key in keys)
