"""Runs of stories against a platform, each in a process that may be killed."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
import typing as t

import names

from .platforms import Platform
from .stories import DRIVER


class Driver:
    """Runs stories against a platform, in processes that may be killed."""

    def __init__(self, platform: Platform) -> None:
        self.platform = platform

    def argv(self, story: str, params: dict[str, t.Any], fault: dict[str, t.Any] | None = None) -> list[str]:
        """The command of a run."""
        order = {"story": story, "params": {**self.platform.places(), **params}, "fault": fault}
        return [sys.executable, str(DRIVER), json.dumps(order)]

    def run(self, story: str, fault: dict[str, t.Any] | None = None, **params: t.Any) -> dict[str, t.Any]:
        """The result of a run that ends by itself."""
        if not fault:
            return self.platform.stories([{"story": story, "params": params}])[0]
        done = subprocess.run(
            self.argv(story, params, fault), env=environment(), capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stdout + done.stderr
        result: dict[str, t.Any] = json.loads(done.stdout)
        return result

    def reconciled(self, workload: str, seconds: float = 20) -> dict[str, t.Any]:
        """The result of `reconcile` for a workload, once nobody has it: what a killed run ran is ended first, by its watcher."""
        end = time.monotonic() + seconds
        while (found := self.run("reconcile", names=[workload]))["summary"]["busy"]:
            assert time.monotonic() < end, found
        return found

    def many(self, orders: t.Iterable[dict[str, t.Any]]) -> list[dict[str, t.Any]]:
        """The results of these orders, by one process."""
        return self.platform.stories(orders)

    def killed(self, step: str, when: str, story: str = "image", **params: t.Any) -> None:
        """A deployment that is killed."""
        argv = self.argv(story, params, {"step": step, "when": when})
        done = subprocess.run(argv, env=environment(), capture_output=True, text=True, check=False)
        assert done.returncode == -signal.SIGKILL, f"it was not killed in {step}: {done.stdout}{done.stderr}"

    def begin(self, story: str, fault: dict[str, t.Any] | None = None, **params: t.Any) -> subprocess.Popen[str]:
        """A run in the background."""
        argv = self.argv(story, params, fault)
        return subprocess.Popen(argv, env=environment(), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def environment() -> dict[str, str]:
    """Where the collection is found."""
    return {**os.environ, "PYTHONPATH": str(names.COLLECTIONS)}
