"""The rules of the wall between workloads by themselves, on a host of the test's own: what they refuse, and what they leave."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import typing as t
from pathlib import Path

import pytest

from .test_entry_rules import FILES, SERVE, Host, rules

CHAIN = "TIDEGATE-wall"
CONF = """
chain="{chain}"
ports4=""
pairs6=""
subnet6=""
target6=""
alias6=""
only6=""
subnet4="10.78.0.0/24"
proxy4="10.78.0.2/31"
"""
# The proxy, its stand-in, two workloads on the network, and two programs on another bridge of the host.
PLACES = {
    "p": ("walled", "10.78.0.2"),
    "s": ("walled", "10.78.0.3"),
    "a": ("walled", "10.78.0.130"),
    "b": ("walled", "10.78.0.131"),
    "x": ("other", "10.79.0.2"),
    "y": ("other", "10.79.0.3"),
}


class WalledHost(Host):
    """A host as the engine leaves it: packets of containers of a network pass, nothing else is forwarded."""

    @property
    def chain(self) -> str:
        """What the names of its chains begin with."""
        return f"{CHAIN}-{self.name}"

    def reach(self, pairs: str) -> str:
        """Of pairs of letters, those of which the first gets a connection to the second."""
        return " ".join(pair for pair in pairs.split() if self.open(PLACES[pair[1]][1], 80, on=pair[0]))


def bridges(host: Host, stack: contextlib.ExitStack) -> None:
    """Two bridges, and programs on them that take connections."""
    for bridge, address in (("walled", "10.78.0.1"), ("other", "10.79.0.1")):
        host.ok("ip", "link", "add", bridge, "type", "bridge")
        host.ok("ip", "address", "add", f"{address}/24", "dev", bridge)
        host.ok("ip", "link", "set", bridge, "up")
    for letter, (bridge, address) in PLACES.items():
        host.ok("ip", "link", "add", f"v{letter}", "type", "veth", "peer", "name", "eth0", "netns", host.name + letter)
        host.ok("ip", "link", "set", f"v{letter}", "master", bridge, "up")
        host.ok("ip", "address", "add", f"{address}/24", "dev", "eth0", on=letter)
        host.ok("ip", "link", "set", "eth0", "up", on=letter)
        argv = ["ip", "netns", "exec", host.name + letter, sys.executable, "-c", SERVE.format(address, 80)]
        process = stack.enter_context(subprocess.Popen(argv, stdout=subprocess.PIPE, text=True))
        stack.callback(process.kill)
        t.cast("t.IO[str]", process.stdout).readline()


@pytest.fixture
def host(tmp_path: Path) -> t.Iterator[WalledHost]:
    """A host whose kernel is told to bring packets of no bridge past the rules, and whose firewall refuses what it does not know."""
    found = WalledHost(f"wa{os.urandom(3).hex()}", str(tmp_path / "entry"))
    for name in ("wall", "entry"):
        (tmp_path / name).write_text((FILES / name).read_text())
        (tmp_path / name).chmod(0o755)
    (tmp_path / "entry.conf").write_text(CONF.format(chain=found.chain))
    for letter in ("", *PLACES):
        subprocess.run(["ip", "netns", "add", found.name + letter], check=True)
    try:
        with contextlib.ExitStack() as stack:
            bridges(found, stack)
            for kind in ("iptables", "ip6tables"):
                found.ok("sh", "-c", f"echo 0 >/proc/sys/net/bridge/bridge-nf-call-{kind}")
            found.ok("iptables", "-P", "FORWARD", "DROP")
            found.ok("iptables", "-N", "DOCKER-USER")
            found.ok("iptables", "-A", "FORWARD", "-j", "DOCKER-USER")
            found.ok("iptables", "-A", "DOCKER-USER", "-s", "192.0.2.1", "-j", "DROP")
            found.ok("sysctl", "-qw", "net.ipv4.ip_forward=1")
            yield found
    finally:
        found.run(found.script, "down")
        for letter in ("", *PLACES):
            subprocess.run(["ip", "netns", "delete", found.name + letter], check=False)


def test_the_proxy_alone_sees_workloads_and_they_the_proxy(host: WalledHost) -> None:
    """C9: other bridges of the host are as they were, whatever its firewall says; `down` leaves nothing, and others' rules."""
    before, all_pairs = host.rules(), "pa pb sb ps ap bp ab ba xy yx"
    assert host.reach(all_pairs) == all_pairs
    assert host.entry("up")
    assert host.entry("check")
    assert host.ok(host.script, "wall") == "stands\n"
    assert host.reach(all_pairs) == "pa pb sb ps ap bp xy yx"
    assert host.entry("up")
    assert host.entry("down")
    assert host.reach(all_pairs) == all_pairs
    assert rules(host.rules()) == rules(before)
    assert CHAIN not in host.rules()
    assert host.ok("cat", "/sys/class/net/walled/bridge/nf_call_iptables").strip() == "0"


