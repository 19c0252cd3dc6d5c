# Copyright: (c) 2026, tidegate.platform contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations


class ModuleDocFragment:
    """What every module of the collection promises."""

    DOCUMENTATION = r"""
options: {}
attributes:
  check_mode:
    description: Can run in C(check_mode) and say what a run would change without changing anything.
    support: full
  diff_mode:
    description: Will return details on what has changed (or would change in C(check_mode)), when in diff mode.
    support: full
  idempotent:
    description: When run twice in a row outside check mode with the same options, the second run makes no change.
    support: full
  platform:
    description: Target OS families that can be operated against.
    platforms: linux
    support: full
  action_group:
    description: Is a member of an action group, so that C(module_defaults) can set its options.
    membership:
      - tidegate.platform.tidegate
    support: full
requirements:
  - Python >= 3.9 with SQLite >= 3.24
  - Docker SDK for Python >= 5.0
  - Docker Engine API >= 1.41 on the same host, and root
"""
