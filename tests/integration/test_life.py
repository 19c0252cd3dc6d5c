"""What happens to releases after they were deployed: rollback, bake, order, drift, information, pruning, teardown."""

from __future__ import annotations

import hashlib
import json
import subprocess
import typing as t
from pathlib import Path

import names
import pytest
from harness.load import Client, Target
from harness.platforms import Options, Platform, Task, containers, docker

App = t.Callable[..., Options]
COLLECTION = "tidegate.platform"


def call(module: str, **options: t.Any) -> Task:
    """A call of another module than `workload_image`."""
    check = options.pop("check", False)
    return Task(options, check, f"{COLLECTION}.{module}")


def steps(result: Options) -> list[str]:
    """Names of the steps."""
    return [step["name"] for step in result["steps"]]


def loaded(platform: Platform, workload: str) -> Client:
    """A steady load on a workload."""
    return Client(Target(f"{workload}.test", port=platform.ports.http), "keepalive", 30).start()


# -- rollback --------------------------------------------------------------------------------------------------------


def test_a_rollback_brings_back_code_configuration_and_routes(platform: Platform, app: App) -> None:
    """DP-20, DP-T1, DP-T2: alias and domain, environment and secret of the old release, in any environment, no loss."""
    name = app()["name"]
    hosts = [f"{name}.test", f"www.{name}.test"]
    secret = {
        "secrets": [{"name": "db", "value": "first"}, {"name": "TOKEN", "value": "one", "delivery": "environment"}]
    }
    first = app("1", env={"COLOUR": "blue"}, routes=[{"hosts": hosts}], environment="staging", **secret)
    second = app("2", environment="staging", secrets=[{"name": "db", "value": "second"}])
    platform.tasks(Task(first), Task(second))
    assert platform.get(hosts[1])[0] == 404
    client = loaded(platform, name)
    foretold, back, again = platform.tasks(
        call("workload_rollback", name=name, environment="staging", check=True),
        call("workload_rollback", name=name, environment="staging"),
        call("workload_rollback", name=name, environment="staging", to="1"),
    )
    count = client.stop()
    assert count.losses == []
    assert steps(foretold) == steps(back) == ["start", "gate", "switch", "persist", "drain", "reap"]
    assert foretold["diff"] == back["diff"]
    assert foretold["changed"]
    assert not again["changed"]
    assert back["target"] == again["target"] or again["target"] == back["release"]["id"]
    assert platform.version(hosts[0]) == platform.version(hosts[1]) == "1"
    assert json.loads(platform.get(hosts[0], "/secret?name=db")[2])["sha256"] == hashlib.sha256(b"first").hexdigest()
    (container,) = back["release"]["containers"]
    environment = json.loads(docker("inspect", "--format", "{{json .Config.Env}}", container))
    assert {"COLOUR=blue", "TOKEN=one"} <= set(environment)
    platform.apply(name=name, environment="staging", state="absent")


def test_a_rollback_goes_further_back_each_time_and_refuses_what_it_cannot(platform: Platform, app: App) -> None:
    """DP-T3: what is missing is said before anything is touched; a bad release is never a default target."""
    name = app()["name"]
    results = platform.tasks(
        *(Task(app(version)) for version in ("1", "2", "4")),
        call("workload_rollback", name=name),
        call("workload_rollback", name=name),
        call("workload_rollback", name=name),
        call("workload_rollback", name=name, to="no-such"),
        call("workload_rollback", name="nobody"),
        call("workload_rollback", name=name, to="4"),
    )
    images = [(r["release"] or {}).get("image", "").rpartition(":")[2] for r in results[:5]]
    assert images == ["1", "2", "4", "2", "1"]
    assert results[5]["failed"]
    assert "no good earlier release" in results[5]["msg"]
    assert "Kept are" in results[5]["msg"]
    assert "to='no-such' is no release that is kept" in results[6]["msg"]
    assert "has no live release" in results[7]["msg"]
    assert results[8]["release"]["image"].endswith(":4")


