#!/usr/bin/python
# Copyright: (c) 2026, tidegate.platform contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: workload_exec
short_description: Run a command in a container of a workload
version_added: 0.1.0
description:
  - Runs a command in the first running container of the live release, and waits for its end. No shell is involved.
author:
  - tidegate.platform contributors (@tidegate)
extends_documentation_fragment:
  - tidegate.platform.attributes
  - tidegate.platform.subject
  - tidegate.platform.host
attributes:
  check_mode:
    details:
      - The container is chosen, and the command is not run.
  diff_mode:
    support: none
  idempotent:
    support: none
options:
  command:
    description: The command and its arguments.
    type: list
    elements: str
    required: true
  service:
    description: A service of a Compose project; the first one that runs if omitted.
    type: str
  ignore_code:
    description: Do not fail when the command ends with another code than 0.
    type: bool
    default: false
"""

EXAMPLES = r"""
- name: See how large the database is
  tidegate.platform.workload_exec:
    name: postgres
    environment: platform
    command: [psql, -U, postgres, -Atc, "SELECT pg_size_pretty(sum(pg_database_size(oid))) FROM pg_database"]
  register: size
  changed_when: false
"""

RETURN = r"""
container:
  description: The container that it ran in.
  returned: always
  type: str
rc:
  description: The code that the command ended with; null in check mode.
  returned: always
  type: int
stdout:
  description: What it wrote, of which the first MiB is kept.
  returned: always
  type: str
stderr:
  description: The end of what it complained of.
  returned: always
  type: str
truncated:
  description: Whether it wrote more than was kept.
  returned: when it was run
  type: bool
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

from ..module_utils._core.options.argument_specs import EXEC
from ..module_utils._core.stories.execute import execute
from ..module_utils._core.stories.module import run


def main() -> None:
    """Run the module."""
    run(EXEC, execute)


if __name__ == "__main__":
    main()
