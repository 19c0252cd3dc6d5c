"""Sources and builds: what is accepted, what a Dockerfile is built on, what a tree's digest tells."""

from __future__ import annotations

import copy
import io
import os
import tarfile
import typing as t
from pathlib import Path

import pytest
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible_collections.tidegate.platform.plugins.module_utils._core.engine.builds import BuildRequest, refusal
from ansible_collections.tidegate.platform.plugins.module_utils._core.options.argument_specs import WORKLOADS
from ansible_collections.tidegate.platform.plugins.module_utils._core.options.parse import Here, again, parse
from ansible_collections.tidegate.platform.plugins.module_utils._core.sources import (
    base_images,
    buildkit,
    trees,
    unpack,
)
from ansible_collections.tidegate.platform.plugins.module_utils._core.sources.builder import ATTEMPTS, Builder
from ansible_collections.tidegate.platform.plugins.module_utils._core.values.errors import BuildFailure, InvalidOption
from ansible_collections.tidegate.platform.plugins.module_utils._core.values.grammar import inside
from ansible_collections.tidegate.platform.plugins.module_utils._core.values.recipe import Recipe, Source
from ansible_collections.tidegate.platform.plugins.module_utils._core.values.release import Release
from ansible_collections.tidegate.platform.plugins.module_utils._core.values.workload import Strategy, Workload
from hypothesis import given
from hypothesis import strategies as st

GIT = {"git": "https://git.test/shop.git"}
CANARY = "canary-4b1d"


def dockerfile(**options: t.Any) -> Workload:
    """A parsed workload of a list."""
    element = {"name": "shop", "type": "dockerfile", "source": {"path": "/srv/shop"}, **options}
    result = ArgumentSpecValidator(copy.deepcopy(WORKLOADS)).validate({"workloads": [element]})
    assert not result.error_messages, result.error_messages
    return parse(result.validated_parameters["workloads"][0], Here(lambda value: f"v{len(value)}"))


