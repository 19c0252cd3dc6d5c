"""Which images a Dockerfile begins from, as Docker sees it."""

from __future__ import annotations

import pytest
from ansible_collections.tidegate.platform.plugins.module_utils._core.sources import base_images
from ansible_collections.tidegate.platform.plugins.module_utils._core.sources.base_images import (
    bases,
    platform_arguments,
)
from ansible_collections.tidegate.platform.plugins.module_utils._core.values.errors import InvalidOption
from hypothesis import given
from hypothesis import strategies as st

AMD = platform_arguments("", "x86_64")
ARM = platform_arguments("linux/arm/v7", "x86_64")
CASES: list[tuple[str, str, dict[str, str], list[str]]] = [
    ("two in a line", "ARG A=1 B=2\nFROM x:$A-${B}", {}, ["x:1-2"]),
    ("two in a line, one given", "ARG A=1 B=2\nFROM x:$A-${B}", {"B": "3"}, ["x:1-3"]),
    ("one does not see another of its line", "ARG A=1 B=${A}2\nFROM x:${B}", {}, ["x:2"]),
    ("nested default", "ARG B=2\nFROM x:${A:-${B}}", {}, ["x:2"]),
    ("deep", "ARG C\nFROM x:${A:-${B:-${C:-4}}}", {}, ["x:4"]),
    ("default of text and variable", "ARG B=2\nFROM ${A:-reg.test:5000/x:${B}-slim}", {}, ["reg.test:5000/x:2-slim"]),
    ("empty is not unset", "ARG A=\nFROM x:${A-no}1${A:-yes}", {}, ["x:1yes"]),
    ("instead", "ARG A=1\nFROM x${A:+:$A}${B:+-$B}", {}, ["x:1"]),
    ("beginning and end", "ARG V=v1.2.3\nFROM x:${V#v}-${V%.*}-${V%%.*}", {}, ["x:1.2.3-v1.2-v1"]),
    ("quoted", 'FROM "x:1"', {}, ["x:1"]),
    ("quoted variable", 'ARG A=1\nFROM "x:${A}" AS base', {}, ["x:1"]),
    ("plainly quoted argument", "ARG A='x y'\nARG B=\"1\"\nFROM x:$B", {}, ["x:1"]),
    ("blank in quotes", 'ARG A="a b" B=2\nFROM x:$B', {}, ["x:2"]),
    ("stage in other letters", "FROM x AS Base\nFROM BASE\nCOPY --from=bAsE / /", {}, ["x"]),
    ("image named like a later stage", "FROM y\nCOPY --from=later / /\nFROM x AS later", {}, ["y", "later", "x"]),
    ("BOM", "\ufeffFROM x", {}, ["x"]),
    ("BOM and directive", "\ufeff# escape=`\nFROM x`\n:1", {}, ["x:1"]),
    ("Windows lines", "ARG A=1\r\nFROM \\\r\n x:$A\r\n", {}, ["x:1"]),
    ("word continued", "FROM deb\\\nian:12", {}, ["debian:12"]),
    ("blanks behind the sign", "FROM \\  \n  # comment\n\n  x", {}, ["x"]),
    ("directive below a comment is none", "# comment\n# escape=`\nFROM \\\n x", {}, ["x"]),
    ("tabs", "ARG\tA=1\nFROM\tx:$A\tas\ty\nFROM y", {}, ["x:1"]),
    ("heredoc", "FROM x\nRUN <<EOF\nFROM y\nCOPY --from=z / /\nEOF\nCOPY --from=w / /", {}, ["x", "w"]),
    ("two heredocs", "FROM x\nCOPY <<a <<-'b' /\nFROM y\na\nFROM z\n\t\tb\nFROM w", {}, ["x", "w"]),
    ("shift is no heredoc", "FROM x\nRUN echo $((1<<2)) <<<word\nFROM y", {}, ["x", "y"]),
    ("declared below counts below", "FROM x\nARG A=1\nFROM y:${A:-2}", {}, ["x", "y:2"]),
    ("not declared", "FROM x:${A:-2}", {"A": "1"}, ["x:2"]),
    ("its platform", "FROM --platform=$BUILDPLATFORM x AS b\nFROM scratch\nCOPY --from=b / /", {}, ["x"]),
    ("later of two stages", "FROM x AS a\nFROM y AS a\nFROM a", {}, ["x", "y"]),
]


@pytest.mark.parametrize(("title", "text", "args", "expected"), CASES, ids=[row[0] for row in CASES])
def test_bases_as_docker_sees_them(title: str, text: str, args: dict[str, str], expected: list[str]) -> None:
    """D5."""
    assert list(bases(text, args)) == expected, title


@pytest.mark.parametrize(
    ("text", "args", "predefined", "expected"),
    [
        ("FROM x-${TARGETARCH}", {}, AMD, ["x-amd64"]),
        ("FROM x-${TARGETARCH}${TARGETVARIANT}-$BUILDARCH", {}, ARM, ["x-armv7-amd64"]),
        ("ARG TARGETARCH\nFROM x-$TARGETARCH", {}, AMD, ["x-amd64"]),
        ("ARG TARGETARCH=own\nFROM x-$TARGETARCH", {}, AMD, ["x-own"]),
        ("FROM x-$TARGETARCH", {"TARGETARCH": "given"}, AMD, ["x-given"]),
        ("ARG A=1 B=${A}2\nFROM x:${B}", {}, AMD, ["x:12"]),
        ("FROM x:${TARGETARCH:-none}", {}, None, ["x:none"]),
        ("FROM x\nRUN --mount=type=bind,from=y,target=/y ls", {}, AMD, ["x", "y"]),
    ],
)
def test_what_buildkit_knows_by_itself(
    text: str, args: dict[str, str], predefined: dict[str, str] | None, expected: list[str]
) -> None:
    """D5: the classic builder does not."""
    assert list(bases(text, args, None, predefined)) == expected


STAGES = "FROM a AS one\nFROM b AS two\nFROM one AS three\nCOPY --from=0 / /\nFROM c AS four\nCOPY --from=TWO / /"


@pytest.mark.parametrize(
    ("target", "classic", "buildkit"),
    [
        (None, ["a", "b", "c"], ["b", "c"]),
        ("Three", ["a", "b"], ["a"]),
        ("two", ["a", "b"], ["b"]),
        ("0", ["a"], ["a"]),
        ("nowhere", ["a", "b", "c"], ["b", "c"]),
    ],
)
def test_stages_that_are_not_built_do_not_count(target: str | None, classic: list[str], buildkit: list[str]) -> None:
    """D5: the classic builder builds all up to its target, BuildKit what the target needs."""
    assert list(bases(STAGES, {}, target)) == classic
    assert list(bases(STAGES, {}, target, AMD)) == buildkit


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
