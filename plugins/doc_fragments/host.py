# Copyright: (c) 2026, tidegate.platform contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations


class ModuleDocFragment:
    """Options that say where the parts of the host are."""

    DOCUMENTATION = r"""
options:
  state_dir:
    description: Directory of the platform's state on the host; mode 0700. Of playbooks and roles C(tidegate_state_dir).
    type: path
    default: /var/lib/tidegate
  routes_dir:
    description: Directory that Traefik's file provider reads and only the platform writes.
    type: path
    default: /var/lib/tidegate/routes
  traefik_api:
    description: Base URL of Traefik's API, which confirms every route change.
    type: str
    default: http://127.0.0.1:8080
  traefik_timeout:
    description:
      - Seconds within which Traefik has to serve a route change. Of playbooks and roles C(tidegate_traefik_timeout).
    type: float
    default: 10
  docker_host:
    description: Address of the Docker Engine. It has to be this host's. Of playbooks and roles C(tidegate_docker_host).
    type: str
    default: unix:///var/run/docker.sock
  lock_timeout:
    description:
      - Seconds to wait while another run deploys the same workload; 0 fails at once. Of playbooks and roles
        C(tidegate_lock_timeout).
    type: float
    default: 600
  disk_reserve:
    description:
      - Space, such as V(512m) or V(2g), that the engine's file system has to have free before a pull or a build. Of
        playbooks and roles C(tidegate_disk_reserve).
    type: str
    default: 1g
"""
