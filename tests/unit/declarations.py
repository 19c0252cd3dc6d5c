"""Declarations, parsed as a run parses them: what the pure tests start from."""

from __future__ import annotations

import copy
import typing as t

from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible_collections.tidegate.platform.plugins.module_utils._core.options.argument_specs import (
    WORKLOAD_IMAGE,
    WORKLOADS,
)
from ansible_collections.tidegate.platform.plugins.module_utils._core.options.parse import Context, parse
from ansible_collections.tidegate.platform.plugins.module_utils._core.values.errors import InvalidOption
from ansible_collections.tidegate.platform.plugins.module_utils._core.values.identity import Document
from ansible_collections.tidegate.platform.plugins.module_utils._core.values.release import Release
from ansible_collections.tidegate.platform.plugins.module_utils._core.values.workload import Workload

MINIMAL = {"name": "shop", "image": "registry.test/shop:1"}
Params = dict[str, t.Any]


def validated(**options: t.Any) -> Params:
    """Parameters as AnsibleModule hands them over: defaults filled in, suboptions too."""
    result = ArgumentSpecValidator(copy.deepcopy(WORKLOAD_IMAGE)).validate({**MINIMAL, **options})
    if result.error_messages:
        raise InvalidOption("arguments", options, "; ".join(result.error_messages), "")
    parameters: Params = result.validated_parameters
    return parameters


def declared(**options: t.Any) -> Workload:
    """A parsed workload."""
    return parse(validated(**options), Context(lambda value: f"v{len(value)}"))


CANARY = "canary-4b1d"


def dockerfile(**options: t.Any) -> Workload:
    """A parsed workload of a list."""
    element = {"name": "shop", "type": "dockerfile", "source": {"path": "/srv/shop"}, **options}
    result = ArgumentSpecValidator(copy.deepcopy(WORKLOADS)).validate({"workloads": [element]})
    assert not result.error_messages, result.error_messages
    return parse(result.validated_parameters["workloads"][0], Context(lambda value: f"v{len(value)}"))


def release(identity: str, state: str = "running") -> Release:
    route: dict[str, t.Any] = {"http": {"routers": {}}}
    return Release(identity, "shop:1", "sha256:1", "f", (f"shop-{identity}-1",), route, {"port": 8000}, state)


CATALOG: Document = {"runners": [{"name": "python", "language": "python", "image": "python:3"}], "presets": []}


def built(kind: str, **options: t.Any) -> Workload:
    """A parsed workload of a list."""
    element = {"name": "shop", "type": kind, "source": {"path": "/srv/shop"}, kind: options}
    result = ArgumentSpecValidator(copy.deepcopy(WORKLOADS)).validate({"workloads": [element]})
    assert not result.error_messages, result.error_messages
    return parse(result.validated_parameters["workloads"][0], Context(lambda _value: "v", catalog=lambda: CATALOG))
