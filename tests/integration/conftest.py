"""A platform of a test's own."""

from __future__ import annotations

import os
import shutil
import typing as t
from pathlib import Path

import images
import pytest
from harness.platforms import Platform, Ports, docker, free_ports, fresh


@pytest.fixture
def own() -> t.Iterator[Platform]:
    """A platform that a test provisions and takes away by itself."""
    made = fresh("own")
    made.root.mkdir(parents=True)
    try:
        yield made
    finally:
        if docker("ps", "-aq", "--filter", f"label=tidegate.state_dir={made.state}"):
            made.playbook("tidegate.platform.site", traefik_state="absent")
        docker("network", "rm", made.network, check=False)
        shutil.rmtree(made.root)


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
        docker("rm", "-f", "-v", *users)
    docker("volume", "rm", unique, check=False)
