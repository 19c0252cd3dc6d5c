# Copyright: (c) 2026, tidegate.platform contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations


class ModuleDocFragment:
    """Options that say where a tree of files comes from."""

    DOCUMENTATION = r"""
options:
  source:
    description:
      - Where the files come from. Required for O(state=present) where the workload is made from files.
      - Either O(source.path) or O(source.git). Times and owners of files do not count as a change, contents, names and
        executable bits do.
    type: dict
    suboptions:
      path:
        description:
          - A directory, or a tar (plain, gz, bz2, xz) or zip archive, whose only directory at its top is left out.
          - It is on the controller, as with M(ansible.builtin.copy), unless O(source.remote) is set.
        type: str
      remote:
        description: The path is on the target host.
        type: bool
        default: false
      git:
        description:
          - URL of a git repository that the target host reads, such as V(https://host/path) or V(git@host:path),
            without a password or token in it.
          - An unchanged workload asks for the ref's commit only; an exact commit is not asked for at all.
        type: str
      ref:
        description: Branch, tag or exact commit.
        type: str
        default: HEAD
      subdirectory:
        description: Directory below the source that is the root of everything else. V(./src) is V(src).
        type: str
        default: "."
      submodules:
        description: Fetch the repository's submodules, too.
        type: bool
        default: false
      username:
        description: User name that goes with O(source.token); most servers take any.
        type: str
      token:
        description:
          - Access token for an https repository. It reaches git by a file that is gone after the fetch, and is in no
            argument, variable, image or log.
          - Only the repository's own scheme, host and port get it, and redirects from there are not followed;
            submodules elsewhere get nothing. Over http it is refused, but for an address of the loopback.
        type: str
      deploy_key:
        description:
          - Private SSH key for an ssh repository; handled like O(source.token), and for its own host and port alone.
        type: str
      known_hosts:
        description:
          - Lines of an SSH known_hosts file. With them an unknown host key is an error. Without them the first key that
            a host shows is kept in C(known_hosts) of the state directory, and another key is an error from then on.
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
        description: Where the controller's files were put on the target host. Set by the collection itself.
        type: path
"""
