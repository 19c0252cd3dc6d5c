"""Workload files: the published schema is the argument specification, and every problem is told before a host is touched."""

from __future__ import annotations

import json
import typing as t
from pathlib import Path

import pytest
from ansible.parsing.dataloader import DataLoader
from ansible.template import Templar
from ansible_collections.tidegate.platform.plugins.module_utils._core.options.argument_specs import DECLARATION, SOURCES
from ansible_collections.tidegate.platform.plugins.plugin_utils._workload_files import SCHEMA, Reader
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from .workload_files import MINIMAL, read

PUBLISHED: dict[str, t.Any] = json.loads(SCHEMA.read_text())
NOT_OF_FILES = {"force", "archive"}


def keys(schema: t.Any, spec: t.Any, path: str = "") -> None:
    """The same options, required ones and choices on every level."""
    assert set(schema["properties"]) >= set(spec) - NOT_OF_FILES, path
    for name, option in spec.items():
        if name in NOT_OF_FILES:
            continue
        told = schema["properties"][name]
        told = told["items"] if option["type"] == "list" else told
        if "choices" in option:
            assert told["enum"] == option["choices"], f"{path}.{name}"
        if "options" in option:
            assert set(told["properties"]) == set(option["options"]) - NOT_OF_FILES, f"{path}.{name}"
            required = [key for key, own in option["options"].items() if own.get("required")]
            assert told.get("required", []) == required, f"{path}.{name}"
            keys(told, option["options"], f"{path}.{name}")


def test_the_schema_is_the_specification() -> None:
    keys(PUBLISHED, DECLARATION)
    extra = set(PUBLISHED["properties"]) - set(DECLARATION)
    assert extra == {"groups", "version", "environments"}
    for rule, (kind, own) in zip(PUBLISHED["allOf"], SOURCES.items(), strict=True):
        assert rule["if"]["properties"]["type"]["const"] == kind
        assert set(rule["then"]["propertyNames"]["enum"]) == (set(own) | extra | {"type"}) - NOT_OF_FILES


def test_every_property_tells_editors_what_it_is() -> None:
    assert all(told["description"] for told in PUBLISHED["properties"].values())


def test_a_file_of_every_type(tmp_path: Path) -> None:
    """Templates are filled in; a source's relative path starts at its file."""
    source = {"path": "../app"}
    files: list[t.Any] = [
        {"name": "a", "image": "x:{{ tag }}", "port": 8000, "routes": [{"host": "a.test"}]},
        {"name": "b", "type": "dockerfile", "source": source},
        {"name": "c", "type": "static", "source": {"git": "https://git.test/c.git"}, "static": {"spa": True}},
        {"name": "d", "type": "runner", "source": source, "runner": {"image": "python-3.13"}},
    ]
    reader = read(tmp_path, *files)
    assert reader.problems == []
    assert [row["name"] for row in reader.declarations] == ["a", "b", "c", "d"]
    assert reader.declarations[0]["image"] == "x:7"
    assert reader.declarations[1]["source"]["path"] == str((tmp_path / "../app").resolve())


def test_an_overlay_is_merged_into_its_environment_alone(tmp_path: Path) -> None:
    environments = {"production": None, "staging": {"replicas": 1, "env": {"B": "2"}, "routes": [{"host": "s.test"}]}}
    document = {**MINIMAL, "port": 80, "replicas": 3, "env": {"A": "1", "B": "1"}, "environments": environments}
    (production,) = read(tmp_path, document).declarations
    (staging,) = read(tmp_path, document, environment="staging").declarations
    assert (production["replicas"], production["env"]) == (3, {"A": "1", "B": "1"})
    assert (staging["replicas"], staging["env"], staging["environment"]) == (1, {"A": "1", "B": "2"}, "staging")
    assert read(tmp_path, document, environment="test").declarations == []


def test_an_environment_that_is_asked_for_is_the_only_one(tmp_path: Path) -> None:
    """D2: a run for staging deployed to production what declares no environment; one that is nowhere was nothing to do."""
    staging = {**MINIMAL, "name": "blog", "environments": {"staging": None}}
    old = {**MINIMAL, "name": "old", "environment": "staging"}
    files = [MINIMAL, staging, old]

    def chosen(environment: str) -> list[tuple[str, str]]:
        return [
            (row["name"], row["environment"]) for row in read(tmp_path, *files, environment=environment).declarations
        ]

    assert chosen("staging") == [("blog", "staging"), ("old", "staging")]
    assert chosen("production") == [("shop", "production")]
    assert chosen("") == [("shop", "production"), ("old", "staging")]
    wrong = read(tmp_path, *files, environment="stagign")
    wrong.close()
    assert wrong.problems == ["no file declares anything in the environment 'stagign'. There are: production, staging."]


