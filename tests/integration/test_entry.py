"""The ways into the proxy: over IPv4 and IPv6 from outside, and over both loopback addresses; who is seen, who is refused."""

from __future__ import annotations

import contextlib
import functools
import ipaddress
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import typing as t
from pathlib import Path

import names
import pytest
import shell
from harness.platforms import Platform, Task, containers, docker, free_ports

SITE = "tidegate.platform.site"
# Tells who asked, as an application is told by the proxy.
ECHO = """
import http.server
class Echo(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        told = self.headers.get("X-Forwarded-For", "").encode()
        self.send_response(200); self.send_header("Content-Length", str(len(told))); self.end_headers()
        self.wfile.write(told)
http.server.ThreadingHTTPServer(("", 8000), Echo).serve_forever()
"""
# A client of its own process, which may be in another network namespace: what it is told, and what was refused.
ASK = """
import http.client, json, sys, time
address, port, seconds, told, failed, count = sys.argv[1], int(sys.argv[2]), float(sys.argv[3]), "", [], 0
end = time.monotonic() + seconds
while count == 0 or time.monotonic() < end:
    begun = time.monotonic()
    connection = http.client.HTTPConnection(address, port, timeout=5)
    try:
        connection.request("GET", "/", headers={"Host": "echo.test", "Connection": "close"})
        answer = connection.getresponse()
        told, count = answer.read().decode(), count + 1
        if answer.status != 200 or time.monotonic() - begun > 2:
            failed.append(f"{answer.status} after {time.monotonic() - begun:.1f} s")
    except OSError as error:
        failed.append(f"{count}: {error!r}")
        break
    finally:
        connection.close()
    time.sleep(0.01)
print(json.dumps({"told": told, "failed": failed, "count": count}))
"""


class Way(t.NamedTuple):
    """How a client comes in: the address it asks, its own if the application is to see it, and what runs it there."""

    address: str
    own: str
    inside: tuple[str, ...] = ()

    def ask(self, port: int, seconds: float = 0.0) -> dict[str, t.Any]:
        """Ask for some time, with a connection for each request."""
        argv = [*self.inside, sys.executable, "-c", ASK, self.address, str(port), str(seconds)]
        done = subprocess.run(argv, capture_output=True, text=True, check=True, timeout=seconds + 60)
        found: dict[str, t.Any] = json.loads(done.stdout)
        return found


@pytest.fixture
def own(own: Platform) -> t.Iterator[Platform]:
    """A platform of the test's own, whose workload goes before it does."""
    yield own
    if own.state.exists():
        own.apply(name=f"e{own.label}", state="absent")


@pytest.fixture
def ways() -> t.Iterator[dict[str, Way]]:
    """Clients on this host, and one in a network namespace of its own, which is another host to this one."""
    name = f"tg{os.urandom(3).hex()}"
    run = functools.partial(subprocess.run, check=True, capture_output=True)
    number = int(name[2:4], 16)
    four, six = f"198.18.{number}", f"2001:db8:{number:x}:"
    run(["ip", "netns", "add", name])
    try:
        run(["ip", "link", "add", name, "type", "veth", "peer", "name", "eth0", "netns", name])
        for tool, place, device in ((["ip"], "1", name), (["ip", "-n", name], "2", "eth0")):
            run([*tool, "address", "add", f"{four}.{place}/24", "dev", device])
            run([*tool, "-6", "address", "add", f"{six}:{place}/64", "dev", device, "nodad"])
            run([*tool, "link", "set", device, "up"])
        inside = ("ip", "netns", "exec", name)
        yield {
            "IPv4": Way(f"{four}.1", f"{four}.2", inside),
            "IPv6": Way(f"{six}:1", f"{six}:2", inside),
            "loopback": Way("127.0.0.1", ""),
            "IPv6's loopback": Way("::1", ""),
        }
    finally:
        run(["ip", "netns", "delete", name])
        subprocess.run(["ip", "link", "delete", name], check=False, capture_output=True)


def echo(own: Platform) -> None:
    """Deploy the application that tells who asked."""
    done = own.apply(
        name=f"e{own.label}",
        image=names.image("base"),
        command=["python3", "-c", ECHO],
        user="1000",
        port=8000,
        networks=[own.network],
        routes=[{"host": "echo.test"}],
    )
    assert not done["failed"], done


def as_it_was_before(own: Platform) -> None:
    """A host of an earlier version: IPv4 alone, and no rules."""
    own.playbook(SITE, traefik_address="0.0.0.0").ok()
    echo(own)
    subprocess.run([str(own.state / "traefik" / "entry"), "down"], check=True)


