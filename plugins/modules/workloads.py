#!/usr/bin/python
# Copyright: (c) 2026, tidegate.platform contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: workloads
short_description: Deploy many workloads of one host in one task
version_added: 0.1.0
description:
  - Makes every workload of a list as declared, side by side, after one observation of the host. What is unchanged costs
    next to nothing.
  - Every workload is planned, gated, switched and recovered exactly as by M(tidegate.platform.workload_image), and a
    failure of one does not touch the others.
  - A list with an invalid declaration is refused as a whole, before anything is touched.
  - While the task runs, the steps of every workload are shown as they begin.
author:
  - tidegate.platform contributors (@tidegate)
extends_documentation_fragment:
  - tidegate.platform.attributes
  - tidegate.platform.host
options:
  workloads:
    description: The declarations, each with the options of M(tidegate.platform.workload_image) that say what to run.
    type: list
    elements: dict
    required: true
    suboptions: # generated from the fragments by `make docs`
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
        choices:
        - image
        - dockerfile
        - static
        - runner
        - compose
        default: image
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
        - V(stopped) stops the live release's containers but keeps them; its routes answer 503 with
          Retry-After. The other options are not looked at.
        - V(absent) removes routes, containers, secret files and the live record. Named volumes are
          kept, unless O(workloads[].remove_volumes) says otherwise.
        type: str
        choices:
        - present
        - stopped
        - absent
        default: present
      strategy:
        description:
        - How a new release replaces the live one.
        - V(blue-green) starts it beside the live one. It is the default for images, and is refused
          where two containers would share a host port or write one volume.
        - V(recreate) stops the live one first, and starts it again if the new one does not pass its
          gate. While neither serves, the routes answer 503 with Retry-After.
        - V(handover) is for a container that publishes ports, such as a proxy. A stand-in without
          ports takes new connections, by a rule of the host's packet filter, while the old container
          finishes what it has and the new one takes the ports. It needs iptables, and covers IPv4
          connections other than to loopback addresses.
        - V(rolling) is for Compose projects, whose services it replaces one by one.
        - Omitted, it is V(blue-green) for images and V(recreate) for all that is built or a Compose
          project.
        type: str
        choices:
        - blue-green
        - recreate
        - handover
        - rolling
      force:
        description: Make a new deployment even if nothing changed.
        type: bool
        default: false
      retain:
        description:
        - How many good releases before the live one are kept for M(tidegate.platform.workload_rollback),
          with their secrets. Their images are spared by M(tidegate.platform.workload_prune).
        - The one that served last is always kept, even with V(0).
        type: int
        default: 5
      unsafe:
        description:
        - Say that the workload may be given what hands the host, or other workloads' secrets, to
          its containers. Without it, that is refused.
        - Such are bind mounts that lead, by whatever name, to or above the socket of an engine or
          of the service manager, the platform's own state, C(/proc), the engine's data or password
          hashes, and writable ones of what the host starts or believes, such as files in C(/etc),
          which are taken when they are mounted read only; capabilities such as C(SYS_ADMIN); and
          in Compose projects C(privileged), the host's C(pid) and C(userns_mode), disks and memory
          as C(devices), any C(security_opt) but C(no-new-privileges) and labels, C(use_api_socket),
          C(provider), privileged hooks, and volumes whose C(driver_opts) lead to the like.
        - The host's network, IPC or cgroup namespace and plain character devices are no walls of
          the platform's. What is listening on the host's loopback, such as Traefik's API, trusts
          whoever has its network.
        - M(tidegate.platform.platform_doctor) names the workloads that say so.
        type: bool
        default: false
      sequence:
        description:
        - A number that grows with every request, such as a pipeline's run number. A deployment whose
          number is below that of the live release ends V(skipped), so that an older one that finishes
          late never takes the routes of a newer one.
        - Omitted, the moment counts at which the module was started on the host.
        type: int
      remove_volumes:
        description:
        - With O(workloads[].state=absent), also remove the named volumes that were made for this
          workload, with their data. Refused while a container or a declaration of anybody else uses
          one of them.
        type: bool
        default: false
      image:
        description:
        - Image reference with a tag or a digest. Required for O(workloads[].state=present).
        - A reference without either is refused, because V(latest) is never implied.
        type: str
      pull:
        description:
        - V(missing) pulls when the engine does not have the reference.
        - V(always) asks the registry for the reference's digest and pulls when it is another. Check
          mode asks, too.
        - V(never) fails when the engine does not have the reference.
        type: str
        choices:
        - missing
        - always
        - never
        default: missing
      registry:
        description:
        - The registry that O(workloads[].registry_password) is for, such as V(registry.example.org:5000).
          V(docker.io) is the one of images without a host. Without it, the one of O(workloads[].image).
          Images of any other are asked for without the password.
        - Required with O(workloads[].registry_password) for everything that is built.
        type: str
      registry_username:
        description: User name for the registry. Goes with O(workloads[].registry_password).
        type: str
      registry_password:
        description: Password or token for O(workloads[].registry). No other registry gets it, and
          it is stored nowhere.
        type: str
      source:
        description:
        - Where the files come from. Required for O(workloads[].state=present) where the workload
          is made from files.
        - Either O(workloads[].source.path) or O(workloads[].source.git). Times and owners of files
          do not count as a change, contents, names and executable bits do.
        type: dict
        suboptions:
          path:
            description:
            - A directory, or a tar (plain, gz, bz2, xz) or zip archive, whose only directory at its
              top is left out.
            - It is on the controller, as with M(ansible.builtin.copy), unless O(workloads[].source.remote)
              is set.
            type: str
          remote:
            description: The path is on the target host.
            type: bool
            default: false
          git:
            description:
            - URL of a git repository that the target host reads, such as V(https://host/path) or
              V(git@host:path), without a password or token in it.
            - An unchanged workload asks for the ref's commit only; an exact commit is not asked for
              at all.
            type: str
          ref:
            description: Branch, tag or exact commit.
            type: str
            default: HEAD
          subdirectory:
            description: Directory below the source that is the root of everything else. V(./src)
              is V(src).
            type: str
            default: .
          submodules:
            description: Fetch the repository's submodules, too.
            type: bool
            default: false
          username:
            description: User name that goes with O(workloads[].source.token); most servers take any.
            type: str
          token:
            description:
            - Access token for an https repository. It reaches git by a file that is gone after the
              fetch, and is in no argument, variable, image or log.
            - Only the repository's own scheme, host and port get it, and redirects from there are
              not followed; submodules elsewhere get nothing. Over http it is refused, but for an
              address of the loopback.
            type: str
          deploy_key:
            description:
            - Private SSH key for an ssh repository; handled like O(workloads[].source.token), and
              for its own host and port alone.
            type: str
          known_hosts:
            description:
            - Lines of an SSH known_hosts file. With them an unknown host key is an error. Without
              them the first key that a host shows is kept in C(known_hosts) of the state directory,
              and another key is an error from then on.
            type: str
          timeout:
            description: Seconds that each command of git may take.
            type: float
            default: 300
          max_size:
            description: How much the files may hold together, such as V(500m); V(0) is no limit.
            type: str
            default: 1g
          archive:
            description: Where the controller's files were put on the target host. Set by the collection
              itself.
            type: path
      build:
        description:
        - How the image is built. The same files, options and base images are not built again.
        type: dict
        suboptions:
          dockerfile:
            description: Path of the Dockerfile below the source.
            type: str
            default: Dockerfile
          target:
            description: Stage to build, if not the last one.
            type: str
          args:
            description: Build arguments. They can be read from the image's history; use O(workloads[].build.secrets)
              for secrets.
            type: dict
          secrets:
            description: Secrets that a V(RUN --mount=type=secret) reads. Needs O(workloads[].build.builder=buildkit).
            type: list
            elements: dict
            suboptions:
              name:
                description: Id of the secret.
                type: str
                required: true
              value:
                description: Its value. A change of it alone does not build again.
                type: str
                required: true
          cache_from:
            description: Images of the engine whose layers may be used.
            type: list
            elements: str
          platform:
            description: Platform to build for, such as V(linux/arm64).
            type: str
          labels:
            description: Labels of the image.
            type: dict
          network:
            description: Network of the build's steps, such as V(host) or V(none).
            type: str
          builder:
            description:
            - V(classic) is the engine's own builder. V(buildkit) runs C(docker build) by BuildKit,
              for which a client of version 23 or newer needs its plugin buildx.
            type: str
            choices:
            - classic
            - buildkit
            default: classic
          timeout:
            description: Seconds that a build may take once it is its turn; the wait for others' builds
              does not count.
            type: float
            default: 1800
          max_size:
            description: How large the image may be, such as V(2g); V(0) is no limit. One that is
              larger is removed.
            type: str
            default: '0'
          concurrency:
            description: How many builds run at once on the host, over all runs; the others wait.
            type: int
            default: 2
      static:
        description: How the site is made and served.
        type: dict
        suboptions:
          server:
            description: The static server. It runs without write access, as a user of its own, on
              port 8080.
            type: str
            choices:
            - caddy
            - nginx
            default: caddy
          image:
            description:
            - Image of the server.
            - Omitted, it is V(docker.io/library/caddy:2.11.7) or V(docker.io/library/nginx:1.29.3).
            type: str
          build_command:
            description: Shell command that makes the site of the source. Goes with O(workloads[].static.build_image).
            type: str
          build_image:
            description: Image that the command runs in; without a tag, a language image of the role
              C(runner)'s catalog.
            type: str
          output:
            description: Directory with the site, below the source or where the command leaves it.
            type: str
            default: .
          spa:
            description: Answer paths that name no file with C(/index.html), for applications that
              route in the browser.
            type: bool
            default: false
          not_found:
            description: File of the site that is the page of answers 404, such as V(404.html).
            type: str
          headers:
            description: Headers of every answer, as plain text without braces and C($).
            type: dict
          keep_assets:
            description:
            - Seconds for which files of an earlier release stay reachable after a switch, so that
              pages which are still open lose nothing. Pages themselves are not kept. What is older
              goes with the next deployment.
            type: float
            default: 86400
          network:
            description: Network of the build's steps, such as V(host) or V(none).
            type: str
          timeout:
            description: Seconds that a build may take once it is its turn; the wait for others' builds
              does not count.
            type: float
            default: 1800
          max_size:
            description: How large the image may be, such as V(2g); V(0) is no limit. One that is
              larger is removed.
            type: str
            default: '0'
          concurrency:
            description: How many builds run at once on the host, over all runs; the others wait.
            type: int
            default: 2
      runner:
        description: How the application is built and started. What is omitted comes of a preset of
          the host's catalog.
        type: dict
        suboptions:
          image:
            description:
            - Name of a language image of the catalog that the role C(runner) placed. Omitted, it
              is the first enabled one of the preset's language.
            type: str
          preset:
            description:
            - Name of a preset; V(auto) takes the first one whose rules the source fulfils, V(none)
              takes none.
            type: str
            default: auto
          install_command:
            description: Shell command that installs what the manifests ask for; its layer is kept
              while they do not change.
            type: str
          build_command:
            description: Shell command that runs once the whole source is there.
            type: str
          pre_deploy_command:
            description: Shell command that runs once in a container of the new release, before it
              starts.
            type: str
          start_command:
            description: Shell command that is the application. It has to listen on port 8000 (C($PORT))
              of all addresses.
            type: str
          build_env:
            description: Variables of the build and the application. One line each; part of the image,
              so no secrets.
            type: dict
          network:
            description: Network of the build's steps, such as V(host) or V(none).
            type: str
          timeout:
            description: Seconds that a build may take once it is its turn; the wait for others' builds
              does not count.
            type: float
            default: 1800
          max_size:
            description: How large the image may be, such as V(2g); V(0) is no limit. One that is
              larger is removed.
            type: str
            default: '0'
          concurrency:
            description: How many builds run at once on the host, over all runs; the others wait.
            type: int
            default: 2
      compose:
        description:
        - The Compose project. Its file comes of O(workloads[].source), or is O(workloads[].compose.definition);
          one of them is required for O(workloads[].state=present).
        type: dict
        suboptions:
          project:
            description:
            - Name of the project. It is made lower-case, and what Compose does not take becomes a
              hyphen.
            - Omitted, it is made of the workload's name and environment. It cannot be changed while
              the workload is there, and is refused if anybody else's containers have it.
            - Volumes and networks are named by it. Give the old name to a renamed workload, which
              then has its data.
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
                      asks that the container lives for C(window) seconds and, if C(port) is set,
                      accepts connections on it.
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
                    description: Host names, added to O(workloads[].compose.services[].routes[].host).
                    type: list
                    elements: str
                  path_prefix:
                    description: Only requests whose path begins with this.
                    type: str
                    default: /
                  strip_prefix:
                    description: Take O(workloads[].compose.services[].routes[].path_prefix) off before
                      the application sees the request.
                    type: bool
                    default: false
                  priority:
                    description: Priority of the rule; omitted, longer rules go first.
                    type: int
                  entry_points:
                    description: Names of Traefik entry points; V(websecure) for TLS and V(web) for
                      other routes if omitted.
                    type: list
                    elements: str
                  tls:
                    description:
                    - Serve it with TLS. Implied by O(workloads[].compose.services[].routes[].resolver).
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
      port:
        description: Port that the application listens on inside its container. Required with O(workloads[].routes).
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
        - They can be read with C(docker inspect), so what is secret belongs in O(workloads[].secrets).
        - "One that has the value of a secret inside it, of at least four characters and in any usual\
          \ spelling, as the address of a database has, is handled as a secret with delivery V(environment)\
          \ itself. Anywhere else in a declaration (commands, labels, build arguments, \u2026) such\
          \ a value, from eight characters on, is refused."
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
            - V(environment) sets a variable. Everybody who may use the engine can then read it with
              C(docker inspect).
            type: str
            choices:
            - file
            - environment
            default: file
      user:
        description: User (name or number, with V(:group) if needed) that the container runs as; omitted,
          it is the image's.
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
            description: Name of a volume, created when missing, or an absolute path on the host,
              which has to be there.
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
            description: Declare that two containers may write it at once, which V(blue-green) and
              replicas need.
            type: bool
            default: false
          one_writer:
            description:
            - With V(handover), let the stand-in read it but not write it, so that never two containers
              write it at once.
            type: bool
            default: false
          engine:
            description:
            - Declare that the container gets the engine's socket, and with it the whole host. Only
              a proxy that lets a part of its API through should have it, such as that of the role
              C(socket_proxy).
            type: bool
            default: false
      image_volumes:
        description:
        - What becomes of what containers write where the image itself declares a volume and nothing
          is mounted.
        - With V(keep), it is data. A container is only replaced in its place, by O(workloads[].strategy=recreate),
          and the next one gets the volume; O(workloads[].strategy=blue-green) and O(workloads[].replicas)
          above 1 are refused. It goes with the workload only by O(workloads[].remove_volumes).
        - With V(discard), every container begins with what the image has, and takes it along when
          it goes.
        - The default is V(keep), and V(discard) for sites.
        type: str
        choices:
        - keep
        - discard
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
        default:
        - tidegate
      addresses:
        description:
        - Fixed IPv4 or IPv6 addresses by the networks that they are of. Such a network has a subnet
          that somebody chose.
        - Two containers cannot have one address, so that it goes with V(recreate) and V(handover)
          only.
        type: dict
        default: {}
      aliases:
        description:
        - Further names of the containers in their networks. A candidate has them from its start,
          before its gate.
        - Behind the wall between workloads (C(traefik_wall) of the role traefik) nobody calls them
          on the public network, and where there are O(workloads[].networks) besides it, they are
          in those alone.
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
            choices:
            - tcp
            - udp
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
        default:
        - ALL
      no_new_privileges:
        description: Keep processes from gaining privileges, for example through set-uid programs.
        type: bool
        default: true
      allow_root:
        description: Allow a container whose user is root. Without it such an image or O(workloads[].user)
          is refused.
        type: bool
        default: false
      restart_policy:
        description: When the engine restarts the containers.
        type: str
        choices:
        - 'no'
        - on-failure
        - unless-stopped
        - always
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
        - With O(workloads[].state=absent) and O(workloads[].state=stopped), omitted, it is the longest
          that is on record of what leaves.
        type: int
      stop_signal:
        description: Signal that asks a container to end, such as V(SIGQUIT); omitted, it is the image's.
        type: str
      release_command:
        description:
        - Command that is run once per deployment, in a container of the new release, before that
          is started; for example a migration. When it fails, the deployment fails and the live release
          serves on.
        type: list
        elements: str
      release_command_timeout:
        description: Seconds that the release command may take.
        type: float
        default: 300
      release_command_once:
        description:
        - Whether the playbooks run the release command on one host for all of a fleet, the first
          that the workload is deployed to, before any other stages; for hosts that share a database.
          By itself, every host runs it.
        type: bool
        default: false
      health:
        description:
        - The gate that a candidate has to pass before traffic may go to it.
        - A container that exits or restarts meanwhile fails at once.
        type: dict
        suboptions:
          type:
            description:
            - V(http) requests O(workloads[].health.path); V(tcp) connects to O(workloads[].health.port);
              V(command) runs O(workloads[].health.command) inside the container; V(image) waits for
              the image's own HEALTHCHECK; V(window) asks that the container lives for O(workloads[].health.window)
              seconds and, if O(workloads[].port) is set, accepts connections on it.
            - Omitted, it follows from O(workloads[].health.path) or O(workloads[].health.command),
              else from the image - V(image) if it has a HEALTHCHECK, V(window) if not.
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
            description: Port of the HTTP or TCP probe; O(workloads[].port) if omitted.
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
      drain:
        description:
        - How long open connections of the old release are waited for, after traffic has gone to the
          new one.
        - The wait is measured and ends as soon as nothing is in flight; idle connections from Traefik
          do not count, because Traefik is told to close them after half a second. The application
          must keep idle ones for longer.
        type: dict
        suboptions:
          timeout:
            description: Seconds that requests in flight are given.
            type: float
            default: 30
          upgraded_timeout:
            description:
            - Seconds, counted from the same moment, that WebSockets and other upgraded connections
              are given. What is still open after O(workloads[].drain.timeout) counts as such a connection,
              because sockets look alike.
            - O(workloads[].drain.timeout) if omitted.
            type: float
      bake:
        description:
        - Keeps the old release for a while after the switch. If the new one ends, restarts, or fails
          its gate's probe three times in a row meanwhile, traffic goes back to the old release and
          the deployment has failed.
        type: dict
        suboptions:
          seconds:
            description: How long the new release is watched; 0 is no bake.
            type: float
            required: true
          error_ratio:
            description: Share of answers with status 5xx, by Traefik's metrics, above which traffic
              goes back, too.
            type: float
          requests:
            description: From how many answers on O(workloads[].bake.error_ratio) is judged.
            type: int
            default: 20
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
            description: Host names, added to O(workloads[].routes[].host).
            type: list
            elements: str
          path_prefix:
            description:
            - Only requests for this path and what lies below it; V(/api) is for V(/api/v1), but not
              for V(/apikeys).
            - A slash at its end makes no difference.
            type: str
            default: /
          strip_prefix:
            description: Take O(workloads[].routes[].path_prefix) off before the application sees
              the request.
            type: bool
            default: false
          priority:
            description:
            - Which of several routes gets a request that all are for. Omitted, the more specific
              one does, of whatever workload it is; an exact host before a wildcard before any host,
              and of these the longer path.
            - Routes with V(50) or more come before all routes without a priority, those with V(1)
              to V(49) after them. Among themselves the greater number comes first.
            type: int
          entry_points:
            description: Names of Traefik entry points; V(websecure) for TLS and V(web) for other
              routes if omitted.
            type: list
            elements: str
          tls:
            description:
            - Serve it with TLS. Implied by O(workloads[].routes[].resolver).
            - Without a resolver, Traefik's own certificates are used.
            type: bool
          resolver:
            description: Name of the certificate resolver that gets its certificate.
            type: str
          redirect_to:
            description: Redirect permanently to this URL, the request's path added, instead of going
              to the workload.
            type: str
          middlewares:
            description: Names of Traefik middlewares to apply, such as V(compress@file).
            type: list
            elements: str
            default: []
  phase:
    description:
      - Which part of the deployments is wanted. V(deploy) is all of it.
      - V(stage) starts and gates new releases where users do not notice; V(switch) sends the traffic to what was staged
        and keeps the old releases; V(finish) drains and removes the old ones; V(revert) goes back to them, or removes
        what was staged. So many hosts go together, or none does.
      - What is to be stopped or absent, which nothing would take back, is so with V(finish). For that and V(revert)
        name and environment are enough.
      - Check mode always foretells the whole deployment.
    type: str
    choices: [deploy, stage, switch, finish, revert]
    default: deploy
  fleet:
    description:
      - Name of the run over many hosts that this phase belongs to. What it staged or switched is its own until O(hold)
        is over; deployments, rollbacks and reconciliations that are not of it leave it alone, and say so.
      - With it, V(revert) also goes back from what somebody else has finished after that time.
    type: str
  hold:
    description:
      - Seconds after the last phase for which the run keeps what it has not finished. After that it counts as
        interrupted; what was switched stays, what was not is taken back by whoever comes next. At most a year.
    type: float
    default: 3600
  skip_release_commands:
    description: Names of workloads whose release command another host of the fleet runs.
    type: list
    elements: str
    default: []
  reason:
    description: Why O(phase=revert) is asked for; kept with the deployments.
    type: str
    default: reverted on request
  verb:
    description:
      - What is done with the workloads. V(declare) makes them as declared.
      - V(rollback) and V(restart) are as with M(tidegate.platform.workload_rollback) and
        M(tidegate.platform.workload_control), for many workloads and in phases; of O(workloads), name and environment
        count.
    type: str
    choices: [declare, rollback, restart]
    default: declare
  to:
    description: Release that O(verb=rollback) goes to, as with M(tidegate.platform.workload_rollback).
    type: str
  concurrency:
    description: How many workloads are deployed side by side.
    type: int
    default: 20
  stop_on_failure:
    description: Begin no further deployment after one failed. Those under way are brought to their end.
    type: bool
    default: false
  progress_file:
    description:
      - A new file on the target host that steps and lines of progress are appended to while the module runs, and that
        is removed at its end. Set by the collection itself, which shows the lines as they come.
      - Whatever has this name already, be it a file, a link or a device, is neither written to nor removed; there is a
        warning, and the module does its work without it.
    type: path
"""

EXAMPLES = r"""
- name: Deploy everything that this host runs
  tidegate.platform.workloads:
    workloads:
      - name: shop
        image: registry.example.org/team/shop:1.4.2
        port: 8000
        user: "10001"
        routes:
          - host: shop.example.org
      - name: worker
        image: registry.example.org/team/shop:1.4.2
        command: [python3, worker.py]
        user: "10001"
"""

RETURN = r"""
workloads:
  description: A row for every workload, in the order of the list, as M(tidegate.platform.workload_image) returns it.
  returned: when the list is valid
  type: list
  elements: dict
  contains:
    name:
      description: The workload.
      type: str
    environment:
      description: Its environment.
      type: str
    changed:
      description: Whether it was changed.
      type: bool
    failed:
      description: Whether it failed; then C(msg), C(kind), C(step), C(remedy) and C(logs) say why.
      type: bool
    reason:
      description: Why something was done, or why nothing was.
      type: str
    steps:
      description: The steps in order.
      type: list
      elements: dict
    deployment:
      description: The recorded attempt.
      type: dict
    release:
      description: The live release.
      type: dict
    previous:
      description: The release before it.
      type: dict
    connections:
      description: Connections to the old release, as counted while draining it.
      type: dict
summary:
  description: How many were changed, unchanged, failed.
  returned: when the list is valid
  type: dict
  contains:
    changed:
      description: Changed ones.
      type: int
    unchanged:
      description: Unchanged ones.
      type: int
    failed:
      description: Failed ones.
      type: int
msg:
  description: Which workloads failed and why.
  returned: failure
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

from ..module_utils._core.options.argument_specs import WORKLOADS
from ..module_utils._core.stories.module import run
from ..module_utils._core.stories.workloads import workloads


def main() -> None:
    """Run the module."""
    run(WORKLOADS, workloads)


if __name__ == "__main__":
    main()
