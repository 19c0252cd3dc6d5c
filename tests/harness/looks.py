"""Independent looks at what a fault left: the engine by its own command, the store by SQL, the proxy by a request."""

from __future__ import annotations

import contextlib
import json
import subprocess
import typing as t
from pathlib import Path

from .load import Target
from .platforms import Platform, containers, docker


def contents(folder: Path) -> t.Iterator[tuple[Path, bytes]]:
    """Every file below a folder that others may be writing to: SQLite's own ones go with the last who reads."""
    for path in folder.rglob("*"):
        with contextlib.suppress(FileNotFoundError):
            if path.is_file():
                yield path, path.read_bytes()


def live_release(platform: Platform, workload: str) -> dict[str, t.Any]:
    """What is live by the store."""
    query = "SELECT r.id, r.containers, r.route FROM live l JOIN releases r ON r.id = l.release WHERE l.workload = ?"
    ((identity, names, route),) = platform.rows(query, workload)
    return {"id": identity, "containers": json.loads(names), "route": json.loads(route) if route else None}


def placed(platform: Platform, workload: str) -> dict[str, t.Any] | None:
    """What the route file sends where, without the stamp that Traefik is known to have read it by."""
    path = platform.route(workload)
    if not path.exists():
        return None
    kinds = json.loads(path.read_text())["http"]
    own = {kind: {name: e for name, e in entries.items() if name[0] != "_"} for kind, entries in kinds.items()}
    return {"http": {kind: entries for kind, entries in own.items() if entries}}


def orphans(platform: Platform, workload: str) -> list[str]:
    """Containers of no live release."""
    return sorted(set(containers(workload)) - set(live_release(platform, workload)["containers"]))


def started(names: list[str]) -> dict[str, str]:
    """When each container was started last; an empty text for one that is gone."""
    form = ["--format", "{{.State.StartedAt}}"]
    return {name: docker("inspect", *form, name, check=False) for name in names}


def consistent(
    platform: Platform, workload: str, target: Target | None = None, *, tells_version: bool = True
) -> dict[str, t.Any]:
    """Exactly one release: route = store = containers = what answers; the live one.

    :param target: where it answers, for a workload that publishes a port instead of having a route.
    :param tells_version: it is the demonstration application, whose answer tells the version that it was made with.
    """
    live = live_release(platform, workload)
    assert containers(workload) == live["containers"]
    assert containers(workload, everything=False) == live["containers"]
    assert placed(platform, workload) == live["route"]
    assert platform.rows("SELECT id FROM deployments WHERE workload = ? AND conclusion IS NULL", workload) == []
    assert (
        f"tidegate:{workload}."
        not in subprocess.run(["iptables-save"], capture_output=True, text=True, check=True).stdout
    )
    at = target or Target(f"{workload}.test", port=platform.ports.http)
    status, _headers, body = platform.get(at.host, address=at.address, port=at.port)
    assert status == 200, body
    if not tells_version:
        return live
    image = docker("inspect", "--format", "{{.Config.Image}}", live["containers"][0])
    answered = json.loads(body)["version"]
    environment = docker("inspect", "--format", "{{json .Config.Env}}", live["containers"][0])
    assert f"VERSION={answered}" in environment, (image, body)
    return live
