# Copyright: (c) 2026, tidegate.platform contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import typing as t

from ansible_collections.tidegate.platform.plugins.doc_fragments import limits
from ansible_collections.tidegate.platform.plugins.plugin_utils._fragments import nested


class ModuleDocFragment:
    """Options that say how an image is built."""

    OWN = r"""
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
      builder:
        description:
          - V(classic) is the engine's own builder. V(buildkit) runs C(docker build) by BuildKit, for which
            a client of version 23 or newer needs its plugin buildx.
        type: str
        choices: [classic, buildkit]
        default: classic
"""
    DOCUMENTATION: t.ClassVar[str] = nested(OWN, "build", limits)
