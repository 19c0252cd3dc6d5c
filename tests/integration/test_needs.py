"""D3: what the controller needs is looked for first, and the command that installs it is said."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import names
import pytest

from .harness import Options, Platform

# The real program in an interpreter that cannot import the package.
WITHOUT = "import sys; sys.modules['jsonschema'] = None; from ansible.cli.playbook import main; main()"


@pytest.mark.parametrize(
    ("playbook", "extra"),
    [
        ("site", {"tidegate_runners": True}),
        ("deploy", {"workload_files": "workloads"}),
        ("doctor", {"workload_files": "workloads"}),
        ("validate", {"workload_files": "workloads"}),
    ],
)
def test_a_package_that_is_lacking_is_told_before_anything(own: Platform, playbook: str, extra: Options) -> None:
    """D3: `site` found it by a filter, after half a minute and with half of its work done."""
    (inventory := own.root / "inventory.json").write_text(json.dumps({"all": {"hosts": own.hosts()}}))
    capture = own.root / "capture.jsonl"
    argv = [
        sys.executable,
        "-c",
        WITHOUT,
        f"tidegate.platform.{playbook}",
        "-i",
        str(inventory),
        "-e",
        json.dumps(extra),
    ]
    done = subprocess.run(argv, env=own.environment(capture), capture_output=True, text=True, check=False)
    assert done.returncode != 0
    assert "-m pip install 'jsonschema>=4.17'" in " ".join(done.stdout.split()), done.stdout + done.stderr
    rows = [json.loads(line) for line in capture.read_text().splitlines()]
    assert rows[-1]["task"] == "Check what the controller needs"
    assert not any(row["result"].get("changed") for row in rows)
    assert not own.state.exists()


def test_the_need_is_said_wherever_needs_are_said() -> None:
    need = "jsonschema>=4.17"
    for place in ("requirements.txt", "meta/ee-requirements.txt"):
        assert need in (Path(names.ROOT) / place).read_text()
    assert f"pip install '{need}'" in (Path(names.ROOT) / "README.md").read_text()