def test_a_rollback_without_its_image_touches_nothing(platform: Platform, app: App) -> None:
    """DP-T3, A5: it is looked for where it came from first, which is on record as an attempt; live route untouched."""
    name = app()["name"]
    own = f"{names.REGISTRY}/tidegate/only-{name}:1"
    docker("tag", names.image("app", "1"), own)
    changed = subprocess_commit(own)
    platform.tasks(Task(app(image=changed)), Task(app("2")))
    docker("rmi", "-f", changed)
    live = containers(name)
    (result,) = platform.tasks(call("workload_rollback", name=name))
    docker("rmi", own)
    assert result["failed"]
    assert "is not in the engine any more" in result["msg"]
    assert "Nothing was touched" in result["msg"]
    assert containers(name) == live
    assert platform.version(f"{name}.test") == "2"
    query = "SELECT conclusion FROM deployments WHERE workload = ? ORDER BY id"
    assert [row for (row,) in platform.rows(query, name)] == ["succeeded", "succeeded", "failed"]


def subprocess_commit(base: str) -> str:
    """An image of its own, a layer above another."""
    made = docker("create", "--user", "10001", base)
    tag = f"{base.rpartition(':')[0]}:committed"
    docker("commit", "--change", "ENV COMMITTED=1", made, tag)
    docker("rm", made)
    return tag


# -- bake and order --------------------------------------------------------------------------------------------------


def test_a_release_that_turns_bad_while_it_bakes_goes_away_again(platform: Platform, app: App) -> None:
    """Unhealthy after the switch: back to the old release by itself, failed, reason kept, and no default target."""
    name = app()["name"]
    live = platform.apply(**app("1"))
    client = loaded(platform, name)
    turning = app("2", env={"UNHEALTHY_AFTER": "1.0"}, bake={"seconds": 20})
    result = platform.apply(**turning)
    count = client.stop()
    assert result["failed"]
    assert (result["kind"], result["step"]) == ("Unhealthy", "bake")
    assert "after the switch" in result["msg"]
    assert steps(result)[-4:] == [
        "undo persist: withdraw",
        "undo switch: switch",
        "undo switch: drain",
        "undo start: reap",
    ]
    assert count.losses == []
    assert set(count.answers) == {"1", "2"}, "it was live for a while"
    assert containers(name) == live["release"]["containers"]
    assert platform.version(f"{name}.test") == "1"
    ((conclusion, reason),) = platform.rows(
        "SELECT conclusion, reason FROM deployments WHERE workload = ? ORDER BY id DESC LIMIT 1", name
    )
    assert conclusion == "failed"
    assert "bake: Unhealthy" in reason
    assert "status 500" in reason
    rolled, unchanged, in_a_list = platform.tasks(
        call("workload_rollback", name=name), Task(app("1")), call("workloads", workloads=[turning])
    )
    assert in_a_list["workloads"][0]["step"] == "bake"
    reasons = platform.rows("SELECT DISTINCT withdrawn FROM releases WHERE workload = ? AND withdrawn NOTNULL", name)
    assert reasons == [("bake failed",)]
    assert rolled["failed"], "there is no good earlier release"
    assert not unchanged["changed"]


def test_a_release_that_ends_while_it_bakes_goes_away_again(platform: Platform, app: App) -> None:
    name = app()["name"]
    platform.apply(**app("1", strategy="recreate"))
    result = platform.apply(**app("2", strategy="recreate", env={"EXIT_AFTER": "1.0"}, bake={"seconds": 20}))
    assert (result["kind"], result["step"]) == ("Unhealthy", "bake")
    assert platform.version(f"{name}.test") == "1"
    assert len(containers(name)) == 1


def test_too_many_errors_while_it_bakes_send_traffic_back(platform: Platform, app: App) -> None:
    """By Traefik's metrics: the container is healthy, but what users get is not."""
    name = app()["name"]
    platform.apply(**app("1"))
    target = Target(f"{name}.test", port=platform.ports.http, path="/status?code=500")
    client = Client(target, "new", 40).start()
    bad = platform.apply(**app("2", bake={"seconds": 20, "error_ratio": 0.5, "requests": 20}))
    client.stop()
    good = platform.apply(**app("2", bake={"seconds": 1, "error_ratio": 0.5, "requests": 20}))
    assert (bad["kind"], bad["step"]) == ("Unhealthy", "bake")
    assert "answers were errors, more than error_ratio=0.5" in bad["msg"]
    assert not good["failed"], good
    assert "bake" in steps(good)


