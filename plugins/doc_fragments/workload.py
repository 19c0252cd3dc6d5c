# Copyright: (c) 2026, tidegate.platform contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations


class ModuleDocFragment:
    """Options that every workload has."""

    DOCUMENTATION = r"""
options:
  name:
    description: Name of the workload; 1 to 40 lower-case letters, digits and inner hyphens.
    type: str
    required: true
  environment:
    description:
      - Environment of the workload. Each has a live release of its own.
      - 1 to 20 lower-case letters, digits and inner hyphens.
    type: str
    default: production
  state:
    description:
      - V(present) makes the declared release live.
      - V(stopped) stops the live release's containers but keeps them; its routes answer 503 with Retry-After.
        The other options are not looked at.
      - V(absent) removes routes, containers, secret files and the live record. Named volumes are kept, unless
        O(remove_volumes) says otherwise.
    type: str
    choices: [present, stopped, absent]
    default: present
  strategy:
    description:
      - How a new release replaces the live one.
      - V(blue-green) starts it beside the live one. It is the default for images, and is refused where two containers
        would share a host port or write one volume.
      - V(recreate) stops the live one first, and starts it again if the new one does not pass its gate.
        While neither serves, the routes answer 503 with Retry-After.
      - V(handover) is for a container that publishes ports, such as a proxy. A stand-in without ports takes new
        connections, by a rule of the host's packet filter, while the old container finishes what it has and the new one
        takes the ports. It needs iptables, and covers IPv4 connections other than to loopback addresses.
      - V(rolling) is for Compose projects, whose services it replaces one by one.
      - Omitted, it is V(blue-green) for images and V(recreate) for all that is built or a Compose project.
    type: str
    choices: [blue-green, recreate, handover, rolling]
  force:
    description: Make a new deployment even if nothing changed.
    type: bool
    default: false
  retain:
    description:
      - How many good releases before the live one are kept for M(tidegate.platform.workload_rollback), with their
        secrets. Their images are spared by M(tidegate.platform.workload_prune).
      - The one that served last is always kept, even with V(0).
    type: int
    default: 5
  unsafe:
    description:
      - Say that the workload may be given what hands the host, or other workloads' secrets, to its containers. Without
        it, that is refused.
      - Such are bind mounts that lead, by whatever name, to or above the socket of an engine or of the service manager,
        the platform's own state, C(/proc), the engine's data or password hashes, and writable ones of what the host
        starts or believes, such as files in C(/etc), which are taken when they are mounted read only; capabilities
        such as C(SYS_ADMIN); and in Compose projects C(privileged), the host's
        C(pid) and C(userns_mode), disks and memory as C(devices), any C(security_opt) but C(no-new-privileges) and
        labels, C(use_api_socket), C(provider), privileged hooks, and volumes whose C(driver_opts) lead to the like.
      - The host's network, IPC or cgroup namespace and plain character devices are no walls of the platform's.
        What is listening on the host's loopback, such as Traefik's API, trusts whoever has its network.
      - M(tidegate.platform.platform_doctor) names the workloads that say so.
    type: bool
    default: false
  sequence:
    description:
      - A number that grows with every request, such as a pipeline's run number. A deployment whose number is below that
        of the live release ends V(skipped), so that an older one that finishes late never takes the routes of a newer
        one.
      - Omitted, the moment counts at which the module was started on the host.
    type: int
  remove_volumes:
    description:
      - With O(state=absent), also remove the named volumes that were made for this workload, with their data.
        Refused while a container or a declaration of anybody else uses one of them.
    type: bool
    default: false
"""
