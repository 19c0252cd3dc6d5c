"""Compose projects, from their declaration to what is planned for them: what tests of several rooms start from."""

from __future__ import annotations

import copy
import typing as t

from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible_collections.tidegate.platform.plugins.module_utils._core.decide import stacks
from ansible_collections.tidegate.platform.plugins.module_utils._core.host.secrets import Secrets
from ansible_collections.tidegate.platform.plugins.module_utils._core.options.argument_specs import WORKLOADS
from ansible_collections.tidegate.platform.plugins.module_utils._core.options.parse import Context, parse
from ansible_collections.tidegate.platform.plugins.module_utils._core.sources import compose_model
from ansible_collections.tidegate.platform.plugins.module_utils._core.values.actual import Actual, Container
from ansible_collections.tidegate.platform.plugins.module_utils._core.values.release import Release
from ansible_collections.tidegate.platform.plugins.module_utils._core.values.stack import Definition
from ansible_collections.tidegate.platform.plugins.module_utils._core.values.workload import Workload

OWNER = {"tidegate.workload": "shop"}
WEB = {"image": "web:1"}
SIGN = Secrets("/nowhere").version
ROUTED = {"name": "web", "port": 80, "routes": [{"host": "shop.test"}]}


def declared_project(**options: t.Any) -> Workload:
    """A parsed stack."""
    project = {"definition": {"services": {"web": WEB}}, "services": [ROUTED], **options.pop("compose", {})}
    element = {"name": "shop", "type": "compose", "strategy": "rolling", "compose": project, **options}
    result = ArgumentSpecValidator(copy.deepcopy(WORKLOADS)).validate({"workloads": [element]})
    assert not result.error_messages, result.error_messages
    return parse(result.validated_parameters["workloads"][0], Context(lambda _value: ""))


def defined(services: dict[str, t.Any], want: Workload | None = None, **more: t.Any) -> Definition:
    """What Compose made of these services, and of what else its file has."""
    stack = (want or declared_project()).stack
    assert stack
    return compose_model.definition(stack, "id", {"services": copy.deepcopy(services), **more}, OWNER, SIGN)


def there(definition: Definition, **states: str) -> tuple[Container, ...]:
    """A container of each service, as it is declared."""
    return tuple(
        Container(f"{s.name}-1", states.get(s.name, "running"), fingerprint=s.fingerprint, service=s.name)
        for s in definition.services
    )


def planned_steps(want: Workload, have: Actual) -> list[str]:
    """The plan's steps, rolls with the service that they are of."""
    candidate = Release("02", "compose/x", "id", "new", (), None, want.snapshot)
    steps = stacks.decide(want, have, candidate).steps
    return [f"{s.verb.value} {s.service.name}" if s.service else s.verb.value for s in steps]


PAIR = {"web": WEB, "db": {"image": "db:1"}}


def release_of(identity: str, fingerprint: str = "fp") -> Release:
    """A release of a project."""
    return Release(identity, "compose/x", "id", fingerprint, (), None, declared_project().snapshot)
