"""D2: versions, groups and values of variables as people write them, through the playbook."""

from __future__ import annotations

from pathlib import Path

import names
import pytest
from harness.platforms import Options, Platform, containers

HEAD = "name: NAME\n    image: IMAGE\n    port: 8000\n    networks: [NETWORK]\n    health: {path: /healthz}\n"
CASES: list[tuple[str, Options, str]] = [
    ("version: 1.10", {}, "version=1.1 is what YAML makes of 1.10"),
    ("version: 2024_10", {}, "NAME: version=202410 is what YAML makes of 2024_10"),
    ("version: no", {}, "is what YAML makes of no, off or false"),
    ("version: 0", {}, "tidegate/app:0"),
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
    """D2: `groups: web` was taken for three groups of one letter each, and deployed nowhere; so was `all`, and a pattern."""
    row = {"name": name, "image": names.image("app"), "port": 8000, "networks": [platform.network]}
    for groups, fine in (("elsewhere, ungrouped", True), ("all", True), (["ungr*"], False), ("elsewhere", False)):
        play = platform.playbook("tidegate.platform.deploy", "--check", workloads=[{**row, "groups": groups}])
        assert ((play.code == 0), bool(play.changed)) == (fine, fine)
        assert ("has ungr*: these are patterns" in " ".join(play.output.split())) == (groups == ["ungr*"])
    said = " ".join(play.output.split())
    assert f"No host of the inventory takes {name} of the groups elsewhere." in said


def test_a_release_and_a_command_are_what_was_written(platform: Platform, name: str, tmp_path: Path) -> None:
    """D2: `to: 1.10` went back to 1.1, and a command was given 8 for 010."""
    (variables := tmp_path / "said.yml").write_text(f"to: 1.10\nworkload: {name}\n")
    play = platform.playbook("tidegate.platform.rollback", "-e", f"@{variables}")
    assert "to=1.1 is what YAML makes of 1.10" in " ".join(play.output.split())
    calls = ("workload_rollback: {name: NAME, to: 010}", "workload_exec: {name: NAME, command: [sleep, 010]}")
    for call, words in zip(calls, ("to=8", "command=8"), strict=True):
        text = f"- hosts: all\n  gather_facts: false\n  tasks:\n    - tidegate.platform.{call.replace('NAME', name)}\n"
        (path := tmp_path / "play.yml").write_text(text)
        play = platform.playbook(str(path))
        assert f"{words} is what YAML makes of 010" in " ".join(play.output.split())


def test_what_a_role_is_given_is_what_was_written(platform: Platform, tmp_path: Path) -> None:
    """D2: a password 0123 was 83, and it is not told."""
    (variables := tmp_path / "said.yml").write_text("postgres_users: [{name: shop, password: 0123}]\n")
    (path := tmp_path / "play.yml").write_text(
        "- hosts: all\n  gather_facts: false\n  roles: [{role: tidegate.platform.postgres, tags: [postgres]}]\n"
    )
    play = platform.playbook(str(path), "-e", f"@{variables}", "--check")
    said = " ".join(play.output.split())
    assert "is a number that is not as it was written. Quote it. Nothing was touched." in said
    assert "0123" not in said
