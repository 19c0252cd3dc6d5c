"""Projects that are gone back from: what is said of them on the way, and what stays where their record is lost."""

from __future__ import annotations

import json
from pathlib import Path

import compose
import names
import pytest

from .harness import Options, Platform, Task

MODULE = "tidegate.platform.workload_compose"
TOKEN = "hunter2-is-secret"


@pytest.fixture(autouse=True)
def real_compose(monkeypatch: pytest.MonkeyPatch) -> None:
    """The real Compose of the testbed."""
    monkeypatch.setenv("DOCKER_CONFIG", str(compose.config()))


def test_a_secret_of_a_project_is_in_no_result_of_what_brings_it_back(
    platform: Platform, name: str, tmp_path: Path
) -> None:
    """A13 (review): a release brought back says its secret on its way to fail, and that is in the result."""
    tmp_path.chmod(0o755)

    def declared(version: str) -> Options:
        fail = "echo connecting with $$TOKEN; test -e /flag/bad && exit 3; sleep 1000"
        web: Options = {
            "image": names.image("redis", "7"),
            "stop_grace_period": "1s",
            "environment": {"TOKEN": "${TOKEN}", "V": version},
            "volumes": [f"{tmp_path}:/flag:ro"],
            "command": ["sh", "-c", fail],
        }
        secrets = [{"name": "TOKEN", "value": TOKEN}]
        definition = {"services": {"web": web}}
        given = {"network": platform.network, "project": f"p{name}", "definition": definition, "secrets": secrets}
        return {"name": name, "strategy": "rolling", "compose": given, "drain": {"timeout": 0}}

    for version in ("1", "2"):
        (done,) = platform.directly(Task(declared(version), module=MODULE))
        assert not done["failed"], done
    (tmp_path / "bad").write_text("")
    (back,) = platform.stories([{"story": "rollback", "params": {"name": name}}])
    (tmp_path / "bad").unlink()
    assert (back["failed"], "connecting with ***" in back["logs"]) == (True, True), back
    assert TOKEN not in json.dumps(back)
    kept = sorted((platform.state / "stacks").glob("*/*/secrets.json"))
    assert [oct(path.stat().st_mode & 0o777) for path in kept] == ["0o600"] * 2, kept