def proxy(own: Platform) -> str:
    """The container that Traefik runs in."""
    return docker("ps", "-q", "--filter", f"label=tidegate.state_dir={own.state}", "--filter", "name=traefik")


def without_alias(own: Platform) -> None:
    """What clients of ::1 come by is missed, and set again before anybody is taken for out of reach."""
    conf = (own.state / "traefik" / "entry.conf").read_text()
    (alias,) = (row.partition("=")[2].strip('"') for row in conf.splitlines() if row.startswith("alias6="))
    subprocess.run(["ip", "-6", "address", "delete", f"{alias}/128", "dev", "lo"], check=True)
    assert reconciled(own, "traefik") == "repaired"
    assert seen(own, "traefik") == ("ok", [], "healthy")
    assert Way("::1", "").ask(own.ports.http)["failed"] == []


def test_routers_are_heard_before_the_engine_begins_to_forward(own: Platform) -> None:
    """B19: a host whose way out over IPv6 came from a router could lose it when the network was made first.

    Here that network cannot be made, and the setting is there all the same.
    """
    network, device = f"{own.network}-entry", f"ra{os.urandom(3).hex()}"
    docker("network", "create", "--internal", network)
    subprocess.run(["ip", "link", "add", device, "type", "veth", "peer", "name", f"{device}p"], check=True)
    try:
        setting = Path(f"/proc/sys/net/ipv6/conf/{device}/accept_ra")
        setting.write_text("1")
        assert "is there, but internal=" in own.playbook(SITE, traefik_address="::").output
        assert setting.read_text().strip() == "2"
    finally:
        subprocess.run(["ip", "link", "delete", device], check=True)
        docker("network", "rm", network)


def carried_by_programs(port: int) -> int:
    """Connections to a port of this host that end in a program of this host, such as the engine's docker-proxy."""
    count = 0
    for table in ("tcp", "tcp6"):
        for row in Path(f"/proc/net/{table}").read_text().splitlines()[1:]:
            local, state = row.split()[1], row.split()[3]
            count += state == "01" and int(local.rpartition(":")[2], 16) == port
    return count


def test_every_way_in_is_the_kernels_and_stays_open_while_the_proxy_is_changed(
    own: Platform, ways: dict[str, Way]
) -> None:
    """B19: true addresses over both families; no way passes the engine's docker-proxy; a handover refuses nobody."""
    port = own.ports.http
    as_it_was_before(own)
    counts = during(
        own.playbook(SITE, traefik_address="::").ok, {name: ways[name] for name in ("IPv4", "loopback")}, port
    )
    assert {name: found["failed"] for name, found in counts.items() if found["failed"]} == {}
    own.variables["traefik_address"] = "::"
    for name, way in ways.items():
        found = way.ask(port)
        assert (found["count"], found["failed"]) == (1, []), (name, found)
        assert way.own in ("", found["told"]), (name, found)
    with contextlib.ExitStack() as open_ones:
        for way in ways.values():
            if not way.inside:
                open_ones.enter_context(socket.create_connection((way.address, port), 5))
        assert carried_by_programs(port) == 0
    before = proxy(own)
    without_alias(own)
    assert proxy(own) == before
    counts = during(own.playbook(SITE, traefik_log_level="WARN").ok, ways, port)
    assert proxy(own) != before
    print({name: found["count"] for name, found in counts.items()})
    assert {name: found["failed"] for name, found in counts.items() if found["failed"]} == {}
    assert all(found["count"] > 20 for found in counts.values()), counts


def seen(platform: Platform, workload: str) -> tuple[str, list[str], str]:
    """What the doctor says of the ways in, and what `status` says of a workload."""
    asked = [Task({}, module=f"tidegate.platform.{module}") for module in ("platform_doctor", "workload_info")]
    doctor, info = platform.directly(*asked)
    (entry,) = (finding["state"] for finding in doctor["findings"] if finding["check"] == "entry")
    (row,) = (row for row in info["workloads"] if row["name"] == workload)
    return entry, row["refused"], row["health"]


def reconciled(platform: Platform, workload: str, *, check: bool = False) -> str:
    """What became of a workload when the host was reconciled."""
    (done,) = platform.directly(Task({"names": [workload]}, check, "tidegate.platform.reconcile"))
    return "".join(row["state"] for row in done["workloads"])


def chain_of(platform: Platform) -> str:
    """Name that a platform's chains of rules begin with."""
    (line,) = (row for row in (platform.state / "traefik" / "entry.conf").read_text().splitlines() if "chain=" in row)
    return line.partition("=")[2].strip('"')


