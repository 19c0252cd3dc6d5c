"""The main examples of the guides, as they stand in the pages, on real parts: only images, names and places are this testbed's."""

from __future__ import annotations

import json
import os
import re
import subprocess
import typing as t
from pathlib import Path

import acme
import compose
import images
import names
import pytest
import shell
import yaml
from harness.platforms import Options, Platform, docker, free_ports

from .test_playbooks import gateway, issuer, served_certificate

__all__ = ["gateway"]

FENCE = re.compile(r"^```yaml\n(.*?)^```$", re.MULTILINE | re.DOTALL)
PASSWORD = "canary-of-a-guide-5b1"
STAND_INS = {
    "registry.example.org/team/shop": names.image("app").rpartition(":")[0],
    "postgres:15": names.image("postgres", "15"),
    "1.4.1": "1",
}


def examples(guide: str) -> list[str]:
    """The YAML blocks of a guide, with images that the testbed has."""
    found = FENCE.findall((names.ROOT / "docs" / "guides" / f"{guide}.md").read_text())
    for shown, real in STAND_INS.items():
        found = [text.replace(shown, real) for text in found]
    return found


def container(platform: Platform, workload: str, service: str = "") -> str:
    """The one container of a workload, or of its service, on this platform."""
    labels = {"tidegate.state_dir": platform.state, "tidegate.workload": workload}
    labels |= {"com.docker.compose.service": service} if service else {}
    (found,) = docker("ps", "-q", *(f"--filter=label={key}={value}" for key, value in labels.items())).split()
    return found


def test_the_first_server(own: Platform, gateway: str) -> None:
    """Its inventory, its commands; the certificate comes of a real ACME server."""
    variables: Options = yaml.safe_load(examples("first-server")[0])["all"]["vars"]
    del variables["ansible_user"]
    (resolver,), (shop,) = variables["traefik_resolvers"], variables["workloads"]
    shop["networks"] = [own.network]
    own.variables.update(variables, vault_shop_database_password=PASSWORD)
    with acme.running(own.root / "acme", gateway, free_ports(4), own.ports.http, own.ports.https) as authority:
        resolver["ca_server"] = authority.directory
        own.variables["traefik_ca_certificates"] = authority.certificate
        own.playbook("tidegate.platform.site").ok()
        own.playbook("tidegate.platform.deploy").ok()
        try:
            own.playbook("tidegate.platform.status", tidegate_expect_healthy=True).ok()

            def issued() -> bool:
                return "Pebble" in issuer(served_certificate(own.ports.https, "shop.example.org"))

            shell.wait_until("a certificate is served", issued, 60)
            assert own.get("shop.example.org")[0] == 301, "plain HTTP is led to HTTPS"
            secret = docker("exec", container(own, "shop"), "cat", "/run/secrets/database_password")
            assert secret == PASSWORD
            for playbook, version in (("deploy", "2"), ("rollback", "1")):
                said = {"version": version} if playbook == "deploy" else {}
                own.playbook(f"tidegate.platform.{playbook}", workload="shop", **said).ok()
                assert f"VERSION={version}" in docker("inspect", "--format", "{{.Config.Env}}", container(own, "shop"))
        finally:
            own.playbook("tidegate.platform.teardown", workload="shop", confirm="shop").ok()


def bare(folder: Path, project: str, *arguments: str) -> None:
    """Run `docker compose` in a folder, as one does without a platform."""
    told = {**os.environ, "TAG": "1", "DATABASE_PASSWORD": PASSWORD}
    subprocess.run(
        ["docker", "compose", "-p", project, *arguments], cwd=folder, env=told, check=True, capture_output=True
    )


def query(database: str, text: str) -> str:
    """What the database answers; over TCP, which it does not listen on while it is being made."""
    client = [
        "-e",
        f"PGPASSWORD={PASSWORD}",
        database,
        "psql",
        "-h",
        "127.0.0.1",
        "-U",
        "postgres",
        "-d",
        "shop",
        "-Atc",
    ]
    shell.wait_until("it answers", lambda: docker("exec", *client, "SELECT 1", check=False) == "1", 60)
    return docker("exec", *client, text)


def test_from_compose(platform: Platform, name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A project that bare Compose runs, taken over as the guide says: with its data; then its next version."""
    monkeypatch.setenv("DOCKER_CONFIG", str(compose.config()))
    images.up(images.STACK_IMAGES)
    before, after, play = examples("from-compose")
    (folder := tmp_path / "shop").mkdir()
    file = folder / "compose.yaml"
    (port,) = free_ports(1)
    file.write_text(before.replace('"80:8000"', f'"{port}:8000"'))
    try:
        bare(folder, name, "up", "--detach")
        database = docker("ps", "-q", "--filter", f"name={name}-db-1")
        query(database, "CREATE TABLE t (n int); INSERT INTO t VALUES (42)")
        bare(folder, name, "down")
        file.write_text(after)
        declared = as_played(play, platform, name)
        deploy(platform, tmp_path, declared)
        assert platform.version(f"{name}.test") == "1"
        database = container(platform, name, "db")
        assert query(database, "SELECT n FROM t") == "42"
        declared["compose"]["env"]["TAG"] = "2"
        deploy(platform, tmp_path, declared)
        assert platform.version(f"{name}.test") == "2"
        assert container(platform, name, "db") == database, "the database is left alone"
    finally:
        platform.apply(name=name, state="absent")
        bare(folder, name, "down", "--volumes")
        docker("volume", "rm", f"{name}_data", check=False)


def as_played(play: str, platform: Platform, name: str) -> Options:
    """The task's options with names and places of the test."""
    ((task,),) = (entry["tasks"] for entry in yaml.safe_load(play))
    declared: Options = task["tidegate.platform.workload_compose"]
    declared |= {"name": name, **platform.places()}
    declared["compose"] |= {"project": name, "network": platform.network}
    declared["compose"]["services"][0]["routes"] = [{"host": f"{name}.test"}]
    return declared


def deploy(platform: Platform, folder: Path, declared: Options) -> None:
    """Run the play with these options."""
    tasks = [{"tidegate.platform.workload_compose": declared}]
    path = folder / "play.json"
    path.write_text(json.dumps([{"hosts": "all", "gather_facts": False, "tasks": tasks}]))
    extra: t.Any = {"vault_shop_database_password": PASSWORD}
    assert PASSWORD not in platform.playbook(str(path), "-vvv", "--diff", **extra).ok().output
