#!/usr/bin/python
# Copyright: (c) 2026, tidegate.platform contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: workload_static
short_description: Publish a site of files behind Traefik
version_added: 0.1.0
description:
  - Makes a site from a directory, an archive or git, by a build command if there is one; a stock server serves it.
  - A release of a site is an image of the server with the site in it, so that it is published as a whole, told by
    its content, gone back to and pruned like any other release.
  - Files that bundlers name by content are cached for a year, all else is asked for again; answers are compressed.
    Files of the earlier release stay reachable for O(static.keep_assets) seconds.
author:
  - tidegate.platform contributors (@tidegate)
extends_documentation_fragment:
  - tidegate.platform.attributes
  - tidegate.platform.workload
  - tidegate.platform.source
  - tidegate.platform.static
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
- name: Publish a directory of this repository
  tidegate.platform.workload_static:
    name: handbook
    source:
      path: "{{ playbook_dir }}/handbook"
    static:
      not_found: 404.html
      headers:
        X-Frame-Options: DENY
    strategy: blue-green
    routes:
      - host: handbook.example.org

- name: Build and publish a single-page application
  tidegate.platform.workload_static:
    name: console
    source:
      git: https://git.example.org/team/console.git
      ref: v2.0.1
    static:
      build_command: npm ci && npm run build
      build_image: docker.io/library/node:22.21.1-bookworm-slim
      output: dist
      spa: true
    strategy: blue-green
    routes:
      - host: console.example.org

- name: Remove it
  tidegate.platform.workload_static:
    name: handbook
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

from ..module_utils._core.options.argument_specs import WORKLOAD_STATIC
from ..module_utils._core.stories.declare import declares
from ..module_utils._core.stories.module import run


def main() -> None:
    """Run the module."""
    run(WORKLOAD_STATIC, declares("static"))


if __name__ == "__main__":
    main()
