"""What is on record and what is not: lost records, secrets, retention, what a run leaves when the world fails it."""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import subprocess
import sys
import typing as t
from pathlib import Path

import names
import pytest
from harness.platforms import Options, Platform, Task, containers, docker
from harness.stories import DRIVER

App = t.Callable[..., Options]
COLLECTION = "tidegate.platform"
WINDOW = {"type": "window", "window": 0.1}


def call(module: str, **options: t.Any) -> Task:
    """A call of another module than `workload_image`."""
    return Task(options, False, f"{COLLECTION}.{module}")


def states(workload: str) -> dict[str, str]:
    """A workload's containers and how they are, as the engine says."""
    form = "{{.Names}} {{.State}}"
    rows = docker("ps", "-a", "--filter", f"label=tidegate.workload={workload}", "--format", form).splitlines()
    return dict(row.split() for row in rows)


def lose_the_record(state: Path) -> None:
    """The database is gone, and with it all that was on record."""
    for file in state.glob("tidegate.db*"):
        file.unlink()


def timer(platform: Platform, own: Options) -> subprocess.CompletedProcess[str]:
    """What the host's own timer runs."""
    code = f"import sys; from ansible_collections.{COLLECTION}.plugins.module_utils._core.stories.reconcile_command import main; sys.exit(main(sys.argv[1:]))"
    words = [f"--{name.replace('_', '-')}={value}" for name, value in {**platform.places(), **own}.items()]
    env = {**os.environ, "PYTHONPATH": platform.collections}
    return subprocess.run([sys.executable, "-c", code, *words], env=env, capture_output=True, text=True, check=False)


@pytest.fixture
def idle(app: App, tmp_path: Path) -> App:
    """Options of a workload without routes, on a state directory of the test's own."""

    def options(**more: t.Any) -> Options:
        given: Options = {
            "routes": [],
            "port": None,
            "health": WINDOW,
            "stop_timeout": 0,
            "state_dir": str(tmp_path / "state"),
        }
        return app(**{**given, "command": ["sleep", "600"], **more})

    return options


@pytest.fixture
def second(name: str) -> t.Iterator[str]:
    """The name of another workload; whatever is left of it is removed."""
    yield f"{name}b"
    left = containers(f"{name}b")
    if left:
        docker("rm", "-f", *left)


# -- a lost record ---------------------------------------------------------------------------------------------------


def test_without_a_record_nothing_is_removed(platform: Platform, idle: App, second: str, tmp_path: Path) -> None:
    """A6: of two workers one is down, another workload is stopped: reconcile, timer and prune leave all of it.

    They say so, with what to do; then the declaration takes over what is there, and only what is down is started.
    """
    own = {"state_dir": str(tmp_path / "state")}
    workers = idle(replicas=2, secrets=[{"name": "key", "value": "kept-without-record"}])
    stopped = {**idle(), "name": second}
    made = platform.directly(Task(workers), Task(stopped), Task({"name": second, "state": "stopped", **own}))
    assert all(row["changed"] for row in made), made
    docker("kill", made[0]["release"]["containers"][0])
    before = {**states(workers["name"]), **states(second)}
    assert sorted(before.values()) == ["exited", "exited", "running"]
    lose_the_record(tmp_path / "state")
    done, pruned, info = platform.directly(
        call("reconcile", **own), call("workload_prune", **own), call("workload_info", **own)
    )
    said = timer(platform, own)
    assert {**states(workers["name"]), **states(second)} == before
    assert [row["state"] for row in done["workloads"]] == ["unknown", "unknown"]
    assert (done["failed"], done["changed"], done["summary"]["unknown"]) == (False, False, 2)
    assert all("Deploy its declaration" in text for text in done["warnings"])
    assert (said.returncode, said.stdout.count('"state": "unknown"')) == (1, 2), said
    assert pruned["removed"]["containers"] == pruned["removed"]["secrets"] == []
    assert [row["health"] for row in info["workloads"]] == ["unknown", "unknown"]
    assert "not on record" in info["workloads"][0]["drift"]
    back, again = platform.directly(Task(workers), Task(workers))
    assert [row["name"] for row in back["steps"]] == ["persist", "resume", "gate"], back
    assert sorted(states(workers["name"])) == sorted(made[0]["release"]["containers"])
    assert not again["changed"], again["reason"]


