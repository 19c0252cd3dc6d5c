# Copyright: (c) 2026, tidegate.platform contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations


class ModuleDocFragment:
    """The option that says what a workload of a list is made from."""

    DOCUMENTATION = r"""
options:
  type:
    description:
      - What the workload is made from.
      - V(image) is as with M(tidegate.platform.workload_image).
      - V(dockerfile) is as with M(tidegate.platform.workload_dockerfile).
      - V(static) is as with M(tidegate.platform.workload_static).
      - V(runner) is as with M(tidegate.platform.workload_runner).
      - V(compose) is as with M(tidegate.platform.workload_compose).
      - An option that the type does not have is refused.
    type: str
    choices: [image, dockerfile, static, runner, compose]
    default: image
"""