def test_an_older_deployment_is_skipped(platform: Platform, app: App) -> None:
    """DP-T4: the newer one stays live, the older one is on record as skipped."""
    name = app()["name"]
    newer, older, check, same, next_one = platform.tasks(
        Task(app("2", sequence=12)),
        Task(app("1", sequence=11)),
        Task(app("1", sequence=11), check=True),
        Task(app("2", sequence=11)),
        Task(app("4", sequence=13)),
    )
    assert newer["changed"]
    assert not older["failed"]
    assert not older["changed"]
    assert older["deployment"]["conclusion"] == "skipped"
    assert "sequence 12 is live" in older["reason"]
    assert not check["changed"]
    assert not same["changed"]
    assert next_one["release"]["image"].endswith(":4")
    query = "SELECT conclusion FROM deployments WHERE workload = ? ORDER BY id"
    assert platform.rows(query, name) == [("succeeded",), ("skipped",), ("succeeded",)]


# -- drift -----------------------------------------------------------------------------------------------------------


def break_network(platform: Platform, container: str) -> None:
    docker("network", "disconnect", "-f", platform.network, container)


def edit_route(platform: Platform, container: str) -> None:
    path = platform.route(container.rsplit("-", 2)[0])
    path.write_text(path.read_text().replace(container, "nobody"))


DRIFTS: dict[str, tuple[t.Callable[[Platform, str], t.Any], str]] = {
    "container stopped": (lambda _p, c: docker("stop", "-t", "1", c), "resume gate"),
    "container paused": (lambda _p, c: docker("pause", c), "resume gate"),
    "container removed": (lambda _p, c: docker("rm", "-f", c), "start gate switch persist drain reap"),
    "memory limit changed": (
        lambda _p, c: docker("update", "--memory", "90m", "--memory-swap", "90m", c),
        "start gate switch persist drain reap",
    ),
    "restart policy changed": (
        lambda _p, c: docker("update", "--restart", "no", c),
        "start gate switch persist drain reap",
    ),
    "network disconnected": (break_network, "start gate switch persist drain reap"),
    "route file deleted": (
        lambda p, c: p.route(c.rsplit("-", 2)[0]).unlink(),
        "switch",
    ),
    "route file edited": (edit_route, "switch"),
    "route file garbage": (
        lambda p, c: p.route(c.rsplit("-", 2)[0]).write_text("http: {}"),
        "switch",
    ),
}


@pytest.mark.parametrize("drift", sorted(DRIFTS))
def test_reconcile_repairs_what_drifted(platform: Platform, app: App, drift: str) -> None:
    """DP-30, DS-14: each repair is reported, check mode foretells it, and information names it before."""
    name = app()["name"]
    act, expected = DRIFTS[drift]
    live = platform.apply(**app("1"))
    act(platform, live["release"]["containers"][0])
    info, foretold, repaired, again, after = platform.tasks(
        call("workload_info", names=[name]),
        call("reconcile", names=[name], check=True),
        call("reconcile", names=[name]),
        call("reconcile", names=[name]),
        call("workload_info", names=[name]),
    )
    ((was,), (told,), (done,), (still,), (now,)) = (r["workloads"] for r in (info, foretold, repaired, again, after))
    assert [row["state"] for row in (told, done, still)] == ["repaired", "repaired", "ok"], (told, done, still)
    assert foretold["changed"]
    assert repaired["changed"]
    assert not again["changed"]
    wanted = [verb for verb in expected.split() if "removed" not in drift or verb not in ("drain", "reap")]
    assert steps(done) == steps(told) == wanted
    if drift not in ("memory limit changed", "restart policy changed"):
        assert was["drift"], "seen without a closer look"
    assert now["drift"] == ""
    assert now["health"] == "healthy"
    assert [route["status"] for route in now["routes"]] == ["enabled"]
    assert platform.version(f"{name}.test") == "1"


