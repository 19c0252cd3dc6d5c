"""What the controller needs is looked for first, and told with the command that installs it."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest
from ansible.errors import AnsibleFilterError
from ansible_collections.tidegate.platform.plugins.filter import problems

ROOT = Path(__file__).resolve().parents[2]


def test_a_missing_package_is_told_with_its_command(monkeypatch: pytest.MonkeyPatch) -> None:
    """D3."""
    monkeypatch.setattr(problems, "HAS_JSONSCHEMA", False)
    with pytest.raises(AnsibleFilterError, match=r"-m pip install 'jsonschema>=4\.17'"):
        problems.problems({}, {})


def test_site_says_so_before_it_touches_a_host(tmp_path: Path) -> None:
    """D3: not after half a minute, in the middle of it."""
    (tmp_path / "jsonschema.py").write_text("raise ImportError")
    env = {**os.environ, "PYTHONPATH": str(tmp_path), "ANSIBLE_COLLECTIONS_PATH": str(ROOT / ".cache" / "collections")}
    argv = ["ansible-playbook", "-i", "nobody.invalid,", "tidegate.platform.site", "-e", "tidegate_runners=yes"]
    done = subprocess.run(argv, env=env, capture_output=True, text=True, check=False)
    assert done.returncode != 0
    assert "jsonschema is missing on the controller" in done.stdout + done.stderr
    assert "UNREACHABLE" not in done.stdout + done.stderr
