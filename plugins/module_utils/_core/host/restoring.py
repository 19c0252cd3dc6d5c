# Copyright: (c) 2026, tidegate.platform contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The moment of a restore in which a host has no record: what was there is put aside, what comes has no name yet.

A run that is killed then leaves a host that looks as if nothing had ever been deployed. A
note beside the state directory says otherwise, until a restore ends. Another one says which volumes are being filled.
"""

from __future__ import annotations

import json
import os
import typing as t

from ..values.errors import StoreFailure
from . import filesystem
from .places import Places


def begin(state_dir: str, record: str, aside: str) -> None:
    """Note where what is there goes, before it does; of several interrupted runs, the first put a platform there."""
    text = json.dumps({"aside": kept(state_dir, record) or aside})
    filesystem.place(Places(state_dir).restoring, text, 0o600, os.path.dirname(os.path.abspath(state_dir)))


def kept(state_dir: str, record: str) -> str:
    """Where an interrupted restore put the platform that was here; an empty text without one."""
    return _aside(state_dir) if not os.path.exists(record) else ""


def end(state_dir: str) -> None:
    """What was restored is in its place."""
    filesystem.remove(Places(state_dir).restoring)


def refuse(state_dir: str, record: str) -> None:
    """Refuse a host without a record on which a restore was interrupted.

    :raises StoreFailure: says how to end it, or to go back.
    """
    if not os.path.exists(Places(state_dir).restoring) or os.path.exists(record):
        return
    aside = _aside(state_dir)
    # What was made there meanwhile would take it in: also a run that was refused makes its locks.
    first = f"rename {state_dir}, which holds no platform, to another name, " if os.path.lexists(state_dir) else ""
    then = f"rename {aside} to {state_dir}, remove {Places(state_dir).restoring} and run the playbook reconcile"
    back = f"; or, to go back, {first}{then}"
    remedy = f"Run the playbook restore again, with its archive{back if aside else ''}."
    raise StoreFailure("is not there: a restore was interrupted before it ended", subject=record, remedy=remedy)


class Half(t.NamedTuple):
    """A volume that a restore did not fill to the end: the mark that it bears, and when the restore was at it last."""

    mark: str
    until: float


def unfilled(state_dir: str) -> dict[str, Half]:
    """Volumes that a restore did not fill to the end; early ones made no note of it.

    Of those that it was filling, the note's own time tells when; of others the moment is written beside the mark.
    """
    try:
        with open(Places(state_dir).filling, encoding="utf-8") as stream:
            found, written = json.load(stream), os.fstat(stream.fileno()).st_mtime
    except (FileNotFoundError, ValueError):
        return {}
    rows = found.items() if isinstance(found, dict) else ()
    return {name: Half(*row) if isinstance(row, list) else Half(str(row), written) for name, row in rows}


def _aside(state_dir: str) -> str:
    """Where the platform that was there before is; an empty text where there was none."""
    try:
        with open(Places(state_dir).restoring, encoding="utf-8") as stream:
            aside = str(json.load(stream)["aside"])
    except FileNotFoundError:
        return ""
    return aside if os.path.isdir(aside) else ""
