# Copyright: (c) 2026, tidegate.platform contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The controller's part of the module of the same name."""

from __future__ import annotations

from ansible_collections.tidegate.platform.plugins.module_utils._core.options.argument_specs import WORKLOAD_IMAGE
from ansible_collections.tidegate.platform.plugins.plugin_utils._action import WorkloadAction


class ActionModule(WorkloadAction):
    """`workload_image`."""

    SPEC = WORKLOAD_IMAGE
