"""What users give a runner is written into its Dockerfile as a value, never as an instruction."""

from __future__ import annotations

import json
import re

from ansible_collections.tidegate.platform.plugins.module_utils._core.sources import runners
from hypothesis import given
from hypothesis import strategies as st

from unit.declarations import built


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
