"""Volumes of a project, which Compose is told of as external ones."""

from __future__ import annotations

import pytest
from ansible_collections.tidegate.platform.plugins.module_utils._core.sources import compose_volumes
from ansible_collections.tidegate.platform.plugins.module_utils._core.values.errors import InvalidOption


def test_compose_is_told_of_every_volume_as_an_external_one() -> None:
    """A1: whatever is declared of a volume, Compose has nothing to compare, and so nothing to make anew."""
    options = {"name": "p_data", "driver": "local", "driver_opts": {"type": "nfs"}, "labels": {"a": "1"}}
    model = {"name": "p", "services": {}, "volumes": {"data": options, "more": {"name": "x", "external": True}}}
    handed = compose_volumes.handed(model)["volumes"]
    assert handed == {"data": {"name": "p_data", "external": True}, "more": {"name": "x", "external": True}}
    (made,) = compose_volumes.labelled(model)
    assert (made.name, made.options, made.labels["com.docker.compose.volume"]) == ("p_data", {"type": "nfs"}, "data")
    ours = made._replace(labels={**made.labels, "tidegate.workload": "other"})
    compose_volumes.refuse_another(model, {"p_data": ours, "x": made})
    for other in (
        made._replace(driver="nfs"),
        made._replace(options={}),
        made._replace(options={"type": "nfs", "o": "ro"}),
        made._replace(labels={}),
    ):
        with pytest.raises(InvalidOption, match="p_data"):
            compose_volumes.refuse_another(model, {"p_data": other, "x": made})
    with pytest.raises(InvalidOption, match="not there"):
        compose_volumes.refuse_another(model, {"p_data": ours})
