"""What the role wrote of the proxy's entry."""

from __future__ import annotations

from pathlib import Path

import pytest
from ansible_collections.tidegate.platform.plugins.module_utils._core.host import proxy_entry


@pytest.mark.parametrize(("conf", "wanted"), [('subnet4="10.0.0.0/16"\n', True), ('subnet4=""\n', False), ("", False)])
def test_whether_a_wall_is_wanted_is_what_the_role_wrote(tmp_path: Path, conf: str, wanted: bool) -> None:
    """C9: a platform that never heard of walls has none."""
    assert not proxy_entry.wall_is_wanted(str(tmp_path))
    (tmp_path / "traefik").mkdir()
    (tmp_path / "traefik" / "entry.conf").write_text(f'chain="X"\n{conf}')
    assert proxy_entry.wall_is_wanted(str(tmp_path)) == wanted
