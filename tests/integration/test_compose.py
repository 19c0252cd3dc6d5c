"""Compose projects: rolled service by service, told apart, refused, taken away; with a real database and cache."""

from __future__ import annotations

import json
import os
import typing as t
from pathlib import Path

import compose
import gitserver
import images
import names
import pytest
from harness.load import Client, Target
from harness.platforms import Options, Platform, Task, containers, docker

MODULE = "tidegate.platform.workload_compose"
CANARY = "compose-canary-71c2"
Stack = t.Callable[..., Options]


@pytest.fixture(autouse=True)
def real_compose(monkeypatch: pytest.MonkeyPatch) -> None:
    """`docker compose` is the real one."""
    monkeypatch.setenv("DOCKER_CONFIG", str(compose.config()))


def services(version: str, behind: str = "1") -> Options:
    """Web, worker, a migration, a database and a cache.

    :param behind: the version of worker and migration.
    """
    plain = {"image": names.image("app", version), "stop_grace_period": "3s", "labels": {names.LABEL: "1"}}
    secret = {"POSTGRES_PASSWORD": CANARY, "POSTGRES_DB": "shop"}
    ready = {"test": ["CMD", "pg_isready", "-U", "postgres", "-d", "shop"], "interval": "1s", "retries": 30}
    return {
        "services": {
            "web": {**plain, "depends_on": ["db", "cache"], "environment": {"COLOUR": "blue"}},
            "worker": {
                **plain,
                "image": names.image("app", behind),
                "healthcheck": {"test": ["CMD", "true"], "interval": "1s"},
                "command": ["python3", "-I", "-S", "/srv/app.py"],
                "depends_on": {"migrate": {"condition": "service_completed_successfully"}},
            },
            "migrate": {
                **plain,
                "image": names.image("app", behind),
                "command": ["true"],
                "restart": "no",
                "depends_on": ["db"],
            },
            "db": {
                "image": names.image("postgres", "15"),
                "environment": secret,
                "healthcheck": ready,
                "volumes": ["data:/var/lib/postgresql/data"],
                "stop_grace_period": "5s",
            },
            "cache": {"image": names.image("redis", "7"), "volumes": ["cache:/data"], "stop_grace_period": "3s"},
        },
        "volumes": {"data": {}, "cache": {}},
    }


@pytest.fixture
def stack(platform: Platform, name: str) -> t.Iterator[Stack]:
    """Options of a stack behind its own host name; what is left of it is removed."""
    images.up(images.STACK_IMAGES)

    def options(definition: Options, **more: t.Any) -> Options:
        web = {"name": "web", "port": 8000, "health": {"path": "/healthz", "deadline": 10}}
        own = {"network": platform.network, "services": [{**web, "routes": [{"host": f"{name}.test"}]}]}
        return {
            "name": name,
            "strategy": "rolling",
            "drain": {"timeout": 5},
            "compose": {**own, "definition": definition, **more.pop("compose", {})},
            **more,
        }

    yield options
    platform.tasks(Task({"name": name, "state": "absent", "remove_volumes": True}, module=MODULE))


def run(platform: Platform, *declared: Options) -> list[Options]:
    """Results of these declarations, one after the other."""
    return platform.tasks(*(Task(options, module=MODULE) for options in declared))


def started(names_: t.Iterable[str]) -> list[str]:
    """When these containers were made and started."""
    return [docker("inspect", "--format", "{{.Id}} {{.State.StartedAt}}", one) for one in names_]


def of(name: str, *services_: str) -> list[str]:
    """Containers of some services."""
    return [one for one in containers(name) if any(f"-{service}-" in one for service in services_)]


def query(database: str, text: str) -> str:
    """What the database answers."""
    return docker("exec", database, "psql", "-U", "postgres", "-d", "shop", "-Atc", text)


