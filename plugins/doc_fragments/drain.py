# Copyright: (c) 2026, tidegate.platform contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations


class ModuleDocFragment:
    """The option that says how the old release may end."""

    DOCUMENTATION = r"""
options:
  drain:
    description:
      - How long open connections of the old release are waited for, after traffic has gone to the new one.
      - The wait is measured and ends as soon as nothing is in flight; idle connections from Traefik do not count,
        because Traefik is told to close them after half a second. The application must keep idle ones for longer.
    type: dict
    suboptions:
      timeout:
        description: Seconds that requests in flight are given.
        type: float
        default: 30
      upgraded_timeout:
        description:
          - Seconds, counted from the same moment, that WebSockets and other upgraded connections are given.
            What is still open after O(drain.timeout) counts as such a connection, because sockets look alike.
          - O(drain.timeout) if omitted.
        type: float
"""