def test_what_no_two_may_have_is_said_before_a_host_is(tmp_path: Path) -> None:
    """B9: `validate` passed what `deploy` refuses; not where environments or groups keep them apart."""
    one = {**MINIMAL, "port": 80, "routes": [{"host": "a.test"}]}
    two = {**one, "name": "two"}
    (problem,) = read(tmp_path, one, two).problems
    assert problem.startswith(f"{tmp_path / '1.yml'}: ")
    assert "is declared for shop by " in problem
    for apart in (
        {"environment": "staging"},
        {"groups": ["db"]},
    ):
        assert read(tmp_path, {**one, "groups": ["web"]}, {**two, **apart}).problems == []
    assert read(tmp_path, {**one, "groups": ["web", "db"]}, {**two, "groups": "db"}).problems
    assert read(tmp_path, {**one, "groups": "all"}, {**two, "groups": "db"}).problems


def test_a_version_is_of_an_image(tmp_path: Path) -> None:
    """D2: `validate` passed it, and `deploy` refuses it."""
    site = {"name": "site", "type": "static", "source": {"git": "https://git.test/c.git"}, "version": "1"}
    (problem,) = read(tmp_path, site).problems
    assert "version='1' is the tag of an image" in problem


@pytest.mark.parametrize("image", ["registry.test/shop", "registry.test:5000/shop:1", "shop@sha256:" + "0" * 64])
def test_a_version_is_the_images_tag(tmp_path: Path, image: str) -> None:
    """An image without a tag was refused beside the version that is one."""
    reader = read(tmp_path, {**MINIMAL, "image": image, "version": "1.4.1"})
    assert reader.problems == []
    assert [row["version"] for row in reader.declarations] == ["1.4.1"]


def test_a_place_that_is_not_there_is_told(tmp_path: Path) -> None:
    """A9: not an error of Python's."""
    loader = DataLoader()
    reader = Reader(loader, Templar(loader=loader), "")
    reader.read(str(tmp_path / "nowhere"))
    assert reader.problems == [f"{tmp_path / 'nowhere'}: is not there. Name a file or a directory."]


BAD: list[tuple[str, t.Any, str]] = [
    ("unknown option", {**MINIMAL, "picture": "x"}, "the document: 'picture'"),
    ("wrong type", {**MINIMAL, "replicas": "two"}, "replicas: 'two' is not of type integer"),
    ("wrong choice", {**MINIMAL, "strategy": "rolled"}, "strategy: 'rolled' is not one of blue-green"),
    ("bad name", {**MINIMAL, "name": "--foo"}, "name: '--foo'"),
    ("deep", {**MINIMAL, "routes": [{"host": "a"}, {"guest": "b"}]}, "routes[1]: 'guest'"),
    ("another type's option", {**MINIMAL, "source": {"path": "/a"}}, "source"),
    ("no name", {"image": "x:1"}, "'name' is a required property"),
    (
        "what the module refuses",
        {**MINIMAL, "image": "shop"},
        "image='shop' has neither tag nor digest. Name the version",
    ),
    ("in an overlay", {**MINIMAL, "environments": {"staging": {"image": "shop"}}}, "has neither tag nor digest"),
    ("wrong overlay", {**MINIMAL, "environments": {"staging": {"title": "x"}}}, "environments.staging: 'title'"),
    ("not a mapping", ["a"], "is not of type object"),
    ("empty", "", "is not of type object"),
    ("no YAML", "a: [", "cannot be read"),
    ("undefined variable", "name: shop\nimage: '{{ nothing }}'\n", "cannot be read"),
]


@pytest.mark.parametrize(("title", "document", "words"), BAD, ids=[row[0] for row in BAD])
def test_every_problem_has_its_file_path_and_value(tmp_path: Path, title: str, document: t.Any, words: str) -> None:
    reader = read(tmp_path, document)
    assert reader.declarations == [] or title in ("what the module refuses", "in an overlay")
    assert any(words in problem for problem in reader.problems), reader.problems
    assert all(problem.startswith(str(tmp_path / "0.yml")) for problem in reader.problems)


def test_all_problems_of_all_files_at_once(tmp_path: Path) -> None:
    reader = read(tmp_path, {**MINIMAL, "port": "x", "replicas": "y"}, MINIMAL, MINIMAL)
    assert len(reader.problems) == 3
    assert "is also declared by" in reader.problems[2]


def test_an_empty_directory_is_told(tmp_path: Path) -> None:
    assert "has no *.yml file" in read(tmp_path).problems[0]


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=6), inner, max_size=2),
    max_leaves=5,
)


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.dictionaries(st.sampled_from(sorted(PUBLISHED["properties"])), VALUES, max_size=4))
def test_any_document_is_accepted_or_explained(tmp_path: Path, document: dict[str, t.Any]) -> None:
    """Never a traceback."""
    reader = read(tmp_path, {**MINIMAL, **document})
    assert reader.problems or reader.declarations or "environments" in document
