# Copyright: (c) 2026, tidegate.platform contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The argument specification of each module, composed of the pieces of this room.

Each piece has a documentation fragment.
"""

from __future__ import annotations

import typing as t

from .build import BUILD
from .checks import DEFAULT_ROUTES_DIR, DEFAULT_STATE_DIR, DEFAULT_TRAEFIK_API, Spec
from .compose import COMPOSE
from .container import CONTAINER
from .runner import RUNNER
from .site import STATIC
from .source import SOURCE
from .traffic import HEALTH, ROUTES

HOST: Spec = {
    "state_dir": {"type": "path", "default": DEFAULT_STATE_DIR},
    "routes_dir": {"type": "path", "default": DEFAULT_ROUTES_DIR},
    "traefik_api": {"type": "str", "default": DEFAULT_TRAEFIK_API},
    "traefik_timeout": {"type": "float", "default": 10.0},
    "docker_host": {"type": "str", "default": "unix:///var/run/docker.sock"},
    "lock_timeout": {"type": "float", "default": 600.0},
    "disk_reserve": {"type": "str", "default": "1g"},
}

WORKLOAD: Spec = {
    "name": {"type": "str", "required": True},
    "environment": {"type": "str", "default": "production"},
    "state": {"type": "str", "choices": ["present", "stopped", "absent"], "default": "present"},
    "strategy": {"type": "str", "choices": ["blue-green", "recreate", "handover", "rolling"]},
    "force": {"type": "bool", "default": False},
    "retain": {"type": "int", "default": 5},
    "sequence": {"type": "int"},
    "unsafe": {"type": "bool", "default": False},
    "remove_volumes": {"type": "bool", "default": False},
}

IMAGE: Spec = {
    "image": {"type": "str"},
    "pull": {"type": "str", "choices": ["missing", "always", "never"], "default": "missing"},
    "registry": {"type": "str"},
    "registry_username": {"type": "str"},
    "registry_password": {"type": "str", "no_log": True},
}

PROGRESS: Spec = {"progress_file": {"type": "path"}}
PULL: Spec = {name: option for name, option in IMAGE.items() if name != "image"}
_RUNS: Spec = {**CONTAINER, **HEALTH, **ROUTES}
# What each source takes; the modules for one workload know their source, in a list each element names it.
SOURCES: dict[str, Spec] = {
    "image": {**WORKLOAD, **IMAGE, **_RUNS},
    "dockerfile": {**WORKLOAD, **SOURCE, **BUILD, **PULL, **_RUNS},
    "static": {**WORKLOAD, **SOURCE, **STATIC, **PULL, **_RUNS},
    "runner": {**WORKLOAD, **SOURCE, **RUNNER, **PULL, **_RUNS},
    "compose": {**WORKLOAD, **SOURCE, **COMPOSE, "pull": IMAGE["pull"], "drain": HEALTH["drain"]},
}
KIND: Spec = {"type": {"type": "str", "choices": list(SOURCES), "default": "image"}}
DECLARATION: Spec = {**KIND, **WORKLOAD, **IMAGE, **SOURCE, **BUILD, **STATIC, **RUNNER, **COMPOSE, **_RUNS}
WORKLOAD_IMAGE: Spec = {**SOURCES["image"], **PROGRESS, **HOST}
WORKLOAD_DOCKERFILE: Spec = {**SOURCES["dockerfile"], **PROGRESS, **HOST}
WORKLOAD_STATIC: Spec = {**SOURCES["static"], **PROGRESS, **HOST}
WORKLOAD_COMPOSE: Spec = {**SOURCES["compose"], **PROGRESS, **HOST}
WORKLOAD_RUNNER: Spec = {**SOURCES["runner"], **PROGRESS, **HOST}

# A part of a run over many hosts.
FLEET: Spec = {
    "phase": {"type": "str", "choices": ["deploy", "stage", "switch", "finish", "revert"], "default": "deploy"},
    "fleet": {"type": "str"},
    "hold": {"type": "float", "default": 3600.0},
}
WORKLOADS: Spec = {
    "workloads": {"type": "list", "elements": "dict", "required": True, "options": DECLARATION},
    "verb": {"type": "str", "choices": ["declare", "rollback", "restart"], "default": "declare"},
    "to": {"type": "str"},
    **FLEET,
    "reason": {"type": "str", "default": "reverted on request"},
    "skip_release_commands": {"type": "list", "elements": "str", "default": []},
    "concurrency": {"type": "int", "default": 20},
    "stop_on_failure": {"type": "bool", "default": False},
    **PROGRESS,
    **HOST,
}

SUBJECT: Spec = {name: WORKLOAD[name] for name in ("name", "environment")}
SOME: Spec = {
    "names": {"type": "list", "elements": "str", "default": []},
    "environment": {"type": "str"},
}
ROLLBACK: Spec = {**SUBJECT, "to": {"type": "str"}, **HOST}
CONTROL: Spec = {
    **SUBJECT,
    "state": {"type": "str", "choices": ["started", "stopped", "restarted"], "required": True},
    **HOST,
}
EXEC: Spec = {
    **SUBJECT,
    "command": {"type": "list", "elements": "str", "required": True},
    "service": {"type": "str"},
    "ignore_code": {"type": "bool", "default": False},
    **HOST,
}
CANCEL: Spec = {**SUBJECT, "timeout": {"type": "float", "default": 60.0}, **HOST}
RECONCILE: Spec = {
    **SOME,
    "concurrency": WORKLOADS["concurrency"],
    **HOST,
    "lock_timeout": {"type": "float", "default": 0.0},  # what another run deploys is left to that run
}
INFO: Spec = {**SOME, "deployments": {"type": "int", "default": 5}, **HOST}
LOGS: Spec = {
    **SUBJECT,
    "release": {"type": "str"},
    "service": {"type": "str"},
    "since": {"type": "str", "default": "1h"},
    "until": {"type": "str", "default": "now"},
    "contains": {"type": "str"},
    "level": {"type": "str", "choices": ["trace", "debug", "info", "warn", "error", "fatal"]},
    "limit": {"type": "int", "default": 0},
    "follow": {"type": "float", "default": 0.0},
    "url": {"type": "str"},
    "tenant": {"type": "str"},
    **PROGRESS,
    **HOST,
}
LIBRARY: Spec = {"path": {"type": "path", "default": "/usr/local/lib/tidegate"}, **HOST}
DOCTOR: Spec = {
    "ports": {"type": "list", "elements": "int", "default": [80, 443]},
    "domains": {"type": "list", "elements": "str", "default": []},
    "addresses": {"type": "list", "elements": "str", "default": []},
    "reach": {"type": "list", "elements": "str", "default": []},
    "now": {"type": "float"},
    "certificate_days": {"type": "float", "default": 14.0},
    **HOST,
}
PRUNE: Spec = {
    "images": {"type": "bool", "default": True},
    "keep_deployments": {"type": "int", "default": 50},
    "keep_days": {"type": "float", "default": 30.0},
    **HOST,
}
BACKUP: Spec = {
    "directory": {"type": "path", "default": "/var/backups/tidegate"},
    "name": {"type": "str"},
    "group": {"type": "str"},
    "passphrase": {"type": "str", "no_log": True},
    "images": {"type": "bool", "default": True},
    "volumes": {"type": "bool", "default": True},
    "keep": {"type": "int"},
    "spare": {"type": "list", "elements": "path", "default": []},
    **HOST,
}
RESTORE: Spec = {
    "archive": {"type": "path", "required": True},
    "passphrase": {"type": "str", "no_log": True},
    "replace": {"type": "bool", "default": False},
    **HOST,
}


def filled(spec: Spec, given: t.Mapping[str, t.Any]) -> dict[str, t.Any]:
    """A recorded declaration with the defaults of options that are younger than it (DS-T16)."""
    return {**{name: option.get("default") for name, option in spec.items()}, **given}


def given(spec: Spec, params: t.Mapping[str, t.Any]) -> dict[str, t.Any]:
    """The parameters, in which blank text, and a list of nothing else, counts as not given (A9).

    A variable that is unset somewhere upstream arrives as an empty text; it must name neither nothing nor everything.
    An entry point of one empty word is Docker's way to have none, and stays.
    """
    return {name: _given(name, spec[name], value) if name in spec else value for name, value in params.items()}


def _given(name: str, option: t.Mapping[str, t.Any], value: t.Any) -> t.Any:
    """One of them; an option of rows or of options of its own counts in each of those."""
    if _not_given(name, option, value):
        return option.get("default")
    if "options" not in option:
        return value
    if isinstance(value, dict):
        return given(option["options"], value)
    return [given(option["options"], row) for row in value] if isinstance(value, list) else value


def _not_given(name: str, option: t.Mapping[str, t.Any], value: t.Any) -> bool:
    return _blank(value) and not option.get("required") and (name, value) != ("entrypoint", [""])


def _blank(value: t.Any) -> bool:
    if isinstance(value, list):
        return bool(value) and all(isinstance(row, str) and _blank(row) for row in value)
    return isinstance(value, str) and not value.strip()
