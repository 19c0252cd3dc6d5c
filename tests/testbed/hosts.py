"""Whole target hosts: systemd, sshd and room for an engine of their own, each in a container (see `up`)."""

from __future__ import annotations

import ipaddress
import json
from pathlib import Path

import names
import registry
import shell
from state import State

LABEL = f"{names.LABEL}.host"
KEY = names.CACHE / "ssh" / "id_ed25519"
# Everything but what a container must not have on a shared kernel: modules, raw I/O, reboot, MAC, wake alarms.
CAPABILITIES = [
    "AUDIT_CONTROL",
    "AUDIT_READ",
    "AUDIT_WRITE",
    "CHOWN",
    "DAC_OVERRIDE",
    "DAC_READ_SEARCH",
    "FOWNER",
    "FSETID",
    "IPC_LOCK",
    "IPC_OWNER",
    "KILL",
    "LEASE",
    "LINUX_IMMUTABLE",
    "MKNOD",
    "NET_ADMIN",
    "NET_BIND_SERVICE",
    "NET_BROADCAST",
    "NET_RAW",
    "SETFCAP",
    "SETGID",
    "SETPCAP",
    "SETUID",
    "SYS_ADMIN",
    "SYS_CHROOT",
    "SYS_NICE",
    "SYS_PACCT",
    "SYS_PTRACE",
    "SYS_TIME",
    "SYS_TTY_CONFIG",
    "SYSLOG",
]


def key() -> Path:
    """The key that the hosts let in."""
    if not KEY.exists():
        KEY.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        shell.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(KEY)])
    return KEY


def gateway() -> str:
    """Address of this machine as the hosts see it: the first of the default bridge's network."""
    facts = json.loads(shell.run(["docker", "network", "inspect", "bridge"]))[0]
    config = facts["IPAM"]["Config"][0]
    return str(config.get("Gateway") or next(ipaddress.ip_network(config["Subnet"]).hosts()))


def up(name: str, image: str = "host", *, small_engine: bool = False) -> dict[str, str]:
    """Start a host and wait until it lets us in; its inventory variables.

    :param image: `host` is bare, `host-engine` has the engine's packages already.
    :param small_engine: give its engine a file system of 3 GB in memory, which can be filled.
    """
    registry.start(State(), f"{gateway()}:5000", "", root=names.REGISTRY.rpartition(":")[2])
    full = f"testbed-{name}"
    if not shell.run(["docker", "ps", "-q", "--filter", f"name=^{full}$"]).strip():
        shell.run(["docker", "rm", "-f", "-v", full], check=False)
        shell.run(
            ["docker", "run", "-d", "--name", full, "--hostname", name, "--label", f"{names.LABEL}=1", "--label", LABEL]
            + [word for capability in CAPABILITIES for word in ("--cap-add", capability)]
            + ["--security-opt", "seccomp=unconfined", "--security-opt", "systempaths=unconfined"]
            + ["--security-opt", "apparmor=unconfined", "--device-cgroup-rule", "a *:* rwm"]
            + ["--tmpfs", "/run", "--tmpfs", "/tmp", "-v", "/var/lib/containerd"]
            + (["--tmpfs", "/var/lib/docker:size=3g,exec,suid,dev"] if small_engine else ["-v", "/var/lib/docker"])
            + ["-v", "/sys/fs/cgroup:/sys/fs/cgroup:rw", "--cgroupns", "host", names.image(image)]
        )
    public = key().with_suffix(".pub").read_bytes()
    shell.run(["docker", "exec", "-i", full, "sh", "-c", "cat > /root/.ssh/authorized_keys"], stdin=public)
    address = json.loads(shell.run(["docker", "inspect", full]))[0]["NetworkSettings"]["IPAddress"]
    login = ["ssh", "-i", str(KEY), "-o", "StrictHostKeyChecking=no", "-o", "UserKnownHostsFile=/dev/null"]
    shell.wait_until(f"{name} lets us in", lambda: shell.succeeds([*login, f"root@{address}", "true"]), 60)
    return {
        "ansible_host": address,
        "ansible_user": "root",
        "ansible_python_interpreter": "/usr/bin/python3",
        "ansible_ssh_private_key_file": str(KEY),
        "ansible_ssh_common_args": "-o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null",
        "testbed_registry": f"{gateway()}:5000",
    }


def down(name: str) -> None:
    """Take a host away with its volumes."""
    shell.run(["docker", "rm", "-f", "-v", f"testbed-{name}"], check=False)