HARM = """
iptables -F {chain}-WALL
iptables -I {chain}-WALL -j RETURN
iptables -D DOCKER-USER -i walled -o walled -j {chain}-WALL
iptables -I FORWARD -i gone -o gone -j {chain}-WALL
ip6tables -F {chain}-WALL
echo 0 >/sys/class/net/walled/bridge/nf_call_iptables
"""


def test_a_wall_that_was_harmed_is_missed_and_set_again(host: WalledHost) -> None:
    """C9: a firewall that is loaded anew, a bridge that was made anew, a setting that somebody put back."""
    assert host.entry("up")
    before = sorted(rules(host.rules()))
    for harm in HARM.strip().splitlines():
        host.ok("sh", "-c", harm.format(chain=host.chain))
        assert not host.entry("check"), harm
        assert host.run(host.script, "wall").stdout == "its rules are away\n"
        assert host.entry("up")
        assert host.entry("check"), harm
        assert host.reach("pa ab ap") == "pa ap"
    assert sorted(rules(host.rules())) == before


def test_a_wall_that_is_wanted_no_more_goes(host: WalledHost) -> None:
    """C9: and an `entry.conf` of before there were walls wants none."""
    assert host.entry("up")
    conf = Path(host.script).with_name("entry.conf")
    lines = conf.read_text().splitlines(keepends=True)
    conf.write_text("".join(line for line in lines if "subnet4" not in line and "proxy4" not in line))
    assert not host.entry("check")
    assert host.entry("up")
    assert host.entry("check")
    assert host.ok(host.script, "wall") == ""
    assert host.reach("ab pa") == "ab pa"
    assert CHAIN not in host.rules()


def test_a_published_port_is_everybodys(host: WalledHost) -> None:
    """C9: also where the engine has no program for it, and the kernel brings the connection back to the bridge it came from."""
    assert host.entry("up")
    to = ["-p", "tcp", "--dport", "8080", "-j", "DNAT", "--to-destination", "10.78.0.131:80"]
    host.ok("iptables", "-t", "nat", "-A", "PREROUTING", "-d", "10.78.0.1", *to)
    host.ok("iptables", "-t", "nat", "-A", "POSTROUTING", "-s", "10.78.0.0/24", "-d", "10.78.0.131", "-j", "MASQUERADE")
    host.ok("iptables", "-A", "FORWARD", "-m", "conntrack", "--ctstate", "DNAT", "-j", "ACCEPT")
    assert host.open("10.78.0.1", 8080, on="a")
    assert host.reach("ab") == ""


@pytest.mark.parametrize(
    ("harm", "said"),
    [
        ("mount -t tmpfs none /proc/sys/net/bridge", "the kernel has no br_netfilter"),
        ("export PATH={path}", "there is no iptables"),
    ],
)
def test_a_host_that_cannot_have_the_wall_has_the_rest(host: WalledHost, tmp_path: Path, harm: str, said: str) -> None:
    """C9: no deployment fails for it, no look calls it repaired again and again, and it is said what is missing."""
    few = tmp_path / "bin"
    few.mkdir()
    for program in (
        "sh",
        "ip",
        "sed",
        "tr",
        "cat",
        "head",
        "sort",
        "cut",
        "uniq",
        "grep",
        "mkdir",
        "mv",
        "rm",
        "dirname",
    ):
        (few / program).symlink_to(subprocess.check_output(["which", program], text=True).strip())
    words = f"{harm.format(path=few)}; {host.script} up && {host.script} check && {host.script} wall"
    done = host.run("unshare", "--mount", "sh", "-c", words)
    assert done.returncode == 1, done.stderr
    assert said in done.stdout
    assert host.reach("pa ab") == "pa ab"
    assert CHAIN not in host.rules()
    assert host.entry("up")
    assert host.reach("pa ab") == "pa"
