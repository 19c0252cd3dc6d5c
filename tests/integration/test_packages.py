"""What a role installed and others use since stays when it is uninstalled: foretold, in a network namespace of its own."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest
from harness.platforms import Platform

PLAY = [
    {
        "hosts": "all",
        "gather_facts": False,
        "tasks": [
            {
                "ansible.builtin.include_role": {
                    "name": "tidegate.platform.platform_base",
                    "tasks_from": "packages.yml",
                },
                "vars": {"platform_base_packages": ["nftables"]},
            }
        ],
    }
]


@pytest.mark.parametrize(
    ("rules", "stays"),
    [
        pytest.param("nft add table ip filter", False, id="what iptables keeps there"),
        pytest.param("nft add table inet mine", True, id="a table of the host's own"),
    ],
)
def test_a_packet_filter_that_is_used_since_stays(platform: Platform, tmp_path: Path, rules: str, stays: bool) -> None:
    """A8: the uninstallation of the role traefik took nftables from a host that had its own firewall by then."""
    (play := tmp_path / "play.json").write_text(json.dumps(PLAY))
    (inventory := tmp_path / "inventory.json").write_text(json.dumps({"all": {"hosts": platform.hosts()}}))
    argv = ["unshare", "-n", "sh", "-c", f'{rules} && exec "$@"', "sh", "ansible-playbook", "--check", str(play)]
    argv += ["-i", str(inventory)]
    done = subprocess.run(
        argv, env=platform.environment(tmp_path / "rows"), capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout
    said = " ".join(done.stdout.split())
    assert ("changed=0" in said) == stays
    assert ("nftables stays, though a role installed it" in said) == stays
