"""The rules of the ways into the proxy by themselves, on a host of the test's own: what they set, and what they leave."""

from __future__ import annotations

import ast
import os
import subprocess
import sys
import typing as t
from pathlib import Path

import names
import pytest

FILES = Path(__file__).parents[2] / "roles" / "traefik" / "files"
CHAIN = "TIDEGATE-rules"
CONF = f"""
chain="{CHAIN}"
ports4="8080"
pairs6="8080:80"
subnet6="fd5b:1:2:1::/64"
target6="fd5b:1:2:1::80"
alias6="fd5b:1:2:2::1"
only6=""
"""
SERVE = "import socket; s = socket.create_server(('{0}', {1})); print(flush=True)\nwhile True: s.accept()[0].close()"
ASK = "import socket; socket.create_connection(('{0}', {1}), 1).close()"


class Host(t.NamedTuple):
    """Three network namespaces: a host with a bridge, a container on that bridge, and a neighbour on the host's LAN."""

    name: str
    script: str

    @property
    def chain(self) -> str:
        """What the names of its chains begin with."""
        return f"{CHAIN}-{self.name}"

    def run(self, *argv: str, on: str = "") -> subprocess.CompletedProcess[str]:
        """Run something on the host or, by its letter, elsewhere."""
        place = ("ip", "netns", "exec", f"{self.name}{on}")
        return subprocess.run([*place, *argv], check=False, capture_output=True, text=True, timeout=60)

    def ok(self, *argv: str, on: str = "") -> str:
        """Run what has to work."""
        done = self.run(*argv, on=on)
        assert done.returncode == 0, (argv, done.stderr)
        return done.stdout

    def entry(self, word: str) -> bool:
        """Whether `entry` ended well."""
        done = self.run(self.script, word)
        assert not done.stderr or word == "check", done.stderr
        return done.returncode == 0

    def setting(self, device: str, value: str = "") -> str:
        """Whether an interface takes packets of loopback addresses; said anew by a value."""
        path = f"/proc/sys/net/ipv4/conf/{device}/route_localnet"
        return self.ok("sh", "-c", f"echo {value} >{path}" if value else f"cat {path}").strip()

    def open(self, address: str, port: int, on: str = "") -> bool:
        """Whether a client is connected."""
        return self.run(sys.executable, "-c", ASK.format(address, port), on=on).returncode == 0

    def rules(self) -> str:
        """All of both packet filters."""
        return "".join(self.ok(tool) for tool in ("iptables-save", "ip6tables-save"))


@pytest.fixture
def host(tmp_path: Path) -> t.Iterator[Host]:
    """A host with rules as the engine makes them for a container's port."""
    script, made = tmp_path / "entry", f"en{os.urandom(3).hex()}"
    for name in ("wall", "entry"):
        (tmp_path / name).write_text((FILES / name).read_text())
    script.chmod(0o755)
    # Its interfaces have names of other hosts' too, so that it gets a place of its own for what it keeps.
    found = Host(made, str(script))
    (tmp_path / "entry.conf").write_text(CONF.replace(CHAIN, found.chain))
    served = []
    for letter in ("", "c", "n"):
        subprocess.run(["ip", "netns", "add", made + letter], check=True)
    try:
        for letter, device, four in (("c", "bridge", "10.77.0"), ("n", "lan", "198.51.100")):
            found.ok("ip", "link", "add", device, "type", "veth", "peer", "name", "eth0", "netns", made + letter)
            found.ok("ip", "address", "add", f"{four}.1/24", "dev", device)
            found.ok("ip", "address", "add", f"{four}.2/24", "dev", "eth0", on=letter)
            found.ok("ip", "link", "set", device, "up")
            found.ok("ip", "link", "set", "eth0", "up", on=letter)
        found.setting("all", "0")  # a new namespace begins with what this machine has
        found.ok("ip", "link", "set", "lo", "up")
        found.ok("ip", "route", "add", "default", "via", "10.77.0.1", on="c")
        found.ok("ip", "route", "add", "127.0.0.1", "via", "198.51.100.1", on="n")
        found.ok("iptables", "-t", "nat", "-N", "DOCKER")
        dnat = ["!", "-i", "bridge", "-p", "tcp", "--dport", "8080", "-j", "DNAT", "--to-destination", "10.77.0.2:80"]
        found.ok("iptables", "-t", "nat", "-A", "DOCKER", "-d", "127.0.0.1", *dnat)
        found.ok("iptables", "-t", "nat", "-A", "DOCKER", "-d", "192.0.2.1", *dnat[:-1], "198.51.100.2:80")
        for letter, address, port in (("c", "10.77.0.2", 80), ("", "127.0.0.1", 5432)):
            argv = ["ip", "netns", "exec", made + letter, sys.executable, "-c", SERVE.format(address, port)]
            served.append(subprocess.Popen(argv, stdout=subprocess.PIPE, text=True))
            t.cast("t.IO[str]", served[-1].stdout).readline()
        yield found
    finally:
        for process in served:
            process.kill()
            process.communicate()
        found.run(str(script), "down")
        for letter in ("", "c", "n"):
            subprocess.run(["ip", "netns", "delete", made + letter], check=False)


