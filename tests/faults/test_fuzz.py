"""Fuzzed names, paths and Compose files against the real Compose and engine: one clear error, or a safe deployment."""

from __future__ import annotations

import copy
import json
import os
import random
import typing as t
from pathlib import Path

import compose
import names
import pytest
from harness.platforms import Options, Platform, containers, docker
from harness.runs import Driver

COUNT = 320 if os.environ.get("TIDEGATE_EVERY") else 100
REALLY = 8
APPLICATION_FAILS = ("Unhealthy",)
NASTY = (
    *("", " ", "-", "-rf", "--project-name=other", "../../etc", "/etc/passwd", "/", ".", "..", "a" * 300, "ä☃", "a\0b"),
    *("${HOME}", "$(reboot)", "`id`", "{{ 7 * 7 }}", "a\nb", "%s", "'; DROP TABLE live; --", "*", "null", "0", "~"),
    *("/run/docker.sock:/s", "/var/run/docker.sock:/s", "../..:/host", "0:0", "70000", "1-9:1-9", "no/such/image:0"),
)
ADDED: dict[str, t.Any] = {
    "privileged": True,
    "pid": "host",
    "env_file": "/etc/shadow",
    "extends": {"file": "../../../etc/passwd", "service": "x"},
    "volumes_from": ["container:foreign"],
    "network_mode": "container:foreign",
    "container_name": "foreign",
    "links": ["foreign"],
    "depends_on": ["web"],
    "deploy": {"replicas": -1},
    "build": ".",
    "command": ["sleep", "1000"],
    "labels": {"tidegate.workload": "foreign", "com.docker.compose.project": "foreign"},
    "secrets": ["missing"],
    "profiles": ["never"],
}


@pytest.fixture
def foreign(name: str) -> t.Iterator[dict[str, str]]:
    """Containers of somebody else, by plain Docker and by a Compose project, and what they are."""
    label = ["--label", f"{names.LABEL}=1"]
    project = ["--label", f"com.docker.compose.project={name}-other", "--label", "com.docker.compose.service=web"]
    made = {f"{name}-{number}": extra for number, extra in enumerate(([], project))}
    for one, extra in made.items():
        docker("run", "-d", "--name", one, *label, *extra, names.image("app"), "sleep", "1000")
    yield {one: docker("inspect", "--format", "{{.Id}} {{.State.StartedAt}} {{.State.Pid}}", one) for one in made}
    docker("rm", "-f", *made)


def mutated(source: random.Random, value: t.Any, others: list[str]) -> t.Any:
    """A JSON value with one of its parts changed into something nasty."""
    if isinstance(value, dict) and value and source.random() < 0.85:
        key = source.choice(list(value))
        if source.random() < 0.1:
            return {k: v for k, v in value.items() if k != key}
        return {**value, key: mutated(source, value[key], others)}
    if isinstance(value, list) and value and source.random() < 0.7:
        at = source.randrange(len(value))
        return [*value[:at], mutated(source, value[at], others), *value[at + 1 :]]
    return source.choice([source.choice(NASTY), source.choice(NASTY), *others, None, -1, 2**70, 1.5, True, [], {}])


def orders(source: random.Random, name: str, tree: Path, platform: Platform, others: list[str]) -> t.Iterator[Options]:
    """Declarations that are nearly right."""
    web = {"image": names.image("app"), "stop_grace_period": "1s", "environment": {"A": "1"}, "init": True}
    job = {"image": names.image("app"), "command": ["true"], "volumes": ["data:/data"], "ports": ["127.0.0.1::9"]}
    definition = {"services": {"web": web, "job": job}, "volumes": {"data": {}}}
    routed = {"name": "web", "port": 8000, "routes": [{"host": f"{name}.test"}], "health": {"path": "/healthz"}}
    inner = {"network": platform.network, "services": [routed], "definition": definition, "project": f"{name}-fuzz"}
    stack: Options = {"name": name, "compose": inner}
    built: Options = {
        "name": name,
        "source": {"path": str(tree), "subdirectory": ".", "remote": True},
        "build": {"dockerfile": "Dockerfile", "args": {"A": "1"}, "labels": {"a": "b"}, "target": "x"},
        "routes": [{"host": f"{name}.test", "path_prefix": "/a"}],
        "port": 8000,
    }
    for number in range(COUNT):
        kind, plain = ("compose", stack) if number % 3 else ("dockerfile", built)
        params = copy.deepcopy(plain)
        if kind == "compose" and number % 2:
            service = source.choice(["web", "job"])
            key = source.choice(list(ADDED))
            added = json.loads(json.dumps(ADDED[key]).replace("foreign", source.choice(others)))
            params["compose"]["definition"]["services"][service][key] = added
        elif kind == "compose":
            part = source.choice(["definition", "definition", "project", "services", "env", "file"])
            params["compose"][part] = mutated(source, inner.get(part, {"A": "1"}), others)
        else:
            part = source.choice(["name", "source", "source", "build", "routes", "environment", "port"])
            params[part] = mutated(source, built.get(part, "production"), others)
        yield {"story": kind, "params": params, "check": True}


def test_what_is_nearly_right_is_refused_clearly_or_deployed_safely(
    platform: Platform,
    driver: Driver,
    foreign: dict[str, str],
    name: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """≥ 300: never a traceback, one message with what to do, and nothing of anybody else is touched."""
    monkeypatch.setenv("DOCKER_CONFIG", str(compose.config()))
    (tmp_path / "Dockerfile").write_text(f"FROM {names.image('app')} AS x\n")
    seed = int(os.environ.get("TIDEGATE_SEED", "4"))
    given = list(orders(random.Random(seed), name, tmp_path, platform, list(foreign)))
    found = driver.many(given)
    assert len(found) == COUNT
    for order, result in zip(given, found, strict=True):
        assert not result.get("failed") or (len(result["msg"]) > 10 and "Traceback" not in result["msg"]), order
    good = [order for order, result in zip(given, found, strict=True) if not result.get("failed")]
    print(f"seed {seed}: {COUNT - len(good)} of {COUNT} refused, {min(len(good), REALLY)} of the others deployed")
    assert len(good) >= REALLY
    chosen = random.Random(seed).sample(good, REALLY)
    for order in chosen:
        whose = {key: order["params"][key] for key in ("name", "environment") if key in order["params"]}
        away = {**order, "check": False, "params": {**whose, "state": "absent"}}
        really, gone = driver.many([{**order, "check": False}, away])
        # What check mode foretells is so. Only the application itself may still fail, which nobody foretells, and then
        # nothing of it is left.
        assert not really.get("failed") or really["kind"] in APPLICATION_FAILS, (order, really)
        if really.get("failed"):
            assert containers(whose["name"]) == [], order
        assert not gone.get("failed"), (order, gone)
    now = {one: docker("inspect", "--format", "{{.Id}} {{.State.StartedAt}} {{.State.Pid}}", one) for one in foreign}
    assert now == foreign
    assert containers(name) == []