def test_rolls_under_load_lose_nothing_and_leave_the_database_alone(
    platform: Platform, name: str, stack: Stack
) -> None:
    """Web changes twenty times (five in a short run), worker and migration with it in some; database and cache are never touched."""
    rounds = 20 if os.environ.get("TIDEGATE_EVERY") else 5
    (first,) = run(platform, stack(services("1")))
    assert first["changed"], first
    (database,) = of(name, "db")
    query(database, "CREATE TABLE t (n int); INSERT INTO t VALUES (42)")
    before = started(of(name, "db", "cache"))
    client = Client(Target(f"{name}.test", port=platform.ports.http), "keepalive", 30).start()
    slow = Client(Target(f"{name}.test", port=platform.ports.http), "download", 2).start()
    versions = [("12"[number % 2 - 1], "2" if number % 4 > 2 else "1") for number in range(rounds)]
    rolled = 0
    for result in run(platform, *(stack(services(*pair)) for pair in versions)):
        assert not result["failed"], result["msg"]
        own = [s["name"] for s in result["steps"] if s["name"] != "place"]
        assert own in (["roll", "persist"], ["roll", "roll", "roll", "persist"]), own
        rolled += len(own) - 1
    assert rolled > rounds * 1.25, "worker and migration were rolled in some"
    counts = [client.stop(), slow.stop()]
    print(f"{rounds} rolls: {sum(c.requests for c in counts)} requests, {sum(c.lost for c in counts)} lost")
    assert [loss for count in counts for loss in count.losses] == []
    assert sum(count.requests for count in counts) > rounds * 25
    assert started(of(name, "db", "cache")) == before
    assert query(database, "SELECT n FROM t") == "42"


def test_a_whole_life(platform: Platform, name: str, stack: Stack) -> None:
    """Check, deploy, unchanged, one service changed, a failing one, rollback, a removed service, teardown."""
    plain = {key: value for key, value in services("1")["services"].items() if key in ("web", "worker")}
    for service in plain.values():
        service.pop("depends_on")
    one = {"services": plain}
    two = json.loads(json.dumps(one).replace('"blue"', '"green"'))
    foretold, first, again, still = platform.tasks(
        *(Task(stack(one), check, MODULE) for check in (True, False, False, True))
    )
    assert [r["changed"] for r in (foretold, first, again, still)] == [True, True, False, False], first
    assert [s["name"] for s in foretold["steps"]] == [s["name"] for s in first["steps"]]
    assert foretold["diff"]["after"] == first["diff"]["after"]
    assert again["stats"]["engine_requests"] <= 4
    worker = started(of(name, "worker"))
    (changed,) = run(platform, stack(two))
    assert started(of(name, "worker")) == worker, "only what changed is touched"
    assert "green" in docker("inspect", *of(name, "web"))
    bad = json.loads(json.dumps(two))
    bad["services"]["web"]["image"] = names.image("app", "3")
    bad["services"]["worker"]["environment"] = {"A": "1"}
    web = of(name, "web")
    (failed,) = run(platform, stack(bad))
    assert failed["step"] == "roll", failed
    assert (of(name, "web"), started(of(name, "worker"))) == (web, worker)
    back = platform.tasks(Task({"name": name}, module="tidegate.platform.workload_rollback"))[0]
    assert back["changed"], back
    assert "blue" in docker("inspect", *of(name, "web"))
    docker("stop", "-t", "1", *of(name, "worker"))
    docker("rm", "-f", *of(name, "web"))
    repaired = platform.tasks(Task({"names": [name]}, module="tidegate.platform.reconcile"))[0]
    assert repaired["workloads"][0]["state"] == "repaired", repaired
    assert platform.version(f"{name}.test") == "1"
    (fewer,) = run(platform, stack({"services": {"web": one["services"]["web"]}}))
    assert of(name, "worker") == []
    assert fewer["changed"]
    gone, still = run(platform, *({"name": name, "state": "absent"} for _twice in range(2)))
    assert (gone["changed"], still["changed"]) == (True, False)
    assert containers(name) == []
    assert name not in docker("network", "ls")
    assert changed["changed"]


