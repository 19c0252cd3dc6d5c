"""Three target hosts with engines and proxies of their own, provisioned once by the real playbook over SSH."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import typing as t
from dataclasses import dataclass, field

import hosts
import names
import pytest
import shell
from harness.load import Client, Count, Target
from harness.platforms import Options, Platform, Ports

NAMES = ("fleet-1", "fleet-2", "fleet-3")


@dataclass
class Fleet(Platform):
    """Hosts behind one inventory; each has Traefik on port 80 of its own address."""

    machines: dict[str, Options] = field(default_factory=dict)

    def hosts(self) -> dict[str, Options]:
        """Inventory variables of every host."""
        return {name: {**self.shared(facts), **facts, **self.variables} for name, facts in self.machines.items()}

    @staticmethod
    def shared(facts: Options) -> Options:
        """What roles and playbooks need to know of a host."""
        registry = facts["testbed_registry"]
        return {
            "ansible_ssh_pipelining": True,
            "docker_insecure_registries": [registry],
            "traefik_image": f"{registry}/tidegate/traefik:3.7.15",
            "traefik_catch_all_image": f"{registry}/tidegate/caddy:2.11.7",
        }

    def run(self, host: str, *argv: str, check: bool = True) -> str:
        """Output of a command on a host: an independent look."""
        return shell.run(["docker", "exec", f"testbed-{host}", *argv], check=check).strip()

    def containers(self, host: str, workload: str) -> list[str]:
        """Names of a workload's containers on a host."""
        label = f"label=tidegate.workload={workload}"
        return sorted(self.run(host, "docker", "ps", "-a", "--filter", label, "--format", "{{.Names}}").split())

    def answer(self, host: str, name: str) -> str:
        """Version that a host's proxy serves under a name."""
        client = Platform(self.root, self.label, Ports(80, 443, 8080))
        status, _headers, body = client.get(name, address=self.machines[host]["ansible_host"])
        assert status == 200, (host, status, body)
        return str(json.loads(body)["version"])

    @contextlib.contextmanager
    def load(self, name: str) -> t.Iterator[Loads]:
        """A steady load on every host, for the length of a block; the counts are there after it."""
        targets = {h: Target(name, address=facts["ansible_host"], port=80) for h, facts in self.machines.items()}
        clients = {host: Client(target, "new", 30).start() for host, target in targets.items()}
        loads = Loads()
        try:
            yield loads
        finally:
            loads.counts.update({host: client.stop() for host, client in clients.items()})


@dataclass
class Loads:
    """What was counted on each host."""

    counts: dict[str, Count] = field(default_factory=dict)

    @property
    def losses(self) -> dict[str, list[str]]:
        """What was lost, by host."""
        return {host: count.losses for host, count in self.counts.items() if count.losses}


@pytest.fixture(scope="session")
def fleet() -> t.Iterator[Fleet]:
    """The provisioned hosts; the third one's engine keeps its files on a small file system."""
    root = names.CACHE / f"fleet{os.urandom(3).hex()}"
    machines = {name: hosts.up(name, "host-engine", small_engine=name == NAMES[-1]) for name in NAMES}
    made = Fleet(root, "tidegate", Ports(80, 443, 8080), machines=machines)
    try:
        made.playbook("tidegate.platform.site").ok()
        yield made
    finally:
        for name in NAMES:
            hosts.down(name)
        shutil.rmtree(root)