def test_reconcile_puts_a_lost_record_back(platform: Platform, app: App, tmp_path: t.Any) -> None:
    """Containers, routes and store are derived from each other: the release is read from its containers' labels."""
    name = app()["name"]
    own = {"state_dir": str(tmp_path / "state")}
    secret = {"secrets": [{"name": "db", "value": "kept"}]}
    live = platform.apply(**app("1", **own, **secret))
    for file in (tmp_path / "state").glob("tidegate.db*"):
        file.unlink()
    done, unchanged = platform.tasks(call("reconcile", **own), Task(app("1", **own, **secret)))
    assert [(row["name"], row["state"], steps(row)) for row in done["workloads"]] == [(name, "repaired", ["persist"])]
    assert not unchanged["changed"], unchanged["reason"]
    assert unchanged["release"]["id"] == live["release"]["id"]


def test_an_engine_that_is_down_is_unknown_and_nothing_is_repaired(platform: Platform, app: App) -> None:
    """DS-T12."""
    name = app()["name"]
    platform.apply(**app("1"))
    away = {"docker_host": "unix:///run/no-such-engine.sock"}
    done, info, proxyless = platform.tasks(
        call("reconcile", names=[name], **away),
        call("workload_info", names=[name], **away),
        call("workload_info", names=[name], traefik_api="http://127.0.0.1:9"),
    )
    assert done["failed"]
    assert [row["state"] for row in done["workloads"]] == ["unknown"]
    assert not info["failed"]
    (row,) = info["workloads"]
    assert (row["health"], row["drift"], row["containers"]) == ("unknown", "unknown", None)
    assert "docker_host" in info["unknown"][0]
    assert proxyless["workloads"][0]["health"] == "healthy"
    assert proxyless["workloads"][0]["routes"][0]["status"] == "unknown"


def test_information_tells_what_is_live_what_was_and_how_it_went(platform: Platform, app: App) -> None:
    name = app()["name"]
    results = platform.tasks(
        Task(app("1")), Task(app("2")), Task(app("3")), call("workload_info", names=[name], deployments=2)
    )
    info = results[-1]
    (row,) = info["workloads"]
    assert row["release"]["image"].endswith(":2")
    assert [(r["image"].rpartition(":")[2], r["live"], r["available"]) for r in row["releases"]] == [
        ("2", True, "yes"),
        ("1", False, "yes"),
    ]
    assert [(d["conclusion"], d["step"]) for d in row["deployments"]] == [
        ("failed", "undo start: reap"),
        ("succeeded", "reap"),
    ]
    assert "gate: Unhealthy" in row["deployments"][0]["reason"]
    heading, line = info["table"]
    assert heading.split()[:3] == ["WORKLOAD", "ENVIRONMENT", "HEALTH"]
    assert line.split()[:4] == [name, "production", "healthy", "app:2"]
    assert "failed" in line
    shown = platform.playbook(f"{COLLECTION}.status", workload=name).ok()
    assert "app:2" in shown.output
    assert shown.changed == []


# -- pruning and teardown --------------------------------------------------------------------------------------------


@pytest.fixture
def pushed(name: str) -> t.Iterator[list[str]]:
    """Three versions under names of their own, in the registry only; and an image of somebody else."""
    made = []
    for version in ("1", "2", "4"):
        tag = f"{names.REGISTRY}/tidegate/{name}:{version}"
        base = f"{name}-{version}"
        blob = "head -c 300000 /dev/urandom > /blob"
        docker("run", "--name", base, "--user", "0", names.image("app", version), "sh", "-c", blob)
        docker("commit", "--change", 'CMD ["python3","/srv/app.py"]', "--change", "USER 10001", base, tag)
        docker("rm", base)
        docker("push", "-q", tag)
        docker("rmi", tag)
        made.append(tag)
    foreign = f"somebody/{name}:1"
    docker("tag", names.image("base"), foreign)
    yield [*made, foreign]
    for tag in (*made, foreign):
        docker("rmi", "-f", tag, check=False)


def present(tags: t.Iterable[str]) -> list[bool]:
    """Which of these images the engine has."""
    return [bool(docker("image", "ls", "-q", tag)) for tag in tags]


