"""Modules' stories in processes that have them loaded, without Ansible around them: for tests of what a story does.

What Ansible adds, which is arguments, results and sources of the controller, is tested where it is the matter.
"""

from __future__ import annotations

import contextlib
import json
import subprocess
import sys
import threading
import typing as t
from pathlib import Path

DRIVER = Path(__file__).with_name("driver.py")


class Teller:
    """One process, which tells one story at a time."""

    def __init__(self, env: dict[str, str]) -> None:
        argv = [sys.executable, str(DRIVER), "-"]
        self._process = subprocess.Popen(argv, env=env, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def __call__(self, order: dict[str, t.Any]) -> dict[str, t.Any]:
        """The document of a story; a traceback, which stands in the test's error output, is a failure."""
        assert self._process.stdin
        assert self._process.stdout
        with contextlib.suppress(BrokenPipeError):
            self._process.stdin.write(json.dumps(order) + "\n")
            self._process.stdin.flush()
        line = self._process.stdout.readline()
        assert line, f"{order}: the process ended with {self._process.wait()}"
        document: dict[str, t.Any] = {"failed": False, **json.loads(line)}
        return document


class Tellers:
    """As many processes as are busy at once; they end with the tests, whose end is the end of their input."""

    def __init__(self, env: dict[str, str]) -> None:
        self._env = {name: value for name, value in env.items() if value}
        self._idle: list[Teller] = []
        self._lock = threading.Lock()

    def __call__(self, orders: t.Iterable[dict[str, t.Any]]) -> list[dict[str, t.Any]]:
        """The documents of these stories, by one process, in order."""
        with self._lock:
            teller = self._idle.pop() if self._idle else Teller(self._env)
        found = [teller(order) for order in orders]
        with self._lock:
            self._idle.append(teller)
        return found
