#!/usr/bin/python
# Copyright: (c) 2026, tidegate.platform contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: workload_logs
short_description: Read what a workload wrote
version_added: 0.1.0
description:
  - Reads the lines of a workload, or of one of its releases, complete and in order. They come from Loki, as the roles
    C(loki) and C(alloy) set it up, also when the containers are long gone.
  - On a host without Loki they come from the engine, which has what containers wrote that are still there.
author:
  - tidegate.platform contributors (@tidegate)
extends_documentation_fragment:
  - tidegate.platform.attributes
  - tidegate.platform.subject
  - tidegate.platform.progress
  - tidegate.platform.host
attributes:
  diff_mode:
    support: none
options:
  release:
    description:
      - Id of a release, or V(live). Every release if omitted.
      - Of a Compose project, the containers that were started by the deployment of this id.
    type: str
  service:
    description: A service of a Compose project.
    type: str
  since:
    description:
      - From when on - so long ago, such as V(15m), V(2h) or V(7d), or a moment in UTC, such as V(2026-01-31T12:00:00Z).
    type: str
    default: 1h
  until:
    description: Until when, in the same words, or V(now).
    type: str
    default: now
  contains:
    description: Only lines with this text.
    type: str
  level:
    description: Only lines of this level, as C(alloy) recognised it.
    type: str
    choices: [trace, debug, info, warn, error, fatal]
  limit:
    description: The first so many lines; V(0) is all of them.
    type: int
    default: 0
  follow:
    description: For so many seconds, also read what is written from now on. It is shown as it comes.
    type: float
    default: 0
  url:
    description: Base URL of a Loki elsewhere. That of the platform if omitted.
    type: str
  tenant:
    description: Tenant of that Loki.
    type: str
"""

EXAMPLES = r"""
- name: What did the release say that failed?
  tidegate.platform.workload_logs:
    name: shop
    release: "{{ failed_release }}"
    since: 7d
  register: said

- name: Show the errors of the last quarter of an hour
  tidegate.platform.workload_logs:
    name: shop
    since: 15m
    contains: ERROR
"""

RETURN = r"""
source:
  description: Where the lines are from, V(loki) or V(engine).
  returned: success
  type: str
lines:
  description: The lines, oldest first.
  returned: success
  type: list
  elements: dict
  contains:
    time:
      description: When it was written, in UTC, to the nanosecond.
      type: str
    text:
      description: The line.
      type: str
    stream:
      description: V(stdout) or V(stderr).
      type: str
    container:
      description: Name of the container that wrote it.
      type: str
    release:
      description: Id of the release that the container was made for.
      type: str
    service:
      description: Service of a Compose project; empty otherwise.
      type: str
    level:
      description: Level that was recognised; empty where none was.
      type: str
text:
  description: The same lines without anything else.
  returned: success
  type: list
  elements: str
complete:
  description: Whether these are all lines of the range.
  returned: success
  type: bool
next:
  description: Moment of the last line where there are more; null otherwise.
  returned: success
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

from ..module_utils._core.options.argument_specs import LOGS
from ..module_utils._core.stories.logs import logs
from ..module_utils._core.stories.module import run


def main() -> None:
    """Run the module."""
    run(LOGS, logs)


if __name__ == "__main__":
    main()
