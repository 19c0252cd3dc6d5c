"""A registry's password is for that registry, whatever others a declaration or a Dockerfile of its source names."""

from __future__ import annotations

import copy
import typing as t

import pytest
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible_collections.tidegate.platform.plugins.module_utils._core.options.argument_specs import WORKLOADS
from ansible_collections.tidegate.platform.plugins.module_utils._core.options.parse import Context, parse
from ansible_collections.tidegate.platform.plugins.module_utils._core.values.errors import InvalidOption
from ansible_collections.tidegate.platform.plugins.module_utils._core.values.workload import Registry, Workload

MINE = {"registry_username": "team", "registry_password": "s3cr3t"}
IMAGE: dict[str, t.Any] = {"image": "registry.test:5000/team/shop:1", "registry": None}
BUILT: dict[str, t.Any] = {"type": "dockerfile", "source": {"git": "https://git.test/shop.git"}}


def wanted(**options: t.Any) -> Workload:
    """An element of `workloads`, parsed."""
    rows = {"workloads": [{"name": "shop", **MINE, **options}]}
    found = ArgumentSpecValidator(copy.deepcopy(WORKLOADS)).validate(rows)
    assert not found.error_messages
    return parse(found.validated_parameters["workloads"][0], Context(lambda value: value))


@pytest.mark.parametrize(
    ("options", "host"),
    [
        (IMAGE, "registry.test:5000"),
        ({**IMAGE, "registry": "other.test"}, "other.test"),
        ({**BUILT, "registry": "Registry.test"}, "registry.test"),
        ({**BUILT, "registry": "docker.io"}, "docker.io"),
        ({**BUILT, "registry": "registry:5000"}, "registry:5000"),
    ],
)
def test_credentials_are_for_one_registry(options: dict[str, t.Any], host: str) -> None:
    """Of an image it is the image's own unless another is named; it is no part of a release."""
    want = wanted(**options)
    assert want.registry == Registry(host, "team", "s3cr3t")
    assert not {"registry", *MINE} & set(want.snapshot)


def test_what_is_built_says_which_registry_its_password_is_for() -> None:
    """Nothing but its Dockerfile would, which comes with the source."""
    with pytest.raises(InvalidOption) as raised:
        wanted(**BUILT)
    assert raised.value.option == "registry"
    assert "s3cr3t" not in str(raised.value)
