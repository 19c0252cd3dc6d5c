"""What should be a dictionary is one."""

from __future__ import annotations

import typing as t

import pytest
from ansible_collections.tidegate.platform.plugins.module_utils._core.options.argument_specs import WORKLOADS
from ansible_collections.tidegate.platform.plugins.plugin_utils._shape import misfit


@pytest.mark.parametrize(
    ("element", "said"),
    [
        ({"name": "a", "image": "b", "health": 5}, "workloads[0].health=5 is not a dictionary."),
        ({"name": "a", "image": "b", "health": True}, "workloads[0].health=True is not a dictionary."),
        ({"name": "a", "image": "b", "routes": 5}, "workloads[0].routes=5 is not a list of dictionaries."),
        (
            {"name": "a", "compose": {"services": ["web"]}},
            "workloads[0].compose.services[0]='web' is not a dictionary.",
        ),
        (7, "workloads[0]=7 is not a dictionary."),
        ({"name": "a", "image": "b", "health": None, "routes": [{"host": "a.test"}]}, ""),
    ],
)
def test_what_should_be_a_dictionary_is_one(element: t.Any, said: str) -> None:
    """One error that names it, where ansible-core alone would end with a traceback."""
    assert misfit(WORKLOADS, {"workloads": [element]}).startswith(said)
    assert bool(misfit(WORKLOADS, {"workloads": [element]})) == bool(said)
