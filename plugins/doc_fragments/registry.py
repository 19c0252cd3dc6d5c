# Copyright: (c) 2026, tidegate.platform contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations


class ModuleDocFragment:
    """Options of who asks a registry."""

    DOCUMENTATION = r"""
options:
  registry_username:
    description: User name for the registry. Goes with O(registry_password).
    type: str
  registry_password:
    description: Password or token for O(registry). No other registry gets it, and it is stored nowhere.
    type: str
"""
