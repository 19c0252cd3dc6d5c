#!/usr/bin/python
# Copyright: (c) 2026, tidegate.platform contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: workload_rollback
short_description: Make an earlier release of a workload live again
version_added: 0.1.0
description:
  - Brings back code and configuration of an earlier release, with its routes, environment and secrets, through the same
    gate and switch as every deployment. Nothing is built and nothing is pulled.
  - What it needs is looked for before anything is touched. A missing image or secret is said, and nothing is changed.
  - A rollback is a deployment of its own with a release of its own. The release that was gone back from is remembered,
    and is never the default target of a later rollback.
author:
  - tidegate.platform contributors (@tidegate)
extends_documentation_fragment:
  - tidegate.platform.attributes
  - tidegate.platform.subject
  - tidegate.platform.host
attributes:
  idempotent:
    support: partial
    details:
      - With O(to) a second run changes nothing. Without it, every run goes one good release further back.
options:
  to:
    description:
      - The release to go to, by its id, or by the image reference, tag or digest that it was declared with.
      - Omitted, it is the last good release, which is the newest one that differs from the live one and was never gone
        back from.
    type: str
"""

EXAMPLES = r"""
- name: Go back to the last good release
  tidegate.platform.workload_rollback:
    name: shop

- name: Go back to a version
  tidegate.platform.workload_rollback:
    name: shop
    to: 1.4.1
"""

RETURN = r"""
name:
  description: The workload.
  returned: always
  type: str
environment:
  description: Its environment.
  returned: always
  type: str
reason:
  description: Why something was done, or why nothing was.
  returned: success
  type: str
steps:
  description: The steps of this run in order. In check mode those that a run would take.
  returned: always
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
  description: The recorded attempt; null when none was needed or in check mode.
  returned: always
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
  description: The live release after this run; null without one.
  returned: success
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
  description: The release before the live one; null without one.
  returned: success
  type: dict
  contains: *release
connections:
  description: Connections to the release that was left, as counted while draining it.
  returned: success
  type: dict
logs:
  description: Last lines of the container that failed, secrets redacted.
  returned: failure
  type: list
  elements: str
step:
  description: Name of the step that failed; empty when nothing had begun.
  returned: failure
  type: str
kind:
  description: The kind of failure, stable for use in conditions.
  returned: failure
  type: str
  sample: Unhealthy
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
target:
  description: Id of the release that was gone back to.
  returned: success
  type: str
"""

from ..module_utils._core.options.argument_specs import ROLLBACK
from ..module_utils._core.stories.module import run
from ..module_utils._core.stories.rollback import rollback


def main() -> None:
    """Run the module."""
    run(ROLLBACK, rollback)


if __name__ == "__main__":
    main()
