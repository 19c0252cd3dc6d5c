# Copyright: (c) 2026, tidegate.platform contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The frozen values of what a workload's artifact is made from.

Durations are seconds, sizes bytes; a size of 0 is no limit.
"""

from __future__ import annotations

import typing as t
from dataclasses import dataclass, field

# Raised whenever what the platform writes into a build changes, so that images are built again by it.
FORMAT = 1


@dataclass(frozen=True)
class Access:
    """What opens a git repository; never part of a release."""

    username: str = ""
    token: str = field(default="", repr=False)
    deploy_key: str = field(default="", repr=False)
    known_hosts: str = ""


@dataclass(frozen=True)
class Source:
    """Where a tree of files comes from: a directory or an archive of this host (`path`), or `git`."""

    kind: str
    location: str
    ref: str = "HEAD"
    subdirectory: str = "."
    submodules: bool = False
    timeout: float = 300.0
    max_size: int = 0
    access: Access = field(default=Access(), compare=False)


@dataclass(frozen=True)
class BuildLimits:
    """How long a build may take once it is its turn, how large the image may be, how many build at once."""

    timeout: float = 1800.0
    max_size: int = 0
    concurrency: int = 2


@dataclass(frozen=True)
class Recipe:
    """How a tree becomes an image. Two equal recipes of one tree and the same base images give the same image.

    `generated` names the kind of Dockerfile that the platform writes instead of reading one from the tree; `facts` is
    what it is written from, as JSON.
    """

    source: Source
    dockerfile: str = "Dockerfile"
    generated: str = ""
    facts: str = ""
    target: str | None = None
    args: tuple[tuple[str, str], ...] = ()
    platform: str | None = None
    labels: tuple[tuple[str, str], ...] = ()
    network: str | None = None
    builder: str = "classic"
    cache_from: tuple[str, ...] = ()
    secrets: tuple[tuple[str, str], ...] = field(default=(), compare=False, repr=False)
    limits: BuildLimits = field(default=BuildLimits(), compare=False)

    def identity(self, tree: str) -> tuple[t.Any, ...]:
        """What decides the image: the tree and everything that is declared about its build.

        :param tree: identity of the tree's content.
        """
        declared = (self.dockerfile, self.generated, self.facts, self.target, self.args, self.platform, self.labels)
        return (tree, *declared, self.network, FORMAT if self.generated else 0)
