# Copyright: (c) 2026, tidegate.platform contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Module parameters to a frozen `Workload`; every contradiction is found here. Private to tidegate.platform."""

from __future__ import annotations

import re
import typing as t
from dataclasses import replace

from . import _names, _options
from ._declared import ContainerSpec, Registry, Secret, State, Strategy, Subject, Workload
from ._errors import InvalidOption
from ._model import Release
from ._options import Params, positive, unique
from ._spec import DECLARATION, filled

LABEL_PREFIX = "tidegate."
# Not part of a release: how this run talks to the host, and what never may be recorded.
_NOT_IN_SNAPSHOT = {
    "state_dir",
    "routes_dir",
    "traefik_api",
    "traefik_timeout",
    "docker_host",
    "lock_timeout",
    "disk_reserve",
    "sequence",
    "remove_volumes",
    "registry_username",
    "registry_password",
    "force",
}


def parse(params: Params, version_of: t.Callable[[str], str]) -> Workload:
    """The declared workload.

    :param params: the module's parameters, defaults filled in.
    :param version_of: keyed hash of a secret's value.
    :raises InvalidOption: names option, value and remedy.
    """
    _names.WORKLOAD.check("name", params["name"])
    _names.ENVIRONMENT.check("environment", params["environment"])
    state, strategy = State(params["state"]), Strategy(params["strategy"] or "blue-green")
    if params["remove_volumes"] and state is not State.ABSENT:
        raise InvalidOption("remove_volumes", True, f"contradicts state={state.value}", "It goes with state=absent.")
    if state is not State.PRESENT:  # the other options say how to make a release, and none is made
        subject = Subject(params["name"], params["environment"])
        return replace(nothing(subject, state), remove_volumes=params["remove_volumes"])
    secrets = _secrets(params, version_of)
    container = _container(params, secrets)
    _image(params)
    _refuse_impossible(strategy, container)
    if strategy is Strategy.HANDOVER and params["routes"]:
        raise InvalidOption("strategy", strategy.value, "hands ports over, not routes", "Use blue-green without ports.")
    positive("release_command_timeout", params["release_command_timeout"])
    positive("retain", params["retain"], strict=False)
    return Workload(
        name=params["name"],
        environment=params["environment"],
        state=state,
        strategy=strategy,
        container=container,
        snapshot=snapshot(params, secrets),
        secrets=secrets,
        routes=_options.routes(params),
        gate=_options.gate(params),
        drain=_options.drain(params),
        pull=params["pull"],
        registry=_registry(params),
        release_command=tuple(params["release_command"] or ()),
        release_command_timeout=params["release_command_timeout"],
        force=params["force"],
        bake=_options.bake(params),
        sequence=params["sequence"],
    )


def nothing(subject: Subject, state: State = State.ABSENT) -> Workload:
    """A declaration that makes no release."""
    return Workload(*subject, state, Strategy.BLUE_GREEN, ContainerSpec(image=""), {})


def again(release: Release, values: t.Mapping[str, str], version_of: t.Callable[[str], str]) -> Workload:
    """The declaration that a release was made by, pinned to its artifact.

    :param values: its secrets by name, as they are kept on the host.
    :raises InvalidOption: a secret is not kept any more.
    """
    given = release.snapshot["secrets"]
    for secret in given:
        if version_of(values.get(secret["name"], "")) != secret["version"]:
            cause = f"of release {release.id} is not kept on this host any more"
            raise InvalidOption("secrets", secret["name"], cause, "Deploy the declaration, which brings the secret.")
    params = filled(DECLARATION, release.snapshot)
    params["secrets"] = [{"name": s["name"], "delivery": s["delivery"], "value": values[s["name"]]} for s in given]
    params.update(state=release.state if release.state == State.STOPPED.value else "present", pull="never")
    want = parse(params, version_of)
    return replace(want, artifact=release.image_id, snapshot=release.snapshot)


