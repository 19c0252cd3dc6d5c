# Copyright: (c) 2026, tidegate.platform contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations


class ModuleDocFragment:
    """Options of an application that runs in a language image."""

    DOCUMENTATION = r"""
options:
  runner:
    description: How the application is built and started. What is omitted comes of a preset of the host's catalog.
    type: dict
    suboptions:
      image:
        description:
          - Name of a language image of the catalog that the role C(runner) placed. Omitted, it is the first enabled one
            of the preset's language.
        type: str
      preset:
        description:
          - Name of a preset; V(auto) takes the first one whose rules the source fulfils, V(none) takes none.
        type: str
        default: auto
      install_command:
        description: Shell command that installs what the manifests ask for; its layer is kept while they do not change.
        type: str
      build_command:
        description: Shell command that runs once the whole source is there.
        type: str
      pre_deploy_command:
        description: Shell command that runs once in a container of the new release, before it starts.
        type: str
      start_command:
        description: Shell command that is the application. It has to listen on port 8000 (C($PORT)) of all addresses.
        type: str
      build_env:
        description: Variables of the build and the application. One line each; part of the image, so no secrets.
        type: dict
      network:
        description: Network of the build's steps, such as V(host) or V(none).
        type: str
      timeout:
        description: Seconds that a build may take once it is its turn; the wait for others' builds does not count.
        type: float
        default: 1800
      max_size:
        description: How large the image may be, such as V(2g); V(0) is no limit. One that is larger is removed.
        type: str
        default: "0"
      concurrency:
        description: How many builds run at once on the host, over all runs; the others wait.
        type: int
        default: 2
"""
