# Copyright: (c) 2026, tidegate.platform contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs the module of the same name and, when that takes long, shows the steps of its workloads as they begin."""

from __future__ import annotations

import copy
import os
import threading
import typing as t

from ansible.errors import AnsibleError
from ansible.plugins.action import ActionBase

# A run that is over by then costs nothing more than its one task; later ones are looked at about as often as one reads.
QUIET_SECONDS = 2.0


class ActionModule(ActionBase):
    """The module, watched."""

    TRANSFERS_FILES = False
    _supports_check_mode = True
    _supports_async = True
    _supports_diff = True

    def run(self, tmp: str | None = None, task_vars: dict[str, t.Any] | None = None) -> dict[str, t.Any]:
        """Run the module; what it appends to its progress file is shown meanwhile."""
        result: dict[str, t.Any] = super().run(tmp, task_vars)
        arguments = dict(self._task.args)
        detached = bool(self._task.async_val) and not self._connection.has_native_async
        watched = not (detached or self._task.check_mode or arguments.get("progress_file"))
        if watched:
            arguments["progress_file"] = f"/run/tidegate-{os.urandom(8).hex()}.progress"
        over = threading.Event()
        host = str((task_vars or {}).get("inventory_hostname", "host"))
        path = str(arguments.get("progress_file", ""))
        watcher = threading.Thread(target=self._watch, args=(path, host, over), daemon=True)
        if watched:
            watcher.start()
        try:
            result.update(
                self._execute_module(
                    module_name="tidegate.platform.workloads",
                    module_args=arguments,
                    task_vars=task_vars,
                    wrap_async=detached,
                )
            )
        finally:
            over.set()
            if watched:
                watcher.join()
        return result

    def _watch(self, path: str, host: str, over: threading.Event) -> None:
        """Show new lines of the progress file until the module is over; over a connection of its own."""
        other = copy.copy(self)
        other._connection = copy.copy(self._connection)
        other._connection.become = copy.copy(self._connection.become)
        shown = 0
        while not over.wait(QUIET_SECONDS):
            try:
                found = other._low_level_execute_command(f"cat {path}", sudoable=True)
            except (AnsibleError, OSError) as error:
                self._display.vv(f"{host}: progress cannot be shown: {error}")
                return
            lines = found["stdout_lines"] if found["rc"] == 0 else []
            for line in lines[shown:]:
                self._display.display(f"  {host}: {line}")
            shown = max(shown, len(lines))