def snapshot(params: Params, secrets: tuple[Secret, ...]) -> dict[str, t.Any]:
    """The complete declaration as it is recorded with a deployment: secrets by name and version only."""
    kept = {k: v for k, v in params.items() if k not in _NOT_IN_SNAPSHOT}
    kept["secrets"] = [{"name": s.name, "delivery": s.delivery, "version": s.version} for s in secrets]
    return kept


def _image(params: Params) -> None:
    image = params["image"]
    if not image:
        raise InvalidOption("image", image, "is missing", "Set image to a reference with a tag or a digest.")
    _names.IMAGE.check("image", image)
    if "@" not in image and ":" not in image.rpartition("/")[2]:
        raise InvalidOption("image", image, "has neither tag nor digest", "Name the version; latest is never implied.")


def _container(params: Params, secrets: tuple[Secret, ...]) -> ContainerSpec:
    positive("replicas", params["replicas"])
    positive("stop_timeout", params["stop_timeout"], strict=False)
    positive("cpus", params["cpus"])
    positive("pids", params["pids"])
    for network in params["networks"]:
        _names.NETWORK.check("networks", network)
        if network in ("host", "none"):
            raise InvalidOption("networks", network, "is not a network of containers", "Name a bridge network.")
    unique("networks", params["networks"])
    for alias in params["aliases"]:
        _names.WORKLOAD.check("aliases", alias)
    if params["aliases"] and not params["networks"]:
        raise InvalidOption("aliases", params["aliases"], "need a network", "Set networks.")
    if params["stop_signal"] and not re.fullmatch(r"SIG[A-Z0-9+-]+", params["stop_signal"]):
        raise InvalidOption("stop_signal", params["stop_signal"], "is not a signal", "Write it as SIGTERM or SIGQUIT.")
    return ContainerSpec(
        image=params["image"] or "",
        env=_env(params, secrets),
        secrets=tuple(sorted((s.name, s.delivery, s.version) for s in secrets)),
        command=_words(params["command"]),
        entrypoint=_words(params["entrypoint"]),
        mounts=_options.mounts(params),
        tmpfs=tuple(_names.ABSOLUTE.check("tmpfs", path) for path in params["tmpfs"]),
        networks=tuple(params["networks"]),
        aliases=tuple(params["aliases"]),
        ports=_options.ports(params),
        port=_options.port_number("port", params["port"]),
        memory=_bytes("memory", params["memory"]),
        cap_add=_capabilities("cap_add", params),
        cap_drop=_capabilities("cap_drop", params),
        user=_user(params),
        labels=_labels(params),
        log_options=tuple(sorted((k, _scalar(f"log_options.{k}", v)) for k, v in params["log_options"].items())),
        **{name: params[name] for name in _PLAIN},
    )


_PLAIN = (
    "replicas",
    "working_dir",
    "cpus",
    "pids",
    "read_only",
    "init",
    "no_new_privileges",
    "allow_root",
    "restart_policy",
    "log_driver",
    "stop_timeout",
    "stop_signal",
)


def _words(value: list[str] | None) -> tuple[str, ...] | None:
    return None if value is None else tuple(value)


def _secrets(params: Params, version_of: t.Callable[[str], str]) -> tuple[Secret, ...]:
    parsed = tuple(
        Secret(_names.SECRET.check("secrets.name", s["name"]), s["value"], s["delivery"], version_of(s["value"]))
        for s in params["secrets"]
    )
    unique("secrets.name", (s.name for s in parsed))
    for secret in parsed:
        if secret.delivery == "environment":
            _names.ENV_KEY.check("secrets.name", secret.name)
        if secret.delivery == "environment" and secret.name in params["env"]:
            raise InvalidOption("secrets.name", secret.name, "is also in env", "Keep it in secrets only.")
        if not secret.value:
            raise InvalidOption("secrets.value", "", f"of {secret.name} is empty", "Give the value, or remove it.")
    return parsed


