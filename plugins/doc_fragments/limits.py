# Copyright: (c) 2026, tidegate.platform contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations


class ModuleDocFragment:
    """Options of a build that every kind of one has."""

    DOCUMENTATION = r"""
options:
  network:
    description: Network of the build's steps, such as V(host) or V(none).
    type: str
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
