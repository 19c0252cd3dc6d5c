"""Where secrets must not be: labels, answers of the engine, records that others may read."""

from __future__ import annotations

import base64
import json
import stat
import typing as t
import zlib
from pathlib import Path
from urllib.parse import quote

import compose
import names
import pytest
from harness.platforms import Options, Platform, containers, docker

App = t.Callable[..., Options]
PASSWORD = "walls/canary 4c71"


def labels(workload: str) -> dict[str, str]:
    """The labels of a workload's one container."""
    (name,) = containers(workload)
    found: dict[str, str] = json.loads(docker("inspect", "--format", "{{json .Config.Labels}}", name))
    return found


def test_labels_say_whose_a_container_is_and_nothing_of_its_declaration(platform: Platform, app: App) -> None:
    """C3: what every workload with a read-only socket proxy could list; the record is a file of root instead."""
    platform.apply(**app(env={"LICENSE": "env-canary-1"}, labels={"team": "shop"}))
    name = app()["name"]
    found = {key: text for key, text in labels(name).items() if not key.startswith("maintainer")}
    ours = {key.removeprefix("tidegate.") for key in found if key.startswith("tidegate.") and "testbed" not in key}
    assert ours == {"state_dir", "workload", "environment", "deployment"}
    assert "env-canary-1" not in docker("ps", "--all", "--no-trunc", "--format", "{{json .}}")
    (record,) = (platform.state / "records" / f"{name}.production").iterdir()
    assert found["tidegate.deployment"].endswith(record.name)
    assert "env-canary-1" in record.read_text()
    modes = [stat.S_IMODE(path.stat().st_mode) for path in (record, record.parent, record.parent.parent)]
    assert modes == [0o600, 0o700, 0o700]
    platform.apply(**app("2"))
    kept = {path.name for path in record.parent.iterdir()}
    assert len(kept) == 2, "those of releases that can be gone back to"
    assert record.name in kept
    platform.apply(**app(), state="absent")
    assert not record.parent.exists()


def test_containers_of_the_version_before_are_adopted_by_their_label(
    platform: Platform, app: App, tmp_path: Path
) -> None:
    """C3: a host whose record is lost after an upgrade still has containers that carry their release themselves."""
    own = {"state_dir": str(tmp_path / "state")}
    made = platform.apply(**app(**own))
    name = app()["name"]
    (record,) = (tmp_path / "state" / "records" / f"{name}.production").iterdir()
    label = base64.b64encode(zlib.compress(record.read_bytes(), 9)).decode()
    _relabelled(made["release"]["containers"][0], {"tidegate.release": label, "tidegate.fingerprint": "older"})
    for file in [record, *(tmp_path / "state").glob("tidegate.db*")]:
        file.unlink()
    again = platform.apply(**app(**own))
    assert [step["name"] for step in again["steps"]] == ["persist"], again
    assert again["release"]["id"] == made["release"]["id"]


def _relabelled(name: str, more: dict[str, str]) -> None:
    """The same container with more labels, as another version would have made it."""
    facts = json.loads(docker("inspect", name))[0]
    docker("rm", "--force", name)
    flags = [f"--label={key}={text}" for key, text in {**facts["Config"]["Labels"], **more}.items()]
    flags += [f"--env={text}" for text in facts["Config"]["Env"]]
    network = facts["HostConfig"]["NetworkMode"]
    argv = ["run", "--detach", "--name", name, "--hostname", name, "--network", network, *flags]
    docker(*argv, facts["Image"], *(facts["Config"]["Cmd"] or ()))


@pytest.mark.parametrize("spelling", [str, lambda text: quote(text, safe="")], ids=["plain", "in an address"])
def test_a_variable_with_a_secret_inside_is_a_secret(
    platform: Platform, app: App, spelling: t.Callable[[str], str]
) -> None:
    """C3: an address that a password is part of is kept, told and rolled back as the password is."""
    address = f"postgres://shop:{spelling(PASSWORD)}@db/shop"
    secrets = [{"name": "db", "value": PASSWORD, "delivery": "file"}]
    first = platform.apply(**app(env={"DATABASE_URL": address, "PLAIN": "1"}, secrets=secrets))
    assert not first["failed"], first
    name = app()["name"]
    (container,) = containers(name)
    assert docker("exec", container, "printenv", "DATABASE_URL") == address
    recorded = str(platform.rows("SELECT snapshot FROM deployments WHERE workload = ?", name))
    recorded += "".join(path.read_text() for path in (platform.state / "records" / f"{name}.production").iterdir())
    for text in (recorded, json.dumps(first)):
        assert spelling(PASSWORD) not in text
    assert "PLAIN" in recorded
    other = platform.apply(**app(env={"DATABASE_URL": address + "2", "PLAIN": "1"}, secrets=secrets))
    assert other["changed"], "a change of it is a change"
    (back,) = platform.stories([{"story": "rollback", "params": {"name": name, "environment": "production"}}])
    assert not back["failed"], back
    (container,) = containers(name)
    assert docker("exec", container, "printenv", "DATABASE_URL") == address


@pytest.mark.parametrize(
    ("option", "given"),
    [
        ("command", {"command": ["serve", f"--password={PASSWORD}"]}),
        ("labels.note", {"labels": {"note": base64.b64encode(PASSWORD.encode()).decode()}}),
        ("release_command", {"release_command": ["migrate", PASSWORD]}),
        ("health.path", {"health": {"path": f"/?key={quote(PASSWORD, safe='')}"}}),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_secret_in_a_place_that_shows_it_is_refused(
    platform: Platform, app: App, option: str, given: Options
) -> None:
    """C3: arguments and labels are in every listing."""
    secrets = [{"name": "db", "value": PASSWORD, "delivery": "file"}]
    result = platform.apply(**{**app(secrets=secrets), **given})
    assert result["failed"]
    assert f"{option}='***' holds the value of a secret" in result["msg"]
    assert PASSWORD not in json.dumps(result)
    assert containers(app()["name"]) == []


def test_a_variable_of_a_project_with_a_secret_inside_is_a_secret(
    platform: Platform, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """C3: the same for what a Compose file is read with."""
    web = {"image": names.image("app", "1"), "environment": {"URL": "${ADDRESS}"}}
    monkeypatch.setenv("DOCKER_CONFIG", str(compose.config()))
    declared = {
        "definition": {"services": {"web": web}},
        "network": platform.network,
        "env": {"ADDRESS": f"redis://:{PASSWORD}@cache"},
        "secrets": [{"name": "KEY", "value": PASSWORD}],
    }
    order = {"story": "compose", "params": {"name": name, "compose": declared}}
    (first,) = platform.stories([order])
    assert not first["failed"], first
    assert PASSWORD not in str(platform.rows("SELECT snapshot FROM deployments WHERE workload = ?", name))
    (container,) = containers(name)
    assert PASSWORD in docker("exec", container, "printenv", "URL")