def test_rules_that_were_flushed_are_missed_and_set_again(platform: Platform) -> None:
    """B19: a firewall that is loaded anew takes them away; the engine's docker-proxy carries what comes meanwhile."""
    rules = str(platform.state / "traefik" / "entry")
    assert seen(platform, "traefik") == ("ok", [], "healthy")
    for harm in (["-D", "OUTPUT", "-j", f"{chain_of(platform)}-OUT"], ["-F", f"{chain_of(platform)}-OUT"]):
        subprocess.run(["iptables", "-w", "10", "-t", "nat", *harm], check=True)
        assert _refused(platform.ports.http) == ""
        assert seen(platform, "traefik") == ("warning", [], "healthy")
        assert reconciled(platform, "traefik", check=True) == "repaired"
        assert subprocess.run([rules, "check"], check=False).returncode != 0
        assert reconciled(platform, "traefik") == "repaired"
        assert seen(platform, "traefik") == ("ok", [], "healthy")
    assert reconciled(platform, "traefik") == "ok"


@pytest.mark.second
def test_rules_by_another_spelling_of_the_state_directory_go(platform: Platform) -> None:
    """An earlier version named chain and unit by the directory as it was written; it is one proxy all the same."""
    conf, chain, before = platform.state / "traefik" / "entry.conf", chain_of(platform), proxy(platform)
    rules, old = str(conf.with_name("entry")), f"TIDEGATE-{os.urandom(4).hex()}"
    subprocess.run([rules, "down"], check=True)
    conf.write_text(conf.read_text().replace(chain, old))
    subprocess.run([rules, "up"], check=True)
    platform.playbook(SITE, "--tags", "traefik", tidegate_state_dir=f"{platform.state.parent}//state/./").ok()
    there = subprocess.run(["iptables-save"], check=True, capture_output=True, text=True).stdout
    assert (chain_of(platform), chain in there, old in there) == (chain, True, False)
    assert proxy(platform) == before
    assert seen(platform, "traefik") == ("ok", [], "healthy")


def test_a_published_port_that_takes_no_connection_is_seen_and_comes_back(platform: Platform) -> None:
    """B19: the engine's docker-proxy ends, and the container stays up and well; a handover brings another."""
    name, (port,) = f"p{os.urandom(3).hex()}", free_ports(1)
    ports = [{"container": 8000, "host": port, "address": "127.0.0.1"}]
    options = {"name": name, "image": names.image("app"), "port": 8000, "networks": [platform.network], "ports": ports}
    made = platform.apply(**options, strategy="handover", health={"path": "/healthz"})
    assert not made["failed"], made
    try:
        assert seen(platform, name)[1:] == ([], "healthy")
        dead = [path for path in Path("/proc").glob("[0-9]*") if f"-host-port\0{port}\0" in read(path / "cmdline")]
        os.kill(int(dead[0].name), signal.SIGKILL)
        shell.wait_until("it ended", lambda: bool(_refused(port)), 5)
        assert seen(platform, name)[1:] == ([f"127.0.0.1:{port}"], "degraded")
        assert reconciled(platform, name, check=True) == "repaired"
        assert reconciled(platform, name) == "repaired"
        assert seen(platform, name)[1:] == ([], "healthy")
        assert reconciled(platform, name) == "ok"
    finally:
        platform.apply(name=name, state="absent")


def test_a_port_that_something_else_refuses_is_no_reason_to_replace_a_container_again_and_again(
    platform: Platform,
) -> None:
    """B19: behind a firewall every run of the timer made a new container, and said `repaired`."""
    name, (port,) = f"p{os.urandom(3).hex()}", free_ports(1)
    ports = [{"container": 8000, "host": port, "address": "127.0.0.1"}]
    options = {"name": name, "image": names.image("app"), "port": 8000, "networks": [platform.network], "ports": ports}
    made = platform.apply(**options, strategy="recreate", health={"path": "/healthz"})
    assert not made["failed"], made
    rule = ["-d", "127.0.0.1", "-p", "tcp", "--dport", str(port), "-j", "REJECT", "--reject-with", "tcp-reset"]
    subprocess.run(["iptables", "-w", "10", "-I", "OUTPUT", *rule], check=True)
    try:
        seen_then: list[list[str]] = []
        for _run in range(2):
            (done,) = platform.directly(Task({"names": [name]}, module="tidegate.platform.reconcile"))
            (row,) = done["workloads"]
            assert row["state"] == "failed", row
            assert f"its published port takes no connection at 127.0.0.1:{port}" in row["msg"]
            seen_then.append(containers(name))
        assert seen_then[0] != made["release"]["containers"], "one more may have helped"
        assert seen_then[0] == seen_then[1]
    finally:
        subprocess.run(["iptables", "-w", "10", "-D", "OUTPUT", *rule], check=True)
    assert reconciled(platform, name) == "ok"
    assert not (platform.state / "refused" / f"{name}.production").exists()
    platform.apply(name=name, state="absent")


