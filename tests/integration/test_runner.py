"""Applications in language images, without a Dockerfile: presets, catalog, commands, limits."""

from __future__ import annotations

import json
import shutil
import typing as t
from pathlib import Path

import gitserver
import images
import names
import pytest
from harness.load import Client, Target
from harness.platforms import Options, Platform, Task, containers, docker

MODULE = "tidegate.platform.workload_runner"
TREES = Path(__file__).parents[1] / "harness" / "trees"
ROLE = "tidegate.platform.runner"


@pytest.fixture(scope="module")
def catalog(platform: Platform) -> Platform:
    """A platform whose catalog has the testbed's language images, placed by the role."""
    images.up(images.RUNNER_IMAGES)
    play_role(platform)
    return platform


def play_role(platform: Platform, **variables: t.Any) -> t.Any:
    """One run of the role."""
    overrides = {name: {"image": names.image("runner", name.partition("-")[0])} for name in ("python-3.13", "node-22")}
    path = platform.root / "runner.json"
    path.write_text(json.dumps([{"hosts": "all", "gather_facts": False, "roles": [ROLE]}]))
    return platform.playbook(
        str(path), "--diff", runner_overrides={**overrides, **variables.pop("overrides", {})}, **variables
    )


@pytest.fixture
def tree(tmp_path: Path) -> t.Callable[[str], Path]:
    """A copy of an application's tree."""
    return lambda kind: Path(shutil.copytree(TREES / kind, tmp_path / kind))


@pytest.fixture
def runs(platform: Platform, name: str) -> t.Callable[..., Options]:
    """Options of an application behind its own host name."""

    def options(source: Options, **more: t.Any) -> Options:
        runner = {"network": "host", **more.pop("runner", {})}
        return {
            "name": name,
            "source": source,
            "runner": runner,
            "networks": [platform.network],
            "routes": [{"host": f"{name}.test"}],
            "health": {"path": "/", "deadline": 30},
            "drain": {"timeout": 3},
            "stop_timeout": 3,
            "strategy": "blue-green",
            **more,
        }

    return options


def run(platform: Platform, *declared: Options) -> list[Options]:
    """Results of these declarations, one after the other."""
    return platform.tasks(*(Task(options, module=MODULE) for options in declared))


def test_flask_from_git_for_a_whole_life(
    catalog: Platform, name: str, runs: t.Callable[..., Options], tmp_path: Path
) -> None:
    """Deploy, unchanged, changed under load, failing build, rollback without the network, teardown."""
    host, repository = f"{name}.test", gitserver.Repository(tmp_path / "repository")
    source = {path.name: path.read_text() for path in (TREES / "flask").iterdir()}
    repository.commit(source)
    git = {"git": f"file://{repository.bare}", "ref": "main"}
    first, again = run(catalog, *(runs(git, env={"COLOUR": "blue"}) for _twice in range(2)))
    assert first["changed"], first
    assert not again["changed"], again
    answer = json.loads(catalog.get(host)[2])
    assert answer == {"version": "1", "colour": "blue", "uid": "10001"}
    client = Client(Target(host, port=catalog.ports.http), "keepalive", 30).start()
    repository.commit({"app.py": source["app.py"].replace('"version": "1"', '"version": "2"')})
    (changed,) = run(catalog, runs(git, env={"COLOUR": "blue"}))
    assert changed["changed"], changed
    assert json.loads(catalog.get(host)[2])["version"] == "2"
    serving = containers(name)
    repository.commit({"requirements.txt": "no-such-package-of-anybody-0\n"})
    (failed,) = run(catalog, runs(git, runner={"preset": "flask"}))
    assert failed["step"] == "build", failed
    assert "no-such-package" in "\n".join(failed["logs"])
    assert containers(name) == serving
    shutil.rmtree(repository.bare)
    back = catalog.tasks(Task({"name": name}, module="tidegate.platform.workload_rollback"))[0]
    assert back["changed"], back
    assert json.loads(catalog.get(host)[2])["version"] == "1"
    count = client.stop()
    assert count.lost == 0, count.losses
    (gone,) = run(catalog, {"name": name, "state": "absent"})
    assert gone["changed"]
    assert containers(name) == []


