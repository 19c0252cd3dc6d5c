#!/usr/bin/python
# Copyright: (c) 2026, tidegate.platform contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: workload_dockerfile
short_description: Build an image from a Dockerfile and deploy it behind Traefik
version_added: 0.1.0
description:
  - Makes a workload from a Dockerfile run on this Docker host, and routes to it through Traefik.
  - The files come from a directory or an archive of the controller or the host, or from git. The image is built on the
    host, once for the same files, options and base images; a release goes back to it without building.
  - The build comes before anything that serves is touched; a build that fails leaves the live release serving and
    returns its last lines. Everything after it is as with M(tidegate.platform.workload_image).
  - C(.dockerignore) is honoured. C(.git) never is a part of the build.
author:
  - tidegate.platform contributors (@tidegate)
extends_documentation_fragment:
  - tidegate.platform.attributes
  - tidegate.platform.workload
  - tidegate.platform.source
  - tidegate.platform.build
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
- name: Build and deploy a directory of this repository
  tidegate.platform.workload_dockerfile:
    name: shop
    source:
      path: "{{ playbook_dir }}/shop"
    strategy: blue-green
    port: 8000
    user: "10001"
    health:
      path: /healthz
    routes:
      - host: shop.example.org

- name: Build and deploy a tag of a private git repository
  tidegate.platform.workload_dockerfile:
    name: shop
    source:
      git: https://git.example.org/team/shop.git
      ref: v1.5.0
      subdirectory: server
      token: "{{ shop_git_token }}"
    build:
      target: production
      args:
        REVISION: v1.5.0
      max_size: 1g
    strategy: blue-green
    port: 8000
    user: "10001"
    routes:
      - host: shop.example.org

- name: Remove it
  tidegate.platform.workload_dockerfile:
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

from ..module_utils._core.options.argument_specs import WORKLOAD_DOCKERFILE
from ..module_utils._core.stories.declare import declares
from ..module_utils._core.stories.module import run


def main() -> None:
    """Run the module."""
    run(WORKLOAD_DOCKERFILE, declares("dockerfile"))


if __name__ == "__main__":
    main()
