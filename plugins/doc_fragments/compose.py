# Copyright: (c) 2026, tidegate.platform contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import typing as t

from ansible_collections.tidegate.platform.plugins.doc_fragments import health, routes
from ansible_collections.tidegate.platform.plugins.plugin_utils._fragments import nested


class ModuleDocFragment:
    """Options of a Compose project."""

    OWN = r"""
options:
  compose:
    description:
      - The Compose project. Its file comes of O(source), or is O(compose.definition); one of them
        is required for O(state=present).
    type: dict
    suboptions:
      project:
        description:
          - Name of the project. It is made lower-case, and what Compose does not take becomes a hyphen.
          - Omitted, it is made of the workload's name and environment. It cannot be changed while
            the workload is there, and is refused if anybody else's containers have it.
          - Volumes and networks are named by it. Give the old name to a renamed workload, which then has its data.
        type: str
      file:
        description: Path of the Compose file below the source.
        type: str
        default: compose.yaml
      definition:
        description: The content of the Compose file.
        type: dict
      env:
        description:
          - Variables that the file is read with. Nothing else is taken of the environment, so that
            the same declaration always means the same.
        type: dict
      secrets:
        description:
          - Variables that the file is read with, whose values are recorded nowhere but in the definition
            that Compose is run with, which only root can read.
        type: list
        elements: dict
        suboptions:
          name:
            description: Name of the variable.
            type: str
            required: true
          value:
            description: Its value.
            type: str
            required: true
      network:
        description: The network that Traefik reaches the routed services by; they are connected
          to it.
        type: str
        default: tidegate
      services:
        description: The services that are routed, each with its port, its gate and its routes.
        type: list
        elements: dict
        suboptions:
          name:
            description: Name of the service.
            type: str
            required: true
          port:
            description: Port that it listens on.
            type: int
            required: true
"""
    DOCUMENTATION: t.ClassVar[str] = nested(OWN, "compose.services", health, routes)