def test_what_is_refused_and_what_is_private(platform: Platform, name: str, stack: Stack) -> None:
    """DS-T7, DS-T8, DS-15, B13: one error each that names the place; nothing is started, nobody else's touched."""
    web = {"image": names.image("app")}
    other = f"other{os.urandom(3).hex()}"
    docker("run", "-d", "--label", f"com.docker.compose.project={other}", "--label", f"{names.LABEL}=1",
           "--name", other, names.image("app"), "sleep", "100")  # fmt: skip
    try:
        cases: list[tuple[Options, str]] = [
            (stack({"services": {"web": web}}, strategy="blue-green"), "cannot be done with a Compose project"),
            (stack({"services": {"web": {**web, "build": "."}}}), "services.web.build"),
            (stack({"services": {"web": {"imagine": "x"}}}), "refused by Compose"),
            (stack({"services": {"db": web}}), "'web' is no service"),
            (stack({"services": {}}), "no service"),
            (stack({"services": {"web": {**web, "container_name": "n" * 64}}}), "which do not resolve"),  # B13
            (stack({"services": {"web": {**web, "container_name": other}}}), f"is {other}, the name of a container"),
            (stack({"services": {"web": web}}, compose={"project": "p" * 55}), f"{'p' * 55}-web-9999, of more than 63"),
            (stack({"services": {"web": web}}, compose={"project": other}), "not this workload's"),
            (stack({"services": {"web": {**web, "volumes": ["/var/run/docker.sock:/s"]}}}), "hand the host"),
            (stack({"services": {"web": web}}, image="x:1"), "Unsupported parameters"),
        ]
        for (options, words), result in zip(cases, run(platform, *(options for options, _words in cases)), strict=True):
            assert result["failed"], options
            assert words in result["msg"], (words, result["msg"])
        assert containers(name) == []
        assert docker("inspect", "--format", "{{.State.Running}}", other) == "true"
        named = stack({"services": {"web": {**web, "environment": {"KEY": CANARY}}}}, compose={"project": "--Foo; x"})
        (result,) = run(platform, named)
        assert result["changed"], result
        labelled = docker("ps", "-a", "--filter", "label=com.docker.compose.project=foo-x", "--format", "{{.Names}}")
        assert sorted(labelled.split()) == containers(name) == ["foo-x-web-1"]
        folder = platform.state / "stacks" / f"{name}.production"
        kept = [path for path in folder.rglob("*") if path.is_file() and CANARY in path.read_text()]
        assert kept
        assert {oct(path.stat().st_mode)[-3:] for path in kept} == {"600"}
        assert oct(folder.stat().st_mode)[-3:] == "700"
    finally:
        docker("rm", "-f", other)


def test_files_of_a_directory_count_for_the_services_that_mount_them(
    platform: Platform, name: str, stack: Stack, tmp_path: Path
) -> None:
    """A file that a service mounts makes it another; a file that nobody mounts makes nothing another."""
    text = f"""
services:
  web:
    image: {names.image("app")}
    environment: {{VERSION: "${{RELEASE}}"}}
    volumes: ["./etc:/etc/shop:ro"]
  worker:
    image: {names.image("app")}
"""
    (tmp_path / "etc").mkdir()
    (tmp_path / "etc" / "shop.conf").write_text("one")
    (tmp_path / "compose.yaml").write_text(text)
    options = stack({}, source={"path": str(tmp_path)}, compose={"definition": None, "env": {"RELEASE": "7"}})
    assert run(platform, options)[0]["changed"]
    assert platform.version(f"{name}.test") == "7"
    (tmp_path / "readme").write_text("nobody mounts it")
    before = started(of(name, "web", "worker"))
    run(platform, options)
    assert started(of(name, "web", "worker")) == before
    (tmp_path / "etc" / "shop.conf").write_text("two")
    run(platform, options)
    (web,) = of(name, "web")
    assert docker("exec", web, "cat", "/etc/shop/shop.conf") == "two"
    assert started(of(name, "worker")) == before[-1:]
    (tmp_path / "compose.yaml").write_text(text.replace(":ro", ""))
    (refused,) = run(platform, options)
    assert "'etc' is mounted from the source to be written" in refused["msg"], refused
    assert "named volume" in refused["msg"]
    same = text.replace('["./etc:/etc/shop:ro"]', '["./one:/one:ro", "./two:/two:ro"]')
    (tmp_path / "compose.yaml").write_text(same)
    for folder in ("one", "two"):
        (tmp_path / folder).mkdir()
    (both,) = run(platform, options)
    assert not both["failed"], both


def test_a_project_from_git(platform: Platform, name: str, stack: Stack, tmp_path: Path) -> None:
    """A branch moves and the project rolls to it; unchanged, its repository is asked for the branch alone."""
    repository = gitserver.Repository(tmp_path / "repository")

    def text(version: str) -> str:
        return f"services:\n  web:\n    image: {names.image('app', version)}\n    init: true\n"

    repository.commit({"deploy/compose.yaml": text("1")})
    source = {"git": f"file://{repository.bare}", "ref": "main", "subdirectory": "deploy"}
    options = stack({}, source=source, compose={"definition": None})
    first, again = run(platform, options, options)
    assert not first["failed"], first
    assert not again["changed"]
    assert platform.version(f"{name}.test") == "1"
    repository.commit({"deploy/compose.yaml": text("2")})
    assert run(platform, options)[0]["changed"]
    assert platform.version(f"{name}.test") == "2"


