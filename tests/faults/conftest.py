"""One platform for the fault tests, runs that can be killed, and the table that is printed at the end."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
import typing as t
from pathlib import Path

import names
import pytest
from integration.harness import Platform, containers, docker

DRIVER = Path(__file__).with_name("driver.py")
ROWS = names.CACHE / "faults"


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


@pytest.fixture(scope="session")
def driver(platform: Platform) -> Driver:
    """Runs against the session's platform."""
    return Driver(platform)


@pytest.fixture
def name(driver: Driver) -> t.Iterator[str]:
    """A workload's name; whatever the test left of it is removed."""
    unique = f"w{os.urandom(4).hex()}"
    yield unique
    driver.run("image", name=unique, state="absent", drain={"timeout": 0})
    left = containers(unique)
    if left:
        docker("rm", "-f", *left)
    images = docker("image", "ls", "-q", f"tidegate.local/{unique}.*").split()
    if images:
        docker("rmi", "-f", *set(images))


@pytest.fixture
def row() -> t.Iterator[dict[str, t.Any]]:
    """What a test found out for the table."""
    found: dict[str, t.Any] = {}
    yield found
    if found:
        ROWS.mkdir(parents=True, exist_ok=True)
        with (ROWS / f"{os.getpid()}.jsonl").open("a") as stream:
            stream.write(json.dumps(found) + "\n")


def pytest_configure(config: pytest.Config) -> None:
    """Forget the rows of an earlier run."""
    if not hasattr(config, "workerinput"):
        for path in ROWS.glob("*.jsonl"):
            path.unlink()


def pytest_terminal_summary(terminalreporter: t.Any) -> None:
    """Print the table, and keep it where `make faults` makes a page of it."""
    rows = [json.loads(line) for path in sorted(ROWS.glob("*.jsonl")) for line in path.read_text().splitlines()]
    if rows:
        from .table import table

        terminalreporter.write_line(table(rows))