def test_prune_removes_what_nothing_needs_and_nothing_else(
    platform: Platform, app: App, pushed: list[str], tmp_path: t.Any
) -> None:
    """DP-27: own images beyond retention go; what a rollback needs, and what is somebody else's, stays."""
    name = app()["name"]
    own = {"state_dir": str(tmp_path / "state")}
    versions = [
        Task(app(image=tag, retain=1, secrets=[{"name": "db", "value": "canary-of-a-prune"}], **own))
        for tag in pushed[:3]
    ]
    places = {**own, "keep_days": 0, "keep_deployments": 1}
    *deployed, foretold, pruned, again = platform.tasks(
        *versions,
        call("workload_prune", **places, check=True),
        call("workload_prune", **places),
        call("workload_prune", **places),
    )
    assert [r["changed"] for r in deployed] == [True] * 3
    assert foretold["removed"]["images"] == pruned["removed"]["images"] == pushed[:1]
    assert pruned["removed"]["releases"] == foretold["removed"]["releases"] == [deployed[0]["release"]["id"]]
    assert pruned["bytes"] > 0
    assert not again["changed"]
    assert present(pushed) == [False, True, True, True]
    secrets = [p.name for p in (tmp_path / "state" / "secrets" / f"{name}.production").iterdir()]
    assert len(secrets) == 2, "live and retained"
    (back,) = platform.tasks(call("workload_rollback", name=name, **own))
    assert back["release"]["image"] == pushed[1]
    platform.tasks(Task({**app(image=pushed[1]), **own, "state": "absent"}), call("workload_prune", **places))
    assert present(pushed) == [False, False, False, True]


def test_prune_spares_what_runs_without_a_record(platform: Platform, app: App, tmp_path: t.Any) -> None:
    """A lost store is no reason to take a running container, or the secrets that it has mounted."""
    own = {"state_dir": str(tmp_path / "state")}
    name = app()["name"]
    live = platform.apply(**app(routes=[], secrets=[{"name": "db", "value": "kept-without-record"}], **own))
    for file in (tmp_path / "state").glob("tidegate.db*"):
        file.unlink()
    pruned, back = platform.tasks(call("workload_prune", **own), call("reconcile", **own))
    assert not pruned["changed"]
    assert containers(name) == live["release"]["containers"]
    assert len(list((tmp_path / "state" / "secrets" / f"{name}.production").iterdir())) == 1
    assert [(row["name"], row["state"]) for row in back["workloads"]] == [(name, "repaired")]
    gone = {**app(routes=[]), **own, "state": "absent"}
    assert platform.tasks(Task(gone), call("workload_prune", **own))[0]["changed"]


def test_a_full_disk_is_said_before_a_pull(platform: Platform, app: App, pushed: list[str]) -> None:
    live = platform.apply(**app("1"))
    result = platform.apply(**app(image=pushed[1], disk_reserve="4000g"))
    assert result["failed"]
    assert "disk_reserve" in result["msg"]
    assert result["step"] == "pull"
    assert present(pushed[1:2]) == [False]
    assert containers(app()["name"]) == live["release"]["containers"]
    assert platform.apply(**app(image=pushed[1]))["changed"]


def test_teardown_keeps_volumes_unless_asked_and_never_takes_anybodys(platform: Platform, app: App) -> None:
    """DS-13, DS-T11: kept by default, removed on request, refused while another uses them, finished by the next run."""
    name = app()["name"]
    volumes = [{"source": f"{name}-data", "target": "/data"}]
    recreate = {"strategy": "recreate", "volumes": volumes}
    absent = {"name": name, "state": "absent", "drain": {"timeout": 0}}
    platform.tasks(Task(app(**recreate)), Task(absent))
    assert docker("volume", "ls", "-q", "--filter", f"name={name}-data") == f"{name}-data"
    platform.apply(**app(**recreate))
    user = docker("run", "-d", "--rm", "-v", f"{name}-data:/data", names.image("base"), "sleep", "60")
    try:
        refused = platform.apply(**absent, remove_volumes=True)
    finally:
        docker("rm", "-f", user)
    assert refused["failed"]
    assert f"the volume {name}-data is used by" in refused["msg"]
    assert platform.version(f"{name}.test") == "1", "refused before anything was touched"
    foretold, gone, again = platform.tasks(
        Task({**absent, "remove_volumes": True}, check=True),
        Task({**absent, "remove_volumes": True}),
        Task({**absent, "remove_volumes": True}),
    )
    assert steps(foretold) == steps(gone) == ["unroute", "drain", "forget", "reap", "remove_volumes", "clear"]
    assert not again["changed"]
    assert docker("volume", "ls", "-q", "--filter", f"name={name}-data") == ""
    wrong = platform.apply(**app(), remove_volumes=True)
    assert "remove_volumes=True contradicts state=present" in wrong["msg"]