BAD: list[tuple[str, dict[str, t.Any], str, str]] = [
    ("no source", {"source": None}, "source", "either path or git"),
    ("two sources", {"source": {"path": "/a", **GIT}}, "source", "either path or git"),
    ("relative path", {"source": {"path": "a/b"}}, "source.path", "absolute"),
    ("climbing path", {"source": {"path": "/a/../../etc"}}, "source.path", ".."),
    ("climbing subdirectory (AW-T20)", {"source": {**GIT, "subdirectory": "a/../../b"}}, "source.subdirectory", "out"),
    ("outer subdirectory (AW-T20)", {"source": {**GIT, "subdirectory": "../x"}}, "source.subdirectory", "out"),
    ("absolute subdirectory", {"source": {**GIT, "subdirectory": "/etc"}}, "source.subdirectory", "out"),
    ("option as URL", {"source": {"git": "--upload-pack=reboot"}}, "source.git", "not the URL"),
    ("program as URL", {"source": {"git": "ext::sh -c reboot"}}, "source.git", "not the URL"),
    ("option as host", {"source": {"git": "ssh://-oProxyCommand=reboot/x"}}, "source.git", "not the URL"),
    ("option as scp host", {"source": {"git": "git@-oProxyCommand:x"}}, "source.git", "not the URL"),
    ("plain path as URL", {"source": {"git": "/srv/shop.git"}}, "source.git", "not the URL"),
    ("password in URL", {"source": {"git": f"https://u:{CANARY}@git.test/x"}}, "source.git", "user name or password"),
    ("token in URL", {"source": {"git": f"https://{CANARY}@git.test/x"}}, "source.git", "user name or password"),
    ("empty password", {"source": {"git": f"https://{CANARY}:@git.test/x"}}, "source.git", "user name or password"),
    ("password of ssh", {"source": {"git": f"ssh://u:{CANARY}@git.test/x"}}, "source.git", "user name or password"),
    ("token as query", {"source": {"git": f"https://git.test/x?token={CANARY}"}}, "source.git", "behind its path"),
    ("pattern as host", {"source": {"git": "ssh://git@*/x"}}, "source.git", "not the URL"),
    ("port", {"source": {"git": "https://git.test:https/x"}}, "source.git", "not the URL"),
    ("token in clear", {"source": {"git": "http://git.test/x", "token": CANARY}}, "source.token", "everybody"),
    ("token in clear at home", {"source": {"git": "http://localhost/x", "token": CANARY}}, "source.token", "everybody"),
    ("token for ssh", {"source": {"git": "git@git.test:x", "token": CANARY}}, "source.token", "means nothing"),
    ("key for https", {"source": {**GIT, "deploy_key": CANARY}}, "source.deploy_key", "means nothing"),
    ("option as ref", {"source": {**GIT, "ref": "--all"}}, "source.ref", "branch"),
    ("range as ref", {"source": {**GIT, "ref": "a..b"}}, "source.ref", "branch"),
    ("blank in ref", {"source": {**GIT, "ref": "a b"}}, "source.ref", "branch"),
    ("token for a path", {"source": {"path": "/a", "token": CANARY}}, "source.token", "nothing"),
    ("key and token", {"source": {**GIT, "token": CANARY, "deploy_key": CANARY}}, "source.deploy_key", "contradicts"),
    ("two lines of token", {"source": {**GIT, "token": f"{CANARY}\nx"}}, "source.token", "one line"),
    ("no time", {"source": {**GIT, "timeout": 0}}, "source.timeout", "above 0"),
    ("no size", {"source": {**GIT, "max_size": "much"}}, "source.max_size", "not a size"),
    ("climbing Dockerfile", {"build": {"dockerfile": "../Dockerfile"}}, "build.dockerfile", "out"),
    ("option as target", {"build": {"target": "--x"}}, "build.target", "stage"),
    ("bad platform", {"build": {"platform": "linux"}}, "build.platform", "platform"),
    ("option as argument", {"build": {"args": {"--x": "1"}}}, "build.args", "name"),
    ("boolean argument", {"build": {"args": {"X": True}}}, "build.args.X", "string"),
    ("option as network", {"build": {"network": "--x"}}, "build.network", "network"),
    ("option as cache", {"build": {"cache_from": ["--x"]}}, "build.cache_from", "image"),
    (
        "secret of the classic builder",
        {"build": {"secrets": [{"name": "a", "value": CANARY}]}},
        "build.secrets",
        "BuildKit",
    ),
    ("no build time", {"build": {"timeout": 0}}, "build.timeout", "above 0"),
    ("image of another type", {"image": "shop:1"}, "image", "means nothing for type=dockerfile"),
    ("source of another type", {"type": "image", "image": "shop:1"}, "source", "means nothing for type=image"),
]


@pytest.mark.parametrize(("title", "options", "option", "words"), BAD, ids=[row[0] for row in BAD])
def test_one_error_that_names_option_value_and_remedy(
    title: str, options: dict[str, t.Any], option: str, words: str
) -> None:
    with pytest.raises(InvalidOption) as caught:
        dockerfile(**options)
    assert caught.value.option == option, title
    assert words in str(caught.value)
    assert caught.value.remedy
    assert CANARY not in str(caught.value)


@pytest.mark.parametrize(
    ("given", "plain"), [("./", "."), ("./src", "src"), ("src", "src"), (".web", ".web"), ("./web", "web")]
)
def test_a_path_in_its_plainest_form(given: str, plain: str) -> None:
    """AW-T20, DP-T16."""
    assert inside("x", given) == plain


def test_built_workloads_replace_in_place_unless_told_otherwise() -> None:
    """DS-01, DS-T16."""
    assert dockerfile().strategy is Strategy.RECREATE
    assert dockerfile(strategy="blue-green").strategy is Strategy.BLUE_GREEN


