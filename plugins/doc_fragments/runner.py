# Copyright: (c) 2026, tidegate.platform contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import typing as t

from ansible_collections.tidegate.platform.plugins.doc_fragments import limits
from ansible_collections.tidegate.platform.plugins.plugin_utils._fragments import nested


class ModuleDocFragment:
    """Options of an application that runs in a language image."""

    OWN = r"""
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
"""
    DOCUMENTATION: t.ClassVar[str] = nested(OWN, "runner", limits)
