# Copyright: (c) 2026, tidegate.platform contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations


class ModuleDocFragment:
    """Options that say which image a workload runs."""

    DOCUMENTATION = r"""
options:
  image:
    description:
      - Image reference with a tag or a digest. Required for O(state=present).
      - A reference without either is refused, because V(latest) is never implied.
    type: str
  pull:
    description:
      - V(missing) pulls when the engine does not have the reference.
      - V(always) asks the registry for the reference's digest and pulls when it is another. Check mode asks, too.
      - V(never) fails when the engine does not have the reference.
    type: str
    choices: [missing, always, never]
    default: missing
  registry:
    description:
      - The registry that O(registry_password) is for, such as V(registry.example.org:5000). V(docker.io) is the one of
        images without a host. Without it, the one of O(image). Images of any other are asked for without the password.
      - Required with O(registry_password) for everything that is built.
    type: str
"""
