# Copyright: (c) 2026, tidegate.platform contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations


class ModuleDocFragment:
    """The option that says how long the old release is kept."""

    DOCUMENTATION = r"""
options:
  bake:
    description:
      - Keeps the old release for a while after the switch. If the new one ends, restarts, or fails its gate's probe
        three times in a row meanwhile, traffic goes back to the old release and the deployment has failed.
    type: dict
    suboptions:
      seconds:
        description: How long the new release is watched; 0 is no bake.
        type: float
        required: true
      error_ratio:
        description: Share of answers with status 5xx, by Traefik's metrics, above which traffic goes back, too.
        type: float
      requests:
        description: From how many answers on O(bake.error_ratio) is judged.
        type: int
        default: 20
"""
