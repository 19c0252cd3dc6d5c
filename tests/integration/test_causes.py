"""What a failure is put down to, and what it leaves behind, where the host is not as usual. On real parts."""

from __future__ import annotations

import io
import os
import subprocess
import sys
import tarfile
import textwrap
import typing as t
from pathlib import Path

import names
import pytest
from ansible_collections.tidegate.platform.plugins.module_utils._core.engine.listing import user_namespace
from ansible_collections.tidegate.platform.plugins.module_utils._core.sources import site_assets, trees
from ansible_collections.tidegate.platform.plugins.module_utils._core.values.errors import InvalidOption
from harness.platforms import Options, Platform, containers, docker

App = t.Callable[..., Options]


def test_the_gates_cause_stays_the_cause_when_a_log_cannot_be_read(platform: Platform, app: App) -> None:
    """D10: with the log driver `none` the engine refuses to show a log; that is no failure of the engine's."""
    silent: Options = {"log_driver": "none", "health": {"path": "/healthz", "deadline": 2}}
    sick = platform.apply(**app(env={"HEALTH_STATUS": "500"}, **silent))
    assert (sick["kind"], sick["step"]) == ("Unhealthy", "gate"), sick
    assert "status 500" in sick["msg"]
    assert "not to be had" in str(sick["logs"])
    command = platform.apply(**app(release_command=["false"], **silent))
    assert "the release command ended with exit code 1" in command["msg"], command
    assert containers(app()["name"]) == []


def test_a_release_command_is_not_called_by_the_names_of_those_that_serve(platform: Platform, app: App) -> None:
    """A9 (review): during a migration, calls of peers to an alias went to a container that listens on nothing."""
    known = f"known-{app()['name']}"
    looked = f"import socket, sys\ntry: socket.gethostbyname('{known}')\nexcept OSError: sys.exit(0)\nsys.exit(9)"
    result = platform.apply(**app(aliases=[known], release_command=["python3", "-c", looked]))
    assert not result["failed"], result


def test_a_probe_that_hangs_is_ended_with_its_children(platform: Platform, app: App) -> None:
    """D10: a command in a container outlives whoever asked for it."""
    script = "test -e /tmp/second && exit 0; touch /tmp/second; sleep 4711; true"
    result = platform.apply(**app(health={"command": ["sh", "-c", script], "timeout": 0.5, "deadline": 10}))
    assert not result["failed"], result
    (container,) = containers(app()["name"])
    assert "4711" not in docker("top", container, "-eo", "pid,args")


def test_a_bind_source_that_is_not_there_is_refused_before_anything_is_touched(
    platform: Platform, app: App, tmp_path: Path
) -> None:
    """D6: the engine would make an empty directory of it, and the application would start with nothing."""
    platform.apply(**app())
    (before,) = containers(app()["name"])
    there, missing = tmp_path / "there", tmp_path / "missing"
    there.mkdir()
    volume = {"target": "/data", "read_only": True}
    refused = platform.apply(**app(strategy="recreate", volumes=[{**volume, "source": str(missing)}]))
    assert "is not there to be mounted" in refused["msg"], refused
    assert not missing.exists()
    assert containers(app()["name"]) == [before]
    assert docker("inspect", "--format", "{{.State.Running}}", before) == "true"
    assert not platform.apply(**app(volumes=[{**volume, "source": str(there)}]))["failed"]


def test_a_git_lfs_pointer_is_not_the_file(tmp_path: Path) -> None:
    """D6: whoever fetched without Git LFS would serve a text of three lines instead of a picture."""
    (tmp_path / "picture.png").write_text(
        "version https://git-lfs.github.com/spec/v1\noid sha256:4d7a214614ab2935c943f9e0ff69d22eadbb8f32b1258daaa5e2ca24d17e2393\nsize 12345\n"
    )
    (tmp_path / "readme").write_text("version https://git-lfs.github.com/spec/v1 is what pointers begin with")
    assert trees.digest(str(tmp_path), ["readme"])
    with pytest.raises(InvalidOption, match=r"picture\.png") as caught:
        trees.digest(str(tmp_path), ["picture.png", "readme"])
    assert "git lfs pull" in caught.value.remedy


