#!/usr/bin/python
# Copyright: (c) 2026, tidegate.platform contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: workload_info
short_description: Tell what is live, how it is, and what was before
version_added: 0.1.0
description:
  - Reads the record, the engine and Traefik, and changes nothing.
  - What does not answer is V(unknown), never missing.
author:
  - tidegate.platform contributors (@tidegate)
extends_documentation_fragment:
  - tidegate.platform.attributes
  - tidegate.platform.some
  - tidegate.platform.host
attributes:
  diff_mode:
    support: none
options:
  deployments:
    description: How many of the last deployments of each workload are told.
    type: int
    default: 5
"""

EXAMPLES = r"""
- name: Look at every workload of this host
  tidegate.platform.workload_info:
  register: platform

- name: Show them
  ansible.builtin.debug:
    var: platform.table
"""

RETURN = r"""
table:
  description: A readable table, a line a workload.
  returned: success
  type: list
  elements: str
unknown:
  description: Why the engine or Traefik could not be asked; empty when both answered.
  returned: success
  type: list
  elements: str
workloads:
  description: A row for every workload.
  returned: success
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
      description: V(running), V(stopped) or V(absent), as it was declared last.
      type: str
    health:
      description:
        - One of V(healthy), V(degraded), V(down), V(stopped), V(absent), V(unknown), as it is now.
        - Gates over HTTP and TCP are asked once more; a container that fails its own is told among the containers.
      type: str
    refused:
      description: Published addresses that take no connection although a container listens behind them.
      type: list
      elements: str
    since:
      description: Since when the release is live.
      type: str
    release:
      description: The live release; null without one.
      type: dict
    releases:
      description:
        - The live release and those that a rollback can go to, newest first.
        - C(withdrawn) says why one was gone back from, and C(available) whether the engine has its image (V(yes), V(no)
          or V(unknown)).
      type: list
      elements: dict
    containers:
      description:
        - A row for every container, and one of C(state) V(missing) for every replica that the live release has no
          container for; null while the engine does not answer.
        - C(service) is the service of a Compose project, C(live) tells whether it is the live release's, and C(good)
          whether it does what it is declared to do, which for a service that others wait for is to have ended with 0.
      type: list
      elements: dict
    routes:
      description: Its routers with C(rule), C(entry_points), C(servers) and C(status) as Traefik has them.
      type: list
      elements: dict
    drift:
      description:
        - What M(tidegate.platform.reconcile) would repair, or why nobody reaches it; empty when there is nothing.
      type: str
    volumes:
      description:
        - Volumes that it left although it is not on record any more; C(state) is V(absent) then.
        - They are looked for where O(names) says whose.
      type: list
      elements: str
    deploying:
      description: The deployment that is under way or was interrupted; null without one.
      type: dict
    deployments:
      description: The last deployments with conclusion, reason and last step, newest first.
      type: list
      elements: dict
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

from ..module_utils._core.options.argument_specs import INFO
from ..module_utils._core.stories.info import info
from ..module_utils._core.stories.module import run


def main() -> None:
    """Run the module."""
    run(INFO, info)


if __name__ == "__main__":
    main()
