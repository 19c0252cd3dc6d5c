"""Whether base images are read as the real classic builder takes them: a Dockerfile of nothing else is its base."""

from __future__ import annotations

import subprocess

import names
import pytest
from ansible_collections.tidegate.platform.plugins.module_utils._core.sources.base_images import bases
from harness.platforms import docker

APP = names.image("app", "1").rpartition(":")[0]
CASES = {
    "two in a line": "ARG A=2 B=1\nFROM APP:$B",
    "one does not see another of its line": "ARG A=2 B=${A:-1}\nFROM APP:$B",
    "one sees an earlier line": "ARG A=1\nARG B=${A:-2}\nFROM APP:$B",
    "nested default": "ARG B=1\nFROM APP:${A:-${B}}",
    "instead": "ARG A=1\nFROM APP${A:+:$A}${B:+-$B}",
    "given": "ARG GIVEN=2\nFROM APP:$GIVEN",
    "given, but not declared": "FROM APP:${GIVEN:-2}",
    "unknown to this builder": "FROM APP:${TARGETARCH:-1}",
    "quoted": 'FROM "APP:1"',
    "quoted argument": "ARG A='x y'\nARG B=\"1\"\nFROM APP:$B AS base",
    "stage in other letters": "FROM APP:1 AS Base\nFROM BASE",
    "BOM": "\ufeffFROM APP:1",
    "escape": "# escape=`\nFROM `\n APP:1",
    "directive below a comment": "# comment\n# escape=`\nFROM \\\n APP:1",
    "word continued": "FROM APP:\\\n1",
    "blanks behind the sign": "FROM \\  \n  # comment\n  APP:1",
    "Windows lines": "ARG A=1\r\nFROM APP:$A\r\n",
    "no stage behind the target": "FROM APP:1 AS wanted\nFROM nowhere.test/x",
}


@pytest.mark.parametrize("title", CASES)
def test_the_classic_builder_begins_from_what_was_read(title: str) -> None:
    """D5."""
    text = CASES[title].replace("APP", APP)
    target = "wanted" if "wanted" in text else None
    argv = ["docker", "build", "--quiet", "--build-arg", "GIVEN=1", *(["--target", target] if target else []), "-"]
    done = subprocess.run(argv, input=text.encode(), capture_output=True, check=False)
    assert done.returncode == 0, done.stderr
    (base,) = bases(text, {"GIVEN": "1"}, target)
    assert docker("inspect", "--format", "{{.Id}}", base) == done.stdout.decode().strip()
