# Copyright: (c) 2026, tidegate.platform contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations


class ModuleDocFragment:
    """Options that say how the workload is reached."""

    DOCUMENTATION = r"""
options:
  routes:
    description: Routes of the workload in Traefik.
    type: list
    elements: dict
    default: []
    suboptions:
      host:
        description:
          - Host name; V(*.example.org) is one label in place of the star, V(*) is any host.
          - Capitals and a dot at the end make no difference.
        type: str
      hosts:
        description: Host names, added to O(routes[].host).
        type: list
        elements: str
      path_prefix:
        description:
          - Only requests for this path and what lies below it; V(/api) is for V(/api/v1), but not for V(/apikeys).
          - A slash at its end makes no difference.
        type: str
        default: /
      strip_prefix:
        description: Take O(routes[].path_prefix) off before the application sees the request.
        type: bool
        default: false
      priority:
        description:
          - Which of several routes gets a request that all are for. Omitted, the more specific one does, of whatever
            workload it is; an exact host before a wildcard before any host, and of these the longer path.
          - Routes with V(50) or more come before all routes without a priority, those with V(1) to V(49) after them.
            Among themselves the greater number comes first.
        type: int
      entry_points:
        description: Names of Traefik entry points; V(websecure) for TLS and V(web) for other routes if omitted.
        type: list
        elements: str
      tls:
        description:
          - Serve it with TLS. Implied by O(routes[].resolver).
          - Without a resolver, Traefik's own certificates are used.
        type: bool
      resolver:
        description: Name of the certificate resolver that gets its certificate.
        type: str
      redirect_to:
        description: Redirect permanently to this URL, the request's path added, instead of going to the workload.
        type: str
      middlewares:
        description: Names of Traefik middlewares to apply, such as V(compress@file).
        type: list
        elements: str
        default: []
"""