def test_a_fleet_goes_back_and_status_tells(platform: Platform, name: str, stack: Stack) -> None:
    """A stack is rolled when all hosts switch, and rolled back when one of them failed; its record is as it runs."""
    plain = {"image": names.image("app"), "stop_grace_period": "2s", "init": True}
    side = {**plain, "command": ["sleep", "1000"]}
    one, two = ({"services": {"web": {**plain, "image": names.image("app", v)}, "side": side}} for v in "12")

    def phase(what: str, definition: Options) -> Options:
        element = {**stack(definition), "type": "compose"}
        call = {"workloads": [element], "phase": what, "reason": "another host failed"}
        (result,) = platform.tasks(Task(call, module="tidegate.platform.workloads"))
        assert not result["failed"], result
        return t.cast("Options", result["workloads"][0])

    phase("deploy", one)
    untouched = started(of(name, "side"))
    assert phase("stage", two)["steps"] == []
    assert platform.version(f"{name}.test") == "1"
    phase("switch", two)
    assert platform.version(f"{name}.test") == "2"
    phase("revert", two)
    assert platform.version(f"{name}.test") == "1"
    assert started(of(name, "side")) == untouched
    ((recorded,),) = platform.rows(
        "SELECT r.containers FROM live l JOIN releases r ON r.id = l.release WHERE l.workload = ?", name
    )
    assert sorted(json.loads(recorded)) == containers(name)
    assert not run(platform, stack(one))[0]["changed"]
    look = platform.tasks(Task({"names": [name]}, module="tidegate.platform.workload_info"))[0]
    (row,) = look["workloads"]
    assert (row["health"], row["drift"]) == ("healthy", ""), row
    pruned = platform.tasks(Task({"images": False}, module="tidegate.platform.workload_prune"))[0]
    assert not pruned["failed"], pruned
    assert platform.version(f"{name}.test") == "1"
    assert started(of(name, "side")) == untouched


def test_a_secret_is_in_the_kept_definition_alone(platform: Platform, name: str, stack: Stack) -> None:
    """It is in no record, result or difference; a change of it makes its service another."""
    web = {"image": names.image("app"), "environment": {"KEY": "${KEY:?}"}, "stop_grace_period": "2s"}

    def with_key(value: str) -> Options:
        return stack({"services": {"web": web}}, compose={"secrets": [{"name": "KEY", "value": value}]})

    play = platform.playbook(str(platform.write_play([Task(with_key(CANARY), module=MODULE)])), "-vvv")
    assert play.results[0]["changed"], play.output
    assert CANARY not in play.output
    assert CANARY in docker("inspect", *containers(name))
    (again,) = run(platform, with_key(CANARY))
    assert not again["changed"]
    (other,) = run(platform, with_key(CANARY + "2"))
    assert [s["name"] for s in other["steps"]] == ["place", "roll", "persist"]
    assert CANARY not in str(platform.rows("SELECT snapshot, reason FROM deployments WHERE workload = ?", name))
    back = platform.tasks(Task({"name": name}, module="tidegate.platform.workload_rollback"))[0]
    assert not back["failed"], back
    assert f"KEY={CANARY}2" not in docker("inspect", *containers(name))


@pytest.mark.usefixtures("stack")
def test_routed_services_of_one_project_reach_each_other_past_the_wall(platform: Platform, name: str) -> None:
    """C9: by a name that is told, where the project's network sorts behind the public one; workers need not be told."""
    plain = {"image": names.image("app"), "stop_grace_period": "1s", "labels": {names.LABEL: "1"}}
    routed = [{"name": part, "port": 8000, "routes": [{"host": f"{part}.{name}.test"}]} for part in ("web", "api")]
    project = f"zz{name}"
    made = {"services": {"web": plain, "api": plain, "worker": plain}}
    own = {"network": platform.network, "project": project, "definition": made, "services": routed}
    (done,) = run(platform, {"name": name, "compose": own, "strategy": "recreate"})
    assert not done["failed"], done
    told = [text for text in done["warnings"] if f"api.{project}_default" in text]
    assert len(told) == 1, done["warnings"]
    (web,), (worker,) = of(name, "web"), of(name, "worker")
    program = "import socket, sys; socket.create_connection((sys.argv[1], 8000), 3)"
    docker("exec", web, "python3", "-c", program, f"api.{project}_default")
    docker("exec", worker, "python3", "-c", program, "api")
    assert platform.get(f"api.{name}.test")[0] == 200
