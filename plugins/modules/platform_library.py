#!/usr/bin/python
# Copyright: (c) 2026, tidegate.platform contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: platform_library
short_description: Place what the modules run as a library of the host
version_added: 0.1.0
description:
  - Writes the sources that the modules of this collection share into a folder of the host, so that a command of the
    host can use them without a controller, as the one of the role C(reconcile) does.
author:
  - tidegate.platform contributors (@tidegate)
extends_documentation_fragment:
  - tidegate.platform.attributes
  - tidegate.platform.host
attributes:
  diff_mode:
    support: none
options:
  path:
    description: Folder below which the package C(tidegate_core) is written. It is made when it is missing.
    type: path
    default: /usr/local/lib/tidegate
"""

EXAMPLES = r"""
- name: Place the library
  tidegate.platform.platform_library:
    path: /usr/local/lib/tidegate
"""

RETURN = r"""
path:
  description: Folder of the package.
  returned: success
  type: str
files:
  description: How many files it has.
  returned: success
  type: int
placed:
  description: Files that were new or other than they should be.
  returned: success
  type: list
  elements: str
removed:
  description: Files that do not belong there any more.
  returned: success
  type: list
  elements: str
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

from ..module_utils._core.options.argument_specs import LIBRARY
from ..module_utils._core.stories.library import library
from ..module_utils._core.stories.module import run


def main() -> None:
    """Run the module."""
    run(LIBRARY, library)


if __name__ == "__main__":
    main()
