"""D3: what the controller needs is looked for first, and the command that installs it is said."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest
from ansible_collections.tidegate.platform.plugins.plugin_utils._needs import LEAST
from harness.platforms import Options, Platform

# The real program in an interpreter that cannot import the package.
WITHOUT = "import sys; sys.modules['jsonschema'] = None; from ansible.cli.playbook import main; main()"

INSTALL = (
    f"Install it for the Python that runs Ansible: {sys.executable} -m pip install 'jsonschema>={LEAST['jsonschema']}'"
)


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
    need = f"jsonschema is missing on the controller. {INSTALL}"
    assert need in " ".join(done.stdout.split()), done.stdout + done.stderr
    rows = [json.loads(line) for line in capture.read_text().splitlines()]
    assert rows[-1]["task"] == "Check what the controller needs"
    assert not any(row["result"].get("changed") for row in rows)
    assert not own.state.exists()
