# Copyright: (c) 2026, tidegate.platform contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a lost store is derived from: a file for each release, beside the store.

A declaration holds environments and build arguments, and labels can be read by whoever may list containers. So a
container's label says which release it is of, and only root can read what that is.
"""

from __future__ import annotations

import os
import shutil
import typing as t

from ..values import grammar, identity, release_text
from ..values.release import Release
from . import filesystem
from .places import Places


def keep(state_dir: str, key: str, release: Release) -> None:
    """Write a release down, under the name of its containers: before there is one, and when its routes are others.

    :raises OSError: the disk is full; nothing was written.
    """
    if not release.containers:
        return
    folder = state_dir
    for part in ("records", key):
        folder = filesystem.private_folder(os.path.join(folder, part))
    filesystem.place(
        os.path.join(folder, identity.suffix_of(release.containers[0])), release_text.to_text(release), 0o600, folder
    )


def read(state_dir: str, key: str, deployment: str) -> str:
    """What was written down of the release that a container is of; empty where nothing was.

    :param deployment: what the container's label says, which may be anything.
    """
    if not grammar.is_deployment(deployment):
        return ""
    try:
        path = os.path.join(Places(state_dir).records(key), deployment[-identity.SUFFIX_LENGTH :])
        with open(path, encoding="utf-8") as stream:
            return stream.read()
    except FileNotFoundError:
        return ""


def held(state_dir: str, key: str) -> list[str]:
    """By which parts of containers' names releases of a workload are written down."""
    folder = Places(state_dir).records(key)
    return os.listdir(folder) if os.path.isdir(folder) else []


def prune(state_dir: str, key: str, keep: t.Collection[str]) -> None:
    """Forget all releases of a workload but those of these containers; without any, its folder goes, too.

    :param keep: the part of a container's name that its deployment decides.
    """
    folder = Places(state_dir).records(key)
    if not keep:
        shutil.rmtree(folder, ignore_errors=True)
        return
    for name in held(state_dir, key):
        if name not in keep:
            filesystem.discard(os.path.join(folder, name))