def test_what_a_failed_deployment_left_is_removed_though_nothing_is_live(platform: Platform, idle: App) -> None:
    """A6: what belongs to a deployment that is concluded on record is no unknown thing."""
    options = idle(command=["false"])
    failed = platform.apply(**options)
    assert failed["failed"], failed
    deployment = failed["deployment"]["id"]
    owner = {"state_dir": options["state_dir"], "workload": options["name"], "environment": "production"}
    labels = [f"--label=tidegate.{key}={value}" for key, value in {**owner, "deployment": deployment}.items()]
    docker(
        "run",
        "-d",
        "--stop-signal",
        "KILL",
        "--name",
        f"{options['name']}-left-1",
        *labels,
        names.image("base"),
        "sleep",
        "60",
    )
    (done,) = platform.directly(call("reconcile", state_dir=options["state_dir"]))
    assert [row["state"] for row in done["workloads"]] == ["repaired"], done
    assert containers(options["name"]) == []
    labels[-1] = "--label=tidegate.deployment=01k00000000000000000000000"
    docker(
        "run",
        "-d",
        "--stop-signal",
        "KILL",
        "--name",
        f"{options['name']}-left-2",
        *labels,
        names.image("base"),
        "sleep",
        "60",
    )
    (gone,) = platform.directly(Task({"name": options["name"], "state": "absent", "state_dir": options["state_dir"]}))
    assert gone["changed"], gone
    assert containers(options["name"]) == [], "what nobody remembers goes where somebody says so"


def test_an_older_record_does_not_take_what_is_younger(platform: Platform, app: App, tmp_path: Path) -> None:
    """A6: a database of before the last deployment: what serves is not on it, and stays until it is declared."""
    own = {"state_dir": str(tmp_path / "state")}
    platform.apply(**app("1", **own))
    shutil.copytree(tmp_path / "state", tmp_path / "older")
    live = platform.apply(**app("2", **own))
    lose_the_record(tmp_path / "state")
    for file in (tmp_path / "older").glob("tidegate.db*"):
        shutil.copy2(file, tmp_path / "state")
    done, pruned = platform.directly(call("reconcile", **own), call("workload_prune", **own))
    assert [row["state"] for row in done["workloads"]] == ["unknown"], done
    assert pruned["removed"]["containers"] == []
    assert containers(app()["name"]) == live["release"]["containers"]
    assert platform.version(f"{app()['name']}.test") == "2"
    assert platform.apply(**app("2", **own))["changed"]
    assert platform.version(f"{app()['name']}.test") == "2"


def test_a_deployment_that_fails_leaves_the_secrets_of_what_nobody_remembers(
    platform: Platform, idle: App, tmp_path: Path
) -> None:
    """A6: an unknown container has its secrets mounted; without them it could never be started again."""
    options = idle(secrets=[{"name": "key", "value": "still-mounted-1"}])
    made = platform.apply(**options)
    docker("rename", made["release"]["containers"][0], f"{options['name']}-renamed01-1")  # so that nothing adopts it
    folder = tmp_path / "state" / "secrets" / f"{options['name']}.production"
    (before,) = folder.iterdir()
    docker("rename", f"{options['name']}-renamed01-1", f"{options['name']}-{before.name}-9")
    lose_the_record(tmp_path / "state")
    failed = platform.apply(**{**options, "image": names.image("app", "2"), "release_command": ["false"]})
    assert failed["failed"], failed
    assert [path.name for path in folder.iterdir()] == [before.name]
    assert list(states(options["name"]).values()) == ["running"]
    assert json.dumps(failed).count("still-mounted-1") == 0


# -- a first run -----------------------------------------------------------------------------------------------------


def test_the_first_batch_of_a_host_succeeds_and_says_what_it_made(
    platform: Platform, idle: App, tmp_path: Path
) -> None:
    """D9: eight workloads side by side where there is neither key nor record; and an empty key is none (A12)."""
    rows = [
        {**idle(), "name": f"{idle()['name']}", "environment": f"e{number}", "type": "image"} for number in range(8)
    ]
    places = {"state_dir": rows[0].pop("state_dir")}
    rows = [{key: value for key, value in row.items() if key != "state_dir"} for row in rows]
    (tmp_path / "state").mkdir(mode=0o700)
    (tmp_path / "state" / "secret.key").touch(mode=0o600)
    for row in rows[4:]:
        row["secrets"] = [{"name": "key", "value": f"first-{row['environment']}"}]
    batch = {"workloads": rows, "concurrency": 8, **places}
    first, again = platform.stories([{"story": "declare_many", "params": batch}] * 2)
    try:
        assert not first["failed"], first["msg"]
        assert all(row["release"] for row in first["workloads"]), "what is live now"
        assert not again["changed"], again["workloads"]
        key = tmp_path / "state" / "secret.key"
        assert (len(key.read_bytes()), key.stat().st_mode & 0o777) == (32, 0o600)
        assert not list((tmp_path / "state").glob(".secret.key*"))
    finally:
        docker("rm", "-f", *containers(rows[0]["name"]))


