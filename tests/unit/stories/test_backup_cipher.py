"""Passphrases of archives."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from ansible_collections.tidegate.platform.plugins.module_utils._core.host.clock import Clock
from ansible_collections.tidegate.platform.plugins.module_utils._core.stories import backup_cipher
from ansible_collections.tidegate.platform.plugins.module_utils._core.values.errors import BackupFailure

from .archives import made


def test_a_passphrase_too_many_and_one_too_few_are_said(tmp_path: Path) -> None:
    """Not gzip's and openssl's words, which name no way on."""
    path = made(tmp_path)
    with (
        pytest.raises(BackupFailure, match="was not encrypted"),
        backup_cipher.decrypt(str(path), str(tmp_path), "secret", Clock()),
    ):
        pass
    encrypted = tmp_path / "b"
    encrypted.write_bytes(b"Salted__12345678" + os.urandom(32))
    with (
        pytest.raises(BackupFailure, match="is encrypted"),
        backup_cipher.decrypt(str(encrypted), str(tmp_path), None, Clock()),
    ):
        pass
