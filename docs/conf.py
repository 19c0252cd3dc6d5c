# Copyright: (c) 2026, tidegate.platform contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How Sphinx makes the documentation's site; `make docs` gathers its pages and runs it."""

from __future__ import annotations

import re

from docutils import nodes
from sphinx import addnodes
from sphinx.application import Sphinx

project = title = html_title = html_short_title = "tidegate.platform"
project_copyright = "tidegate.platform contributors"
extensions = ["myst_parser", "sphinx_antsibull_ext"]
html_theme = "furo"
html_copy_source = False
html_use_index = False
exclude_patterns = ["reference/environment_variables.rst"]  # there are none
default_role = "any"
nitpicky = True
myst_heading_anchors = 3

# Ansible's own pages, which the reference links. An inventory of their labels would have to be fetched at each build.
ANSIBLE = "https://docs.ansible.com/projects/ansible/devel/"
LABELS = {
    "common_return_values": "reference_appendices/common_return_values.html",
    "action_plugins": "plugins/action.html",
}
BUILTIN = re.compile(r"ansible_collections\.ansible\.builtin\.(\w+_(?:module|lookup|filter))")


def of_ansible(
    _app: Sphinx, _env: object, wanted: addnodes.pending_xref, shown: nodes.TextElement
) -> nodes.reference | None:
    """A link to Ansible's site, if that is where a label is; any other is an error of ours."""
    label = str(wanted.get("reftarget"))
    builtin = BUILTIN.fullmatch(label)
    page = f"collections/ansible/builtin/{builtin[1]}.html" if builtin else LABELS.get(label)
    return nodes.reference("", "", shown, internal=False, refuri=ANSIBLE + page) if page else None


def setup(app: Sphinx) -> dict[str, bool]:
    """Called by Sphinx."""
    app.connect("missing-reference", of_ansible)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
