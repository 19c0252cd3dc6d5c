"""What operators do with workloads that run: restart, run a command, read what was written, look at the host."""

from __future__ import annotations

import subprocess
import sys
import typing as t
from pathlib import Path

import names
import pytest
from harness.load import Client, Target
from harness.platforms import Options, Platform, Task, containers, docker

MODULES = "tidegate.platform."
WRITE = "i=0; while [ $i -lt 6000 ]; do echo line $i; i=$((i+1)); done; echo trouble >&2; while sleep 0.2; do echo tick; done"


@pytest.fixture
def shop(platform: Platform) -> t.Iterator[Options]:
    """A live workload."""
    options: Options = {
        "name": f"ops-{platform.label}",
        "image": names.image("app"),
        "port": 8000,
        "health": {"path": "/healthz"},
        "drain": {"timeout": 5},
        "networks": [platform.network],
        "routes": [{"host": f"ops-{platform.label}.test"}],
    }
    platform.apply(**options)
    yield options
    platform.apply(name=options["name"], state="absent")


def test_a_restart_is_a_deployment_without_a_lost_request(platform: Platform, shop: Options) -> None:
    """DP-34: other containers, the same release's content, every request answered; stopped stays stopped until started."""
    module, name = f"{MODULES}workload_control", shop["name"]
    blue = containers(name)
    client = Client(Target(f"{name}.test", port=platform.ports.http), "new", 40).start()
    (done,) = platform.tasks(Task({"name": name, "state": "restarted"}, module=module))
    count = client.stop()
    assert done["changed"]
    assert set(containers(name)).isdisjoint(blue)
    assert count.lost == 0, count
    stopped, again, started, running = platform.tasks(
        *(Task({"name": name, "state": state}, module=module) for state in ("stopped", "stopped", "started", "started"))
    )
    assert [row["changed"] for row in (stopped, again, started, running)] == [True, False, True, False]
    assert platform.version(shop["routes"][0]["host"]) == "1"
    (missing,) = platform.tasks(Task({"name": "no-such-workload", "state": "started"}, module=module))
    assert "no-such-workload: has no release in production. Deploy it first" in missing["msg"]


def test_commands_run_in_the_live_release(platform: Platform, shop: Options) -> None:
    """DP-34: output and code come back; check mode runs nothing; what does not run is said."""
    module, name = f"{MODULES}workload_exec", shop["name"]
    said, failed, ignored, foretold, nowhere = platform.tasks(
        Task({"name": name, "command": ["sh", "-c", "echo out; echo err >&2"]}, module=module),
        Task({"name": name, "command": ["sh", "-c", "echo no >&2; exit 3"]}, module=module),
        Task({"name": name, "command": ["sh", "-c", "exit 3"], "ignore_code": True}, module=module),
        Task({"name": name, "command": ["touch", "/tmp/touched"]}, module=module, check=True),
        Task({"name": name, "command": ["true"], "service": "web"}, module=module),
    )
    assert (said["rc"], said["stdout"], said["stderr"]) == (0, "out\n", "err")
    assert (failed["failed"], failed["rc"], failed["kind"]) == (True, 3, "CommandFailure")
    assert "ended with 3: no" in failed["msg"]
    assert (ignored["failed"], ignored["rc"]) == (False, 3)
    assert (foretold["changed"], foretold["rc"]) == (True, None)
    assert docker("exec", containers(name)[0], "ls", "/tmp") == ""
    assert "service='web' does not run" in nowhere["msg"]