# -- retention -------------------------------------------------------------------------------------------------------


def secrets_of(state: Path, workload: str) -> list[str]:
    """The values of a workload's secrets that are kept."""
    return sorted(path.read_text() for path in (state / "secrets" / f"{workload}.production").rglob("key"))


def versions(idle: App, count: int, **more: t.Any) -> list[Options]:
    """The same workload as often, each with a secret of its own."""
    return [idle(secrets=[{"name": "key", "value": f"value-{number}"}], **more) for number in range(count)]


def test_what_serves_and_what_served_last_are_never_let_go(platform: Platform, idle: App, tmp_path: Path) -> None:
    """A11: with `retain: 0`, and after deployments of a time when the clock was ahead."""
    state, workload = tmp_path / "state", idle()["name"]
    none = [Task(row) for row in versions(idle, 2, retain=0)]
    back = call("workload_rollback", name=workload, state_dir=str(state))
    *made, returned = platform.directly(*none, back)
    assert all(row["changed"] for row in made), made
    assert not returned["failed"], returned["msg"]
    assert secrets_of(state, workload) == ["value-0", "value-1"], "the rollback's own, and what served last"
    ahead = {"clock": 10.0**7}
    orders = [
        {"story": "image", "params": row, "fault": ahead if number < 3 else {}}
        for number, row in enumerate(versions(idle, 7, retain=1)[2:])
    ]
    moved = platform.stories(orders)
    assert all(row["changed"] for row in moved), moved
    assert secrets_of(state, workload) == ["value-1", "value-5", "value-6"], "what was gone back from, too"
    (last,) = platform.directly(back)
    assert not last["failed"], last["msg"]
    (container,) = containers(workload, everything=False)
    assert docker("exec", container, "cat", "/run/secrets/key") == "value-5"


# -- whatever a step raises ------------------------------------------------------------------------------------------


@pytest.fixture
def small_state(tmp_path: Path) -> t.Iterator[Path]:
    """A state directory on a file system of one megabyte."""
    (path := tmp_path / "small").mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(path)], check=True)
    yield path
    subprocess.run(["umount", str(path)], check=True)


def apart(platform: Platform, *orders: Options) -> list[Options]:
    """Results of stories, each by a process that ends with it: a fault stays in its process."""
    env = {**os.environ, "PYTHONPATH": platform.collections}
    found = []
    for order in orders:
        given = json.dumps({**order, "params": {**platform.places(), **order["params"]}})
        argv = [sys.executable, str(DRIVER), given]
        done = subprocess.run(argv, env=env, capture_output=True, text=True, check=True)
        found.append({"failed": False, **json.loads(done.stdout)})
    return found


def test_a_disk_that_fills_while_secrets_are_written_is_one_error_of_that_workload(
    platform: Platform, idle: App, second: str, small_state: Path
) -> None:
    """D8: undone, concluded, told; and the other workload of the batch has its result."""
    state = str(small_state / "state")
    secret = {"secrets": [{"name": "key", "value": "full-disk-1"}]}
    base = {key: value for key, value in idle(**secret).items() if key != "state_dir"}
    good, bad = {**base, "name": second, "secrets": [], "type": "image"}, {**base, "type": "image"}
    batch = {"workloads": [good, bad], "state_dir": state, "concurrency": 2}
    fault = {"step": "start", "when": "before", "fill": str(small_state)}
    before, full = apart(
        platform,
        {"story": "declare_many", "params": {**batch, "workloads": [good]}},
        {"story": "declare_many", "params": batch, "fault": fault},
    )
    assert not before["failed"], before["msg"]
    rows = {row["name"]: row for row in full["workloads"]}
    assert (rows[second]["failed"], rows[second]["changed"]) == (False, False)
    failed = rows[base["name"]]
    assert (failed["failed"], failed["step"]) == (True, "start"), failed
    assert "No space left on device" in failed["msg"], failed
    assert containers(base["name"]) == []
    assert "full-disk-1" not in json.dumps(full)
    (small_state / "filler").unlink()
    (after,) = apart(platform, {"story": "declare_many", "params": batch})
    assert not after["failed"], after["msg"]


