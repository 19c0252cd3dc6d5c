#!/usr/bin/python
# Copyright: (c) 2026, tidegate.platform contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: workload_runner
short_description: Run an application in a language image behind Traefik, without a Dockerfile
version_added: 0.1.0
description:
  - Builds an image from a source and a language image, by a preset found by rules on the source, and deploys it.
  - The role C(runner) places the catalog of language images and presets on the host.
  - Installing and building happen once, into an image, not at every start of a container. A release starts anywhere,
    and is gone back to without the network.
  - The application runs as user 10001 and listens on port 8000, which the variable E(PORT) says.
author:
  - tidegate.platform contributors (@tidegate)
extends_documentation_fragment:
  - tidegate.platform.attributes
  - tidegate.platform.workload
  - tidegate.platform.source
  - tidegate.platform.runner
  - tidegate.platform.pull
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
      - When the image has to be built, check mode cannot know its id and says so.
"""

EXAMPLES = r"""
- name: Run a Flask application of a git repository
  tidegate.platform.workload_runner:
    name: shop
    source:
      git: https://git.example.org/team/shop.git
      ref: main
    strategy: blue-green
    health:
      path: /
    routes:
      - host: shop.example.org

- name: Run an Express application with commands of its own
  tidegate.platform.workload_runner:
    name: api
    source:
      path: "{{ playbook_dir }}/api"
    runner:
      image: node-22
      build_command: npm run build
      pre_deploy_command: node migrate.js
      start_command: node dist/server.js
    memory: 512m
    secrets:
      - name: DATABASE_URL
        value: "{{ api_database_url }}"
        delivery: environment
    strategy: blue-green
    routes:
      - host: api.example.org

- name: Remove it
  tidegate.platform.workload_runner:
    name: api
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
  sample: shop already runs tidegate.local/shop.production:6f1c (release 01jd3k9x2m7kq2m9xa41s8c0ve)
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

from ..module_utils._core.options.argument_specs import WORKLOAD_RUNNER
from ..module_utils._core.stories.declare import declares
from ..module_utils._core.stories.module import run


def main() -> None:
    """Run the module."""
    run(WORKLOAD_RUNNER, declares("runner"))


if __name__ == "__main__":
    main()
