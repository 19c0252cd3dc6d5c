"""Which options are secret is said once."""

from __future__ import annotations

import typing as t

import pytest
from ansible_collections.tidegate.platform.plugins.module_utils._core.options import argument_specs
from ansible_collections.tidegate.platform.plugins.module_utils._core.options.masks import MASK, masked, secret_values

Spec = dict[str, dict[str, t.Any]]


def filled(spec: Spec, found: list[str]) -> dict[str, t.Any]:
    """Parameters in which every option with no_log has a value of its own; those values are added to `found`."""
    params: dict[str, t.Any] = {}
    for name, option in spec.items():
        if option.get("no_log"):
            found.append(f"canary-{len(found)}")
            params[name] = found[-1]
        elif option.get("options"):
            inner = filled(option["options"], found)
            params[name] = [inner] if option["type"] == "list" else inner
    return params


SPECS = [
    name
    for name, value in vars(argument_specs).items()
    if name.isupper() and isinstance(value, dict) and name[0] != "_"
]


@pytest.mark.parametrize("name", SPECS)
def test_every_option_that_is_not_logged_is_a_secret(name: str) -> None:
    """C8: at whatever depth of whatever specification; a new one needs no second list."""
    spec: Spec = getattr(argument_specs, name)
    found: list[str] = []
    params = filled(spec, found)
    assert sorted(secret_values(params, spec)) == sorted(found)
    shown = str(masked(params, spec))
    assert "canary" not in shown
    assert shown.count(MASK) == len(found)