def test_express_from_a_directory(
    catalog: Platform, name: str, runs: t.Callable[..., Options], tree: t.Callable[[str], Path]
) -> None:
    """Its preset is found; a change of code alone installs nothing again; the command before a deployment runs."""
    place = tree("express")
    (first,) = run(catalog, runs({"path": str(place)}))
    assert first["changed"], first
    assert json.loads(catalog.get(f"{name}.test")[2]) == {"version": "1", "uid": "10001"}
    (place / "server.js").write_text((place / "server.js").read_text().replace('version: "1"', 'version: "2"'))
    (second,) = run(catalog, runs({"path": str(place)}, runner={"pre_deploy_command": "node --version"}))
    assert "release_command" in [s["name"] for s in second["steps"]], second
    ids = [row["release"]["image_id"] for row in (first, second)]
    layers = [json.loads(docker("inspect", "--format", "{{json .RootFS.Layers}}", image)) for image in ids]
    assert layers[0][:-1] == layers[1][:-1]


def test_what_the_catalog_and_the_platform_refuse(
    catalog: Platform, name: str, runs: t.Callable[..., Options], tree: t.Callable[[str], Path], tmp_path: Path
) -> None:
    """DP-T14, DP-12: reserved keys, limits, unknown and disabled runners, no preset; each says what would do."""
    source = {"path": str(tree("flask"))}
    empty = tmp_path / "empty"
    empty.mkdir()
    (empty / "readme.txt").write_text("nothing to run")
    cases = [
        (runs(source, env={"PUID": "0"}), "env='PUID' is set by the platform"),
        (runs(source, runner={"build_env": {"PATH": "/x"}}), "runner.build_env='PATH'"),
        (runs(source, runner={"image": "cobol-85"}), "not in the host's catalog"),
        (runs(source, runner={"image": "python-3.13"}, memory="64g"), "is above 4g"),
        (runs(source, memory="64g"), "is above 4g"),
        (runs(source, runner={"preset": "cobol"}), "Choose one of"),
        (runs(source, user="0"), "is root"),
        (runs({"path": str(empty)}), "fits no preset"),
        (runs({"path": str(empty)}, runner={"preset": "none", "image": "python-3.13"}), "runner.start_command"),
        # Blank is not given (D2), and nothing else says how it starts.
        (
            runs({"path": str(empty)}, runner={"preset": "none", "image": "python-3.13", "start_command": " "}),
            "runner.start_command",
        ),
    ]
    for (options, words), result in zip(cases, run(catalog, *(options for options, _words in cases)), strict=True):
        assert result["failed"], options
        assert words in result["msg"], result["msg"]
    assert containers(name) == []


def test_the_role_places_checks_and_removes_the_catalog(catalog: Platform) -> None:
    """Idempotent, checked against its schema, with overrides; an error names path, value and remedy."""
    try:
        assert "changed=0" in play_role(catalog).ok().output
        assert "changed=1" in play_role(catalog, runner_disabled=["php-8.4"]).ok().output
        found = json.loads((catalog.state / "runners.json").read_text())
        assert [row["name"] for row in found["runners"] if not row["enabled"]] == ["php-8.4"]
        assert (len(found["runners"]), len(found["presets"])) == (10, 10)
        wrong = play_role(catalog, overrides={"php-8.4": {"memory": "much"}})
        assert wrong.code
        assert "runners[9].memory: 'much' is not a size such as 512m" in wrong.output
        unknown = play_role(catalog, runner_disabled=["cobol-85"])
        assert "cobol-85: not in the catalog" in unknown.output
        assert play_role(catalog, runner_pull=["python-3.13"]).ok()
        play_role(catalog, runner_state="absent").ok()
        assert not (catalog.state / "runners.json").exists()
    finally:
        play_role(catalog).ok()
