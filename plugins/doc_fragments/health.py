# Copyright: (c) 2026, tidegate.platform contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations


class ModuleDocFragment:
    """The option that says when a candidate may serve."""

    DOCUMENTATION = r"""
options:
  health:
    description:
      - The gate that a candidate has to pass before traffic may go to it.
      - A container that exits or restarts meanwhile fails at once.
    type: dict
    suboptions:
      type:
        description:
          - V(http) requests O(health.path); V(tcp) connects to O(health.port); V(command) runs O(health.command)
            inside the container; V(image) waits for the image's own HEALTHCHECK; V(window) asks that the container
            lives for O(health.window) seconds and, if O(port) is set, accepts connections on it.
          - Omitted, it follows from O(health.path) or O(health.command), else from the image - V(image) if it has a
            HEALTHCHECK, V(window) if not.
        type: str
        choices: [http, tcp, command, image, window]
      path:
        description: Path of the HTTP probe; V(/) if omitted.
        type: str
      port:
        description: Port of the HTTP or TCP probe; O(port) if omitted.
        type: int
      codes:
        description: Status codes and ranges that pass the HTTP probe; V(200-399) if omitted.
        type: list
        elements: str
      host:
        description: Host header of the HTTP probe.
        type: str
      command:
        description: Command of the command probe, as a list. Exit code 0 passes.
        type: list
        elements: str
      timeout:
        description: Seconds that one probe may take.
        type: float
        default: 2
      deadline:
        description: Seconds within which the candidate has to pass.
        type: float
        default: 60
      successes:
        description: Probes in a row that have to pass.
        type: int
        default: 1
      window:
        description: Seconds that a container has to live for V(window).
        type: float
        default: 3
"""
