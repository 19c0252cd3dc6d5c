# Copyright: (c) 2026, tidegate.platform contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import typing as t

from ansible_collections.tidegate.platform.plugins.doc_fragments import limits
from ansible_collections.tidegate.platform.plugins.plugin_utils._fragments import nested


class ModuleDocFragment:
    """Options of a site of files."""

    OWN = r"""
options:
  static:
    description: How the site is made and served.
    type: dict
    suboptions:
      server:
        description: The static server. It runs without write access, as a user of its own, on port 8080.
        type: str
        choices: [caddy, nginx]
        default: caddy
      image:
        description:
          - Image of the server.
          - Omitted, it is V(docker.io/library/caddy:2.11.7) or V(docker.io/library/nginx:1.29.3).
        type: str
      build_command:
        description: Shell command that makes the site of the source. Goes with O(static.build_image).
        type: str
      build_image:
        description: Image that the command runs in; without a tag, a language image of the role C(runner)'s catalog.
        type: str
      output:
        description: Directory with the site, below the source or where the command leaves it.
        type: str
        default: "."
      spa:
        description: Answer paths that name no file with C(/index.html), for applications that route in the browser.
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
          - Seconds for which files of an earlier release stay reachable after a switch, so that pages which are still
            open lose nothing. Pages themselves are not kept. What is older goes with the next deployment.
        type: float
        default: 86400
"""
    DOCUMENTATION: t.ClassVar[str] = nested(OWN, "static", limits)
