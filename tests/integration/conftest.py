"""A platform of a test's own."""

from __future__ import annotations

import shutil
import typing as t

import pytest

from .harness import Platform, docker, fresh


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
