"""How the integration tests are shared out: a file stays with one worker, the matrix's modules go their own ways."""

from __future__ import annotations

import pytest


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Give each test its group, for `--dist loadgroup`."""
    for item in items:
        call = getattr(item, "callspec", None)
        module = call.params.get("module", "") if call else ""
        item.add_marker(pytest.mark.xdist_group(f"{item.path.stem} {module}".strip()))
