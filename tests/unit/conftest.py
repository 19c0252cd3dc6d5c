"""Values that the pure tests start from."""

from __future__ import annotations

import copy
import typing as t

import pytest
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible_collections.tidegate.platform.plugins.module_utils._core.options.argument_specs import WORKLOAD_IMAGE
from ansible_collections.tidegate.platform.plugins.module_utils._core.options.parse import Here, parse
from ansible_collections.tidegate.platform.plugins.module_utils._core.values.errors import InvalidOption
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
    return parse(validated(**options), Here(lambda value: f"v{len(value)}"))


@pytest.fixture
def declare() -> t.Callable[..., Workload]:
    """The parser, with the least that a declaration needs."""
    return declared
