# Copyright: (c) 2026, tidegate.platform contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations


class ModuleDocFragment:
    """Options that name a workload which was deployed before."""

    DOCUMENTATION = r"""
options:
  name:
    description: Name of the workload.
    type: str
    required: true
  environment:
    description: Environment of the workload.
    type: str
    default: production
"""
