# Copyright: (c) 2026, tidegate.platform contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Commands inside of running containers."""

from __future__ import annotations

import typing as t

from ..host import process
from .client import TAIL_BYTES, Client, explain_errors


class Commands:
    """What is run inside of the engine's containers."""

    def __init__(self, client: Client) -> None:
        self._api = client.api

    def run(self, name: str, command: t.Sequence[str], into: t.IO[bytes]) -> tuple[int, str]:
        """Write what a command inside a container writes; how it ended, and what it complained of."""
        said = b""
        with explain_errors("run a command in", name):
            made = self._api.exec_create(name, list(command))
            for out, err in self._api.exec_start(made["Id"], stream=True, demux=True):
                into.write(out or b"")
                said = (said + (err or b""))[-TAIL_BYTES:]
            code = int(self._api.exec_inspect(made["Id"])["ExitCode"] or 0)
        return code, said.decode("utf-8", "replace").strip()

    def begin(self, name: str, command: tuple[str, ...]) -> str:
        """Start a command inside a running container and give its id; what it writes goes to nobody."""
        with explain_errors("run a command in", name):
            made = self._api.exec_create(name, list(command), stdout=False, stderr=False)
            self._api.exec_start(made["Id"], detach=True)
        return str(made["Id"])

    def exit_code(self, command: str) -> int | None:
        """How a begun command ended, or None while it runs."""
        with explain_errors("look at the command", command):
            facts = self._api.exec_inspect(command)
        return None if facts["Running"] else int(facts["ExitCode"] or 0)

    def end(self, command: str) -> None:
        """End a begun command with everything that it started; the engine has no request for that."""
        with explain_errors("look at the command", command):
            facts = self._api.exec_inspect(command)
        if facts["Running"] and facts["Pid"]:
            process.end_session(facts["Pid"])
