# Copyright: (c) 2026, tidegate.platform contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Module parameters to a frozen `Workload`; every contradiction is found here."""

from __future__ import annotations

import typing as t
from dataclasses import replace

from ..host.places import Places
from ..values import grammar, identity
from ..values.container import ContainerSpec
from ..values.errors import InvalidOption
from ..values.identity import Document, Subject
from ..values.recipe import Recipe
from ..values.workload import Registry, State, Strategy, Workload, nothing, registry_of
from . import build, compose, hidden, runner, site, traffic
from .argument_specs import DECLARATION, KIND, SOURCES, filled
from .checks import DEFAULT_STATE_DIR, Params, positive
from .compose import COMPOSE
from .container import container, secrets_of
from .snapshot import keeps_image_volumes, snapshot, without_secrets

RECIPES: dict[str, t.Callable[[Params, Document], Recipe]] = {
    "dockerfile": build.dockerfile,
    "static": site.static,
    "runner": runner.runner,
}


class Context(t.NamedTuple):
    """What parsing needs to know of the host: how secrets are told, where its state is, its language images."""

    version_of: t.Callable[[str], str]
    state_dir: str = DEFAULT_STATE_DIR
    catalog: t.Callable[[], Document] = dict


def parse(params: Params, context: Context) -> Workload:
    """The declared workload.

    :param params: the module's parameters, defaults filled in.
    :raises InvalidOption: names option, value and remedy.
    """
    params = filled(DECLARATION, params)
    grammar.WORKLOAD.check("name", params["name"])
    grammar.ENVIRONMENT.check("environment", params["environment"])
    state, strategy = State(params["state"]), Strategy(params["strategy"] or usual_strategy(params))
    if params["remove_volumes"] and state is not State.ABSENT:
        raise InvalidOption("remove_volumes", True, f"contradicts state={state.value}", "It goes with state=absent.")
    if state is not State.PRESENT:  # the other options say how to make a release, and none is made
        subject = Subject(params["name"], params["environment"])
        return replace(_leaving(nothing(subject, state), params), remove_volumes=params["remove_volumes"])
    return present(_effective(params, context), strategy, context)


def _leaving(want: Workload, params: Params) -> Workload:
    """The same with what is given, though nothing is to run, to those who leave."""
    if params["stop_timeout"] is not None:
        positive("stop_timeout", params["stop_timeout"], strict=False)
    return replace(
        want,
        drain=traffic.drain(params) if params["drain"] is not None else None,
        stop_timeout=params["stop_timeout"],
    )


def _effective(params: Params, context: Context) -> Params:
    """The parameters with what their source decides; a record has them already."""
    _refuse_foreign(params)
    if params["type"] == "compose":
        return {**params, "compose": filled(COMPOSE["compose"]["options"], params["compose"] or {})}
    if params["type"] == "static":
        old = Places(context.state_dir).site(identity.key_of(params["name"], params["environment"]))
        return site.serves(params, old)
    return runner.runs(params, context.catalog()) if params["type"] == "runner" else params


def present(params: Params, strategy: Strategy, context: Context, *, pinned: bool = False) -> Workload:
    """A declaration that makes a release; one that is pinned to its artifact needs no source."""
    if params["stop_timeout"] is None:
        params = {**params, "stop_timeout": ContainerSpec.stop_timeout}
    if pinned:
        return _made(params, strategy, context, pinned=True)
    params = hidden.moved(params)
    want = _made(params, strategy, context, pinned=False)
    hidden.refuse(params, want.snapshot)
    return want


def _made(params: Params, strategy: Strategy, context: Context, *, pinned: bool) -> Workload:
    if params["type"] == "compose":
        return _stacked(params, strategy, context, pinned=pinned)
    if strategy is Strategy.ROLLING:
        raise InvalidOption("strategy", strategy.value, "is for type=compose", "Use blue-green.")
    secrets = secrets_of(params, context.version_of)
    spec = container(params, secrets)
    recipe = None
    if params["type"] not in RECIPES:
        _image(params)
    elif not pinned:
        recipe = RECIPES[params["type"]](params, context.catalog())
    _refuse_impossible(strategy, spec)
    if strategy is Strategy.HANDOVER and params["routes"]:
        raise InvalidOption("strategy", strategy.value, "hands ports over, not routes", "Use blue-green without ports.")
    positive("release_command_timeout", params["release_command_timeout"])
    positive("retain", params["retain"], strict=False)
    return Workload(
        name=params["name"],
        environment=params["environment"],
        state=State.PRESENT,
        strategy=strategy,
        container=spec,
        snapshot=snapshot(params, secrets),
        secrets=secrets,
        routes=traffic.routes(params),
        gate=traffic.gate(params),
        drain=traffic.drain(params),
        stop_timeout=spec.stop_timeout,
        pull=params["pull"],
        registry=_registry(params),
        release_command=tuple(params["release_command"] or ()),
        release_command_timeout=params["release_command_timeout"],
        force=params["force"],
        bake=traffic.bake(params),
        sequence=params["sequence"],
        recipe=recipe,
        keeps_image_volumes=keeps_image_volumes(params),
        keep_assets=float((params["static"] or {}).get("keep_assets") or 0.0),
    )


