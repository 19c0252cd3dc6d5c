"""Fixtures of several rooms."""

from __future__ import annotations

import os
import socket
import typing as t
from pathlib import Path

import pytest
from ansible_collections.tidegate.platform.plugins.module_utils._core.host.host_access import HostAccess
from ansible_collections.tidegate.platform.plugins.module_utils._core.values.workload import Workload

from .declarations import declared


@pytest.fixture
def declare() -> t.Callable[..., Workload]:
    """The parser, with the least that a declaration needs."""
    return declared


@pytest.fixture
def strict_mask() -> t.Iterator[None]:
    """What hardened hosts give root."""
    mask = os.umask(0o077)
    yield
    os.umask(mask)


@pytest.fixture
def walls(tmp_path: Path) -> t.Iterator[HostAccess]:
    """Those of a host whose engine listens at an unusual place."""
    (state := tmp_path / "state" / "secrets").mkdir(parents=True)
    (tmp_path / "engine").mkdir()
    with socket.socket(socket.AF_UNIX) as engine:
        engine.bind(str(tmp_path / "engine" / "own.sock"))
        yield HostAccess(str(state.parent), f"unix://{tmp_path}/engine/own.sock")
