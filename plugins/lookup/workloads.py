# Copyright: (c) 2026, tidegate.platform contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Workload files of a repository, validated on the controller."""

from __future__ import annotations

DOCUMENTATION = r"""
name: workloads
short_description: Read workload files and validate them on the controller
version_added: 0.1.0
author: tidegate.platform contributors (@tidegate)
description:
  - Reads one workload a file, of any type, checks each against the published JSON Schema and against everything that
    the modules would check, and returns the declarations of an environment. No host is touched.
  - All problems of all files are told at once, each with its file, path, value and remedy.
  - Files may hold templates and vaulted values. A relative O(_terms) is looked for as Ansible does for files, then
    in the working directory, then in the inventory's folder; a relative path of a source is relative to its file.
  - Needs the Python package C(jsonschema) on the controller.
options:
  _terms:
    description: Files, or directories whose files C(*.yml) and C(*.yaml) are meant.
    type: list
    elements: str
    required: true
  environment:
    description:
      - The environment that is meant. Only files that are of it count, and one that no file is of is refused.
      - Without it, or where it is empty, a file with C(environments) counts as of V(production), and one without as of
        its own C(environment).
    type: str
    default: ""
"""

EXAMPLES = r"""
- name: Deploy what the repository declares
  hosts: applications
  tasks:
    - name: Deploy
      tidegate.platform.workloads:
        workloads: "{{ lookup('tidegate.platform.workloads', 'workloads', environment='staging', wantlist=true) }}"
"""

RETURN = r"""
_list:
  description: The declarations, as the option O(tidegate.platform.workloads#module:workloads) takes them.
  type: list
  elements: dict
"""

import typing as t
from pathlib import Path

from ansible.errors import AnsibleLookupError
from ansible.plugins.lookup import LookupBase
from ansible_collections.tidegate.platform.plugins.plugin_utils._workload_files import Reader


class LookupModule(LookupBase):
    """The lookup."""

    def run(self, terms: list[str], variables: dict[str, t.Any] | None = None, **kwargs: t.Any) -> list[t.Any]:
        """The declarations of all files."""
        self.set_options(var_options=variables, direct=kwargs)
        reader = Reader(self._loader, self._templar, self.get_option("environment"))
        for term in terms:
            self._read(reader, str(term), variables or {})
        reader.close()
        if reader.problems:
            raise AnsibleLookupError("workload files are not valid:\n" + "\n".join(f"  {p}" for p in reader.problems))
        return reader.declarations

    def _read(self, reader: Reader, term: str, variables: dict[str, t.Any]) -> None:
        """The files of a path, from the first place that has it."""
        own = self.find_file_in_search_path(variables, "files", term, ignore_missing=True)
        places = [Path.cwd(), *([Path(str(variables["inventory_dir"]))] if variables.get("inventory_dir") else [])]
        found = own or next((str(place / term) for place in places if (place / term).exists()), None)
        if found is None:
            looked = ", ".join(str(place) for place in ([] if Path(term).is_absolute() else places))
            where = f", neither where Ansible looks for files nor in {looked}" if looked else ""
            reader.problems.append(f"{term}: is not there{where}. Name a file or a directory.")
            return
        reader.read(found)
