# Copyright: (c) 2026, tidegate.platform contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations


class ModuleDocFragment:
    """Options that say how an image is built."""

    DOCUMENTATION = r"""
options:
  build:
    description:
      - How the image is built. The same files, options and base images are not built again.
    type: dict
    suboptions:
      dockerfile:
        description: Path of the Dockerfile below the source.
        type: str
        default: Dockerfile
      target:
        description: Stage to build, if not the last one.
        type: str
      args:
        description: Build arguments. They can be read from the image's history; use O(build.secrets) for secrets.
        type: dict
      secrets:
        description: Secrets that a V(RUN --mount=type=secret) reads. Needs O(build.builder=buildkit).
        type: list
        elements: dict
        suboptions:
          name:
            description: Id of the secret.
            type: str
            required: true
          value:
            description: Its value. A change of it alone does not build again.
            type: str
            required: true
      cache_from:
        description: Images of the engine whose layers may be used.
        type: list
        elements: str
      platform:
        description: Platform to build for, such as V(linux/arm64).
        type: str
      labels:
        description: Labels of the image.
        type: dict
      network:
        description: Network of the build's steps, such as V(host) or V(none).
        type: str
      builder:
        description:
          - V(classic) is the engine's own builder. V(buildkit) runs C(docker build) by BuildKit, for which
            a client of version 23 or newer needs its plugin buildx.
        type: str
        choices: [classic, buildkit]
        default: classic
      timeout:
        description: Seconds that a build may take once it is its turn; the wait for others' builds does not count.
        type: float
        default: 1800
      max_size:
        description: How large the image may be, such as V(2g); V(0) is no limit. One that is larger is removed.
        type: str
        default: "0"
      concurrency:
        description: How many builds run at once on the host, over all runs; the others wait.
        type: int
        default: 2
"""