def _env(params: Params, secrets: tuple[Secret, ...]) -> tuple[tuple[str, str], ...]:
    known = {s.value: s.name for s in secrets}
    pairs = []
    for key, value in params["env"].items():
        text = _scalar(f"env.{_names.ENV_KEY.check('env', str(key))}", value)
        if text in known:
            raise InvalidOption(f"env.{key}", "***", f"repeats the secret {known[text]}", "Deliver it in secrets only.")
        pairs.append((str(key), text))
    return tuple(sorted(pairs))


def _scalar(option: str, value: t.Any) -> str:
    """Text of a string or number; a boolean is refused, because YAML's yes and no hide what was meant."""
    if isinstance(value, str):
        if "\x00" in value:
            raise InvalidOption(option, value, "holds a zero byte", "Remove it.")
        return value
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return str(value)
    raise InvalidOption(option, value, "is not a string or a number", "Put it in quotes.")


def _labels(params: Params) -> tuple[tuple[str, str], ...]:
    for key in params["labels"]:
        if str(key).startswith(LABEL_PREFIX):
            raise InvalidOption("labels", key, f"starts with {LABEL_PREFIX}", "That prefix is the platform's own.")
    return tuple(sorted((str(k), _scalar(f"labels.{k}", v)) for k, v in params["labels"].items()))


def _capabilities(option: str, params: Params) -> tuple[str, ...]:
    for name in params[option]:
        if not re.fullmatch(r"[A-Z][A-Z_]+", name):
            raise InvalidOption(option, name, "is not a capability", "Write it as NET_BIND_SERVICE, or ALL.")
    return tuple(params[option])


def _user(params: Params) -> str | None:
    user: str | None = params["user"]
    if user is None:
        return None
    if not re.fullmatch(r"[A-Za-z0-9_][A-Za-z0-9_.-]*(?::[A-Za-z0-9_][A-Za-z0-9_.-]*)?", user):
        raise InvalidOption("user", user, "is not a user", "Write a name or number, with :group if needed.")
    if is_root(user) and not params["allow_root"]:
        raise InvalidOption("user", user, "is root", "Choose another user, or set allow_root to true.")
    return user


def is_root(user: str) -> bool:
    """True for an image's or option's user that is uid 0."""
    name = user.partition(":")[0]
    return name in ("", "root") or (name.isdigit() and int(name) == 0)


def _bytes(option: str, text: str | None) -> int | None:
    if text is None:
        return None
    size = _options.size(option, text)
    if size < 6 * 2**20:  # the engine's own minimum
        raise InvalidOption(option, text, "is below the engine's minimum of 6m", "Raise it.")
    return size


def _registry(params: Params) -> Registry | None:
    if not params["registry_username"] and not params["registry_password"]:
        return None
    if not (params["registry_username"] and params["registry_password"]):
        raise InvalidOption(
            "registry_username", params["registry_username"], "goes with registry_password", "Give both."
        )
    return Registry(params["registry_username"], params["registry_password"])


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
    if container.ports:
        port = container.ports[0].host
        raise InvalidOption(together, value, f"cannot share host port {port} between two containers", remedy)
    for mount in container.mounts:
        if not mount.read_only and not mount.shared:
            cause = f"would let two containers write {mount.target} at once"
            raise InvalidOption(together, value, cause, remedy[:-1] + ", or mark the volume read_only or shared.")


def _refuse_handover(container: ContainerSpec) -> None:
    """A handover hands ports over, those of the packet filter, of one container."""
    option, value = "strategy", Strategy.HANDOVER.value
    if container.replicas > 1:
        raise InvalidOption("replicas", container.replicas, "cannot share ports", "Set replicas to 1.")
    if not any(_options.passes_filter(port) for port in container.ports):
        cause = "has no published port that passes the packet filter"
        raise InvalidOption(
            option, value, cause, "Set ports with an IPv4 address that is not loopback, or use recreate."
        )