def test_loopback_is_let_out_to_the_bridge_alone_and_given_back(host: Host) -> None:
    """B19, A8: without the guard, nobody on the LAN reaches what listens on the host's loopback; `down` leaves nothing."""
    before = host.rules()
    assert host.entry("up")
    assert host.entry("check")
    assert host.open("127.0.0.1", 8080)
    assert [host.setting(device) for device in ("all", "lan", "bridge")] == ["0", "0", "1"]
    host.ok("iptables", "-t", "raw", "-F")
    assert not host.open("127.0.0.1", 5432, on="n")
    assert not host.entry("check")
    assert host.entry("up")
    assert host.entry("check")
    assert host.entry("down")
    assert host.setting("bridge") == "0"
    assert [line for line in host.rules().splitlines() if "tidegate" in line.lower()] == []
    assert "tidegate" not in before.lower()


def test_a_setting_that_was_there_before_stays_and_so_does_its_guard(host: Host) -> None:
    """A8: another platform, or a handover, may have opened the bridge before."""
    host.setting("bridge", "1")
    assert host.entry("up")
    assert host.entry("down")
    assert host.setting("bridge") == "1"
    assert "tidegate:loopback" in host.rules()


def test_a_jump_from_before_the_engines_own_chain_goes_too(host: Host) -> None:
    """A8: DOCKER-USER of IPv6 comes with the engine's first network that has it, after the rules were set."""
    assert host.entry("up")
    host.ok("ip6tables", "-N", "DOCKER-USER")
    host.ok("ip6tables", "-I", "FORWARD", "-j", "DOCKER-USER")
    assert not host.entry("check")
    assert host.entry("up")
    assert host.entry("check")
    assert host.entry("down")
    assert CHAIN not in host.rules()


def test_nobody_is_sent_to_a_bridge_that_is_not_known(host: Host) -> None:
    """B19: while nobody has the port, the engine's docker-proxy carries it, and not a rule that leads nowhere."""
    host.ok("iptables", "-t", "nat", "-F", "DOCKER")
    assert host.entry("up")
    assert not host.entry("check")
    assert f"-A OUTPUT -j {host.chain}-OUT" not in host.rules()


def test_the_address_for_loopbacks_clients_is_no_way_in(host: Host) -> None:
    """B19: nobody is answered there, so that every host with IPv6 was degraded, and reconcile changed hands for ever."""
    assert host.entry("up")
    module = "ansible_collections.tidegate.platform.plugins.module_utils._core.host"
    program = f"from {module} import machine, clock; print(machine.own_addresses(clock.Clock()))"
    found = host.ok("env", f"PYTHONPATH={names.COLLECTIONS}", sys.executable, "-c", program)
    assert ast.literal_eval(found) == ["10.77.0.1", "198.51.100.1"]


HARM = """
iptables -t nat -F {chain}-OUT
iptables -t nat -F {chain}-POST
iptables -t nat -I {chain}-OUT -j RETURN
iptables -t nat -D OUTPUT -j {chain}-OUT
iptables -t raw -F
ip6tables -t nat -F {chain}-IN
ip6tables -t nat -F {chain}-POST
ip6tables -F {chain}-PASS
ip6tables -D FORWARD -j {chain}-PASS
ip -6 address delete fd5b:1:2:2::1/128 dev lo
nft delete table ip6 {table}
nft flush chain ip6 {table} in
echo 0 >/proc/sys/net/ipv4/conf/bridge/route_localnet
"""


def test_whatever_is_taken_away_is_missed_and_set_again(host: Host) -> None:
    """B19: before, only the jumps were looked for."""
    assert host.entry("up")
    before = host.rules()
    for harm in HARM.strip().splitlines():
        host.ok("sh", "-c", harm.format(chain=host.chain, table=host.chain.lower().replace("-", "_")))
        assert not host.entry("check"), harm
        assert host.entry("up")
        assert host.entry("check"), harm
    assert host.open("127.0.0.1", 8080)
    assert sorted(rules(host.rules())) == sorted(rules(before))


def rules(saved: str) -> list[str]:
    """Rules without what else a packet filter says."""
    return [line for line in saved.splitlines() if line.startswith("-A")]


def test_routers_are_heard_before_anything_else_is_said(host: Host, tmp_path: Path) -> None:
    """B19: the network that makes the engine forward IPv6 comes after it; an `entry.conf` is not there yet."""
    path = "/proc/sys/net/ipv6/conf/lan/accept_ra"
    host.ok("sh", "-c", f"echo 1 >{path}")
    (tmp_path / "entry.conf").rename(tmp_path / "later")
    assert "lan" in host.ok(host.script, "routers").split()
    assert host.ok("cat", path).strip() == "2"
    assert host.ok(host.script, "routers") == ""
    (tmp_path / "later").rename(tmp_path / "entry.conf")
