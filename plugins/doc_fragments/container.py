# Copyright: (c) 2026, tidegate.platform contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations


class ModuleDocFragment:
    """Options that say how a release's containers are made."""

    DOCUMENTATION = r"""
options:
  port:
    description: Port that the application listens on inside its container. Required with O(routes).
    type: int
  replicas:
    description: Number of containers of a release.
    type: int
    default: 1
  command:
    description: Command of the container, as a list; omitted, it is the image's.
    type: list
    elements: str
  entrypoint:
    description: Entry point of the container, as a list; omitted, it is the image's.
    type: list
    elements: str
  env:
    description:
      - Environment variables. Values are strings or numbers; put V(yes) and V(no) in quotes.
      - They can be read with C(docker inspect), so what is secret belongs in O(secrets).
      - One that has the value of a secret inside it, of at least four characters and in any usual spelling, as the
        address of a database has, is handled as a secret with delivery V(environment) itself. Anywhere else in a
        declaration (commands, labels, build arguments, …) such a value, from eight characters on, is refused.
    type: dict
    default: {}
  secrets:
    description: Secret values for the application.
    type: list
    elements: dict
    default: []
    suboptions:
      name:
        description: Name of the file, or of the variable.
        type: str
        required: true
      value:
        description: The value.
        type: str
        required: true
      delivery:
        description:
          - V(file) makes it readable for the container's user alone, as C(/run/secrets/NAME).
          - V(environment) sets a variable. Everybody who may use the engine can then read it with C(docker inspect).
        type: str
        choices: [file, environment]
        default: file
  user:
    description: User (name or number, with V(:group) if needed) that the container runs as; omitted, it is the image's.
    type: str
  working_dir:
    description: Working directory inside the container.
    type: path
  volumes:
    description: Volumes and bind mounts.
    type: list
    elements: dict
    default: []
    suboptions:
      source:
        description: Name of a volume, created when missing, or an absolute path on the host, which has to be there.
        type: str
        required: true
      target:
        description: Absolute path inside the container.
        type: str
        required: true
      read_only:
        description: Mount it so that the container cannot write it.
        type: bool
        default: false
      shared:
        description: Declare that two containers may write it at once, which V(blue-green) and replicas need.
        type: bool
        default: false
      one_writer:
        description:
          - With V(handover), let the stand-in read it but not write it, so that never two containers write it at once.
        type: bool
        default: false
      engine:
        description:
          - Declare that the container gets the engine's socket, and with it the whole host. Only a proxy that lets a
            part of its API through should have it, such as that of the role C(socket_proxy).
        type: bool
        default: false
  image_volumes:
    description:
      - What becomes of what containers write where the image itself declares a volume and nothing is mounted.
      - With V(keep), it is data. A container is only replaced in its place, by O(strategy=recreate), and the next one
        gets the volume; O(strategy=blue-green) and O(replicas) above 1 are refused. It goes with the workload only by
        O(remove_volumes).
      - With V(discard), every container begins with what the image has, and takes it along when it goes.
      - The default is V(keep), and V(discard) for sites.
    type: str
    choices: [keep, discard]
  tmpfs:
    description: Paths inside the container that get an empty file system in memory.
    type: list
    elements: str
    default: []
  networks:
    description:
      - Bridge networks to join, created when missing.
      - To reach a workload with routes, Traefik has to be in one of them.
    type: list
    elements: str
    default: [tidegate]
  addresses:
    description:
      - Fixed IPv4 or IPv6 addresses by the networks that they are of. Such a network has a subnet that somebody chose.
      - Two containers cannot have one address, so that it goes with V(recreate) and V(handover) only.
    type: dict
    default: {}
  aliases:
    description:
      - Further names of the containers in their networks. A candidate has them from its start, before its gate.
      - Behind the wall between workloads (C(traefik_wall) of the role traefik) nobody calls them on the public network,
        and where there are O(networks) besides it, they are in those alone.
    type: list
    elements: str
    default: []
  ports:
    description: Container ports published on the host, past Traefik. Not possible with V(blue-green).
    type: list
    elements: dict
    default: []
    suboptions:
      container:
        description: Port inside the container.
        type: int
        required: true
      host:
        description: Port on the host.
        type: int
        required: true
      address:
        description: Address on the host.
        type: str
        default: 127.0.0.1
      protocol:
        description: Transport protocol.
        type: str
        choices: [tcp, udp]
        default: tcp
  memory:
    description: Memory limit, such as V(512m) or V(2g).
    type: str
  cpus:
    description: CPU limit in cores, such as V(0.5).
    type: float
  pids:
    description: Limit of processes and threads.
    type: int
  read_only:
    description: Make the container's root file system read-only.
    type: bool
    default: false
  init:
    description: Run a small init process that reaps zombies and forwards signals.
    type: bool
    default: false
  cap_add:
    description: Capabilities to add to none.
    type: list
    elements: str
    default: []
  cap_drop:
    description: Capabilities to drop.
    type: list
    elements: str
    default: [ALL]
  no_new_privileges:
    description: Keep processes from gaining privileges, for example through set-uid programs.
    type: bool
    default: true
  allow_root:
    description: Allow a container whose user is root. Without it such an image or O(user) is refused.
    type: bool
    default: false
  restart_policy:
    description: When the engine restarts the containers.
    type: str
    choices: ["no", on-failure, unless-stopped, always]
    default: unless-stopped
  labels:
    description: Labels for the containers. The prefix C(tidegate.) is the platform's own.
    type: dict
    default: {}
  log_driver:
    description: Log driver; omitted, it is the engine's.
    type: str
  log_options:
    description: Options of the log driver.
    type: dict
    default: {}
  stop_timeout:
    description:
      - Seconds that a container is given to end after its stop signal. The default is 10.
      - With O(state=absent) and O(state=stopped), omitted, it is the longest that is on record of what leaves.
    type: int
  stop_signal:
    description: Signal that asks a container to end, such as V(SIGQUIT); omitted, it is the image's.
    type: str
  release_command:
    description:
      - Command that is run once per deployment, in a container of the new release, before that is started;
        for example a migration. When it fails, the deployment fails and the live release serves on.
    type: list
    elements: str
  release_command_timeout:
    description: Seconds that the release command may take.
    type: float
    default: 300
  release_command_once:
    description:
      - Whether the playbooks run the release command on one host for all of a fleet, the first that the workload is
        deployed to, before any other stages; for hosts that share a database. By itself, every host runs it.
    type: bool
    default: false
"""
