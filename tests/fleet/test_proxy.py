"""The proxy's own upgrade and change of configuration: new connections are never refused, nothing in flight is cut."""

from __future__ import annotations

import contextlib
import socket
import subprocess
import time
import typing as t
from concurrent.futures import ThreadPoolExecutor

import pytest
from harness.load import Client, Count, Target
from harness.platforms import Options

from .conftest import Fleet
from .test_fleet import DEPLOY, HOST, shop

ONE = ("--limit", "fleet-2")
SITE = ("tidegate.platform.site", "--tags", "traefik", *ONE)
# What is there for as long as a bridge takes packets of loopback addresses: no rule of any handover (B19).
GUARD = "tidegate:loopback"
KINDS = {"new": 80.0, "download": 3.0, "upload": 3.0, "keepalive": 40.0}
# Where the packets of every connection are sent, and how far proxy and application came with it.
LOOK = """grep -v TIME_WAIT /proc/net/nf_conntrack
for id in $(docker ps -q); do
  docker inspect -f '{{.Name}}' $id
  nsenter -t $(docker inspect -f '{{.State.Pid}}' $id) -n ss -tanoi state connected exclude time-wait
done"""


def loaded(fleet: Fleet, act: t.Callable[[], object]) -> dict[str, Count]:
    """What each kind of load counted while something was done."""
    target = Target(HOST, address=fleet.machines["fleet-2"]["ansible_host"], port=80)

    def witness() -> str:
        own = ["ss", "-tanoi", "state", "connected", "exclude", "time-wait", "dst", target.address]
        mine = subprocess.run(own, check=False, capture_output=True, text=True).stdout
        return mine + fleet.run("fleet-2", "sh", "-c", LOOK, check=False)

    clients = {kind: Client(target, kind, rate, witness).start() for kind, rate in KINDS.items()}
    try:
        act()
    finally:
        counts = {kind: client.stop() for kind, client in clients.items()}
    return counts


# From then on nothing of theirs arrives: as soon as some are at a stand-in, too. Their ports begin with 26.
VANISH = """at() { sed -n 's/.* sport=26[0-9]* dport=80 src=\\([0-9.]*\\) .*/\\1/p' /proc/net/nf_conntrack | sort -u | wc -l; }
until [ "$(at)" -gt 1 ]; do sleep 0.2; done; iptables -t raw -A PREROUTING -p tcp --sport 26000:26999 -j DROP"""
BACK = "iptables -t raw -D PREROUTING -p tcp --sport 26000:26999 -j DROP"


def asked(address: str, port: int) -> tuple[socket.socket, str]:
    """A client that asks once from a port of its own, and how the answer begins; it keeps its connection."""
    client = socket.socket()
    client.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    # Closed, it ends at once, so that its port is free for the next.
    client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
    client.settimeout(10)
    try:
        client.bind(("", port))
        client.connect((address, 80))
        client.sendall(f"GET / HTTP/1.1\r\nHost: {HOST}\r\n\r\n".encode())
        return client, client.recv(4096)[:12].decode()
    except OSError as error:
        return client, str(error)


@contextlib.contextmanager
def vanished(fleet: Fleet) -> t.Iterator[dict[int, str]]:
    """Clients of a proxy and of its stand-in that are gone without a word, and what others get after it by their ports.

    For the host, a connection from the same port is the same connection: it must not be sent to whom is no more.
    """
    address = str(fleet.machines["fleet-2"]["ansible_host"])
    clients, answers = [], dict[int, str]()
    gone = subprocess.Popen(["docker", "exec", "testbed-fleet-2", "sh", "-c", VANISH])

    def come() -> None:
        for port in range(26000, 27000):
            if gone.poll() is not None:
                return
            clients.append((port, asked(address, port)))
            time.sleep(0.2)

    try:
        with ThreadPoolExecutor(1) as pool:
            coming = pool.submit(come)
            yield answers
            gone.wait(10)
            coming.result()
        for _port, (client, _answer) in clients:
            client.close()
    finally:
        gone.kill()
        fleet.run("fleet-2", "sh", "-c", BACK, check=False)
    for port, (_client, answer) in clients:
        if answer.endswith("200"):
            client, answers[port] = asked(address, port)
            client.close()


def steps(play: t.Any) -> list[str]:
    """Steps of the proxy's own deployment."""
    (row,) = [row["result"] for row in play.rows if row["task"] == "Run Traefik"]
    return [step["name"] for step in row["steps"]]


@pytest.mark.parametrize("back", [False, pytest.param(True, marks=pytest.mark.second)], ids=["there", "and back"])
def test_the_proxy_is_upgraded_and_configured_anew_without_losing_a_request(fleet: Fleet, back: bool) -> None:
    """DP-32: from the version before, then another configuration, and back again; counted under four kinds of load.

    Clients that vanish meanwhile leave nothing that leads to a proxy or a stand-in that is gone.
    """
    older: Options = {"traefik_image": fleet.hosts()["fleet-2"]["traefik_image"].replace("3.7.15", "3.7.13")}
    fleet.playbook(*SITE, **older).ok()
    fleet.playbook(DEPLOY, *ONE, workloads=shop("1")).ok()
    ask = "import urllib.request as u; print(u.urlopen('http://127.0.0.1:8080/api/version').read().decode())"
    assert "3.7.13" in fleet.run("fleet-2", "python3", "-c", ask)
    wanted: list[Options] = [{}, {"traefik_log_level": "WARN"}, *([older] if back else [])]
    plays: list[t.Any] = []

    def changes() -> None:
        for more in wanted:
            plays.append(fleet.playbook(*SITE, **more).ok())

    with vanished(fleet) as answers:
        counts = loaded(fleet, changes)
    assert set(answers.values()) == {"HTTP/1.1 200"}, answers
    expected = ["stand_in", "gate", "divert", "stop", "start", "gate", "undivert", "persist", "reap"]
    assert [steps(play) for play in plays] == [expected] * len(wanted)
    report = {kind: (count.requests, count.lost, round(count.slowest, 2)) for kind, count in counts.items()}
    print(f"{len(plays)} handovers of the proxy, by kind (requests, lost, slowest): {report}")
    assert [counts[kind].losses for kind in ("new", "download", "upload")] == [[], [], []], report
    # A kept connection that the proxy closes while the next request is on its way is lost in every HTTP/1.1 server;
    # clients ask again. Every change closes each kept connection at most once.
    assert counts["keepalive"].lost <= len(plays) * 2, counts["keepalive"].losses
    rules = fleet.run("fleet-2", "sh", "-c", "iptables-save && ip6tables-save").splitlines()
    assert [rule for rule in rules if "tidegate:" in rule and GUARD not in rule] == []
    assert len([rule for rule in rules if GUARD in rule]) == 1
    assert not back or fleet.playbook(*SITE, **older).ok().changed == []


def test_a_proxy_that_does_not_pass_its_gate_leaves_the_old_one_serving(fleet: Fleet) -> None:
    """A configuration that Traefik refuses: nothing is diverted, nothing is stopped."""
    before = fleet.containers("fleet-2", "traefik")
    plays: list[t.Any] = []
    bad: Options = {"traefik_extra_arguments": ["--no.such.option=true"]}
    counts = loaded(fleet, lambda: plays.append(fleet.playbook(*SITE, **bad)))
    assert plays[0].code != 0
    assert "no.such.option" in plays[0].output or "exit code" in plays[0].output
    assert {kind: count.losses for kind, count in counts.items() if count.losses} == {}
    assert fleet.containers("fleet-2", "traefik") == before
