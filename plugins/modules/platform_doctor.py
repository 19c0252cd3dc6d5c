#!/usr/bin/python
# Copyright: (c) 2026, tidegate.platform contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: platform_doctor
short_description: See whether a host is as the platform needs it
version_added: 0.1.0
description:
  - Looks at kernel, memory, clock, engine, disks, record, proxy, certificates, ports, names and servers that the host
    needs, and says of each what it found and what to do about it. It changes nothing, and needs nothing on the host but
    Python.
author:
  - tidegate.platform contributors (@tidegate)
extends_documentation_fragment:
  - tidegate.platform.attributes
  - tidegate.platform.host
attributes:
  diff_mode:
    support: none
options:
  ports:
    description: TCP ports that the proxy needs.
    type: list
    elements: int
    default: [80, 443]
  domains:
    description: Names that have to point to this host.
    type: list
    elements: str
    default: []
  addresses:
    description:
      - Addresses of which each name has to have one. Those of the host's interfaces if omitted; as a router may stand
        before the host, another address is then only warned of.
    type: list
    elements: str
    default: []
  reach:
    description: Servers that the host has to reach, such as registries, each as C(HOST:PORT).
    type: list
    elements: str
    default: []
  now:
    description: The controller's time, as seconds of Unix time, to compare the clock with.
    type: float
  certificate_days:
    description:
      - For how many days a certificate that the proxy serves has to count still, to be warned of in time. Looked at are
        those that were given to the role C(traefik), and those of its resolvers whose names are routed. Names that a
        resolver is to bring one for, and that have none yet, are warned of as well.
      - One that lives at most six times as long in all has to count for an eighth of its life, as it is renewed later.
    type: float
    default: 14.0
"""

EXAMPLES = r"""
- name: See whether the host is fit
  tidegate.platform.platform_doctor:
    domains: [shop.example.com]
    reach: ["registry.example.com:443"]
    now: "{{ now().timestamp() }}"
  register: health
  failed_when: health.worst == 'failure'
"""

RETURN = r"""
worst:
  description: The worst state among the findings.
  returned: success
  type: str
  sample: warning
findings:
  description: What was looked at.
  returned: success
  type: list
  elements: dict
  contains:
    check:
      description: What was looked at.
      type: str
      sample: port 80
    state:
      description: V(ok), V(warning) or V(failure).
      type: str
    found:
      description: What was found.
      type: str
    remedy:
      description: What to do about it; empty where all is well.
      type: str
table:
  description: The same as lines of text.
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

from ..module_utils._core.options.argument_specs import DOCTOR
from ..module_utils._core.stories.doctor import doctor
from ..module_utils._core.stories.module import run


def main() -> None:
    """Run the module."""
    run(DOCTOR, doctor, needs_sdk=False)


if __name__ == "__main__":
    main()
