#!/usr/bin/python
# Copyright: (c) 2026, tidegate.platform contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: workloads
short_description: Deploy many workloads of one host in one task
version_added: 0.1.0
description:
  - Makes every workload of a list as declared, side by side, after one observation of the host. What is unchanged costs
    next to nothing.
  - Every workload is planned, gated, switched and recovered exactly as by M(tidegate.platform.workload_image), and a
    failure of one does not touch the others.
  - A list with an invalid declaration is refused as a whole, before anything is touched.
  - While the task runs, the steps of every workload are shown as they begin.
author:
  - tidegate.platform contributors (@tidegate)
extends_documentation_fragment:
  - tidegate.platform.attributes
  - tidegate.platform.declaration
  - tidegate.platform.progress
  - tidegate.platform.host
options:
  phase:
    description:
      - Which part of the deployments is wanted. V(deploy) is all of it.
      - V(stage) starts and gates new releases where users do not notice; V(switch) sends the traffic to what was staged
        and keeps the old releases; V(finish) drains and removes the old ones; V(revert) goes back to them, or removes
        what was staged. So many hosts go together, or none does.
      - What is to be stopped or absent, which nothing would take back, is so with V(finish). For that and V(revert)
        name and environment are enough.
      - Check mode always foretells the whole deployment.
    type: str
    choices: [deploy, stage, switch, finish, revert]
    default: deploy
  fleet:
    description:
      - Name of the run over many hosts that this phase belongs to. What it staged or switched is its own until O(hold)
        is over; deployments, rollbacks and reconciliations that are not of it leave it alone, and say so.
      - With it, V(revert) also goes back from what somebody else has finished after that time.
    type: str
  hold:
    description:
      - Seconds after the last phase for which the run keeps what it has not finished. After that it counts as
        interrupted; what was switched stays, what was not is taken back by whoever comes next. At most a year.
    type: float
    default: 3600
  skip_release_commands:
    description: Names of workloads whose release command another host of the fleet runs.
    type: list
    elements: str
    default: []
  reason:
    description: Why O(phase=revert) is asked for; kept with the deployments.
    type: str
    default: reverted on request
  verb:
    description:
      - What is done with the workloads. V(declare) makes them as declared.
      - V(rollback) and V(restart) are as with M(tidegate.platform.workload_rollback) and
        M(tidegate.platform.workload_control), for many workloads and in phases; of O(workloads), name and environment
        count.
    type: str
    choices: [declare, rollback, restart]
    default: declare
  to:
    description: Release that O(verb=rollback) goes to, as with M(tidegate.platform.workload_rollback).
    type: str
  concurrency:
    description: How many workloads are deployed side by side.
    type: int
    default: 20
  stop_on_failure:
    description: Begin no further deployment after one failed. Those under way are brought to their end.
    type: bool
    default: false
"""

EXAMPLES = r"""
- name: Deploy everything that this host runs
  tidegate.platform.workloads:
    workloads:
      - name: shop
        image: registry.example.org/team/shop:1.4.2
        port: 8000
        user: "10001"
        routes:
          - host: shop.example.org
      - name: worker
        image: registry.example.org/team/shop:1.4.2
        command: [python3, worker.py]
        user: "10001"
"""

RETURN = r"""
workloads:
  description: A row for every workload, in the order of the list, as M(tidegate.platform.workload_image) returns it.
  returned: when the list is valid
  type: list
  elements: dict
  contains:
    name:
      description: The workload.
      type: str
    environment:
      description: Its environment.
      type: str
    changed:
      description: Whether it was changed.
      type: bool
    failed:
      description: Whether it failed; then C(msg), C(kind), C(step), C(remedy) and C(logs) say why.
      type: bool
    reason:
      description: Why something was done, or why nothing was.
      type: str
    steps:
      description: The steps in order.
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
    deployment:
      description: The recorded attempt.
      type: dict
      contains:
        id:
          description: Its id, a lower-case ULID; sorts by time.
          type: str
        status:
          description:
            - Where it stands; V(completed) once the module has returned.
            - A phase of M(tidegate.platform.workloads) may leave it open.
          type: str
        conclusion:
          description: One of V(succeeded), V(failed), V(canceled), V(skipped); null while it is open.
          type: str
        strategy:
          description: The strategy it used.
          type: str
    release:
      description: The live release.
      type: dict
      contains: &release
        id:
          description: Id of the deployment that made it.
          type: str
        image:
          description: The image reference it was declared with.
          type: str
        image_id:
          description: Id of the image it runs.
          type: str
        containers:
          description: Names of its containers.
          type: list
          elements: str
        state:
          description: V(running) or V(stopped).
          type: str
    previous:
      description: The release before it.
      type: dict
      contains: *release
    connections:
      description: Connections to the old release, as counted while draining it.
      type: dict
summary:
  description: How many were changed, unchanged, failed.
  returned: when the list is valid
  type: dict
  contains:
    changed:
      description: Changed ones.
      type: int
    unchanged:
      description: Unchanged ones.
      type: int
    failed:
      description: Failed ones.
      type: int
msg:
  description: Which workloads failed and why.
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

from ..module_utils._core.options.argument_specs import WORKLOADS
from ..module_utils._core.stories.module import run
from ..module_utils._core.stories.workloads import workloads


def main() -> None:
    """Run the module."""
    run(WORKLOADS, workloads)


if __name__ == "__main__":
    main()