def test_logs_of_a_release_are_complete_and_in_order(platform: Platform, shop: Options) -> None:
    """DP-25: thousands of lines by release, stream, text, limit and time; what is written meanwhile; a release that is gone."""
    module, name = f"{MODULES}workload_logs", shop["name"]
    writing = {"command": ["sh", "-c", WRITE], "health": {"type": "window", "window": 1.0}}
    made = platform.apply(**{key: shop[key] for key in ("name", "image", "networks")}, **writing)
    assert not made["failed"], (made["msg"], made["logs"])
    release = made["release"]["id"]
    everything, some, errors, followed, unknown, wrong = platform.tasks(
        *(
            Task({"name": name, **options}, module=module)
            for options in (
                {"release": release},
                {"release": "live", "limit": 100},
                {"contains": "trouble"},
                {"follow": 2, "since": "1s"},
                {"release": "01k"},
                {"since": "yesterday"},
            )
        )
    )
    assert not everything["failed"], everything
    assert everything["source"] == "engine"
    numbered = [text for text in everything["text"] if text.startswith("line")]
    assert numbered == [f"line {number}" for number in range(6000)]
    assert {row["release"] for row in everything["lines"]} == {release}
    assert everything["lines"] == sorted(everything["lines"], key=lambda row: row["time"])
    assert some["text"] == [f"line {number}" for number in range(100)]
    assert (some["complete"], some["next"]) == (False, some["lines"][-1]["time"])
    assert [(row["text"], row["stream"]) for row in errors["lines"]] == [("trouble", "stderr")]
    assert 8 <= followed["text"].count("tick") <= 30
    assert "no container of release 01k is there any more" in unknown["msg"]
    assert "since='yesterday' is no moment. Say 15m" in wrong["msg"]


def test_the_doctor_sees_what_is_wrong_with_this_host(platform: Platform) -> None:
    """A port that somebody has, the proxy's own port, a disk without its reserve, a server that is not there."""
    module = f"{MODULES}platform_doctor"
    own = {"ports": [platform.ports.http], "now": 1e9, "reach": [names.REGISTRY]}
    well, ill = platform.tasks(
        Task(own, module=module),
        Task(
            {"ports": [5000], "disk_reserve": "900t", "reach": ["127.0.0.1:1"], "domains": ["no-name.invalid"]},
            module=module,
        ),
    )
    rows = {row["check"]: row for row in well["findings"]}
    assert rows[f"port {platform.ports.http}"]["state"] == "ok"
    assert rows["record"]["state"] == rows["proxy"]["state"] == "ok"
    assert rows["engine"]["state"] in ("ok", "warning"), "Debian 12 has an engine that is warned of"
    assert (rows["clock"]["state"], well["worst"]) == ("failure", "failure"), "the controller's clock is of 2001"
    found = {row["check"]: row for row in ill["findings"] if row["state"] == "failure"}
    assert "docker-regist" in found["port 5000"]["found"]
    assert {"reach 127.0.0.1:1", "name no-name.invalid"} < set(found)
    assert any(check.startswith("disk of ") for check in found)
    assert all(row["remedy"] for row in found.values())
    assert len(ill["table"]) == len(ill["findings"]) + 1


def test_the_library_of_the_host_is_what_the_modules_run(platform: Platform, tmp_path: Path) -> None:
    """Foretold, placed, unchanged; what was altered or left over is put right; a command can import it."""
    options = {"path": str(tmp_path / "lib")}
    module = f"{MODULES}platform_library"
    foretold, placed, again = platform.tasks(
        Task(options, check=True, module=module), Task(options, module=module), Task(options, module=module)
    )
    assert [row["changed"] for row in (foretold, placed, again)] == [True, True, False]
    assert foretold["placed"] == placed["placed"]
    package = Path(placed["path"])
    (package / "old.py").write_text("")
    (package / "stories" / "call.py").write_text("altered")
    (repaired,) = platform.tasks(Task(options, module=module))
    assert (repaired["placed"], repaired["removed"]) == (["stories/call.py"], ["old.py"])
    ask = "from tidegate_core.stories.reconcile_command import main; main(['--help'])"
    said = subprocess.run(
        [sys.executable, "-c", ask], cwd=tmp_path / "lib", capture_output=True, text=True, check=False
    )
    assert "Make containers, routes and record" in said.stdout, said.stderr
