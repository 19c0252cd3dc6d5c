"""D2: what YAML makes of text without quotes is refused in variables and roles' options where it is not what was written."""

from __future__ import annotations

from pathlib import Path

import pytest
from ansible import context
from ansible.parsing.dataloader import DataLoader
from ansible_collections.tidegate.platform.plugins.filter.doubts import doubts, unmeant
from ansible_collections.tidegate.platform.plugins.module_utils._core.options.argument_specs import DECLARATION
from ansible_collections.tidegate.platform.plugins.plugin_utils._meant import unclear

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
