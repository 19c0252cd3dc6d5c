"""Workloads that are built from a Dockerfile: sources, cache, limits, failures, secrets."""

from __future__ import annotations

import fcntl
import http.server
import io
import json
import os
import shutil
import subprocess
import tarfile
import threading
import time
import typing as t
import zipfile
from pathlib import Path

import gitserver
import names
import pytest
from harness.load import Client, Target
from harness.platforms import Options, Platform, Task, containers, docker

MODULE = "tidegate.platform.workload_dockerfile"
TREE = Path(__file__).parents[1] / "harness" / "trees" / "app"
TOKEN = "token-canary-93af"
Built = t.Callable[..., Options]


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """A copy of the application's tree, to be changed."""
    return Path(shutil.copytree(TREE, tmp_path / "tree"))


@pytest.fixture
def built(app: t.Callable[..., Options], tree: Path) -> Built:
    """Options of the application, built from the tree."""
    plain = {key: value for key, value in app().items() if key != "image"}

    def options(
        version: str = "1", *, source: Options | None = None, build: Options | None = None, **more: t.Any
    ) -> Options:
        args = {"BASE": names.image("app"), "RELEASE": version}
        made = {"args": args, "labels": {names.LABEL: "1"}, **(build or {})}
        return {**plain, "source": source or {"path": str(tree)}, "build": made, "strategy": "blue-green", **more}

    return options


def run(platform: Platform, *declared: Options) -> list[Options]:
    """Results of these declarations, one after the other."""
    return platform.tasks(*(Task(options, module=MODULE) for options in declared))


def steps(result: Options) -> list[str]:
    """Names of a result's steps."""
    return [step["name"] for step in result["steps"]]


def test_a_whole_life_under_load(platform: Platform, name: str, built: Built, tree: Path) -> None:
    """Deploy, unchanged, changed, failing build, rollback without a build, teardown: nothing is lost (DS-T1)."""
    first, again = run(platform, built("1"), built("1"))
    assert steps(first) == ["build", "start", "gate", "switch", "persist"], first
    assert steps(again) == []
    assert not again["changed"]
    client = Client(Target(f"{name}.test", port=platform.ports.http), "keepalive", 25).start()
    (tree / "note.txt").write_text("another")
    (tree / "ignored.txt").write_text("another")
    changed = run(platform, built("2"))[0]
    assert steps(changed) == ["build", "start", "gate", "switch", "persist", "drain", "reap"], changed
    assert platform.version(f"{name}.test") == "2"
    serving = containers(name)
    (tree / "note.txt").write_text("broken")
    failed = run(platform, built("2"))[0]
    assert failed["failed"]
    assert failed["step"] == "build"
    assert failed["kind"] == "BuildFailure"
    assert "broken" in "\n".join(failed["logs"])
    assert containers(name) == serving
    back = platform.tasks(Task({"name": name}, module="tidegate.platform.workload_rollback"))[0]
    assert "build" not in steps(back), back
    assert platform.version(f"{name}.test") == "1"
    count = client.stop()
    assert count.lost == 0, count.losses
    gone, still = platform.tasks(*(Task({"name": name, "state": "absent"}, module=MODULE) for _twice in range(2)))
    assert gone["changed"]
    assert not still["changed"]
    assert containers(name) == []


def test_only_what_decides_the_image_builds_again(platform: Platform, built: Built, tree: Path) -> None:
    """Times, ignored files and runtime options do not; contents, modes, options and links do."""
    assert run(platform, built())[0]["changed"]
    os.utime(tree / "note.txt", (1, 1))
    (tree / "ignored.txt").write_text("other")
    (quiet,) = run(platform, built())
    assert not quiet["changed"], quiet
    (restarted,) = run(platform, built(env={"A": "1"}))
    assert "build" not in steps(restarted)
    (tree / "note.txt").chmod(0o755)
    assert "build" in steps(run(platform, built())[0])
    (tree / "link").symlink_to("note.txt")
    assert "build" in steps(run(platform, built())[0])
    assert "build" in steps(run(platform, built(build={"target": "second"}))[0])


