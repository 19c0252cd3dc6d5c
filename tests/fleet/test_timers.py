"""Two platforms on one host: neither takes the other's timer, or the command that it runs (C)."""

from __future__ import annotations

import hashlib
import json
import typing as t

import hosts
import names
import pytest
import shell
from harness.platforms import Options, Platform, Play, Ports

HOST = "timers"
OTHER = "/var/lib/other"
NEVER: Options = {"reconcile_interval": "1d", "reconcile_after_boot": "1d"}


class Bare(Platform):
    """A host with systemd, whose engine a timer does not need."""

    def hosts(self) -> dict[str, Options]:
        """Inventory variables of every host."""
        return {HOST: {**self.variables, **NEVER}}

    def role(self, **extra: t.Any) -> Play:
        """Run the role of the timer."""
        self.root.mkdir(parents=True, exist_ok=True)
        (path := self.root / "timer.json").write_text(
            json.dumps([{"hosts": "all", "gather_facts": False, "roles": ["tidegate.platform.reconcile"]}])
        )
        return self.playbook(str(path), **extra)

    def look(self, *argv: str) -> str:
        """Output of a command on the host."""
        return shell.run(["docker", "exec", f"testbed-{HOST}", *argv], check=False).strip()


@pytest.fixture
def bare() -> t.Iterator[Bare]:
    """A host of one's own."""
    variables: Options = {**hosts.up(HOST, "host-engine"), "ansible_ssh_pipelining": True}
    yield Bare(names.CACHE / HOST, "timers", Ports(80, 443, 8080), variables=variables)
    hosts.down(HOST)


def test_a_second_platform_has_a_timer_of_its_own(bare: Bare) -> None:
    """C: the second one's timer replaced the first one's, and removing it left the first one with none; by any spelling."""
    first = "/etc/systemd/system/tidegate-reconcile.service"
    own = f"tidegate-reconcile-{hashlib.sha256(OTHER.encode()).hexdigest()[:8]}"
    active = "systemctl", "is-active", "tidegate-reconcile.timer", f"{own}.timer"
    bare.role().ok()
    before = bare.look("cat", first)
    bare.look("mkdir", "/usr/local/lib/tidegate/tidegate_platform")  # what an earlier version's command imported
    (removed,) = bare.role().ok().changed
    assert "earlier versions" in removed
    bare.role(tidegate_state_dir=OTHER).ok()
    assert bare.look("cat", first) == before
    assert bare.look(*active).split() == ["active", "active"]
    assert f"--state-dir={OTHER}" in bare.look("cat", f"/etc/systemd/system/{own}.service")
    assert bare.role(tidegate_state_dir=f"{OTHER}/./").ok().changed == []
    bare.role(tidegate_state_dir=f"/{OTHER}/", reconcile_state="absent").ok()
    assert bare.look(*active).split() == ["active", "inactive"]
    folders = bare.look("sh", "-c", "ls -d /usr/local/lib/tidegate*; ls /usr/local/lib/tidegate").split()
    assert folders == ["/usr/local/lib/tidegate", "tidegate-reconcile", "tidegate_core"]
    bare.look("sed", "-i", f"s,--state-dir=[^ ]*,--state-dir={OTHER},", first)
    refused = bare.role()
    assert refused.code != 0
    assert "reconciles another platform than the one in /var/lib/tidegate" in " ".join(refused.output.split())


@pytest.mark.second
def test_a_timer_that_an_earlier_version_gave_the_first_name(bare: Bare) -> None:
    """C: it is given up by the platform whose it is, and left alone by another one."""
    bare.role().ok()
    bare.look(
        "sed", "-i", f"s,--state-dir=[^ ]*,--state-dir={OTHER},", "/etc/systemd/system/tidegate-reconcile.service"
    )
    bare.role(reconcile_state="absent").ok()
    assert bare.look("systemctl", "is-active", "tidegate-reconcile.timer") == "active"
    bare.role(tidegate_state_dir=OTHER).ok()
    assert bare.look("systemctl", "is-active", "tidegate-reconcile.timer") == "inactive"
    assert bare.role(tidegate_state_dir=OTHER).ok().changed == []
