"""Walls between containers and their host, on the real engine and with the real Compose."""

from __future__ import annotations

import json
import os
import typing as t
from pathlib import Path

import compose
import names
import pytest
from harness.platforms import Options, Platform, containers, docker

App = t.Callable[..., Options]
VOLUME = {"target": "/mnt", "read_only": True}


@pytest.fixture
def real_compose(monkeypatch: pytest.MonkeyPatch) -> None:
    """`docker compose` is the real one."""
    monkeypatch.setenv("DOCKER_CONFIG", str(compose.config()))


def project(platform: Platform, name: str, web: Options, **more: t.Any) -> Options:
    """What becomes of a project of one service."""
    definition = {"services": {"web": {"image": names.image("app", "1"), **web}}}
    given = {"definition": definition, "network": platform.network, **more.pop("compose", {})}
    params = {"name": name, "compose": given, **more}
    (result,) = platform.stories([{"story": "compose", "params": params}])
    return result


def test_the_socket_by_any_name_is_refused_and_what_has_to_be_is_said(
    platform: Platform, app: App, tmp_path: Path
) -> None:
    """C6: a link in a folder that somebody else may write, and the folder above; nothing is touched."""
    (tmp_path / "link").symlink_to("/var/run")
    for source in (str(tmp_path / "link"), f"{tmp_path}/link/docker.sock", "//var/run/docker.sock", "/run"):
        refused = platform.apply(**app(volumes=[{**VOLUME, "source": source}]))
        assert "would hand the host to the container" in refused["msg"], refused
        assert "unsafe=true" in refused["remedy"]
    refused = platform.apply(**app(cap_add=["SYS_ADMIN"]))
    assert "would hand the host" in refused["msg"]
    assert containers(app()["name"]) == []
    agent = app(volumes=[{**VOLUME, "source": str(tmp_path / "link")}], unsafe=True)
    made, again = platform.apply(**agent), platform.apply(**agent)
    assert not made["failed"], made
    assert not again["changed"]
    (doctor,) = platform.stories([{"story": "platform_doctor", "params": {}}])
    (walls,) = [finding for finding in doctor["findings"] if finding["check"] == "walls"]
    assert app()["name"] in walls["found"]


@pytest.mark.usefixtures("real_compose")
def test_a_project_says_if_it_is_to_break_a_wall(platform: Platform, name: str) -> None:
    """C6: by what the real Compose makes of it, also of a definition that is known from before."""
    refused = project(platform, name, {"privileged": True})
    assert "services.web.privileged" in refused["msg"], refused
    refused = project(platform, name, {"volumes": ["/var/run:/host:ro"]})
    assert "services.web.volumes" in refused["msg"], refused
    assert containers(name) == []
    made = project(platform, name, {"pid": "host"}, unsafe=True)
    assert not made["failed"], made
    assert docker("inspect", "--format", "{{.HostConfig.PidMode}}", *containers(name)) == "host"
    refused = project(platform, name, {"pid": "host"})
    assert "services.web.pid" in refused["msg"], "known, but not said any more"


@pytest.mark.usefixtures("real_compose")
@pytest.mark.parametrize("place", ["file", "folder"])
def test_a_link_in_a_source_brings_no_file_of_the_host(
    platform: Platform, name: str, tmp_path: Path, place: str
) -> None:
    """C6: what a repository links to is read by root when it is copied."""
    (tmp_path / "host").mkdir()
    (tmp_path / "host" / "secret").write_text("host-canary")
    (source := tmp_path / "source").mkdir()
    (source / "folder").mkdir()
    link = source / "folder" / "file" if place == "folder" else source / "file"
    link.symlink_to(tmp_path / "host" / "secret")
    mounts = [f"./{place}:/mnt:ro"]
    web = {"image": names.image("app", "1"), "volumes": mounts}
    (source / "compose.yaml").write_text(json.dumps({"services": {"web": web}}))
    params = {"name": name, "source": {"path": str(source)}, "compose": {"network": platform.network}}
    (result,) = platform.stories([{"story": "compose", "params": params}])
    if place == "file":
        assert "is a link out of the source" in result["msg"]
        return
    assert not result["failed"], result
    kept = [path for path in (platform.state / "stacks" / f"{name}.production").rglob("*") if path.is_file()]
    assert [path for path in kept if "host-canary" in path.read_text() and not path.is_symlink()] == []
    assert os.readlink(next(path for path in kept if path.is_symlink())).endswith("/host/secret")
