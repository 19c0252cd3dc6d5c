"""A platform of a test's own; and how the tests are shared out: a file stays with one worker, the matrix's modules do not."""

from __future__ import annotations

import os
import shutil
import typing as t

import names
import pytest

from .harness import Platform, Ports, docker, free_ports


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Give each test its group, for `--dist loadgroup`."""
    for item in items:
        call = getattr(item, "callspec", None)
        module = call.params.get("module", "") if call else ""
        # Both have a database, whose volume has one name on an engine.
        stem = "test_services" if item.path.stem == "test_backup" else item.path.stem
        item.add_marker(pytest.mark.xdist_group(f"{stem} {module}".strip()))


@pytest.fixture
def own() -> t.Iterator[Platform]:
    """A platform that a test provisions and takes away by itself."""
    label = f"own{os.urandom(3).hex()}"
    made = Platform(names.CACHE / label, label, Ports(*free_ports(3)))
    made.root.mkdir(parents=True)
    try:
        yield made
    finally:
        made.playbook("tidegate.platform.site", traefik_state="absent")
        docker("network", "rm", made.network, check=False)
        shutil.rmtree(made.root)
