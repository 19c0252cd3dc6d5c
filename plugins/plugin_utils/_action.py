# Copyright: (c) 2026, tidegate.platform contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the controller does for a module. Private to tidegate.platform.

It refuses what ansible-core trips over and texts that are not what was written, brings the controller's files to the
host and, when the module takes long, shows its steps as they begin.
"""

from __future__ import annotations

import copy
import gzip
import os
import tempfile
import threading
import typing as t

from ansible import constants
from ansible.errors import AnsibleActionFail, AnsibleError
from ansible.module_utils.parsing.convert_bool import boolean
from ansible.plugins.action import ActionBase
from ansible_collections.tidegate.platform.plugins.module_utils._core.sources import trees
from ansible_collections.tidegate.platform.plugins.plugin_utils._meant import unclear
from ansible_collections.tidegate.platform.plugins.plugin_utils._shape import misfit

# A run that is over by then costs nothing more than its one task; later ones are looked at about as often as one reads.
QUIET_SECONDS = 2.0


class WorkloadAction(ActionBase):
    """The module that the file of the class is named as, with its sources brought and its progress watched."""

    SPEC: t.ClassVar[dict[str, t.Any]] = {}
    _supports_check_mode = True
    _supports_async = True
    _supports_diff = True

    def run(self, tmp: str | None = None, task_vars: dict[str, t.Any] | None = None) -> dict[str, t.Any]:
        """Run the module; what it appends to its progress file is shown meanwhile."""
        result: dict[str, t.Any] = super().run(tmp, task_vars)
        arguments = copy.deepcopy(dict(self._task.args))
        wrong = misfit(self.SPEC, arguments) or unclear(self.SPEC, arguments)
        if wrong:
            raise AnsibleActionFail(wrong)
        for number, declaration in enumerate(arguments.get("workloads") or [arguments]):
            self._bring(declaration, number)
        detached = bool(self._task.async_val) and not self._connection.has_native_async
        quiet = detached or self._task.check_mode or arguments.get("progress_file")
        watched = "progress_file" in self.SPEC and not quiet
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
                    module_name=f"tidegate.platform.{type(self).__module__.rpartition('.')[2]}",
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

    def _bring(self, declaration: t.Any, number: int) -> None:
        """Put a source of the controller onto the host, as one archive."""
        source = declaration.get("source") if isinstance(declaration, dict) else None
        if not isinstance(source, dict) or not source.get("path") or source.get("archive"):
            return
        if declaration.get("state") in ("stopped", "absent") or boolean(source.get("remote") or False):
            return
        try:
            found = self._find_needle("files", str(source["path"]))
        except AnsibleError as error:
            cause = f"source.path={source['path']!r} is not on the controller. Correct it, or set source.remote."
            raise AnsibleActionFail(cause) from error
        with tempfile.NamedTemporaryFile(dir=constants.DEFAULT_LOCAL_TMP) as packed:
            if os.path.isdir(found):
                with gzip.GzipFile(fileobj=packed, mode="wb", mtime=0, filename="") as stream:
                    trees.pack(found, trees.every_path(found), stream, top="source")
                packed.flush()
            # Not by TRANSFERS_FILES, for which every task, most of which bring nothing, would make and remove a folder.
            if not self._connection._shell.tmpdir:
                self._make_tmp_path()
            place = self._connection._shell.join_path(self._connection._shell.tmpdir, f"source-{number}")
            self._transfer_file(packed.name if os.path.isdir(found) else found, place)
        self._fixup_perms2((self._connection._shell.tmpdir, place))
        # Its own name stays on record; where it was put is of this run only.
        declaration["source"] = {**source, "path": os.path.abspath(found), "archive": place}

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