@pytest.mark.parametrize(
    ("options", "root", "expected"),
    [
        (["name=seccomp,profile=default"], "/var/lib/docker", (0, 0)),
        (["name=seccomp,profile=default", "name=userns"], "/var/lib/docker/100000.165536", (100000, 165536)),
        (["name=seccomp,profile=default"], "/srv/1.2", (0, 0)),
    ],
)
def test_secrets_belong_to_the_user_that_a_remapped_container_has(
    options: list[str], root: str, expected: tuple[int, int]
) -> None:
    """D6: with userns-remap, user 0 of a container is another one on the host."""
    assert user_namespace({"SecurityOptions": options, "DockerRootDir": root}) == expected


def site(*paths: str) -> t.IO[bytes]:
    """A site's files as the engine gives them."""
    made = io.BytesIO()
    with tarfile.open(fileobj=made, mode="w") as tar:
        for path in paths:
            entry = tarfile.TarInfo(f"site/{path}")
            entry.size = len(path)
            tar.addfile(entry, io.BytesIO(path.encode()))
    made.seek(0)
    return made


def test_a_path_of_a_site_may_turn_from_a_file_into_a_folder_and_back(tmp_path: Path) -> None:
    """B15: each release's own assets are kept; what is in their way is let go of."""
    place = str(tmp_path / "state" / "sites" / "shop")
    for paths in (("a.js", "x/b.js"), ("a.js/deep/er.js", "x"), ("a.js", "x/b.js/c.js"), ("a.js/deep", "x/b.js")):
        assert site_assets.keep(place, site(*paths), 1.0) == 2
        found = {str(path.relative_to(place)): path.read_text() for path in Path(place).rglob("*") if path.is_file()}
        assert found == {path: path for path in paths}


@pytest.mark.skipif(os.geteuid() != 0, reason="needs a network namespace of its own")
@pytest.mark.parametrize("chain", ["DOCKER-USER", "FORWARD"])
def test_a_handover_works_without_the_engines_own_chain(chain: str) -> None:
    """D6: an engine that makes no rules, or others, has no DOCKER-USER. A packet filter of the test's own.

    A11 (review): two platforms of one host took away each other's rules; those of earlier versions are found.
    """
    program = textwrap.dedent(f"""
        import subprocess
        from ansible_collections.tidegate.platform.plugins.module_utils._core.host import packet_filter
        from ansible_collections.tidegate.platform.plugins.module_utils._core.values.container import Port
        subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
        if {chain!r} == "DOCKER-USER":
            subprocess.run(["iptables", "-N", "DOCKER-USER"], check=True)
        packet_filter.begin("shop.production", [Port(80, 8080, "192.0.2.1", "tcp")], packet_filter.Target("192.0.2.7"))
        print(subprocess.run(["iptables", "-S", {chain!r}], check=True, capture_output=True, text=True).stdout)
        assert packet_filter.active("shop.production")
        packet_filter.begin("shop.production", [Port(80, 8080, "192.0.2.1", "tcp")], packet_filter.Target("192.0.2.8"))
        assert "192.0.2.7" not in subprocess.run(["iptables-save"], check=True, capture_output=True, text=True).stdout
        packet_filter.end("shop.production")
        assert not packet_filter.active("shop.production")
        one, two = (packet_filter.whose("shop.production", f"/{{word}}") for word in ("one", "two"))
        for key, to in (one, "192.0.2.7"), (two, "192.0.2.8"):
            packet_filter.begin(key, [Port(80, 8080, "192.0.2.1", "tcp")], packet_filter.Target(to))
        packet_filter.end(one)
        left = subprocess.run(["iptables-save"], check=True, capture_output=True, text=True).stdout
        assert ("192.0.2.7" in left, "192.0.2.8" in left) == (False, True), left
        assert (packet_filter.active(one), packet_filter.active(two)) == (False, True)
        packet_filter.end(two)
        packet_filter.begin("shop.production", [Port(80, 8080, "192.0.2.1", "tcp")], packet_filter.Target("192.0.2.7"))
        assert packet_filter.active(one)
        packet_filter.end(one)
        assert not packet_filter.active("shop.production")
        print(subprocess.run(["iptables", "-S"], check=True, capture_output=True, text=True).stdout)
    """)
    env = {**os.environ, "PYTHONPATH": str(names.COLLECTIONS)}
    argv = ["unshare", "--net", sys.executable, "-c", program]
    done = subprocess.run(argv, env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert f"-A {chain} -d 192.0.2.7/32" in done.stdout
    assert done.stdout.count("192.0.2.7") == 1