def archive(tree: Path, target: Path, top: str) -> None:
    """The tree as a tar or zip archive, below one directory."""
    if target.suffix == ".zip":
        with zipfile.ZipFile(target, "w") as packed:
            for path in sorted(tree.rglob("*")):
                packed.write(path, f"{top}/{path.relative_to(tree)}")
        return
    with tarfile.open(target, "w:gz") as packed:
        packed.add(tree, top)


@pytest.mark.parametrize("kind", ["tar", "remote zip", "subdirectory"])
def test_the_same_files_are_the_same_image(
    platform: Platform, built: Built, tree: Path, tmp_path: Path, kind: str
) -> None:
    """However the files come, an image that was built of them is found again."""
    assert run(platform, built())[0]["changed"]
    if kind == "subdirectory":
        shutil.copytree(tree, tmp_path / "whole" / "a" / "b")
        source: Options = {"path": str(tmp_path / "whole"), "subdirectory": "./a/b", "remote": True}
    else:
        source = {"path": str(tmp_path / f"release.{kind[-3:]}"), "remote": "remote" in kind}
        archive(tree, Path(source["path"]), "shop-1.0")
    (again,) = run(platform, built(source=source))
    assert not again["failed"], again
    assert not again["changed"], again


def test_another_base_image_is_built_on(platform: Platform, built: Built, name: str) -> None:
    """The same tree on a base that moved is another image; the engine's own layers are used where they can be."""
    base = f"tidegate.local/base-{name}:1"
    docker("tag", names.image("app"), base)
    arguments = {"BASE": base, "RELEASE": "1"}
    try:
        first, same = run(platform, *(built(build={"args": arguments}) for _twice in range(2)))
        assert first["changed"]
        assert not same["changed"]
        docker("tag", names.image("app", "2"), base)
        (moved,) = run(platform, built(build={"args": arguments}))
        assert "build" in steps(moved), moved
        assert moved["release"]["image_id"] != first["release"]["image_id"]
        back = platform.tasks(Task({"name": name}, module="tidegate.platform.workload_rollback"))[0]
        assert back["release"]["image_id"] == first["release"]["image_id"], back
    finally:
        docker("rmi", base)


def files(version: str) -> dict[str, str]:
    """The tree as a commit's files."""
    return {path.name: path.read_text() for path in TREE.iterdir()} | {"note.txt": version}


def test_git_with_a_token_that_nobody_sees(platform: Platform, built: Built, tmp_path: Path, name: str) -> None:
    """DP-T15: a branch, a tag and an exact commit; unchanged asks for the ref only, and the token is nowhere."""
    repository = gitserver.Repository(tmp_path / "repository")
    first = repository.commit(files("one"), tag="v1")
    with gitserver.serving(tmp_path / "repository", TOKEN) as server:
        source = {"git": f"{server.url}/bare.git", "ref": "main", "token": TOKEN}
        play = platform.playbook(str(platform.write_play([Task(built(source=source), module=MODULE)])), "-vvv")
        (result,) = play.results
        assert not result["failed"], result
        assert TOKEN not in play.output
        server.asked.clear()
        (again,) = run(platform, built(source=source))
        assert not again["changed"], again
        # The refused request without the token, discovery, and the listing of refs; nothing is fetched.
        assert len(server.asked) == 3, server.asked
        server.asked.clear()
        (exact,) = run(platform, built(source={**source, "ref": first}))
        assert not exact["changed"], exact
        assert server.asked == []
        (tagged,) = run(platform, built(source={**source, "ref": "v1"}))
        assert not tagged["changed"], tagged
        repository.commit(files("two"))
        (newer,) = run(platform, built(source=source))
        assert "build" in steps(newer), newer
        (wrong,) = run(platform, built(source={**source, "token": "not-the-token"}))
        assert wrong["failed"]
        assert wrong["kind"] == "CommandFailure", wrong
        assert "not-the-token" not in json.dumps(wrong)
        (missing,) = run(platform, built(source={**source, "ref": "no-such-branch"}))
        assert "no-such-branch" in missing["msg"]
    image = newer["release"]["image_id"]
    seen = docker("inspect", image, *containers(name)) + docker("history", "--no-trunc", image)
    assert TOKEN not in seen
    assert ".git" not in docker("run", "--rm", image, "ls", "-a", "/srv/tree").split()
    state = subprocess.run(["grep", "-rlF", TOKEN, str(platform.state)], capture_output=True, text=True, check=False)
    assert state.stdout == ""
    assert list((platform.state / "work").iterdir()) == []


