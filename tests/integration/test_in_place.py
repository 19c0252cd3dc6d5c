"""What is replaced in its place stands still before its successor starts, in whatever state it is. On real parts."""

from __future__ import annotations

import typing as t

import pytest
from harness.platforms import Options, Platform, containers, docker, free_ports

from .test_leftovers import until

App = t.Callable[..., Options]
# A writer that leaves its mark for as long as it writes, finds the mark of another, and crashes when it is told to.
WRITER = (
    "cd /data; if [ -e writes ]; then echo two >> clash; fi; touch writes; trap 'rm writes; exit 0' TERM; "
    "while [ ! -e crash ] || [ $VERSION = 2 ]; do sleep 0.1; done; sleep 0.3; rm writes; exit 1"
)


def steps(result: Options) -> list[str]:
    """The steps that a run took, with what it took back."""
    return [row["name"] for row in result["steps"]]


def status(name: str) -> tuple[str, str]:
    """The only container, and its state."""
    (one,) = containers(name)
    return one, docker("inspect", "--format", "{{.State.Status}}", one)


@pytest.mark.parametrize("strategy", ["recreate", "handover"])
def test_what_is_paused_gives_its_port_up_first(platform: Platform, app: App, name: str, strategy: str) -> None:
    """Review (heirs): a paused container was left beside its successor: "port is already allocated"."""
    (port,) = free_ports(1)
    own: Options = {"strategy": strategy, "ports": [{"container": 8000, "host": port, "address": "127.0.0.1"}]}
    own |= {"routes": []}
    first = platform.apply(**app("1", **own))
    assert not first["failed"], first
    blue, _state = status(name)
    docker("pause", blue)
    failing = platform.apply(**app("3", **own, release_command=["false"]))
    assert failing["step"] == "release_command", failing
    assert not failing["warnings"], failing
    assert status(name) == (blue, "running"), "what is on record is to run: it goes on, as any repair has it"
    docker("pause", blue)
    result = platform.apply(**app("2", **own))
    assert not result["failed"], result
    assert steps(result) == ["stop", "start", "gate", "persist", "reap"]
    assert '"version": "2"' in platform.get("shop.test", port=port)[2]


def test_what_crash_loops_is_stopped_before_its_successor_starts(platform: Platform, app: App, name: str) -> None:
    """DS-T15, review (heirs): it came back, beside the repair of it, on a volume that has one writer."""
    own: Options = {"strategy": "recreate", "volumes": [{"source": f"{name}-data", "target": "/data"}]}
    own |= {"user": "0:0", "allow_root": True, "command": ["sh", "-c", WRITER], "routes": []}
    own |= {"port": None, "health": {"command": ["true"], "window": 1}}
    first = platform.apply(**app("1", **own))
    assert not first["failed"], first
    blue, _state = status(name)
    docker("exec", blue, "touch", "/data/crash")
    assert until(lambda: status(name)[1] == "restarting", 20)
    failing = platform.apply(**app("2", **own, release_command=["false"]))
    assert failing["step"] == "release_command", failing
    assert "undo stop: gate" not in steps(failing), "it passed none before, and need not now"
    assert (failing["warnings"], containers(name)) == ([], [blue])
    assert until(lambda: status(name)[1] == "restarting", 20)
    result = platform.apply(**app("2", **own))
    assert not result["failed"], result
    assert steps(result) == ["stop", "start", "gate", "persist", "reap"]
    green, _state = status(name)
    assert docker("exec", green, "sh", "-c", "cat /data/clash 2>&1 || true").endswith("No such file or directory")
    platform.apply(name=name, state="absent", remove_volumes=True)
