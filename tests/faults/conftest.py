"""Runs that can be killed, and the table that is printed at the end."""

from __future__ import annotations

import typing as t

import pytest
from harness import fault_rows
from harness.platforms import Platform
from harness.runs import Driver


@pytest.fixture(scope="session")
def driver(platform: Platform) -> Driver:
    """Runs against the session's platform."""
    return Driver(platform)


@pytest.fixture
def row() -> t.Iterator[dict[str, t.Any]]:
    """What a test found out for the table."""
    found: dict[str, t.Any] = {}
    yield found
    if found:
        fault_rows.keep(found)


def pytest_configure(config: pytest.Config) -> None:
    """Forget the rows of an earlier run."""
    if not hasattr(config, "workerinput"):
        fault_rows.forget()


def pytest_terminal_summary(terminalreporter: t.Any) -> None:
    """Print the table, and keep it where `make faults` makes a page of it."""
    rows = fault_rows.kept()
    if rows:
        from .table import table

        terminalreporter.write_line(table(rows))
