# Copyright: (c) 2026, tidegate.platform contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations


class ModuleDocFragment:
    """Options that say which of a host's workloads are meant."""

    DOCUMENTATION = r"""
options:
  names:
    description: Names of the workloads to look at; empty for all.
    type: list
    elements: str
    default: []
  environment:
    description: Environment to look at; omitted for all.
    type: str
"""
