# Copyright: (c) 2026, tidegate.platform contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The story of `platform_library`: what this module itself runs becomes a library of the host.

Ansible ships a module with everything that it imports; `reconcile_command` is imported for that.
"""

from __future__ import annotations

import glob
import os
import pkgutil
import sys
import tempfile

from ..host import filesystem
from ..values.errors import StoreFailure
from . import reconcile_command
from .call import Call, Result

PACKAGE = "tidegate_core"  # `tidegate_platform` was the one of earlier versions, whose files lay side by side


def library(call: Call) -> Result:
    """Place the sources below a folder, as a package that a command of the host imports; others go."""
    folder = os.path.join(call.params["path"], PACKAGE)
    wanted = sources()
    have = _have(folder)
    changed = sorted(name for name, text in wanted.items() if have.get(name) != text)
    gone = sorted(set(have) - set(wanted))
    if not call.check:
        _write(folder, {name: wanted[name] for name in changed}, gone)
    return {"changed": bool(changed or gone), "path": folder, "files": len(wanted), "placed": changed, "removed": gone}


def sources() -> dict[str, str]:
    """The core's Python files by their path in it, wherever they are: in folders, or in the archive of a module."""
    core = __name__.rsplit(".", 2)[0]
    found = {"__init__.py": _source(core, "__init__.py")}
    for module in pkgutil.walk_packages(sys.modules[core].__path__, f"{core}."):
        path = module.name[len(core) + 1 :].replace(".", "/")
        path = f"{path}/__init__.py" if module.ispkg else f"{path}.py"
        found[path] = _source(core, path)
    command = reconcile_command.__name__[len(core) + 1 :].replace(".", "/")
    if f"{command}.py" not in found:
        raise StoreFailure("its own sources cannot be read", subject=core)
    return found


def _source(package: str, path: str) -> str:
    return (pkgutil.get_data(package, path) or b"").decode()


def _have(folder: str) -> dict[str, str]:
    found = {}
    for path in glob.iglob(os.path.join(glob.escape(folder), "**", "*.py"), recursive=True):
        with open(path, encoding="utf-8") as stream:
            found[os.path.relpath(path, folder)] = stream.read()
    return found


def _write(folder: str, placed: dict[str, str], removed: list[str]) -> None:
    try:
        os.makedirs(folder, mode=0o755, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder) as staging:
            for name, text in placed.items():
                os.makedirs(os.path.dirname(os.path.join(folder, name)), mode=0o755, exist_ok=True)
                filesystem.place(os.path.join(folder, name), text, 0o644, staging)
        for name in removed:
            filesystem.discard(os.path.join(folder, name))
    except OSError as error:
        cause = f"cannot be written: {error.strerror or error}"
        raise StoreFailure(cause, subject=folder, remedy="Check its space and permissions.") from error
