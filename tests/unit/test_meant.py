"""D2: what YAML makes of text without quotes is refused where it is not what was written."""

from __future__ import annotations

import typing as t
from pathlib import Path

import pytest
from ansible import context
from ansible.parsing.dataloader import DataLoader
from ansible_collections.tidegate.platform.plugins.filter.doubts import doubts, unmeant
from ansible_collections.tidegate.platform.plugins.module_utils._core.options.argument_specs import DECLARATION
from ansible_collections.tidegate.platform.plugins.plugin_utils._meant import unclear

from .test_workload_files import MINIMAL, read

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


KINDS: list[tuple[str, str]] = [
    ("010", "version=8 is what YAML makes of 010"),
    ("2024_10", "Quote it: '2024_10'"),
    ("0x10", "version=16"),
    ("1.10", "version=1.1 is what YAML makes of 1.10"),
    ("1.5", "is a number, of which YAML drops"),
    ("no", "is what YAML makes of no, off or false"),
    ("on", "is what YAML makes of yes, on or true"),
    ("2024-10-01 10:00:00", "2024-10-01"),
    ("1:30", "1:30"),
    ("2024-10-01", ""),
    ("0", ""),
    ("8", ""),
    ("08", ""),
    ("1e3", ""),
    ("'010'", ""),
    ("~", ""),
    ("''", ""),
]


@pytest.mark.parametrize(("text", "words"), KINDS, ids=[kind[0] for kind in KINDS])
def test_a_version_is_what_was_written(tmp_path: Path, text: str, words: str) -> None:
    """D2: 010 was deployed as 8, 2024_10 as 202410, and 0 and no as if there were no version."""
    (path := tmp_path / "a.yml").write_text(f"---\nversion: {text}\n")
    found = doubts([{"name": "shop", **DataLoader().load_from_file(str(path), cache="none")}], ["version"])
    assert [words in problem for problem in found] == ([True] if words else [])


def test_what_is_said_on_the_command_line_is_as_it_was_written(monkeypatch: pytest.MonkeyPatch) -> None:
    """D2: a text of one's own there, and several of them; what comes as a file of variables is read by its place."""
    texts = ("a=b", "{v: 010}", "{v: 10}", "{w: 1_0}")
    monkeypatch.setattr(context, "CLIARGS", {"extra_vars": texts})
    read = [DataLoader().load(text) for text in texts[1:]]
    assert "makes of 010" in doubts(read, ["v"])[0]
    assert len(doubts(read, ["v"])) == 1
    assert doubts(read, ["w"]) == [], "one of them is 10 at this very place"


def test_a_truth_in_the_place_of_a_text_is_refused() -> None:
    """D2: `ref: no` was the branch False."""
    assert "source.ref=False is what YAML makes of no" in unclear(DECLARATION, {"source": {"ref": False}})
    assert "networks=True" in unclear(DECLARATION, {"networks": [True]})
    assert unclear(DECLARATION, {"restart_policy": False, "force": True, "source": {"remote": True}}) == ""
    assert unclear(DECLARATION, {"compose": {"definition": {"services": {"web": {"privileged": False}}}}}) == ""
    assert unmeant({"password": True}, {"password": {"type": "str", "no_log": True}}).endswith("Quote it.")


def test_null_and_nothing_are_not_given() -> None:
    """U2 (review): a certificate of null was a TypeError; what a list's items need is refused by its name."""
    parts = {"options": {"name": {"type": "str", "required": True}, "password": {"type": "str"}}}
    options = {"users": {"type": "list", "elements": "dict", **parts}}
    for nothing in (None, "", " "):
        rows = [{"name": "a", "password": nothing}, {"name": nothing}]
        assert unmeant({"users": rows}, options) == "users[1].name is empty. Give it."
        assert unmeant({"users": rows[:1]}, options) == ""
    assert unmeant({"users": True}, {"users": {"type": "bool"}}) == ""
