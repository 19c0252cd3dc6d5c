"""A9: an empty option is one that was not given, in every module."""

from __future__ import annotations

import json
import typing as t

import pytest
from ansible_collections.tidegate.platform.plugins.module_utils._core.options import argument_specs, container


@pytest.mark.parametrize(
    "name", sorted(n for n in dir(argument_specs) if n.isupper() and "state_dir" in getattr(argument_specs, n))
)
def test_an_option_of_a_module_that_is_empty_is_not_given(name: str) -> None:
    """A9: each option of each module that takes text, or a list of it."""
    spec = getattr(argument_specs, name)
    for option, what in spec.items():
        if what.get("required") or what["type"] not in ("str", "path", "list"):
            continue
        blank = ["", " "] if what["type"] == "list" else " "
        assert argument_specs.given(spec, {option: blank}) == {option: what.get("default")}, option
    assert argument_specs.given(spec, {"state_dir": "/x"}) == {"state_dir": "/x"}


ROW: dict[str, t.Any] = {"name": "shop", "image": "registry.test/shop:1"}


@pytest.mark.parametrize(
    "options",
    [
        {name: [""] if option["type"] == "list" else ""}
        for name, option in argument_specs.DECLARATION.items()
        if option["type"] in ("str", "path", "list") and "choices" not in option and name not in {*ROW, "entrypoint"}
    ]
    + [
        {"health": {"path": "", "command": [""]}},
        {"routes": [{"host": "a.test", "resolver": "", "middlewares": [""]}]},
    ],
    ids=str,
)
def test_an_option_of_a_row_that_is_empty_is_not_given(options: dict[str, t.Any]) -> None:
    """An element of `workloads` means what the same options mean alone, also those of its options."""
    found = argument_specs.given(argument_specs.WORKLOADS, {"workloads": [{**ROW, **options}]})["workloads"][0]
    alone = argument_specs.given(argument_specs.DECLARATION, {**ROW, **options})
    assert found == alone
    assert '""' not in json.dumps(found)


def test_an_entry_point_of_nothing_is_given() -> None:
    """A9: Docker's way to clear the image's; text that is unset upstream still is not given elsewhere."""
    found = argument_specs.given(container.CONTAINER, {"entrypoint": [""], "command": [""]})
    assert (found["entrypoint"], found["command"]) == ([""], None)
