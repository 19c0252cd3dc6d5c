# Copyright: (c) 2026, tidegate.platform contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations


class ModuleDocFragment:
    """Options that say how the images that another one is made from get to the host."""

    DOCUMENTATION = r"""
options:
  pull:
    description:
      - V(missing) pulls a base image when the engine does not have it. One that became another is built on again.
      - V(always) asks the registry for each base image's digest, and pulls and builds when one is another.
      - V(never) fails when the engine does not have one.
    type: str
    choices: [missing, always, never]
    default: missing
  registry:
    description:
      - The registry that O(registry_password) is for, as images name it, such as V(registry.example.org:5000).
        V(docker.io) is the one of images without a host. Required with O(registry_password).
      - Base images of any other registry are asked for without it, whatever a Dockerfile of the source names.
    type: str
"""
