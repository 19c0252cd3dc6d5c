# Copyright: (c) 2026, tidegate.platform contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the controller's Python needs beside ansible-core, and what is said where it lacks that.

Private to tidegate.platform.
"""

from __future__ import annotations

import importlib
import sys
import types
import typing as t

from ansible.errors import AnsibleError

LEAST = {"jsonschema": "4.17"}
"""The oldest version of each package that will do; what else names it is compared with this by a test."""


def needed(name: str) -> types.ModuleType:
    """A package, imported.

    :raises AnsibleError: it cannot be; says the command that installs it.
    """
    try:
        return importlib.import_module(name)
    except ImportError as error:
        raise AnsibleError(
            f"The Python package {name} is missing on the controller. Install it for the Python that runs Ansible: "
            f"{sys.executable} -m pip install '{name}>={LEAST[name]}'"
        ) from error


def lacking(names: t.Sequence[str]) -> list[str]:
    """A sentence for each of the packages that cannot be imported."""
    found = []
    for name in names:
        try:
            needed(name)
        except AnsibleError as error:
            found.append(error.message)
    return found
