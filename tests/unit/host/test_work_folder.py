"""A folder of backups keeps what others have in it."""

from __future__ import annotations

import os
import socket
from pathlib import Path

from ansible_collections.tidegate.platform.plugins.module_utils._core.host import work_folder

OVER = 2**22 + 1  # no process has this number


def test_a_folder_of_backups_keeps_what_no_run_of_this_host_left(tmp_path: Path) -> None:
    """A11: other hosts back up into the same folder, and people keep things in it; only what is certainly left goes."""
    here, prefix = socket.gethostname(), work_folder.PREFIX
    stays = [
        ".tidegate-notes",
        ".tidegate-fetch-abcdefgh",
        f"{prefix}other-{OVER}-abcdefgh",
        f"{prefix}{here}-{OVER}-abcdefgh-mine",
        f"{prefix}{here}-{os.getpid()}-abcdefgh",
    ]
    left = f"{prefix}{here}-{OVER}-abcdefgh"
    for name in (*stays, left):
        (tmp_path / name).mkdir()
        (tmp_path / name / "plain").write_text("kept")
    with work_folder.within(str(tmp_path)) as work:
        assert os.stat(work).st_mode & 0o777 == 0o700
        assert not (tmp_path / left).exists()
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(stays)