@pytest.mark.parametrize("place", ["a full disk", "a folder that is not there", "a folder", "a log", "a new file"])
def test_a_progress_line_stops_nothing(
    platform: Platform, idle: App, tmp_path: Path, small_state: Path, place: str
) -> None:
    """D8: wherever the progress file is; and what this run did not make is there afterwards as it was before."""
    (tmp_path / "deploy.log").write_text("of last week\n")
    path = {
        "a full disk": small_state / "progress",
        "a folder that is not there": tmp_path / "none" / "progress",
        "a folder": small_state,
        "a log": tmp_path / "deploy.log",
        "a new file": tmp_path / "progress",
    }[place]
    if place == "a full disk":
        with (small_state / "filler").open("wb", buffering=0) as filler, pytest.raises(OSError, match="No space left"):
            while filler.write(bytes(4096)):
                pass
        path.touch()  # which it has room for, but for no byte
        with path.open("wb", buffering=0) as full, pytest.raises(OSError, match="No space left"):
            full.write(b"x")
        path.unlink()
    result = platform.apply(**idle(progress_file=str(path)))
    assert result["changed"], result
    made = place in ("a full disk", "a new file")
    assert path.exists() == (place in ("a folder", "a log"))
    assert any("progress_file" in text for text in result["warnings"]) != made, result["warnings"]
    assert (tmp_path / "deploy.log").read_text() == "of last week\n"


def test_the_users_file_of_an_image_may_be_a_link(platform: Platform, idle: App, name: str) -> None:
    """D8: the secrets belong to the user whom the linked file names; a link to nowhere is no file."""
    tag = f"tidegate.local/{name}.production:passwd"
    text = f"FROM {names.image('app')}\nUSER 0\nRUN mv /etc/passwd /usr/share/users && ln -s ../usr/share/users /etc/passwd\n"
    argv = ["docker", "build", "-q", "-t", tag, "--label", f"{names.LABEL}=1", "-"]
    subprocess.run(argv, input=text + "USER nobody\n", text=True, check=True, capture_output=True)
    secret = {"secrets": [{"name": "key", "value": "of-nobody"}]}
    made = platform.apply(**idle(image=tag, **secret))
    assert made["changed"], made
    (container,) = made["release"]["containers"]
    assert docker("exec", container, "cat", "/run/secrets/key") == "of-nobody"
    gone = text.replace("mv /etc/passwd /usr/share/users", "rm /etc/passwd") + "USER 65534\n"
    subprocess.run(argv, input=gone, text=True, check=True, capture_output=True)
    assert platform.apply(**idle(image=tag, pull="missing", **secret))["changed"]


# -- pruning beside a deployment -------------------------------------------------------------------------------------


def test_an_image_is_not_judged_while_a_deployment_may_need_it(
    platform: Platform, idle: App, name: str, tmp_path: Path
) -> None:
    """A13: it was fetched just now, its container is not there yet; once nobody deploys it goes."""
    tag = f"{names.REGISTRY}/tidegate/{name}:1"
    text = f"FROM {names.image('app')}\nLABEL mark={name}\n"
    argv = ["docker", "build", "-q", "-t", tag, "--label", f"{names.LABEL}=1", "-"]
    subprocess.run(argv, input=text, text=True, check=True, capture_output=True)
    docker("push", "-q", tag)
    docker("rmi", tag)
    places = {"state_dir": str(tmp_path / "state")}
    made, gone = platform.directly(Task(idle(image=tag)), Task({"name": name, "state": "absent", **places}))
    assert (made["failed"], gone["changed"]) == (False, True), made
    with (tmp_path / "state" / "locks" / "images.lock").open("a") as held:
        fcntl.flock(held, fcntl.LOCK_SH)  # as every deployment does from before it fetches
        (busy,) = platform.directly(call("workload_prune", **places))
        assert (busy["removed"]["images"], busy["busy"]) == ([], ["images"]), busy
        assert docker("image", "ls", "-q", tag)
    (pruned,) = platform.directly(call("workload_prune", **places))
    assert pruned["removed"]["images"] == [tag], pruned