def test_a_network_with_a_fixed_address_comes_back_with_it(platform: Platform) -> None:
    """B19: as on a host that was restored, where the network by which clients come over IPv6 is not there yet."""
    name, network = f"n{os.urandom(3).hex()}", f"tidegate-{os.urandom(3).hex()}"
    address = f"fd{os.urandom(1).hex()}:{os.urandom(2).hex()}:{os.urandom(2).hex()}:1::80"
    options = {"name": name, "image": names.image("app"), "port": 8000, "networks": [platform.network, network]}
    try:
        made = platform.apply(**options, strategy="recreate", addresses={network: address})
        assert not made["failed"], made
        form = '{{(index .NetworkSettings.Networks "' + network + '").GlobalIPv6Address}}'
        found = docker("inspect", "--format", form, made["release"]["containers"][0])
        assert ipaddress.ip_address(found) == ipaddress.ip_address(address)
    finally:
        platform.apply(name=name, state="absent")
        docker("network", "rm", network, check=False)


def _refused(port: int) -> str:
    try:
        socket.create_connection(("127.0.0.1", port), 2).close()
    except OSError as error:
        return str(error)
    return ""


def read(path: Path) -> str:
    """A file of a process that may be gone."""
    with contextlib.suppress(OSError):
        return path.read_text()
    return ""


HOLD = """
import socket, sys
address, port, count, held = sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), []
for number in range(count):
    held.append(socket.create_connection((address, port), 10))
    held[-1].sendall(b"GET / HTTP/1.1\\r\\nHost: echo.test\\r\\n")
print("open", flush=True)
sys.stdin.read()
good = 0
for connection in held:  # one after the other: what is shown is that all are open, not how fast the application is
    connection.sendall(b"Connection: close\\r\\n\\r\\n")
    good += connection.recv(12).endswith(b"200")
    connection.close()
print(good)
"""
# One process of this machine may have 20,000 descriptors, of which Traefik needs one for each connection, and another
# for each request that it answers.
EACH = 4500


@pytest.mark.second
def test_thousands_of_open_connections_from_every_way(own: Platform, ways: dict[str, Way]) -> None:
    """B19: requests that are not whole yet keep 18,000 connections open at once; every one of them is answered."""
    own.variables["traefik_address"] = "::"
    own.playbook(SITE).ok()
    echo(own)
    port = str(own.ports.http)
    argvs = [[*way.inside, sys.executable, "-c", HOLD, way.address, port, str(EACH)] for way in ways.values()]
    holders = [subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) for argv in argvs]
    opened = [holder.stdout.readline().strip() for holder in holders if holder.stdout]
    assert opened == ["open"] * len(ways)
    assert {name: way.ask(own.ports.http)["failed"] for name, way in ways.items()} == {name: [] for name in ways}
    answered = [int(holder.communicate(timeout=300)[0].strip()) for holder in holders]
    assert answered == [EACH] * len(ways)


def during(act: t.Callable[[], object], ways: dict[str, Way], port: int) -> dict[str, dict[str, t.Any]]:
    """What each way's client counted while something was done."""
    found: dict[str, dict[str, t.Any]] = {name: {"told": "", "failed": [], "count": 0} for name in ways}
    over = threading.Event()

    def go_on(name: str) -> None:
        while not over.is_set():
            part = ways[name].ask(port, 1.0)
            found[name]["count"] += part["count"]
            found[name]["failed"] += part["failed"]

    threads = [threading.Thread(target=go_on, args=(name,)) for name in ways]
    for thread in threads:
        thread.start()
    try:
        act()
    finally:
        over.set()
        for thread in threads:
            thread.join()
    return found


def test_a_host_that_the_inventory_comes_to_call_otherwise(own: Platform) -> None:
    """A8 (review): the way in over IPv6 went by the inventory's name; every later `site` failed in the proxy's handover."""
    own.variables["traefik_address"] = "::"
    own.playbook(SITE).ok()
    conf = own.state / "traefik" / "entry.conf"
    before = conf.read_text()
    renamed = {"renamed": own.inventory()}
    own.hosts = lambda: renamed  # type: ignore[method-assign]
    conf.write_text(before.replace('"fd', '"fc'))  # what such a run has left
    play = own.playbook(SITE, "--tags", "platform_base,traefik").ok()
    assert conf.read_text() == before
    assert "Run Traefik" not in play.changed
