"""D2: versions, groups and values of variables as people write them, through the playbook."""

from __future__ import annotations

from pathlib import Path

import names
import pytest

from .harness import Options, Platform, containers

HEAD = "name: NAME\n    image: IMAGE\n    port: 8000\n    networks: [NETWORK]\n    health: {path: /healthz}\n"
CASES: list[tuple[str, Options, str]] = [
    ("version: 1.10", {}, "1.10 is 1.1. Quote it"),
    ("env: {MODE: 0755}", {}, "env.MODE=493 is what YAML makes of 0755"),
    ("env: {AT: 12:30}", {}, "env.AT=750 is what YAML makes of 12:30"),
    ("", {"version": 1.10, "workload": "NAME"}, "1.10 is 1.1. Quote it"),
    ("type: dockerfile", {"version": "2", "workload": "NAME"}, "NAME has none"),
]


@pytest.mark.parametrize(("line", "extra", "words"), CASES, ids=[case[0] or "extra" for case in CASES])
def test_what_may_not_be_meant_is_refused(
    platform: Platform, name: str, tmp_path: Path, line: str, extra: Options, words: str
) -> None:
    """D2: each was deployed as something else, or nothing, and reported as success."""
    text = HEAD.replace("NAME", name).replace("IMAGE", names.image("app")).replace("NETWORK", platform.network)
    text = text.replace(f"    image: {names.image('app')}\n", "") if "type" in line else text
    (path := tmp_path / "declared.yml").write_text(f"workloads:\n  - {text}    {line}\n")
    given = {key: name if value == "NAME" else value for key, value in extra.items()}
    play = platform.playbook("tidegate.platform.deploy", "-e", f"@{path}", **given)
    assert play.code != 0
    assert words.replace("NAME", name) in " ".join(play.output.split())
    assert containers(name) == []


def test_a_group_may_be_a_text(platform: Platform, name: str) -> None:
    """D2: `groups: web` was taken for three groups of one letter each, and deployed nowhere."""
    row = {"name": name, "image": names.image("app"), "port": 8000, "networks": [platform.network]}
    for groups, fine in (("elsewhere, ungrouped", True), ("elsewhere", False)):
        play = platform.playbook("tidegate.platform.deploy", "--check", workloads=[{**row, "groups": groups}])
        assert ((play.code == 0), bool(play.changed)) == (fine, fine)
    said = " ".join(play.output.split())
    assert f"No host of the inventory takes {name} of the groups elsewhere." in said