def test_a_record_has_no_secret_and_makes_the_workload_again() -> None:
    """DP-T15: neither token nor key nor build secret nor the place of this run's archive."""
    source = {**GIT, "token": CANARY}
    build = {"builder": "buildkit", "secrets": [{"name": "npm", "value": CANARY}]}
    want = dockerfile(source=source, build=build)
    assert CANARY not in repr(want)
    assert CANARY not in repr(want.snapshot)
    release = Release("01", "tidegate.local/shop:1", "sha256:1", "f", ("c",), None, want.snapshot)
    back = again(release, {}, Here(lambda value: f"v{len(value)}"))
    assert (back.artifact, back.container.image) == ("sha256:1", "tidegate.local/shop:1")


DOCKERFILES: list[tuple[str, dict[str, str], list[str]]] = [
    ("FROM python:3.12\nRUN x", {}, ["python:3.12"]),
    ("# syntax=docker/dockerfile:1\nfrom --platform=linux/amd64 a:1 as x\nFROM x\nCOPY --from=x /a /b", {}, ["a:1"]),
    ("ARG V=1\nARG BASE=a:${V}\nFROM ${BASE}", {}, ["a:1"]),
    ("ARG V=1\nFROM a:$V", {"V": "2"}, ["a:2"]),
    ("ARG V\nFROM a:${V:-3}\nFROM b:${V:+4}5", {"V": ""}, ["a:3", "b:5"]),
    (
        "FROM a:1 AS one\nFROM scratch\nCOPY --from=one / /\nCOPY --from=tool:2 /x /y\nCOPY --from=0 / /",
        {},
        ["a:1", "tool:2"],
    ),
    ("FROM a:1 \\\n  # comment\n  AS one\n\nFROM one AS two", {}, ["a:1"]),
]


@pytest.mark.parametrize(("text", "args", "expected"), DOCKERFILES)
def test_base_images_of_a_dockerfile(text: str, args: dict[str, str], expected: list[str]) -> None:
    assert list(base_images.bases(text, args)) == expected


@pytest.mark.parametrize("text", ["", "# nothing", "RUN x", "ARG B\nFROM ${B}", "FROM --platform=x"])
def test_a_dockerfile_without_a_base(text: str) -> None:
    with pytest.raises(InvalidOption):
        base_images.bases(text, {})


@given(st.text(max_size=200), st.dictionaries(st.text(max_size=5), st.text(max_size=5), max_size=3))
def test_any_text_is_read_or_refused(text: str, args: dict[str, str]) -> None:
    """Never a traceback."""
    try:
        found = base_images.bases(text, args)
    except InvalidOption:
        return
    assert all(found)


