"""A host that others use, too: their engine, its settings, their groups, networks and folders are theirs, before and after."""

from __future__ import annotations

import json
import shutil
import typing as t

import hosts
import names
import pytest
from harness.platforms import Options, Play, Ports

from .conftest import Fleet

HOST = "engine-1"


class Shared(Fleet):
    """One host with an engine of its own, and roles that are run on it."""

    def roles(self, *roles: str, **variables: t.Any) -> Play:
        """A run of these roles."""
        path = self.root / "roles.json"
        self.root.mkdir(parents=True, exist_ok=True)
        play = {"hosts": "all", "gather_facts": False, "roles": [f"tidegate.platform.{role}" for role in roles]}
        path.write_text(json.dumps([play]))
        return self.playbook(str(path), **variables)

    def shell(self, script: str) -> str:
        """What a command on the host says."""
        return self.run(HOST, "sh", "-c", script)

    def settings(self) -> Options:
        """What is in the engine's configuration."""
        found: Options = json.loads(self.run(HOST, "cat", "/etc/docker/daemon.json"))
        return found

    @property
    def registry(self) -> str:
        """The registry, as the host sees it."""
        return str(self.machines[HOST]["testbed_registry"])


@pytest.fixture(scope="module")
def theirs() -> Options:
    """What an engine was configured with before anybody thought of a platform."""
    pools = [{"base": "10.90.0.0/16", "size": 24}]
    return {"default-address-pools": pools, "insecure-registries": ["their.test:5000"], "log-opts": {"env": "os"}}


@pytest.fixture(scope="module")
def shared(theirs: Options) -> t.Iterator[Shared]:
    """A host with an engine, a container, a network, a group and a folder of others."""
    made = Shared(names.CACHE / HOST, "tidegate", Ports(80, 443, 8080), machines={HOST: hosts.up(HOST, "host-engine")})
    try:
        theirs["insecure-registries"].append(made.registry)
        script = f"""set -e
mkdir -p /etc/docker; cat > /etc/docker/daemon.json <<'END'
{json.dumps(theirs, indent=chr(9))}
END
systemctl restart docker; docker network create theirs
docker run -d --name theirs {made.registry}/tidegate/app:1; docker network connect theirs theirs
groupadd theirs; mkdir -m 0777 /srv/theirs; touch /srv/theirs/kept"""
        made.shell(script)
        yield made
    finally:
        hosts.down(HOST)
        shutil.rmtree(made.root, ignore_errors=True)


def running(shared: Shared) -> str:
    """Since when the container of others runs: it lives through everything."""
    return shared.shell("docker inspect -f '{{.State.Running}} {{.State.StartedAt}}' theirs")


def test_an_engine_of_others_keeps_its_settings_and_its_containers(shared: Shared, theirs: Options) -> None:
    """A10, D1: merged with their settings; booleans and numbers as text; no container is stopped; a second run is none."""
    before = running(shared)
    done = shared.roles("docker", "platform_base", docker_live_restore="yes", docker_log_max_file="3", **OF_OTHERS)
    done.ok()
    settings = shared.settings()
    assert settings["default-address-pools"] == theirs["default-address-pools"]
    assert settings["insecure-registries"] == theirs["insecure-registries"]
    assert settings["live-restore"] is True
    assert {"env": "os", "max-file": "3"}.items() <= settings["log-opts"].items()
    assert "their.test:5000" in shared.shell("docker info --format '{{json .RegistryConfig.IndexConfigs}}'")
    assert running(shared) == before
    assert before.startswith("true")
    assert shared.roles("docker", "platform_base", docker_log_max_file="3", **OF_OTHERS).ok().changed == []


def test_a_configuration_that_the_engine_does_not_take_is_taken_back(shared: Shared) -> None:
    """A10: the engine runs as before, and so does everything on it; what was wrong is said."""
    before, settings = running(shared), shared.settings()
    refused = shared.roles("docker", docker_extra_options={"storage-driver": "nonsense"}, docker_log_max_file=3)
    assert refused.code != 0
    assert "so the one before is back" in refused.output
    assert "driver not supported" in refused.output
    assert shared.settings() == settings
    assert running(shared) == before
    assert shared.shell("docker version --format '{{.Server.Version}}'")


def test_no_engine_is_installed_over_another_one(shared: Shared) -> None:
    """A10: Docker's own packages would replace the distribution's; that is said before anything is touched."""
    before = shared.shell("dpkg --list | sha256sum; find /etc/apt | sha256sum")
    refused = shared.roles("docker", docker_source="docker")
    assert refused.code != 0
    assert "docker_source=docker would replace containerd, docker.io, runc" in refused.output.replace("\n", " ")
    assert shared.shell("dpkg --list | sha256sum; find /etc/apt | sha256sum") == before


OF_OTHERS: Options = {
    "platform_base_group": "theirs",
    "platform_base_backup_dir": "/srv/theirs",
    "platform_base_networks": [{"name": "theirs"}, {"name": "ours", "internal": "true"}],
}


def test_uninstall_takes_what_the_roles_made_and_nothing_else(shared: Shared, theirs: Options) -> None:
    """A8, A10: group, network, folder, settings and packages that were there before are there afterwards."""
    if shared.settings() == theirs:  # the first of the tests above has not run
        shared.roles("docker", "platform_base", docker_live_restore="yes", docker_log_max_file="3", **OF_OTHERS).ok()
    # What is going to be taken.
    assert shared.settings() != theirs
    assert "ours" in shared.shell("docker network ls --format '{{.Name}}' --filter type=custom").split()
    assert "/var/lib/tidegate" in shared.shell("ls -d /var/lib/tidegate*").split()
    before = running(shared)
    packages = shared.shell("dpkg --list | sha256sum")
    shared.playbook(
        "tidegate.platform.uninstall", confirm="uninstall", remove_data=True, remove_docker=True, **OF_OTHERS
    ).ok()
    assert shared.settings() == theirs
    assert shared.shell("docker network ls --format '{{.Name}}' --filter type=custom") == "theirs"
    assert shared.shell("getent group theirs").startswith("theirs:")
    assert shared.shell("stat -c %a /srv/theirs; ls /srv/theirs").split() == ["777", "kept"]
    assert shared.shell("dpkg --list | sha256sum") == packages
    assert shared.shell("ls -d /var/lib/tidegate* || true") == ""
    assert running(shared) == before


@pytest.mark.second
def test_the_engine_of_a_swarm_comes_up(shared: Shared, theirs: Options) -> None:
    """A10: a swarm's node refuses live-restore; it is left out, and the engine runs."""
    shared.shell(f"rm -rf /var/lib/tidegate.made; echo '{json.dumps(theirs)}' > /etc/docker/daemon.json")
    shared.shell(
        "systemctl reset-failed docker; systemctl restart docker; docker swarm init --advertise-addr 127.0.0.1"
    )
    shared.roles("docker").ok()
    assert shared.settings()["live-restore"] is False
    assert shared.shell("docker info --format '{{.Swarm.LocalNodeState}}'") == "active"
