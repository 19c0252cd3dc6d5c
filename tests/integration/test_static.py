"""Sites of files: what is served and how, what stays reachable, what a build command makes."""

from __future__ import annotations

import http.client
import shutil
import typing as t
from pathlib import Path

import gitserver
import names
import pytest
from harness.load import Client, Target
from harness.platforms import Options, Platform, Task, containers, docker

MODULE = "tidegate.platform.workload_static"
TREE = Path(__file__).parents[1] / "harness" / "trees" / "site"
IMAGES = {"caddy": names.image("caddy", "2.11.7"), "nginx": names.image("nginx", "1.29.3")}
Site = t.Callable[..., Options]


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """A copy of the site, to be changed."""
    return Path(shutil.copytree(TREE, tmp_path / "tree"))


@pytest.fixture
def site(platform: Platform, name: str, tree: Path) -> Site:
    """Options of the site behind its own host name."""

    def options(server: str = "caddy", *, static: Options | None = None, **more: t.Any) -> Options:
        made = {"server": server, "image": IMAGES[server], "not_found": "404.html", **(static or {})}
        return {
            "name": name,
            "source": {"path": str(tree)},
            "static": made,
            "networks": [platform.network],
            "routes": [{"host": f"{name}.test"}],
            "drain": {"timeout": 2},
            "stop_timeout": 2,
            "strategy": "blue-green",
            **more,
        }

    return options


def run(platform: Platform, *declared: Options) -> list[Options]:
    """Results of these declarations, one after the other."""
    return platform.tasks(*(Task(options, module=MODULE) for options in declared))


def ask(platform: Platform, host: str, path: str, **headers: str) -> tuple[int, dict[str, str], bytes]:
    """Status, headers and body of a request with headers."""
    connection = http.client.HTTPConnection("127.0.0.1", platform.ports.http, timeout=10)
    try:
        connection.request("GET", path, headers={"Host": host, **{k.replace("_", "-"): v for k, v in headers.items()}})
        answer = connection.getresponse()
        return answer.status, {k.lower(): v for k, v in answer.getheaders()}, answer.read()
    finally:
        connection.close()


@pytest.mark.parametrize("server", ["caddy", pytest.param("nginx", marks=pytest.mark.second)])
def test_a_whole_life_under_load(platform: Platform, name: str, site: Site, tree: Path, server: str) -> None:
    """What is served, unchanged, changed under load with old assets kept, rollback, teardown; nothing is lost."""
    host = f"{name}.test"
    headers = {"headers": {"X-Frame-Options": 'say "no"'}}
    first, again = run(platform, *(site(server, static=headers) for _twice in range(2)))
    assert [s["name"] for s in first["steps"]] == ["build", "keep_assets", "start", "gate", "switch", "persist"], first
    assert not again["changed"], again
    status, found, body = ask(platform, host, "/")
    assert (status, found["cache-control"]) == (200, "no-cache")
    assert b"One" in body
    assert found["x-frame-options"] == 'say "no"'
    _status, found, _body = ask(platform, host, "/app.0123abcd.js")
    assert found["cache-control"] == "public, max-age=31536000, immutable"
    status, found, body = ask(platform, host, "/app.9999ffff.js")
    assert (status, b"Missing" in body) == (404, True)
    assert "immutable" not in found.get("cache-control", "")
    assert [ask(platform, host, path)[2].strip() for path in ("/guide/", "/about")] == [b"guide", b"about"]
    assert ask(platform, host, "/.tidegate.server")[0] == 404, "what the platform writes is not published"
    _status, found, packed = ask(platform, host, "/large.css", Accept_Encoding="gzip")
    assert found["content-encoding"] == "gzip"
    assert len(packed) < 3000
    etag = ask(platform, host, "/large.css")[1]["etag"]
    assert ask(platform, host, "/large.css", If_None_Match=etag)[0] == 304
    client = Client(Target(host, port=platform.ports.http), "keepalive", 40).start()
    (tree / "app.0123abcd.js").rename(tree / "app.4567cdef.js")
    (tree / "about.html").unlink()
    (tree / "index.html").write_text("<title>Two</title>")
    (changed,) = run(platform, site(server, static=headers))
    assert changed["changed"], changed
    assert b"Two" in ask(platform, host, "/")[2]
    assert ask(platform, host, "/app.4567cdef.js")[0] == 200
    assert ask(platform, host, "/app.0123abcd.js")[0] == 200, "an open page still asks for it"
    assert ask(platform, host, "/about")[0] == 404, "a page that is gone is gone"
    back = platform.tasks(Task({"name": name}, module="tidegate.platform.workload_rollback"))[0]
    assert "build" not in [s["name"] for s in back["steps"]], back
    assert b"One" in ask(platform, host, "/")[2]
    count = client.stop()
    assert count.lost == 0, count.losses
    (gone,) = run(platform, {"name": name, "state": "absent"})
    assert gone["changed"]
    assert containers(name) == []
    assert not (platform.state / "sites" / f"{name}.production").exists()


