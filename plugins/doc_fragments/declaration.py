# Copyright: (c) 2026, tidegate.platform contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import typing as t

from ansible_collections.tidegate.platform.plugins.doc_fragments import (
    bake,
    build,
    compose,
    container,
    drain,
    health,
    image,
    kind,
    registry,
    routes,
    runner,
    source,
    static,
    workload,
)
from ansible_collections.tidegate.platform.plugins.plugin_utils._fragments import nested

# What a declaration of any source may have.
FRAGMENTS = (
    kind,
    workload,
    image,
    registry,
    source,
    build,
    static,
    runner,
    compose,
    container,
    health,
    drain,
    bake,
    routes,
)


class ModuleDocFragment:
    """A list of declarations, each with the options of every source."""

    OWN = r"""
options:
  workloads:
    description: The declarations, each with the options of M(tidegate.platform.workload_image) that say what to run.
    type: list
    elements: dict
    required: true
"""
    DOCUMENTATION: t.ClassVar[str] = nested(OWN, "workloads", *FRAGMENTS)
