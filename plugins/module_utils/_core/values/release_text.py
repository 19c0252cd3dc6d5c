# Copyright: (c) 2026, tidegate.platform contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A release as text: in the store, and in the file that a lost store is derived from.

It holds what was declared, with the names and keyed hashes of secrets, not their values.
"""

from __future__ import annotations

import base64
import binascii
import json
import typing as t
import zlib

from .identity import canonical
from .release import Release


def columns(release: Release) -> tuple[t.Any, ...]:
    """The release's fields after its id, structures as JSON."""
    return (
        release.image,
        release.image_id,
        release.fingerprint,
        canonical(release.containers),
        None if release.route is None else canonical(release.route),
        canonical(release.snapshot),
    )


def from_columns(row: t.Sequence[t.Any], state: str = "running") -> Release:
    """The release of an id and its columns."""
    identity, image, image_id, fingerprint, containers, route, snapshot = row
    return Release(
        id=identity,
        image=image,
        image_id=image_id,
        fingerprint=fingerprint,
        containers=tuple(json.loads(containers)),
        route=json.loads(route) if route else None,
        snapshot=json.loads(snapshot),
        state=state,
    )


def to_text(release: Release) -> str:
    """The release as one JSON text."""
    return canonical([release.id, *columns(release)])


def from_text(text: str) -> Release:
    """The release of `to_text`."""
    return from_columns(json.loads(text))


def found(text: str) -> Release | None:
    """The release of a file, or of a label as containers had them before 0.2; None for anything else."""
    try:
        if not text.startswith("["):
            text = zlib.decompress(base64.b64decode(text, validate=True)).decode()
        return from_text(text)
    except (binascii.Error, zlib.error, ValueError, TypeError):
        return None
