"""One provisioned platform for the session, and names that no two tests share."""

from __future__ import annotations

import os
import shutil
import typing as t

import names
import pytest
from harness.platforms import Platform, containers, docker, fresh, provisioned


@pytest.fixture(scope="session")
def platform() -> t.Iterator[Platform]:
    """Traefik and its catch-all page, set up by the real playbook and taken away by it."""
    with provisioned(fresh("it")) as made:
        yield made
    shutil.rmtree(made.root)


@pytest.fixture
def name(platform: Platform) -> t.Iterator[str]:
    """A workload's name; whatever the test left of it is removed."""
    unique = f"w{os.urandom(4).hex()}"
    yield unique
    platform.apply(name=unique, state="absent", drain={"timeout": 0})
    left = containers(unique)
    if left:
        docker("rm", "-f", *left)
    volumes = docker("volume", "ls", "-q", "--filter", f"label=tidegate.workload={unique}").split()
    if volumes:
        docker("volume", "rm", "-f", *volumes)
    images = docker("image", "ls", "-q", f"tidegate.local/{unique}.*").split()
    if images:
        docker("rmi", "-f", *set(images))


@pytest.fixture
def app(platform: Platform, name: str) -> t.Callable[..., dict[str, t.Any]]:
    """Options of the demonstration application behind its own host name."""

    def options(version: str = "1", **more: t.Any) -> dict[str, t.Any]:
        return {
            "name": name,
            "image": names.image("app", version),
            "port": 8000,
            "networks": [platform.network],
            "health": {"path": "/healthz", "deadline": 10},
            "drain": {"timeout": 5},
            "stop_timeout": 3,
            "routes": [{"host": f"{name}.test"}],
            **more,
        }

    return options
