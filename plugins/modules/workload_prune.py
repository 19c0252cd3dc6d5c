#!/usr/bin/python
# Copyright: (c) 2026, tidegate.platform contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: workload_prune
short_description: Remove what no live or retained release needs
version_added: 0.1.0
description:
  - Removes leftover containers, releases beyond retention with their secret files, images that the platform itself
    pulled and that neither a kept release nor any container needs, and old records.
  - What another tool or person made is never touched. Volumes are never touched.
  - Workloads that are being deployed are left out, and while there is one no image is removed.
author:
  - tidegate.platform contributors (@tidegate)
extends_documentation_fragment:
  - tidegate.platform.attributes
  - tidegate.platform.host
attributes:
  diff_mode:
    support: none
options:
  images:
    description: Remove images, too.
    type: bool
    default: true
  keep_deployments:
    description: How many of the newest deployments of each workload stay on record, however old they are.
    type: int
    default: 50
  keep_days:
    description: For how many days deployments and events stay on record, however many there are.
    type: float
    default: 30
"""

EXAMPLES = r"""
- name: Free what is not needed any more
  tidegate.platform.workload_prune:
"""

RETURN = r"""
removed:
  description: What was removed, or in check mode would be; names a kind, and of deployments their number.
  returned: success
  type: dict
  contains:
    containers:
      description: Names of leftover containers.
      type: list
      elements: str
    releases:
      description: Ids of releases beyond retention.
      type: list
      elements: str
    secrets:
      description: Workloads whose secret files nothing needs.
      type: list
      elements: str
    images:
      description: References of images.
      type: list
      elements: str
    deployments:
      description: How many old deployments went from the record.
      type: int
bytes:
  description: Bytes that the engine's images take less than before. In check mode at most so many.
  returned: success
  type: int
busy:
  description:
    - Workloads that were left out because they are being deployed.
    - V(images), and workloads whose deployment had begun meanwhile, where images were left out because of that.
  returned: success
  type: list
  elements: str
kind:
  description: The kind of failure, stable for use in conditions.
  returned: failure
  type: str
  sample: EngineFailure
remedy:
  description: What to do about it.
  returned: failure
  type: str
stats:
  description: What the run cost inside the module.
  returned: always
  type: dict
  contains:
    engine_requests:
      description: Requests sent to the Docker Engine.
      type: int
    seconds:
      description: Seconds from the begin of the run to its result, without loading Python modules.
      type: float
    sdk_seconds:
      description: Seconds that loading the Docker SDK took.
      type: float
    peak_memory:
      description: Bytes of memory that the module took at most.
      type: int
"""

from ..module_utils._core.options.argument_specs import PRUNE
from ..module_utils._core.stories.module import run
from ..module_utils._core.stories.prune import prune


def main() -> None:
    """Run the module."""
    run(PRUNE, prune)


if __name__ == "__main__":
    main()