def test_submodules_are_fetched_only_if_wanted(platform: Platform, built: Built, tmp_path: Path, name: str) -> None:
    """With the same token as the repository; without the option their folders stay empty."""
    inner, outer = (gitserver.Repository(tmp_path / "repositories" / part) for part in ("inner", "outer"))
    inner.commit({"part.txt": "of a submodule"})
    outer.commit(files("one"))
    with gitserver.serving(tmp_path / "repositories", TOKEN) as server:
        url = f"http://git:{TOKEN}@127.0.0.1:{server.server_port}/inner/bare.git"
        gitserver.git(outer.work, "submodule", "--quiet", "add", url, "part")
        plain = f"{server.url}/inner/bare.git"
        gitserver.git(outer.work, "config", "--file", ".gitmodules", "submodule.part.url", plain)
        outer.commit({})
        source = {"git": f"{server.url}/outer/bare.git", "ref": "main", "token": TOKEN}
        without, whole = run(platform, built(source=source), built(source={**source, "submodules": True}))
    assert not without["failed"], without
    assert not whole["failed"], whole
    assert docker("run", "--rm", without["release"]["image"], "ls", "/srv/tree/part") == ""
    assert docker("run", "--rm", whole["release"]["image"], "cat", "/srv/tree/part/part.txt") == "of a submodule"
    assert docker("run", "--rm", whole["release"]["image"], "ls", "-A", "/srv/tree/part") == "part.txt"
    assert platform.version(f"{name}.test") == "1"


def test_builds_wait_for_their_turn(platform: Platform, built: Built, tree: Path, name: str) -> None:
    """With a concurrency of one, two builds of one task come one after the other."""
    with (tree / "Dockerfile").open("a") as stream:
        stream.write("RUN date +%s%N > /tmp/begin && sleep 1 && date +%s%N > /tmp/end\n")
    both = [
        {**built(version, build={"concurrency": 1}), "name": f"{name}{version}", "routes": [], "type": "dockerfile"}
        for version in ("1", "2")
    ]
    (result,) = platform.tasks(Task({"workloads": both}, module="tidegate.platform.workloads"))
    spans = []
    for row in result["workloads"]:
        assert not row["failed"], row
        times = docker("run", "--rm", row["release"]["image"], "cat", "/tmp/begin", "/tmp/end").split()
        spans.append((int(times[0]), int(times[1])))
    away = [{"name": one["name"], "state": "absent", "type": "dockerfile", "source": one["source"]} for one in both]
    platform.tasks(Task({"workloads": away}, module="tidegate.platform.workloads"))
    (_first, first_end), (second_begin, _second) = sorted(spans)
    assert second_begin >= first_end


@pytest.mark.second
def test_the_wait_for_a_turn_is_no_time_of_the_build(platform: Platform, built: Built) -> None:
    """D11: a build that waited longer than build.timeout failed from waiting; its time begins with its turn."""
    most = 15.0
    (platform.state / "locks").mkdir(exist_ok=True)
    with (platform.state / "locks" / "build-0.turn").open("a") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        timer = threading.Timer(most + 2, lambda: fcntl.flock(held, fcntl.LOCK_UN))
        timer.start()
        (row,) = run(platform, built("1", build={"concurrency": 1, "timeout": most}))
        timer.join()
    assert not row["failed"], row


