#!/usr/bin/python
# Copyright: (c) 2026, tidegate.platform contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: reconcile
short_description: Make containers, routes and record of the workloads agree again
version_added: 0.1.0
description:
  - Looks at every workload of this host, finishes or takes back what an interrupted run left, and repairs what drifted
    from the live release. A stopped container is started; one that was removed, altered or disconnected is replaced
    through the same gate and switch as every deployment; a route file that was edited or deleted is written again; a
    missing network is made again; the record of a serving release is put back from its containers' labels.
  - It needs no declaration, because a release holds its own.
  - While the engine does not answer, workloads are V(unknown) and nothing is repaired.
  - Containers that no deployment on record made, because the record was lost or is older than they, are V(unknown),
    too. They are never touched, and a warning names them. Deploying their declaration takes them over; with
    V(state=absent) it removes them.
author:
  - tidegate.platform contributors (@tidegate)
extends_documentation_fragment:
  - tidegate.platform.attributes
  - tidegate.platform.some
  - tidegate.platform.host
options:
  concurrency:
    description: How many workloads are repaired side by side.
    type: int
    default: 20
  lock_timeout:
    description: Seconds to wait for a workload that another run is deploying. With 0 it is left to that run.
    type: float
    default: 0
"""

EXAMPLES = r"""
- name: Repair whatever drifted on this host
  tidegate.platform.reconcile:

- name: Repair one workload
  tidegate.platform.reconcile:
    names: [shop]
"""

RETURN = r"""
workloads:
  description: A row for every workload that was looked at.
  returned: always
  type: list
  elements: dict
  contains:
    name:
      description: The workload.
      type: str
    environment:
      description: Its environment.
      type: str
    state:
      description: One of V(ok), V(repaired), V(busy), V(failed), V(unknown).
      type: str
    reason:
      description: What was repaired and why, or why nothing was.
      type: str
    steps:
      description: The steps of the repair.
      type: list
      elements: dict
      contains:
        name:
          description: Name of the step; V(undo STEP) for what was taken back after a failure.
          type: str
          sample: switch
        seconds:
          description: How long it took; 0 in check mode.
          type: float
          sample: 0.043
        detail:
          description: What it did, for people.
          type: str
          sample: "confirmed: http://shop-a41s8c0v-1:8000"
    msg:
      description: Why the repair failed.
      type: str
summary:
  description: How many workloads are in each state.
  returned: when the engine answers
  type: dict
msg:
  description: What failed.
  returned: failure
  type: str
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

from ..module_utils._core.options.argument_specs import RECONCILE
from ..module_utils._core.stories.module import run
from ..module_utils._core.stories.reconcile import reconcile


def main() -> None:
    """Run the module."""
    run(RECONCILE, reconcile)


if __name__ == "__main__":
    main()
