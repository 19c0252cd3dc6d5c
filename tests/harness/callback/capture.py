"""Writes every task's result as one JSON line; what a controller such as AWX would see of it."""

from __future__ import annotations

DOCUMENTATION = r"""
name: capture
type: notification
short_description: Write results as JSON lines
description: Writes every task's result to the file named by CAPTURE_FILE.
"""

import json
import os
import typing as t

from ansible.plugins.callback import CallbackBase


class CallbackModule(CallbackBase):
    """One line a result."""

    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "notification"
    CALLBACK_NAME = "capture"
    CALLBACK_NEEDS_ENABLED = True

    def _write(self, result: t.Any, failed: bool) -> None:
        row = {"task": result.task_name, "host": result.host.get_name(), "failed": failed, "result": result.result}
        with open(os.environ["CAPTURE_FILE"], "a", encoding="utf-8") as stream:
            stream.write(json.dumps(row, default=str) + "\n")

    def v2_runner_on_ok(self, result: t.Any) -> None:
        self._write(result, failed=False)

    def v2_runner_on_failed(self, result: t.Any, ignore_errors: bool = False) -> None:
        self._write(result, failed=True)