def test_old_assets_go_in_time(platform: Platform, name: str, site: Site, tree: Path) -> None:
    """With a time of nothing they are never kept; what was kept long enough goes with the next deployment."""
    run(platform, site(static={"keep_assets": 0.0}))
    (tree / "app.0123abcd.js").unlink()
    run(platform, site(static={"keep_assets": 0.0}))
    assert ask(platform, f"{name}.test", "/app.0123abcd.js")[0] == 404
    (tree / "x.aaaa1111.js").write_text("x")
    run(platform, site(static={"keep_assets": 0.001}))
    (tree / "x.aaaa1111.js").unlink()
    run(platform, site(static={"keep_assets": 0.001}))
    (tree / "index.html").write_text("later")
    run(platform, site(static={"keep_assets": 0.001}))
    assert ask(platform, f"{name}.test", "/x.aaaa1111.js")[0] == 404


def test_the_same_site_from_git_and_from_an_archive(
    platform: Platform, name: str, site: Site, tree: Path, tmp_path: Path
) -> None:
    """A commit that only a part of is the site; then that part as an archive of the controller."""
    repository = gitserver.Repository(tmp_path / "repository")
    shutil.copytree(tree, repository.work / "public")
    repository.commit({"README": "not published"})
    git = {"git": f"file://{repository.bare}", "ref": "main", "subdirectory": "public"}
    (first,) = run(platform, site(source=git))
    assert not first["failed"], first
    assert b"One" in ask(platform, f"{name}.test", "/")[2]
    assert ask(platform, f"{name}.test", "/README")[0] == 404
    assert not run(platform, site(source=git))[0]["changed"]
    (tree / "index.html").write_text("archived")
    archive = shutil.make_archive(str(tmp_path / "site"), "gztar", tree)
    (second,) = run(platform, site(source={"path": archive}))
    assert not second["failed"], second
    assert ask(platform, f"{name}.test", "/")[2] == b"archived"


@pytest.mark.parametrize("server", ["nginx", pytest.param("caddy", marks=pytest.mark.second)])
def test_a_single_page_application_that_is_built(
    platform: Platform, name: str, site: Site, tree: Path, server: str
) -> None:
    """A build command makes the site; paths that name no file are the application's; a failing build changes nothing."""
    command = "mkdir dist && sed s/One/Built/ index.html > dist/index.html && test ! -e broken"
    static = {"spa": True, "not_found": None, "build_command": command, "output": "./dist"}
    static["build_image"] = names.image("base")
    (first,) = run(platform, site(server, static=static))
    assert not first["failed"], first
    assert b"Built" in ask(platform, f"{name}.test", "/deep/link")[2]
    serving = containers(name)
    (tree / "broken").touch()
    (failed,) = run(platform, site(server, static=static))
    assert failed["step"] == "build", failed
    assert containers(name) == serving


def test_nothing_of_the_server_can_be_written(platform: Platform, name: str, site: Site) -> None:
    """It runs as a user of its own, without write access but for /tmp; a writable volume has no blue-green (DS-02)."""
    (result,) = run(platform, site())
    assert not result["failed"], result
    (container,) = containers(name)
    assert docker("exec", container, "id", "-u") == "10001"
    assert "Read-only" in docker("exec", container, "sh", "-c", "touch /srv/site/x 2>&1 || true")
    volume = {"source": f"{name}-data", "target": "/data"}
    (refused,) = run(platform, site(volumes=[volume]))
    assert "two containers write /data" in refused["msg"], refused