def usual_strategy(params: Params) -> Strategy:
    """A source other than an image replaces in place unless told otherwise (DS-01)."""
    return Strategy.BLUE_GREEN if params["type"] == "image" else Strategy.RECREATE


def _refuse_foreign(params: Params) -> None:
    """Refuse what another source would take."""
    own = SOURCES[params["type"]]
    for name, option in DECLARATION.items():
        if name not in own and name not in KIND and params[name] != option.get("default"):
            raise InvalidOption(name, params[name], f"means nothing for type={params['type']}", "Remove it.")


def _stacked(params: Params, strategy: Strategy, context: Context, *, pinned: bool) -> Workload:
    """A Compose project: its services are containers of their own kind."""
    if strategy not in (Strategy.RECREATE, Strategy.ROLLING):
        remedy = "Use rolling, which replaces services one by one, or recreate."
        raise InvalidOption("strategy", strategy.value, "cannot be done with a Compose project", remedy)
    if params["pull"] != "missing" and not pinned:
        raise InvalidOption("pull", params["pull"], "cannot be done with a Compose project", "Name other tags.")
    stack = compose.stack(params, context.version_of)
    positive("retain", params["retain"], strict=False)
    return Workload(
        name=params["name"],
        environment=params["environment"],
        state=State.PRESENT,
        strategy=strategy,
        container=ContainerSpec(image=f"compose/{stack.project}"),
        snapshot=without_secrets(snapshot({**params, "secrets": []}, ()), stack),
        secrets=stack.secrets,
        routes=tuple(route for exposed in stack.exposed for route in exposed.routes),
        drain=traffic.drain(params),
        pull=params["pull"],
        force=params["force"],
        sequence=params["sequence"],
        stack=stack,
    )


def _image(params: Params) -> None:
    image = params["image"]
    if not image:
        raise InvalidOption("image", image, "is missing", "Set image to a reference with a tag or a digest.")
    grammar.IMAGE.check("image", image)
    if "@" not in image and ":" not in image.rpartition("/")[2]:
        raise InvalidOption("image", image, "has neither tag nor digest", "Name the version; latest is never implied.")


def _registry(params: Params) -> Registry | None:
    """Credentials with the registry that they are for: a Dockerfile of a source may name any other, and gets none."""
    if not params["registry_username"] and not params["registry_password"]:
        return None
    if not (params["registry_username"] and params["registry_password"]):
        raise InvalidOption(
            "registry_username", params["registry_username"], "goes with registry_password", "Give both."
        )
    if params["registry"]:
        host = registry_of(f"{grammar.REGISTRY.check('registry', params['registry'])}/")
    elif params["type"] == "image":
        host = registry_of(params["image"])
    else:
        cause = "is missing: registry_password is for one registry, and base images may be of any"
        raise InvalidOption("registry", None, cause, "Name the registry that it is for, e.g. registry.example.org.")
    return Registry(host, params["registry_username"], params["registry_password"])


def _refuse_impossible(strategy: Strategy, container: ContainerSpec) -> None:
    """What cannot be carried out is an error, never a silent downgrade (DS-02, DS inv. 5 and 6)."""
    if strategy is Strategy.HANDOVER:
        _refuse_handover(container)
        container = replace(container, ports=())
    together = "replicas" if container.replicas > 1 else "strategy"
    value: t.Any = container.replicas if container.replicas > 1 else strategy.value
    if strategy is Strategy.RECREATE and container.replicas == 1:
        return
    remedy = "Set strategy to recreate" + (" and replicas to 1." if container.replicas > 1 else ".")
    if container.addresses and strategy is not Strategy.HANDOVER:
        address = container.addresses[0][1]
        raise InvalidOption(together, value, f"cannot share the address {address} between two containers", remedy)
    if container.ports:
        port = container.ports[0].host
        raise InvalidOption(together, value, f"cannot share host port {port} between two containers", remedy)
    for mount in container.mounts:
        if not mount.read_only and not mount.shared and not (mount.one_writer and strategy is Strategy.HANDOVER):
            cause = f"would let two containers write {mount.target} at once"
            raise InvalidOption(together, value, cause, remedy[:-1] + ", or mark the volume read_only or shared.")


def _refuse_handover(container: ContainerSpec) -> None:
    """A handover hands ports over, of one container."""
    option, value = "strategy", Strategy.HANDOVER.value
    if container.replicas > 1:
        raise InvalidOption("replicas", container.replicas, "cannot share ports", "Set replicas to 1.")
    if not container.ports:
        raise InvalidOption(option, value, "has no published port to hand over", "Set ports, or use recreate.")