def test_a_digest_tells_content_name_and_mode_alone(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("1")
    first = trees.digest(str(tmp_path), ["a"])
    os.utime(tmp_path / "a", (5, 5))
    assert trees.digest(str(tmp_path), ["a"]) == first
    (tmp_path / "a").chmod(0o755)
    assert trees.digest(str(tmp_path), ["a"]) != first
    (tmp_path / "a").chmod(0o644)
    (tmp_path / "a").write_text("2")
    assert trees.digest(str(tmp_path), ["a"]) != first
    os.mkfifo(tmp_path / "p")
    with pytest.raises(InvalidOption, match="neither file"):
        trees.digest(str(tmp_path), ["p"])


def test_packed_and_unpacked_is_the_same(tmp_path: Path) -> None:
    tree = tmp_path / "tree"
    (tree / "deep" / "er").mkdir(parents=True)
    (tree / "deep" / "er" / "file").write_text("x")
    (tree / "run").write_text("#!/bin/sh\n")
    (tree / "run").chmod(0o755)
    (tree / "link").symlink_to("run")
    (tree / ".git").mkdir()
    with (tmp_path / "archive").open("wb+") as stream:
        trees.pack(str(tree), trees.every_path(str(tree)), stream, top="source")
    (tmp_path / "out").mkdir()
    unpack.unpack(str(tmp_path / "archive"), str(tmp_path / "out"))
    paths = trees.every_path(str(tree))
    assert sorted(paths) == sorted(trees.every_path(str(tmp_path / "out")))
    assert trees.digest(str(tree), paths) == trees.digest(str(tmp_path / "out"), paths)


@pytest.mark.parametrize("kind", [tarfile.CHRTYPE, tarfile.FIFOTYPE])
def test_devices_are_refused(tmp_path: Path, kind: bytes) -> None:
    with tarfile.open(tmp_path / "a.tar", "w") as tar:
        entry = tarfile.TarInfo("x")
        entry.type = kind
        tar.addfile(entry)
    (tmp_path / "out").mkdir()
    with pytest.raises(InvalidOption, match="device"):
        unpack.unpack(str(tmp_path / "a.tar"), str(tmp_path / "out"))


def test_a_bomb_is_refused_before_it_is_unpacked(tmp_path: Path) -> None:
    with tarfile.open(tmp_path / "a.tar.gz", "w:gz") as tar:
        entry = tarfile.TarInfo("x")
        entry.size = 2**22
        tar.addfile(entry, io.BytesIO(b"\0" * entry.size))
    (tmp_path / "out").mkdir()
    with pytest.raises(InvalidOption, match="max_size"):
        unpack.unpack(str(tmp_path / "a.tar.gz"), str(tmp_path / "out"), 2**20)
    assert not list((tmp_path / "out").iterdir())


def test_buildkit_gets_secrets_by_file() -> None:
    """A secret's value is in no argument."""
    want = dockerfile(
        build={"builder": "buildkit", "secrets": [{"name": "npm", "value": CANARY}], "args": {"A": "1"}, "target": "x"}
    )
    assert want.recipe
    argv = buildkit.command(want.recipe, "/tree", "ref:1", {"l": "v"}, {"npm": "/private/npm"})
    assert argv[:2] == ["docker", "build"]
    assert {"--secret=id=npm,src=/private/npm", "--build-arg=A=1", "--label=l=v", "--target=x", "--tag=ref:1"} <= set(
        argv
    )
    assert argv[-2:] == ["--", "/tree"]
    assert CANARY not in " ".join(argv)


# Said by a real engine while four others built and removed images of the same layers.
LOST = (
    "failed to get digest sha256:5719: open /var/lib/docker/image/overlay2/imagedb/content/sha256/5719: no such file",
    "No such image: sha256:c4ff",
    "unknown parent image ID sha256:5719",
)


def attempts(said: t.Sequence[str], monkeypatch: pytest.MonkeyPatch) -> tuple[list[bool], str]:
    """Whether each attempt of a build had the cache, where the engine refuses with each of these in turn."""
    tried: list[bool] = []

    def stream(_self: object, _recipe: Recipe, request: BuildRequest) -> None:
        assert request.context.read() == b"context", "an attempt begins at the context's begin"
        tried.append(request.cached)
        if len(tried) <= len(said):
            raise refusal(said[len(tried) - 1], request.reference)

    monkeypatch.setattr(Builder, "_stream", stream)
    builder = Builder.__new__(Builder)
    builder.tell = lambda _line: None
    try:
        builder._attempt(
            Recipe(Source("path", "/a")), BuildRequest(Recipe(Source("path", "/a")), io.BytesIO(b"context"), "a:b", {})
        )
    except BuildFailure as error:
        return tried, str(error)
    return tried, ""


@pytest.mark.parametrize("said", LOST)
def test_a_build_starts_again_if_its_cache_was_removed(said: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Removing another workload's image removes layers that a build beside it has just found."""
    assert attempts([said, said], monkeypatch) == ([True, True, True], "")
    tried, error = attempts([said] * 99, monkeypatch)
    assert tried == [True] * (ATTEMPTS - 1) + [False], "the last attempt needs no cache"
    assert said in error


def test_a_failing_step_is_not_tried_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """What the Dockerfile does wrong it does wrong again."""
    assert attempts(["The command '/bin/sh -c false' returned a non-zero code: 1"], monkeypatch)[0] == [True]
