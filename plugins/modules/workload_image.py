#!/usr/bin/python
# Copyright: (c) 2026, tidegate.platform contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: workload_image
short_description: Deploy a container image behind Traefik without losing a request
version_added: 0.1.0
description:
  - Makes a workload from a container image run on this Docker host, and routes to it through Traefik.
  - Every change is a deployment. With O(strategy=blue-green) the new release is started beside the live one, has to
    pass its gate, is switched to by one atomic route change that Traefik confirms, and only then the old release is
    drained and removed. A deployment that fails at any step leaves the old release serving.
  - A run that was killed is finished or taken back by the next one, whatever it does.
  - An unchanged declaration makes no change; what drifted (a stopped container, an edited route file) is repaired.
author:
  - tidegate.platform contributors (@tidegate)
extends_documentation_fragment:
  - tidegate.platform.attributes
  - tidegate.platform.workload
  - tidegate.platform.image
  - tidegate.platform.registry
  - tidegate.platform.container
  - tidegate.platform.health
  - tidegate.platform.drain
  - tidegate.platform.bake
  - tidegate.platform.routes
  - tidegate.platform.progress
  - tidegate.platform.host
attributes:
  diff_mode:
    support: full
    details:
      - When the image has to be pulled, check mode cannot know its id and says so.
"""

EXAMPLES = r"""
- name: Deploy version 1.4.2 of the shop
  tidegate.platform.workload_image:
    name: shop
    image: registry.example.org/team/shop:1.4.2
    port: 8000
    user: "10001"
    health:
      path: /healthz
    routes:
      - host: shop.example.org

- name: Deploy with secrets, two replicas, a migration and a certificate
  tidegate.platform.workload_image:
    name: shop
    image: registry.example.org/team/shop:1.5.0
    port: 8000
    user: "10001"
    replicas: 2
    memory: 256m
    env:
      LOG_LEVEL: info
    secrets:
      - name: database_password # readable as /run/secrets/database_password
        value: "{{ shop_database_password }}"
    release_command: [python3, -c, "print('migrated')"]
    health:
      path: /healthz
      codes: ["200"]
      successes: 2
    routes:
      - hosts: [shop.example.org, www.shop.example.org]
        resolver: letsencrypt

- name: Replace an application that keeps files, which two containers must not write at once
  tidegate.platform.workload_image:
    name: wiki
    image: registry.example.org/team/wiki:3.1
    strategy: recreate
    port: 8080
    user: "1000"
    volumes:
      - source: wiki-data
        target: /data
    routes:
      - host: wiki.example.org

- name: Stop it for now; its routes answer 503 with Retry-After
  tidegate.platform.workload_image:
    name: wiki
    state: stopped

- name: Remove it; named volumes are kept
  tidegate.platform.workload_image:
    name: wiki
    state: absent
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
  sample: shop already runs registry.example.org/team/shop:1.4.2 (release 01jd3k9x2m7kq2m9xa41s8c0ve)
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
  description: Connections to the old release, as counted while draining it.
  returned: success
  type: dict
  contains:
    outlived:
      description: How many were still open after O(drain.timeout).
      type: int
    cut:
      description: How many were still open at the end and were cut.
      type: int
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
"""

from ..module_utils._core.options.argument_specs import WORKLOAD_IMAGE
from ..module_utils._core.stories.declare import declares
from ..module_utils._core.stories.module import run


def main() -> None:
    """Run the module."""
    run(WORKLOAD_IMAGE, declares("image"))


if __name__ == "__main__":
    main()
