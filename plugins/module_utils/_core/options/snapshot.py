# Copyright: (c) 2026, tidegate.platform contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A declaration as it is kept on record: without what is not a part of a release, and without secrets."""

from __future__ import annotations

import typing as t

from ..values.container import Secret
from ..values.stack import Stack
from .argument_specs import KIND, SOURCES
from .checks import Params

# Not part of a release: what is a matter of one run, and what never may be recorded.
_NOT_IN_SNAPSHOT = {
    "sequence",
    "remove_volumes",
    "registry",
    "registry_username",
    "registry_password",
    "force",
}
_SECRET_IN_SOURCE = ("token", "deploy_key", "archive")


def without_secrets(kept: dict[str, t.Any], stack: Stack) -> dict[str, t.Any]:
    """A record with the keyed hashes of a stack's secrets instead of their values."""
    told = [{"name": secret.name, "version": secret.version} for secret in stack.secrets]
    return {**kept, "compose": {**kept["compose"], "secrets": told}}


def snapshot(params: Params, secrets: tuple[Secret, ...]) -> dict[str, t.Any]:
    """The complete declaration as it is recorded with a deployment: secrets by name and version only."""
    own = {*SOURCES[params["type"]], *KIND} - _NOT_IN_SNAPSHOT
    kept = {k: v for k, v in params.items() if k in own}
    kept["secrets"] = [{"name": s.name, "delivery": s.delivery, "version": s.version} for s in secrets]
    if kept.get("source"):
        kept["source"] = {k: v for k, v in kept["source"].items() if k not in _SECRET_IN_SOURCE}
    if (kept.get("build") or {}).get("secrets"):
        names = [{"name": s["name"], "value": ""} for s in kept["build"]["secrets"]]
        kept["build"] = {**kept["build"], "secrets": names}
    return kept
