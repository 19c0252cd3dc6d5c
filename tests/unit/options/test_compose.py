"""Options of Compose projects."""

from __future__ import annotations

import copy
import typing as t

import pytest
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible_collections.tidegate.platform.plugins.module_utils._core.options.argument_specs import WORKLOADS
from ansible_collections.tidegate.platform.plugins.module_utils._core.options.compose import project_name
from ansible_collections.tidegate.platform.plugins.module_utils._core.options.parse import Context, parse
from ansible_collections.tidegate.platform.plugins.module_utils._core.values.errors import InvalidOption
from ansible_collections.tidegate.platform.plugins.module_utils._core.values.workload import Workload
from hypothesis import given
from hypothesis import strategies as st

from unit.projects import declared_project


@pytest.mark.parametrize(
    ("given_", "plain"),
    [
        ("Shop", "shop"),
        ("--foo", "foo"),
        ("-f x", "f-x"),
        ("---", "tg-shop-production"),
        ("_x", "x"),
        ("Größe", "gr-e"),
        ("a" * 200, "a" * 63),
        (None, "tg-shop-production"),
    ],
)
def test_a_project_name_is_safe(given_: str | None, plain: str) -> None:
    """DS-12, DS-T7, DS-T9."""
    assert project_name(given_, "shop", "production") == plain


@given(st.text(max_size=80))
def test_any_project_name_is_one_that_compose_takes(text: str) -> None:
    """DS-T9: a leading letter or digit, nothing that looks like a flag."""
    name = project_name(text, "shop", "production")
    assert name[0].isascii()
    assert name[0].isalnum()
    assert set(name) <= set("abcdefghijklmnopqrstuvwxyz0123456789_-")


@pytest.mark.parametrize("project", [None, {}])
def test_a_project_of_a_source_needs_no_options(project: dict[str, t.Any] | None) -> None:
    """U7 (review): it was a KeyError."""
    source = {"path": "/srv/shop"}
    want = declared_as({"compose": project, "source": source})
    assert want.snapshot["compose"] == declared_as({"compose": {}, "source": source}).snapshot["compose"]
    assert want.stack
    assert want.stack.network


def declared_as(options: dict[str, t.Any]) -> Workload:
    """A parsed stack of just these options."""
    result = ArgumentSpecValidator(copy.deepcopy(WORKLOADS)).validate(
        {"workloads": [{"name": "shop", "type": "compose", "strategy": "rolling", **options}]}
    )
    assert not result.error_messages, result.error_messages
    return parse(result.validated_parameters["workloads"][0], Context(lambda _value: ""))


@pytest.mark.parametrize("value", ["", " ", "\n"])
def test_a_secret_of_a_project_that_is_empty_is_refused(value: str) -> None:
    """U4 (review): as one of an image is; what is unset upstream arrives so."""
    with pytest.raises(InvalidOption, match=r"compose[.]secrets[.]value.*of TOKEN is empty"):
        declared_project(compose={"secrets": [{"name": "TOKEN", "value": value}]})


@pytest.mark.parametrize("strategy", ["blue-green", "handover"])
def test_a_strategy_that_compose_cannot_do_is_refused(strategy: str) -> None:
    """DS-02: an error, never a silent downgrade."""
    with pytest.raises(InvalidOption, match="cannot be done with a Compose project"):
        declared_project(strategy=strategy)
