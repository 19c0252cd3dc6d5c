# Copyright: (c) 2026, tidegate.platform contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The story of `platform_library`: what this module itself runs becomes a library of the host.

Private to tidegate.platform. Ansible ships a module with everything that it imports; `_command` is imported for that.
"""

from __future__ import annotations

import os
import pkgutil
import sys
import tempfile

from . import _command, _files
from ._call import Call, Result
from ._errors import StoreFailure

PACKAGE = "tidegate_platform"


def library(call: Call) -> Result:
    """Place the sources below a folder, as a package that a command of the host imports; others go."""
    folder = os.path.join(call.params["path"], PACKAGE)
    wanted = sources()
    have = _have(folder)
    changed = sorted(name for name, text in wanted.items() if have.get(name) != text)
    gone = sorted(set(have) - set(wanted))
    if not call.check:
        _written(folder, {name: wanted[name] for name in changed}, gone)
    return {"changed": bool(changed or gone), "path": folder, "files": len(wanted), "placed": changed, "removed": gone}


def sources() -> dict[str, str]:
    """The Python files beside this one by name, wherever they are: in a folder, or in the archive of a module."""
    package = __name__.rpartition(".")[0]
    found = {}
    for module in pkgutil.iter_modules(sys.modules[package].__path__):
        data = pkgutil.get_data(package, f"{module.name}.py")
        if data is not None and module.name.startswith("_"):
            found[f"{module.name}.py"] = data.decode()
    if f"{_command.__name__.rpartition('.')[2]}.py" not in found:
        raise StoreFailure("its own sources cannot be read", subject=package)
    return found


def _have(folder: str) -> dict[str, str]:
    found = {}
    for name in os.listdir(folder) if os.path.isdir(folder) else ():
        if name.endswith(".py"):
            with open(os.path.join(folder, name), encoding="utf-8") as stream:
                found[name] = stream.read()
    return found


def _written(folder: str, placed: dict[str, str], removed: list[str]) -> None:
    try:
        os.makedirs(folder, mode=0o755, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder) as staging:
            for name, text in placed.items():
                _files.place(os.path.join(folder, name), text, 0o644, staging)
        for name in removed:
            _files.discard(os.path.join(folder, name))
    except OSError as error:
        cause = f"cannot be written: {error.strerror or error}"
        raise StoreFailure(cause, subject=folder, remedy="Check its space and permissions.") from error