# -- many at once ----------------------------------------------------------------------------------------------------


def test_many_workloads_in_one_task(platform: Platform, app: App) -> None:
    """One failure does not stop the others; results, check and diff per workload; a list with a mistake begins nothing."""
    prefix = app()["name"]

    def many(version: str, **odd: Options) -> list[Options]:
        return [
            {
                **app(version),
                "name": f"{prefix}-{key}",
                "routes": [{"host": f"{prefix}-{key}.test"}],
                **odd.get(key, {}),
            }
            for key in ("a", "b", "c")
        ]

    absent = [{"name": f"{prefix}-{key}", "state": "absent", "drain": {"timeout": 0}} for key in ("a", "b", "c")]
    bad = {"b": {"image": names.image("app", "3"), "health": {"path": "/healthz", "deadline": 1}}}
    client = loaded(platform, f"{prefix}-a")
    foretold, first, again, partly, mistaken, twice, moved = platform.tasks(
        call("workloads", workloads=many("1"), check=True),
        call("workloads", workloads=many("1")),
        call("workloads", workloads=many("1")),
        call("workloads", workloads=many("2", **bad)),
        call("workloads", workloads=many("4", b={"port": 70000})),
        call("workloads", workloads=[*many("4"), *many("4")]),
        call("workloads", workloads=many("2", a={"routes": []}, b={"routes": [{"host": f"{prefix}-a.test"}]})[:2]),
    )
    client.stop()
    try:
        assert foretold["summary"] == first["summary"] == {"changed": 3, "unchanged": 0, "failed": 0}
        assert [d["after"] for d in foretold["diff"]] == [d["after"] for d in first["diff"]]
        assert again["summary"]["unchanged"] == 3
        assert not again["changed"]
        assert again["stats"]["engine_requests"] == 3
        assert partly["failed"]
        assert partly["summary"] == {"changed": 2, "unchanged": 0, "failed": 1}
        assert f"{prefix}-b (production)" in partly["msg"]
        (row,) = [row for row in partly["workloads"] if row["failed"]]
        assert (row["kind"], row["step"]) == ("Unhealthy", "gate")
        assert mistaken["failed"]
        assert f"workloads[1] ({prefix}-b): port=70000" in mistaken["msg"]
        assert "workloads" not in mistaken or not mistaken["workloads"]
        assert "is declared twice" in twice["msg"]
        assert not moved["failed"], "a route may move from one workload to another of the same list"
        assert platform.version(f"{prefix}-a.test") == "2"
        assert platform.version(f"{prefix}-c.test") == "2"
    finally:
        platform.tasks(call("workloads", workloads=absent))


def test_progress_of_a_long_run_is_visible_while_it_runs(platform: Platform, app: App) -> None:
    name = app()["name"]
    slow = [app("1", env={"BOOT_DELAY": "6"}, health={"path": "/healthz", "deadline": 20})]
    play = platform.playbook(str(platform.write_play([call("workloads", workloads=slow)]))).ok()
    assert f"{name}.production: start" in play.output
    assert f"{name}.production: gate" in play.output
    left = subprocess.run(
        ["grep", "-lsF", f"{name}.", *Path("/run").glob("tidegate-*.progress")], capture_output=True, check=False
    )
    assert left.stdout == b"", "the file is gone"


def test_a_task_that_brings_no_files_is_one_command_on_the_host(platform: Platform, app: App) -> None:
    """Each further one is a round trip over SSH: a folder was made and removed for files that few tasks bring."""
    play = platform.playbook(
        str(platform.write_play([call("workloads", workloads=[app(state="absent")])])), "-vvv"
    ).ok()
    commands = [line for line in play.output.splitlines() if " EXEC " in line]
    # A task that takes its time is also looked at.
    assert len([line for line in commands if "cat /run/tidegate-" not in line]) == 1, commands


def test_a_count_that_is_lost_shows(platform: Platform) -> None:
    """The load client can fail: nothing is served under this name."""
    client = Client(Target("nobody.test", port=platform.ports.http), "new", 50).start()
    while client.count.requests < 5:
        pass
    count = client.stop()
    assert count.lost == count.requests == len(count.spans)
