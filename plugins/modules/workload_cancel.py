#!/usr/bin/python
# Copyright: (c) 2026, tidegate.platform contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: workload_cancel
short_description: Cancel a deployment that is under way
version_added: 0.1.0
description:
  - Ends a deployment at its next step, or in its current wait, and waits until what it did has been taken back.
    What served before still serves. A canceled deployment stays canceled, even if its run was killed meanwhile.
  - A deployment that is live already is not canceled; M(tidegate.platform.workload_rollback) goes back from it.
author:
  - tidegate.platform contributors (@tidegate)
extends_documentation_fragment:
  - tidegate.platform.attributes
  - tidegate.platform.subject
  - tidegate.platform.host
attributes:
  diff_mode:
    support: none
options:
  timeout:
    description: Seconds within which the deployment has to have stopped.
    type: float
    default: 60
"""

EXAMPLES = r"""
- name: Cancel whatever is being deployed
  tidegate.platform.workload_cancel:
    name: shop
"""

RETURN = r"""
reason:
  description: What was done, or why nothing was.
  returned: success
  type: str
deployment:
  description: The deployment that was canceled; null when none was under way.
  returned: success
  type: dict
  contains:
    id:
      description: Its id, a lower-case ULID; sorts by time.
      type: str
    status:
      description: Where it stands.
      type: str
    conclusion:
      description: One of V(succeeded), V(failed), V(canceled), V(skipped); null while it is open.
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

from ..module_utils._core.options.argument_specs import CANCEL
from ..module_utils._core.stories.cancel import cancel
from ..module_utils._core.stories.module import run


def main() -> None:
    """Run the module."""
    run(CANCEL, cancel)


if __name__ == "__main__":
    main()
