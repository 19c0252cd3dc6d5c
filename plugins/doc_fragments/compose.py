# Copyright: (c) 2026, tidegate.platform contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations


class ModuleDocFragment:
    """Options of a Compose project."""

    DOCUMENTATION = r"""
options:
  compose:
    description:
    - The Compose project. Its file comes of O(source), or is O(compose.definition); one of them
      is required for O(state=present).
    type: dict
    suboptions:
      project:
        description:
        - Name of the project. It is made lower-case, and what Compose does not take becomes a hyphen.
        - Omitted, it is made of the workload's name and environment. It cannot be changed while
          the workload is there, and is refused if anybody else's containers have it.
        - Volumes and networks are named by it. Give the old name to a renamed workload, which then has its data.
        type: str
      file:
        description: Path of the Compose file below the source.
        type: str
        default: compose.yaml
      definition:
        description: The content of the Compose file.
        type: dict
      env:
        description:
        - Variables that the file is read with. Nothing else is taken of the environment, so that
          the same declaration always means the same.
        type: dict
      secrets:
        description:
        - Variables that the file is read with, whose values are recorded nowhere but in the definition
          that Compose is run with, which only root can read.
        type: list
        elements: dict
        suboptions:
          name:
            description: Name of the variable.
            type: str
            required: true
          value:
            description: Its value.
            type: str
            required: true
      network:
        description: The network that Traefik reaches the routed services by; they are connected
          to it.
        type: str
        default: tidegate
      services:
        description: The services that are routed, each with its port, its gate and its routes.
        type: list
        elements: dict
        suboptions:
          name:
            description: Name of the service.
            type: str
            required: true
          port:
            description: Port that it listens on.
            type: int
            required: true
          health:
            description:
            - The gate that a candidate has to pass before traffic may go to it.
            - A container that exits or restarts meanwhile fails at once.
            type: dict
            suboptions:
              type:
                description:
                - V(http) requests C(path); V(tcp) connects to C(port); V(command) runs C(command)
                  inside the container; V(image) waits for the image's own HEALTHCHECK; V(window)
                  asks that the container lives for C(window) seconds and, if C(port) is set, accepts
                  connections on it.
                - Omitted, it follows from C(path) or C(command), else from the image - V(image)
                  if it has a HEALTHCHECK, V(window) if not.
                type: str
                choices:
                - http
                - tcp
                - command
                - image
                - window
              path:
                description: Path of the HTTP probe; V(/) if omitted.
                type: str
              port:
                description: Port of the HTTP or TCP probe; C(port) if omitted.
                type: int
              codes:
                description: Status codes and ranges that pass the HTTP probe; V(200-399) if omitted.
                type: list
                elements: str
              host:
                description: Host header of the HTTP probe.
                type: str
              command:
                description: Command of the command probe, as a list. Exit code 0 passes.
                type: list
                elements: str
              timeout:
                description: Seconds that one probe may take.
                type: float
                default: 2
              deadline:
                description: Seconds within which the candidate has to pass.
                type: float
                default: 60
              successes:
                description: Probes in a row that have to pass.
                type: int
                default: 1
              window:
                description: Seconds that a container has to live for V(window).
                type: float
                default: 3
          routes:
            description: Routes of the workload in Traefik.
            type: list
            elements: dict
            default: []
            suboptions:
              host:
                description: Host name; V(*.example.org) is one label in place of the star, V(*)
                  is any host.
                type: str
              hosts:
                description: Host names, added to O(compose.services[].routes[].host).
                type: list
                elements: str
              path_prefix:
                description: Only requests whose path begins with this.
                type: str
                default: /
              strip_prefix:
                description: Take O(compose.services[].routes[].path_prefix) off before the application
                  sees the request.
                type: bool
                default: false
              priority:
                description: Priority of the rule; omitted, longer rules go first.
                type: int
              entry_points:
                description: Names of Traefik entry points; V(websecure) for TLS and V(web) for other
                  routes if omitted.
                type: list
                elements: str
              tls:
                description:
                - Serve it with TLS. Implied by O(compose.services[].routes[].resolver).
                - Without a resolver, Traefik's own certificates are used.
                type: bool
              resolver:
                description: Name of the certificate resolver that gets its certificate.
                type: str
              redirect_to:
                description: Redirect permanently to this URL, the request's path added, instead
                  of going to the workload.
                type: str
              middlewares:
                description: Names of Traefik middlewares to apply, such as V(compress@file).
                type: list
                elements: str
                default: []
"""
