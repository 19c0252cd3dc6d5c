# Copyright: (c) 2026, tidegate.platform contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The option `runner`: a recipe for an application without a Dockerfile."""

from __future__ import annotations

import typing as t

from ..sources import runners
from ..values.errors import InvalidOption
from ..values.identity import Document, canonical
from ..values.recipe import Recipe
from . import checks
from .build import LIMITS, build_network, limits, pairs, refuse_lines
from .checks import Params, Spec
from .source import source

RUNNER: Spec = {
    "runner": {
        "type": "dict",
        "options": {
            "image": {"type": "str"},
            "preset": {"type": "str", "default": "auto"},
            "install_command": {"type": "str"},
            "build_command": {"type": "str"},
            "pre_deploy_command": {"type": "str"},
            "start_command": {"type": "str"},
            "build_env": {"type": "dict"},
            **LIMITS,
        },
    },
}


def runner(params: Params, catalog: Document) -> Recipe:
    """A recipe whose Dockerfile is written from a language image and a preset: `source` and `runner`, checked.

    :param catalog: the host's runners and presets.
    :raises InvalidOption: names option, value and remedy.
    """
    given = params["runner"] or {}
    name, preset = given.get("image"), given.get("preset") or "auto"
    env = dict(pairs("runner.build_env", given.get("build_env")))
    _refuse_reserved("runner.build_env", env)
    refuse_lines("runner.build_env", env)
    if name is not None:
        runners.runner_of(catalog, name, ())
    commands = {key: given.get(f"{key}_command") for key in runners.COMMANDS}
    for key, text in commands.items():
        if text is not None and (not text.strip() or "\x00" in text):
            raise InvalidOption(f"runner.{key}_command", text, "is empty", "Give a command, or leave the option out.")
    facts = {
        "image": name,
        "runners": runners.enabled(catalog),
        "presets": runners.presets_of(catalog, preset),
        "commands": commands,
        "env": env,
    }
    return Recipe(
        source=source(params),
        dockerfile=runners.GENERATED,
        generated="runner",
        facts=canonical(facts),
        network=build_network(given.get("network")),
        limits=limits(given),
    )


def runs(params: Params, catalog: Document) -> dict[str, t.Any]:
    """The parameters of a runner's container: port, limits of the catalog, the command before a deployment.

    :raises InvalidOption: a variable is the platform's own (DP-T14), or a limit is above the catalog's.
    """
    given = params["runner"] or {}
    _refuse_reserved("env", params["env"])
    found = dict(params)
    if params["port"] is None:
        found["port"] = runners.PORT
    rows = [runners.runner_of(catalog, given["image"], ())] if given.get("image") else runners.enabled(catalog)
    for option in ("memory", "cpus"):
        found[option] = _limited(option, params[option], rows)
    if given.get("pre_deploy_command") and not params["release_command"]:
        found["release_command"] = ["/bin/sh", "-ec", given["pre_deploy_command"]]
    return found


def _limited(option: str, value: t.Any, rows: t.Sequence[Document]) -> t.Any:
    """A limit, or the catalog's usual one; of several runners that it may come to be, what suits them all."""

    def measure(limit: t.Any) -> float:
        return float(checks.size(option, limit) if option == "memory" else limit)

    bounds = [row[f"max_{option}"] for row in rows if f"max_{option}" in row]
    usual = [row[option] for row in rows if option in row]
    if value is None:
        return min(usual, key=measure) if usual else None
    most = min(bounds, key=measure) if bounds else None
    if most is not None and measure(value) > measure(most):
        raise InvalidOption(
            option, value, f"is above {most}, the most by the catalog", "Lower it, or set runner.image."
        )
    return value


def _refuse_reserved(option: str, env: t.Iterable[str]) -> None:
    for key in env:
        if str(key) in runners.RESERVED or str(key).startswith("TIDEGATE_"):
            raise InvalidOption(option, key, "is set by the platform", "Remove it.")
