"""Options that the engine refuses together, which real Compose lets pass: refused before anything is touched."""

from __future__ import annotations

import typing as t

import compose
import names
import pytest
from harness.platforms import Options, Platform, Task, containers

MODULE = "tidegate.platform.workload_compose"
PORTS = {"ports": ["127.0.0.1::9"]}
MEMORY = {"mem_limit": "64m"}
OWN_NETWORK: list[Options] = [
    PORTS,
    {"expose": ["9"]},
    {"hostname": "h"},
    {"links": ["web"]},
    {"external_links": ["other"]},
    {"dns": ["192.0.2.1"]},
    {"extra_hosts": ["h:192.0.2.1"]},
    {"mac_address": "02:42:ac:11:00:09"},
]
REFUSED: list[tuple[str, Options, str]] = [
    *((next(iter(more)), {"network_mode": "service:web", **more}, "Move it to service web") for more in OWN_NETWORK),
    *((next(iter(more)), {"network_mode": "container:x", **more}, "network_mode=container:x") for more in OWN_NETWORK),
    ("links", {"network_mode": "host", "links": ["web"]}, "network_mode=host"),
    ("mac_address", {"network_mode": "host", "mac_address": "02:42:ac:11:00:09"}, "network_mode=host"),
    ("sysctls.net.core.somaxconn", {"network_mode": "host", "sysctls": {"net.core.somaxconn": 9}}, "network_mode=host"),
    ("sysctls.kernel.shmmax", {"ipc": "host", "sysctls": ["kernel.shmmax=9"]}, "ipc=host"),
    ("hostname", {"uts": "host", "hostname": "h"}, "uts=host"),
    ("domainname", {"uts": "host", "domainname": "h"}, "uts=host"),
    ("cpu_quota", {"cpus": 1, "cpu_quota": 5000}, "cpus"),
    ("cpu_period", {"deploy": {"resources": {"limits": {"cpus": "1"}}}, "cpu_period": 50000}, "cpus"),
    ("memswap_limit", {**MEMORY, "memswap_limit": "32m"}, "raise it"),
    ("memswap_limit", {"memswap_limit": "64m"}, "Set mem_limit"),
    ("mem_reservation", {**MEMORY, "mem_reservation": "128m"}, "mem_limit"),
    ("mem_reservation", {"deploy": {"resources": {"limits": {"memory": "64m"}, "reservations": {"memory": "1g"}}}}, ""),
]
TAKEN: list[Options] = [
    {"network_mode": "service:web", "domainname": "d", "dns_opt": ["ndots:1"], "sysctls": {"net.core.somaxconn": 9}},
    {"network_mode": "host", "hostname": "h", "extra_hosts": ["h:192.0.2.1"], "dns": ["192.0.2.1"], **PORTS},
    {"network_mode": "none", "mac_address": "02:42:ac:11:00:09", "hostname": "h", **PORTS},
    {"cpu_quota": 5000, "cpu_period": 50000, **MEMORY, "mem_reservation": "64m", "memswap_limit": "64m"},
    {"cpus": 1, **MEMORY, "memswap_limit": -1},
]


@pytest.fixture(autouse=True)
def real_compose(monkeypatch: pytest.MonkeyPatch) -> None:
    """`docker compose` is the real one."""
    monkeypatch.setenv("DOCKER_CONFIG", str(compose.config()))


def project(platform: Platform, name: str, **more: t.Any) -> Options:
    """A stack of a service that others may share the network of, and of one that runs to its end."""
    job = {"image": names.image("app"), "command": ["true"], **more}
    web = {"image": names.image("app"), "command": ["sleep", "600"], "init": True}
    return {
        "name": name,
        "compose": {"network": platform.network, "definition": {"services": {"web": web, "job": job}}},
    }


def test_what_the_engine_refuses_together_is_refused_first(platform: Platform, name: str) -> None:
    """Found by the fuzz: the engine said so when others had made room for it, or when it was to start."""
    orders = [Task(project(platform, name, **more), module=MODULE, check=True) for _option, more, _words in REFUSED]
    for (option, more, words), result in zip(REFUSED, platform.directly(*orders), strict=True):
        assert result["failed"], more
        assert f"compose='services.job.{option}' contradicts " in result["msg"], more
        assert words in result["msg"], result["msg"]
    taken = [Task(project(platform, name, **more), module=MODULE, check=True) for more in TAKEN]
    for more, result in zip(TAKEN, platform.directly(*taken), strict=True):
        assert not result["failed"], (more, result["msg"])
    assert containers(name) == []
