"""Who gets what opens a repository: the real git and ssh, against servers that write down what they were shown."""

from __future__ import annotations

import base64
import contextlib
import os
import subprocess
import typing as t
from pathlib import Path

import gitserver
import pytest
from ansible_collections.tidegate.platform.plugins.module_utils._core.host.clock import Clock
from ansible_collections.tidegate.platform.plugins.module_utils._core.sources.source_trees import SourceTrees
from ansible_collections.tidegate.platform.plugins.module_utils._core.values.errors import CommandFailure
from ansible_collections.tidegate.platform.plugins.module_utils._core.values.recipe import Access, Source

TOKEN = "token-canary-walls"
Servers = t.Tuple[gitserver.Server, gitserver.Server]


@pytest.fixture
def state(tmp_path: Path) -> Path:
    """A state directory."""
    (made := tmp_path / "state").mkdir(mode=0o700)
    return made


@pytest.fixture
def servers(tmp_path: Path) -> t.Iterator[Servers]:
    """Two on one address: the source's own, and one that asks for a password as well."""
    with contextlib.ExitStack() as stack:
        yield tuple(stack.enter_context(gitserver.serving(tmp_path / "served", TOKEN)) for _server in range(2))  # type: ignore[misc]


def fetched(state: Path, url: str, submodules: bool = False, **access: str) -> dict[str, str]:
    """The files of a repository, as a workload gets them."""
    source = Source("git", url, "main", submodules=submodules, timeout=30, access=Access("git", **access))
    with SourceTrees(str(state), "shop.production", Clock()).tree(source) as (root, commit):
        assert commit
        paths = [path for path in Path(root).rglob("*") if path.is_file()]
        return {str(path.relative_to(root)): path.read_text() for path in paths}


def with_submodule(tmp_path: Path, url: str) -> None:
    """A repository whose submodule's address is this one."""
    inner, outer = (gitserver.Repository(tmp_path / "served" / part) for part in ("inner", "outer"))
    inner.commit({"part.txt": "part"})
    allowed = ("-c", "protocol.file.allow=always")
    gitserver.git(outer.work, *allowed, "submodule", "--quiet", "add", f"file://{inner.bare}", "part")
    gitserver.git(outer.work, "config", "--file", ".gitmodules", "submodule.part.url", url)
    outer.commit({"whole.txt": "whole"})


def test_a_token_does_not_follow_a_redirect(tmp_path: Path, state: Path, servers: Servers) -> None:
    """C1: a server, or whoever took it over, sends git to another one."""
    own, other = servers
    gitserver.Repository(tmp_path / "served").commit({"a": "a"})
    for asked in ("/bare.git/info/refs", "/bare.git/git-upload-pack"):
        own.elsewhere = {asked: other.url}
        with pytest.raises(CommandFailure) as caught:
            fetched(state, f"{own.url}/bare.git", token=TOKEN)
        assert (other.asked, other.shown) == ([], [])
        assert TOKEN not in str(caught.value)
    assert "redirects" in caught.value.remedy
    own.token, own.elsewhere = "", {"/bare.git/info/refs": other.url}  # before it has asked for anything
    with pytest.raises(CommandFailure):
        fetched(state, f"{own.url}/bare.git", token=TOKEN)
    assert other.shown == []


def test_without_a_token_nothing_is_at_stake_and_a_moved_repository_is_found(
    tmp_path: Path, state: Path, servers: Servers
) -> None:
    """C1: what forges do with renamed repositories goes on working where no credentials are."""
    own, other = servers
    own.token = other.token = ""
    own.elsewhere = {"/bare.git/info/refs": other.url}
    gitserver.Repository(tmp_path / "served").commit({"a": "a"})
    assert fetched(state, f"{own.url}/bare.git") == {"a": "a"}


@pytest.mark.parametrize("form", ["{other}/inner/bare.git", "http://git@127.0.0.1:{port}/inner/bare.git"])
def test_a_submodule_elsewhere_gets_no_token(tmp_path: Path, state: Path, servers: Servers, form: str) -> None:
    """C1: another port is another server; whoever may commit names any address in `.gitmodules`."""
    own, other = servers
    with_submodule(tmp_path, form.format(other=other.url, port=other.server_port))
    with pytest.raises(CommandFailure):
        fetched(state, f"{own.url}/outer/bare.git", submodules=True, token=TOKEN)
    assert other.asked, "it was asked, without a token"
    assert not [shown for shown in other.shown if TOKEN in base64.b64decode(shown.split()[1]).decode()]


def test_a_submodule_at_the_sources_own_place_gets_the_token(tmp_path: Path, state: Path, servers: Servers) -> None:
    """C1: the same scheme, host and port."""
    own, other = servers
    with_submodule(tmp_path, f"{own.url}/inner/bare.git")
    found = fetched(state, f"{own.url}/outer/bare.git", submodules=True, token=TOKEN)
    assert (found["whole.txt"], found["part/part.txt"]) == ("whole", "part")
    assert other.asked == []
    assert list((state / "work").iterdir()) == [], "what opened it is gone"


def test_the_first_key_of_a_host_is_kept_and_compared(tmp_path: Path, state: Path) -> None:
    """C1: without known_hosts a host is believed once; later another key is refused, also one of another kind."""
    repository = gitserver.Repository(tmp_path / "repository")
    repository.commit({"a": "a"})
    (keys := tmp_path / "keys").mkdir()
    known = state / "known_hosts"
    with gitserver.over_ssh(repository, keys) as server:
        assert fetched(state, server.url, deploy_key=server.key) == {"a": "a"}
        first = known.read_text()
        assert first.split()[:2] == server.known_hosts.split()[:2]
        assert oct(known.stat().st_mode & 0o777) == "0o600"
        assert fetched(state, server.url, deploy_key=server.key) == {"a": "a"}
        assert known.read_text() == first
        for kind in ("ed25519", "rsa"):
            subprocess.run(["ssh-keygen", "-q", "-t", kind, "-N", "", "-f", str(keys / kind)], check=True)
            was = f"{first.split()[0]} {' '.join((keys / f'{kind}.pub').read_text().split()[:2])}\n"
            known.write_text(was)
            with pytest.raises(CommandFailure, match="another key than the one it is known by") as caught:
                fetched(state, server.url, deploy_key=server.key)
            assert str(known) in caught.value.remedy
            assert known.read_text() == was


def test_a_deploy_key_is_shown_to_its_own_host_alone(tmp_path: Path, state: Path) -> None:
    """C1: a submodule over ssh on another port."""
    repository = gitserver.Repository(tmp_path / "repository")
    repository.commit({"a": "a"})
    (keys := tmp_path / "keys").mkdir()
    with gitserver.over_ssh(repository, keys) as server:
        port = server.url.split(":")[2].split("/")[0]
        key = ["ssh", "-G", "-F", "config", "-p"]
        source = Source("git", server.url, "main", access=Access("git", "", server.key))
        with SourceTrees(str(state), "shop.production", Clock())._git(source) as git:
            config = os.path.join(git.folder, "ssh_config")
            key[3] = config
            own, other = (
                subprocess.run([*key, p, "127.0.0.1"], capture_output=True, text=True, check=True).stdout
                for p in (port, "22")
            )
            assert f"identityfile {git.folder}/deploy_key" in own
            assert f"{git.folder}/deploy_key" not in other
            assert git.commit()
