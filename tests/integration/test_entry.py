"""The ways into the proxy: over IPv4 and IPv6 from outside, and over both loopback addresses; who is seen, who is refused."""

from __future__ import annotations

import contextlib
import functools
import json
import os
import socket
import subprocess
import sys
import threading
import typing as t
from pathlib import Path

import names
import pytest

from .harness import Platform, docker

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
    own.variables["traefik_address"] = "::"
    own.playbook(SITE).ok()
    echo(own)
    port = own.ports.http
    for name, way in ways.items():
        found = way.ask(port)
        assert (found["count"], found["failed"]) == (1, []), (name, found)
        assert way.own in ("", found["told"]), (name, found)
    with contextlib.ExitStack() as open_ones:
        for way in ways.values():
            if not way.inside:
                open_ones.enter_context(socket.create_connection((way.address, port), 5))
        assert carried_by_programs(port) == 0
    before = docker("ps", "-q", "--filter", f"label=tidegate.state_dir={own.state}", "--filter", "name=traefik")
    counts = during(lambda: own.playbook(SITE, traefik_log_level="WARN").ok(), ways, port)
    assert docker("ps", "-q", "--filter", f"label=tidegate.state_dir={own.state}", "--filter", "name=traefik") != before
    print({name: found["count"] for name, found in counts.items()})
    assert {name: found["failed"] for name, found in counts.items() if found["failed"]} == {}
    assert all(found["count"] > 20 for found in counts.values()), counts


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
