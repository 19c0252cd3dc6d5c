"""Data in named volumes: in each archive that says so, and never put over what is there."""

from __future__ import annotations

import os
import typing as t
from pathlib import Path

import images
import names
import pytest
from ansible_collections.tidegate.platform.plugins.module_utils import _archive

from .harness import Options, Platform, Ports, Task, docker, free_ports

BACKUP = "tidegate.platform.platform_backup"
CONTROL = "tidegate.platform.workload_control"


@pytest.fixture
def bare(tmp_path: Path) -> Platform:
    """A platform of the test's own, without a proxy."""
    return Platform(tmp_path, f"it{os.urandom(3).hex()}", Ports(*free_ports(3)))


@pytest.fixture
def volume() -> t.Iterator[str]:
    """The name of a volume, which goes with those that use it."""
    images.up(images.STACK_IMAGES)
    unique = f"v{os.urandom(4).hex()}"
    yield unique
    users = docker("ps", "-aq", "--filter", f"volume={unique}").split()
    if users:
        docker("rm", "-f", *users)
    docker("volume", "rm", unique, check=False)


def idle(name: str, volume: str, *, read_only: bool = False) -> Options:
    """Options of a workload that does nothing, with a volume."""
    mount = {"source": volume, "target": "/data", "read_only": read_only}
    health = {"type": "window", "window": 0.1}
    base = {"image": names.image("redis", "7"), "command": ["sleep", "600"], "user": "999:999", "stop_timeout": 0}
    return {"name": name, "strategy": "recreate", "health": health, "volumes": [mount], **base}


@pytest.mark.database
@pytest.mark.parametrize("volumes", [True, False])
def test_a_database_that_is_stopped_is_in_the_archive(
    bare: Platform, volume: str, tmp_path: Path, volumes: bool
) -> None:
    """A3: it cannot be dumped; what is on its disk is taken instead, also where no other volumes are asked for."""
    declared = {**idle("postgres", volume), "environment": "platform"}
    stop = Task({"name": "postgres", "environment": "platform", "state": "stopped"}, module=CONTROL)
    back = Task({"directory": str(tmp_path / "backups"), "volumes": volumes, "keep": 1}, module=BACKUP)
    made, stopped, result = bare.directly(Task(declared), stop, back)
    assert made["changed"], made
    assert not stopped["failed"], stopped
    assert (result["failed"], result.get("postgres")) == (False, False), result
    rows = _archive.verify(result["archive"])["volumes"]
    assert [row["name"] for row in rows] == [volume]
    docker("rm", "-f", *made["release"]["containers"])
    again = Task(
        {"directory": str(tmp_path / "backups"), "volumes": volumes, "keep": 1, "name": "again"}, module=BACKUP
    )
    (refused,) = bare.directly(again)
    assert "has no container" in refused["msg"], "an archive without the database would in time push the others out"
    assert Path(result["archive"]).exists()
