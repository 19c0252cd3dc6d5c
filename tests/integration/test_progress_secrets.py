"""What builds and Compose say while they run goes to a file that people watch: no secret of the declaration is in it."""

from __future__ import annotations

import contextlib
import json
import os
import re
import threading
import time
import typing as t
from pathlib import Path

import compose
import names
import pytest
from harness.platforms import Options, Platform, Task

from .test_dockerfile import buildkit

__all__ = ["buildkit"]

SECRET = "told-canary /8+é" + os.urandom(4).hex()
QUOTED = "lines-canary-one\nlines-canary-two"


class Reader:
    """Reads a progress file, which goes with its run, to the end while it is written."""

    def __init__(self, path: Path) -> None:
        self.path, self.text = path, ""
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run)

    @contextlib.contextmanager
    def reading(self) -> t.Iterator[None]:
        """For the length of a block."""
        self._thread.start()
        try:
            yield
        finally:
            self._over.set()
            self._thread.join()

    def _run(self) -> None:
        while not self.path.exists() and not self._over.is_set():
            time.sleep(0.001)
        if self.path.exists():
            with self.path.open() as stream:
                while not self._over.is_set():
                    self.text += stream.read()
                    time.sleep(0.005)
                self.text += stream.read()


def everything(platform: Platform, workload: str) -> str:
    """What is on record of a workload, and what was told of it."""
    query = "SELECT * FROM deployments WHERE workload = ?"
    events = platform.rows("SELECT * FROM events WHERE subject = ?", workload)
    journal = platform.rows(
        "SELECT j.* FROM journal j JOIN deployments d ON d.id = j.deployment WHERE workload = ?", workload
    )
    return str([platform.rows(query, workload), events, journal])


def bare_of(text: str) -> bool:
    """Whether no secret is in a text, whole or a line of it."""
    return not any(part in text for part in (SECRET, json.dumps(SECRET)[1:-1], *QUOTED.splitlines()))


def test_a_build_that_prints_a_secret_and_fails_tells_nobody(platform: Platform, name: str, tmp_path: Path) -> None:
    """The line in which it stands, progress, result, record and event; with what is else in that line."""
    source, progress = tmp_path / "source", tmp_path / "progress"
    source.mkdir()
    (source / "Dockerfile").write_text(
        f"FROM {names.image('app')}\nUSER root\nRUN echo before-it; echo 'seen {SECRET} end' >&2; echo 'lines-canary-two'; false\n"
    )
    options: Options = {
        "name": name,
        "source": {"path": str(source)},
        "networks": [platform.network],
        "progress_file": str(progress),
        "secrets": [{"name": "key", "value": SECRET}, {"name": "more", "value": QUOTED}],
    }
    with (reader := Reader(progress)).reading():
        (result,) = platform.directly(Task(options, module="tidegate.platform.workload_dockerfile"))
    assert result["failed"], result
    assert any("seen *** end" in line for line in result["logs"]), result
    assert re.search(r"Step \d", reader.text), reader.text
    assert "seen *** end" in reader.text, reader.text
    assert all(map(bare_of, (json.dumps(result, ensure_ascii=False), reader.text, everything(platform, name))))


@pytest.mark.usefixtures("buildkit")
def test_a_step_of_buildkit_that_prints_its_secrets_tells_nobody(platform: Platform, name: str, tmp_path: Path) -> None:
    """BuildKit passes on what steps write, a secret of several lines line by line."""
    source, progress = tmp_path / "source", tmp_path / "progress"
    source.mkdir()
    step = "--mount=type=secret,id=one,uid=10001 --mount=type=secret,id=two,uid=10001"
    # With the workload's name it is a step of its own: BuildKit says nothing for one that it has from an earlier run.
    said = f"printf 'seen %s end\\n' \"$(cat /run/secrets/one)\"; cat /run/secrets/two; : {name}"
    # The step that fails is another one: BuildKit may end before it has passed on all that a failing one wrote.
    (source / "Dockerfile").write_text(f"FROM {names.image('app')}\nRUN {step} {said}\nRUN false\n")
    build = {"builder": "buildkit", "secrets": [{"name": "one", "value": SECRET}, {"name": "two", "value": QUOTED}]}
    options: Options = {"name": name, "source": {"path": str(source)}, "networks": [platform.network], "build": build}
    with (reader := Reader(progress)).reading():
        told = Task({**options, "progress_file": str(progress)}, module="tidegate.platform.workload_dockerfile")
        (result,) = platform.directly(told)
    assert result["failed"], result
    assert any("seen *** end" in line for line in result["logs"]), result["logs"]
    assert "seen *** end" in reader.text, reader.text
    assert all(map(bare_of, (json.dumps(result, ensure_ascii=False), reader.text, everything(platform, name))))


def test_compose_that_prints_a_secret_tells_nobody(
    platform: Platform, name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Compose names the image that it cannot have, whose name is of a variable that is a secret."""
    monkeypatch.setenv("DOCKER_CONFIG", str(compose.config()))
    secret, progress = f"canary{os.urandom(5).hex()}", tmp_path / "progress"
    web = {"image": f"{names.REGISTRY}/tidegate/none:${{TAG}}", "command": ["sleep", "9"]}
    given = {"network": platform.network, "definition": {"services": {"web": web}}}
    options: Options = {
        "name": name,
        "progress_file": str(progress),
        "compose": {**given, "secrets": [{"name": "TAG", "value": secret}]},
    }
    with (reader := Reader(progress)).reading():
        (result,) = platform.directly(Task(options, module="tidegate.platform.workload_compose"))
    assert result["failed"], result
    assert "***" in str(result), result
    assert reader.text, "it told something"
    assert "***" in reader.text, reader.text
    assert all(secret not in text for text in (json.dumps(result), reader.text, everything(platform, name)))
