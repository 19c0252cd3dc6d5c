"""The wall on a new platform's network: the proxy reaches every workload, workloads the proxy and those they name a network with."""

from __future__ import annotations

import json
import os
import subprocess
import typing as t

import names
import pytest
from harness.platforms import Platform, Play, Task, docker

from .test_entry import Way, chain_of, during

SITE = "tidegate.platform.site"
ASK = "import socket, sys; socket.create_connection((sys.argv[1], 8000), 3); print('reached')"


class Shop(t.NamedTuple):
    """A workload: its container, its address in the platform's network, and the name that others may know it by."""

    container: str
    address: str
    alias: str

    def reaches(self, target: str) -> bool:
        """Whether a program in it gets a connection."""
        argv = ["docker", "exec", self.container, "python3", "-c", ASK, target]
        return "reached" in subprocess.run(argv, capture_output=True, text=True, check=False, timeout=60).stdout


@pytest.fixture
def own(own: Platform) -> t.Iterator[Platform]:
    """A platform of the test's own, whose workloads and their network go before it does."""
    yield own
    rows = docker(
        "ps", "-a", "--filter", f"label=tidegate.state_dir={own.state}", "--format", '{{.Label "tidegate.workload"}}'
    )
    for name in sorted({row for row in rows.split() if row.startswith("wall")}):
        own.apply(name=name, state="absent")
    docker("network", "rm", peers_of(own), check=False)


def peers_of(own: Platform) -> str:
    """The network that peers name; it sorts behind the public one, whose addresses the engine then answers first."""
    return f"{own.network}-peers"


def deployed(own: Platform, part: str, *networks: str) -> Shop:
    """Deploy one that is in the platform's network, and in these."""
    name = f"wall{part}{os.urandom(2).hex()}"
    done = own.apply(
        name=name,
        image=names.image("app", "1"),
        port=8000,
        networks=[own.network, *networks],
        aliases=[f"{name}-known"],
        routes=[{"host": f"{part}.test"}, *([{"host": "echo.test"}] if part == "a" else [])],
    )
    assert not done["failed"], done
    (container,) = done["release"]["containers"]
    return Shop(container, address_of(container, own.network), f"{name}-known")


def address_of(container: str, network: str) -> str:
    """Where a container is in a network."""
    return str(json.loads(docker("inspect", container))[0]["NetworkSettings"]["Networks"][network]["IPAddress"])


def proxy_of(own: Platform) -> str:
    """The proxy's container."""
    return docker("ps", "-q", "--filter", f"label=tidegate.state_dir={own.state}", "--filter", "name=traefik-")


def wall_of(own: Platform) -> tuple[str, str]:
    """What the doctor says of the wall, and what became of the proxy when the host was reconciled."""
    doctor, again = own.directly(
        Task({}, module="tidegate.platform.platform_doctor"),
        Task({"names": ["traefik"], "environment": "platform"}, module="tidegate.platform.reconcile"),
    )
    (found,) = (
        f"{finding['state']} {finding['found']}" for finding in doctor["findings"] if finding["check"] == "wall"
    )
    return found, "".join(row["state"] for row in again["workloads"])


def test_only_the_proxy_and_named_peers_reach_a_workload(own: Platform) -> None:
    """C9: on a new platform; a handover of the proxy loses nothing; a wall that was flushed is missed and set again."""
    own.playbook(SITE, "--tags", "traefik").ok()
    stranger, shop, peer = deployed(own, "a"), deployed(own, "b", peers_of(own)), deployed(own, "c", peers_of(own))
    assert [own.get(f"{part}.test")[0] for part in "abc"] == [200] * 3
    assert not any(stranger.reaches(target) for target in (shop.address, shop.container, shop.alias, peer.address))
    assert not any(shop.reaches(target) for target in (stranger.address, stranger.alias, peer.address))
    assert shop.reaches(peer.alias)
    assert peer.reaches(shop.alias)
    before = proxy_of(own)
    counts = during(lambda: traefik(own, "always").ok(), {"loopback": Way("127.0.0.1", "")}, own.ports.http)["loopback"]
    assert proxy_of(own) != before
    assert (counts["failed"], counts["count"] > 20) == ([], True), counts
    assert not stranger.reaches(shop.address)
    assert wall_of(own) == ("ok on the public network, workloads and the proxy reach each other only", "ok")
    wall_is_missed(own, stranger, shop)
    traefik(own, "never").ok()
    assert stranger.reaches(shop.address)
    assert own.get("b.test")[0] == 200
    assert stranger.reaches(deployed(own, "d", peers_of(own)).alias), (
        "without the wall names are known in every network"
    )
    other = own.playbook(SITE, "--tags", "traefik", tidegate_state_dir=str(own.state) + "-other")
    assert f"The network {own.network} belongs to the platform of {own.state}" in other.output


def traefik(own: Platform, wall: str) -> Play:
    """Run the role with a change that makes another container of the proxy, and this wall."""
    return own.playbook(SITE, "--tags", "traefik", traefik_log_level="WARN", traefik_wall=wall)


def wall_is_missed(own: Platform, stranger: Shop, shop: Shop) -> None:
    """Somebody loads the packet filter anew."""
    (jump,) = (row for row in iptables("-S").splitlines() if row.endswith(f"-j {chain_of(own)}-WALL"))
    iptables("-D", *jump.split()[1:])
    assert stranger.reaches(shop.address)
    away = "failure away: workloads on the public network reach each other; its rules are away"
    assert wall_of(own) == (away, "repaired")
    assert not stranger.reaches(shop.address)
    assert wall_of(own)[1] == "ok"


def iptables(*words: str) -> str:
    """What this machine's packet filter answers."""
    return subprocess.run(["iptables", "-w", "10", *words], check=True, capture_output=True, text=True).stdout


@pytest.mark.second
def test_a_platform_that_was_there_stays_as_it_is(own: Platform) -> None:
    """C9: its workloads may call each other; who asks for a wall is told what has to go first."""
    docker("network", "create", "--label", f"{names.LABEL}=1", own.network)
    own.playbook(SITE, "--tags", "traefik").ok()
    one, other = deployed(own, "a"), deployed(own, "b")
    assert one.reaches(other.address)
    assert one.reaches(other.alias)
    assert own.get("a.test")[0] == 200
    assert wall_of(own) == ("ok none is wanted: workloads on the public network reach each other", "ok")
    refused = traefik(own, "always")
    assert refused.code != 0
    assert f"in the network {own.network}, which was made before" in refused.output
    assert one.reaches(other.address)