def test_only_the_images_of_cache_from_are_a_cache(platform: Platform, built: Built, tree: Path) -> None:
    """What another release's build made is used again, or made anew, as it is declared."""
    with (tree / "Dockerfile").open("a") as stream:
        stream.write("RUN head -c 9 /dev/urandom | base64 > /tmp/random\n")
    (first,) = run(platform, built())
    image = first["release"]["image"]
    made = [image]
    for number, cache in enumerate((image, names.image("base"))):
        (result,) = run(platform, built(build={"cache_from": [cache], "labels": {"number": str(number)}}))
        assert "build" in steps(result), result
        made.append(result["release"]["image"])
    first_random, same, other = (docker("run", "--rm", one, "cat", "/tmp/random") for one in made)
    assert first_random == same
    assert first_random != other


def test_git_over_ssh_with_a_deploy_key(platform: Platform, built: Built, tmp_path: Path) -> None:
    """A deploy key opens the repository and is left nowhere; a stranger's key and a stranger as server do not."""
    repository = gitserver.Repository(tmp_path / "repository")
    repository.commit(files("one"))
    (keys := tmp_path / "keys").mkdir()
    with gitserver.over_ssh(repository, keys) as server:
        source = {"git": server.url, "deploy_key": server.key, "known_hosts": server.known_hosts}
        play = platform.playbook(str(platform.write_play([Task(built(source=source), module=MODULE)])), "-vvv")
        (result,) = play.results
        assert not result["failed"], result
        body = server.key.splitlines()[2]
        assert body not in play.output
        (again,) = run(platform, built(source=source))
        assert not again["changed"], again
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(keys / "other")], check=True)
        other = (keys / "other").read_text()
        shown = f"{server.known_hosts.split()[0]} {' '.join((keys / 'other.pub').read_text().split()[:2])}"
        stranger, impostor = run(
            platform,
            built(source={**source, "deploy_key": other}),
            built(source={**source, "known_hosts": shown}),
        )
        assert (stranger["failed"], stranger["kind"]) == (True, "CommandFailure"), stranger
        assert (impostor["failed"], impostor["kind"]) == (True, "CommandFailure"), impostor
        assert "source.deploy_key" in stranger["remedy"]
    state = subprocess.run(["grep", "-rlF", body, str(platform.state)], capture_output=True, text=True, check=False)
    assert state.stdout == ""
    assert list((platform.state / "work").iterdir()) == []


def test_limits_end_a_build(platform: Platform, built: Built, tree: Path, name: str) -> None:
    """Time and size: one clear error, nothing left behind, and what served still serves."""
    assert run(platform, built())[0]["changed"]
    serving = containers(name)
    text = (tree / "Dockerfile").read_text()
    (tree / "Dockerfile").write_text(text + "RUN sleep 97\n")
    begun = time.monotonic()
    (slow,) = run(platform, built(build={"timeout": 3.0}))
    assert slow["failed"]
    assert "build.timeout (3 s)" in slow["msg"], slow
    assert time.monotonic() - begun < 60
    (tree / "Dockerfile").write_text(text + "RUN head -c 40000000 /dev/urandom > /tmp/large\n")
    (large,) = run(platform, built(build={"max_size": "20m"}))
    assert "more than build.max_size (20 MiB)" in large["msg"], large
    (refused,) = run(platform, built(source={"path": str(tree), "max_size": "10"}))
    assert "source.max_size" in refused["msg"], refused
    assert containers(name) == serving
    for _try in range(100):
        if "sleep 97" not in docker("ps", "--no-trunc", "--format", "{{.Command}}"):
            break
        time.sleep(0.1)
    assert "sleep 97" not in docker("ps", "--no-trunc", "--format", "{{.Command}}")


