#!/usr/bin/python
# Copyright: (c) 2026, tidegate.platform contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: workload_compose
short_description: Deploy a Compose project behind Traefik, service by service
version_added: 0.1.0
description:
  - Makes the services of a Compose file run on this Docker host by the real C(docker compose), and routes to them.
  - With O(strategy=rolling) each service that can run beside itself is replaced start-first, after those that it
    depends on. Its new containers pass their gate and get the routes, only then the old ones are drained and removed.
  - Services with host ports, a container name or writable volumes are left alone unless their definition changed, and
    then recreated in their place. A service that fails takes the stack back.
  - A service that says C(restart) in its C(depends_on) is replaced after what it depends on, also in its place, where
    that becomes another container, be it by its definition, because it was gone and is repaired, or by going back.
  - With O(strategy=recreate), the default, C(docker compose up) brings the whole project to its definition. Who asks
    for a routed service that it recreates is answered 503 with C(Retry-After) meanwhile.
  - An unchanged declaration runs no Compose at all. What drifted is repaired; a service that is no longer declared is
    removed. Named volumes are kept, unless O(remove_volumes) says otherwise.
  - A named volume that is there is used as it is, whoever made it, and is never made anew. Where its driver, an option
    of it or a label is declared otherwise than it is, the declaration is refused before anything is touched. To take
    over a project that ran by C(docker compose) itself, take its containers away (C(docker compose down), without
    C(--volumes)), and declare it with the same O(compose.project). O(remove_volumes) only takes what was made for this
    workload.
  - What is in C(configs), C(secrets) and C(networks) counts for the services that use it. Files of the first two that
    lie beyond the source are kept with the release as they are at its deployment.
  - A service whose image declares a volume that nothing is mounted over stays in its place, and keeps that volume.
  - Needs C(docker compose) 2.24 or newer on the host.
author:
  - tidegate.platform contributors (@tidegate)
extends_documentation_fragment:
  - tidegate.platform.attributes
  - tidegate.platform.workload
  - tidegate.platform.source
  - tidegate.platform.compose
  - tidegate.platform.drain
  - tidegate.platform.progress
  - tidegate.platform.host
options:
  pull:
    description: Images that the engine does not have are pulled. Name another tag or digest to have another image.
    type: str
    choices: [missing, always, never]
    default: missing
attributes:
  diff_mode:
    support: full
    details:
      - The difference is shown by service.
"""

EXAMPLES = r"""
- name: Deploy a stack of a repository, and roll what changed
  tidegate.platform.workload_compose:
    name: shop
    strategy: rolling
    source:
      git: https://git.example.org/team/shop.git
      ref: v1.5.0
    compose:
      file: deploy/compose.yaml
      env:
        TAG: v1.5.0
      services:
        - name: web
          port: 8000
          health:
            path: /healthz
          routes:
            - host: shop.example.org

- name: A stack that is written here
  tidegate.platform.workload_compose:
    name: metrics
    strategy: rolling
    compose:
      definition:
        services:
          web:
            image: registry.example.org/team/metrics:3.2
      services:
        - name: web
          port: 3000
          routes:
            - host: metrics.example.org

- name: Remove it; named volumes are kept
  tidegate.platform.workload_compose:
    name: shop
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
  sample: shop already runs compose/tg-shop-production (release 01jd3k9x2m7kq2m9xa41s8c0ve)
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

from ..module_utils._core.options.argument_specs import WORKLOAD_COMPOSE
from ..module_utils._core.stories.declare import declares
from ..module_utils._core.stories.module import run


def main() -> None:
    """Run the module."""
    run(WORKLOAD_COMPOSE, declares("compose"))


if __name__ == "__main__":
    main()
