"""What a project may not declare."""

from __future__ import annotations

import pytest
from ansible_collections.tidegate.platform.plugins.module_utils._core.sources import compose_conflicts
from ansible_collections.tidegate.platform.plugins.module_utils._core.values.errors import InvalidOption


def test_a_part_of_a_volume_is_refused() -> None:
    """An engine before 26 mounted all of it without a word, and a backup was of the part, as if it were the volume."""
    mount = {"type": "volume", "source": "data", "target": "/data", "volume": {"subpath": "nine"}}
    for volumes, fine in (([mount], False), ([{**mount, "volume": {}}], True), ([{**mount, "volume": None}], True)):
        services = {"web": {"image": "i", "volumes": volumes}}
        if fine:
            compose_conflicts.refuse_conflicts(services)
            continue
        with pytest.raises(InvalidOption, match=r"services.web.volumes, at /data.*the part 'nine' of a volume"):
            compose_conflicts.refuse_conflicts(services)
