"""A registry's password is for that registry, whatever others a declaration or a Dockerfile of its source names."""

from __future__ import annotations

import copy
import typing as t

import pytest
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible_collections.tidegate.platform.plugins.module_utils._core.engine.client import Client
from ansible_collections.tidegate.platform.plugins.module_utils._core.engine.images import Images
from ansible_collections.tidegate.platform.plugins.module_utils._core.options.argument_specs import WORKLOADS
from ansible_collections.tidegate.platform.plugins.module_utils._core.options.parse import Here, parse
from ansible_collections.tidegate.platform.plugins.module_utils._core.values.errors import InvalidOption
from ansible_collections.tidegate.platform.plugins.module_utils._core.values.workload import (
    Registry,
    Workload,
    registry_of,
)

MINE = {"registry_username": "team", "registry_password": "s3cr3t"}
IMAGE: dict[str, t.Any] = {"image": "registry.test:5000/team/shop:1", "registry": None}
BUILT: dict[str, t.Any] = {"type": "dockerfile", "source": {"git": "https://git.test/shop.git"}}


@pytest.mark.parametrize(
    ("reference", "registry"),
    [
        ("app:1", "docker.io"),
        ("team/app:1", "docker.io"),
        ("docker.io/team/app:1", "docker.io"),
        ("index.docker.io/team/app:1", "docker.io"),
        ("registry.test/app:1", "registry.test"),
        ("Registry.Test/app:1", "registry.test"),
        ("registry.test:5000/app@sha256:abc", "registry.test:5000"),
        ("registry:5000/app", "registry:5000"),
        ("localhost/app", "localhost"),
        ("app@sha256:abc", "docker.io"),
    ],
)
def test_the_registry_of_a_reference_is_the_engines(reference: str, registry: str) -> None:
    """Docker Hub has several names, and none."""
    assert registry_of(reference) == registry


def wanted(**options: t.Any) -> Workload:
    """An element of `workloads`, parsed."""
    rows = {"workloads": [{"name": "shop", **MINE, **options}]}
    found = ArgumentSpecValidator(copy.deepcopy(WORKLOADS)).validate(rows)
    assert not found.error_messages
    return parse(found.validated_parameters["workloads"][0], Here(lambda value: value))


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


@pytest.mark.parametrize(("reference", "told"), [("mine.test/base:1", True), ("evil.test/base:1", False)])
def test_no_other_registry_is_told(reference: str, told: bool) -> None:
    """Neither by a pull nor by the question for a digest."""
    asked: list[t.Any] = []

    class Asked:
        """What the engine's SDK was asked with."""

        def pull(self, _reference: str, **options: t.Any) -> list[t.Any]:
            """Nothing to report."""
            asked.append(options["auth_config"])
            return []

        def inspect_distribution(self, _reference: str, auth_config: t.Any) -> t.Any:
            """A digest."""
            asked.append(auth_config)
            return {"Descriptor": {"digest": "sha256:abc"}}

    client = Client.__new__(Client)
    client.api = Asked()
    images = Images(client)
    registry = Registry("mine.test", "team", "s3cr3t")
    images.pull(reference, registry, lambda: None)
    images.remote_digest(reference, registry)
    assert asked == [{"username": "team", "password": "s3cr3t"} if told else None] * 2
