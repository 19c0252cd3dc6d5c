# Copyright: (c) 2026, tidegate.platform contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations


class ModuleDocFragment:
    """The option of modules that can be watched."""

    DOCUMENTATION = r"""
options:
  progress_file:
    description:
      - A new file on the target host that steps and lines of progress are appended to while the module runs, and that
        is removed at its end. Set by the collection itself, which shows the lines as they come.
      - Whatever has this name already, be it a file, a link or a device, is neither written to nor removed; there is a
        warning, and the module does its work without it.
    type: path
"""
