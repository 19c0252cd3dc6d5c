"""D2: what YAML makes of text without quotes is refused in declarations where it is not what was written."""

from __future__ import annotations

import typing as t
from pathlib import Path

import pytest
from ansible.parsing.dataloader import DataLoader
from ansible_collections.tidegate.platform.plugins.module_utils._core.options.argument_specs import DECLARATION
from ansible_collections.tidegate.platform.plugins.plugin_utils._meant import unclear

from .workload_files import MINIMAL, read

CASES = [
    ("env: {MODE: 0755}", "env.MODE=493 is what YAML makes of 0755"),
    ("env: {AT: 12:30}", "env.AT=750 is what YAML makes of 12:30"),
    ("env: {V: 1.10}", "Quote it: '1.10'"),
    ("env: {V: 0x1F}", "0x1F"),
    ("env: {V: 1_000}", "1_000"),
    ("env: {V: +5}", "+5"),
    ("labels: {since: 1e3}", ""),
    ("labels: {since: 1.0e+3}", "1.0e+3"),
    ("build: {args: {V: 3.10}}", "build.args.V=3.1"),
    ("compose: {definition: {services: {web: {ports: [22:22]}}}}", "compose.definition.services.web.ports[0]=1342"),
    ("secrets: [{name: a, value: 007}]", "secrets.value is a number that is not as it was written. Quote it."),
    ("memory: 010", "memory=8"),
    ("env: {P: 8000, N: -1, F: 1.5, Q: '0755', Z: 0}", ""),
    ("port: 0755", ""),
]


@pytest.mark.parametrize(("text", "words"), CASES, ids=[case[0] for case in CASES])
def test_numbers_are_what_was_written(tmp_path: Path, text: str, words: str) -> None:
    """D2: an integer, a float, a sexagesimal, wherever a text is wanted; a number for a number's sake is none of it."""
    (path := tmp_path / "a.yml").write_text(f"---\n{text}\n")
    declared: dict[str, t.Any] = DataLoader().load_from_file(str(path), cache="none")
    found = unclear(DECLARATION, declared)
    assert words in found if words else found == ""


def test_what_was_written_nowhere_is_taken_as_it_is() -> None:
    assert unclear(DECLARATION, {"env": {"MODE": 493, "V": 1.1}}) == ""


@pytest.mark.parametrize(
    ("text", "words"), [("env: {MODE: 0755}", "0755"), ("version: 1.10", "Quote it"), ("env: {P: 8000}", "")]
)
def test_workload_files_are_read_the_same_way(tmp_path: Path, text: str, words: str) -> None:
    """D2: and told with their file, before a host is touched."""
    head = "\n".join(f"{key}: {value}" for key, value in MINIMAL.items())
    reader = read(tmp_path, f"{head}\n{text}\n")
    assert [words in problem for problem in reader.problems] == ([True] if words else [])