@pytest.fixture
def buildkit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A client first in the path that builds by BuildKit: with the plugin buildx, or so old that it is built in."""
    for client in ("/usr/bin/docker", "/usr/local/bin/docker"):
        version = subprocess.run([client, "--version"], capture_output=True, text=True, check=False).stdout
        plugin = subprocess.run([client, "buildx", "version"], capture_output=True, check=False)
        if plugin.returncode == 0 or (version and int(version.split()[2].partition(".")[0]) < 23):
            (folder := tmp_path / "bin").mkdir()
            (folder / "docker").symlink_to(client)
            monkeypatch.setenv("PATH", f"{folder}:{os.environ['PATH']}")
            return
    pytest.skip("no Docker client here has BuildKit")


@pytest.mark.usefixtures("buildkit")
def test_buildkit_reads_secrets_that_stay_secret(platform: Platform, built: Built, tree: Path, name: str) -> None:
    """A build secret is there while a step reads it, and nowhere afterwards; a failure has the step's output."""
    text = (tree / "Dockerfile").read_text()
    step = "RUN --mount=type=secret,id=npm,uid=10001 wc -c < /run/secrets/npm > /tmp/length"
    (tree / "Dockerfile").write_text(f"{text}{step}\n")
    build = {"builder": "buildkit", "secrets": [{"name": "npm", "value": TOKEN}]}
    first, again = run(platform, built(build=build), built(build=build))
    assert steps(first) == ["build", "start", "gate", "switch", "persist"], first
    assert not again["changed"], again
    assert platform.version(f"{name}.test") == "1"
    image = first["release"]["image"]
    assert docker("run", "--rm", image, "cat", "/tmp/length") == str(len(TOKEN))
    assert TOKEN not in docker("inspect", image, *containers(name)) + docker("history", "--no-trunc", image)
    state = subprocess.run(["grep", "-rlF", TOKEN, str(platform.state)], capture_output=True, text=True, check=False)
    assert (state.stdout, list((platform.state / "work").iterdir())) == ("", [])
    (tree / "Dockerfile").write_text(f"{text}RUN echo the reason >&2 && false\n")
    (failed,) = run(platform, built(build=build))
    assert (failed["failed"], failed["step"], failed["kind"]) == (True, "build", "BuildFailure"), failed
    assert "the reason" in "\n".join(failed["logs"])
    assert platform.version(f"{name}.test") == "1"


def test_an_archive_cannot_write_outside(platform: Platform, built: Built, tmp_path: Path) -> None:
    """One error that names the entry; nothing is written."""
    declared = []
    for number, entry in enumerate(("../escape", "/etc/escape", "link/escape")):
        path = tmp_path / f"evil-{number}.tar"
        with tarfile.open(path, "w") as packed:
            link = tarfile.TarInfo("link")
            link.type, link.linkname = tarfile.SYMTYPE, str(tmp_path) if entry.startswith("link") else "inside"
            packed.addfile(link)
            row = tarfile.TarInfo(entry)
            row.size = 4
            packed.addfile(row, io.BytesIO(b"evil"))
        declared.append(built(source={"path": str(path), "remote": True}))
    for refused in run(platform, *declared):
        assert refused["failed"]
        assert refused["kind"] == "InvalidOption", refused
    assert not (tmp_path / "escape").exists()


class Stranger(http.server.BaseHTTPRequestHandler):
    """A registry that asks for a password."""

    told: t.ClassVar[list[str | None]] = []

    def do_GET(self) -> None:
        """Ask."""
        self.told.append(self.headers.get("Authorization"))
        self.send_response(401)
        self.send_header("WWW-Authenticate", 'Basic realm="x"')
        self.send_header("Content-Length", "0")
        self.end_headers()

    do_HEAD = do_GET  # noqa: N815

    def log_message(self, *_args: t.Any) -> None:
        """Nothing is written."""


def test_a_registry_that_the_source_names_gets_no_password(platform: Platform, built: Built, tree: Path) -> None:
    """The Dockerfile comes with the source, and names any registry; the password is for the declared one."""
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Stranger) as stranger:
        threading.Thread(target=stranger.serve_forever, daemon=True).start()
        host = f"127.0.0.1:{stranger.server_address[1]}"
        (tree / "Dockerfile").write_text(f"FROM {host}/any/base:1\n")
        private = {"registry_username": "team", "registry_password": "s3cr3t", "registry": names.PRIVATE_REGISTRY}
        (refused,) = platform.directly(Task(built(**private), module=MODULE))
        stranger.shutdown()
    assert refused["failed"]
    assert refused["step"] == "build", refused
    assert Stranger.told, "it was never asked"
    assert not any(Stranger.told)
