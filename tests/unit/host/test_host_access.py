"""What hands the host to a container, by where paths lead to on this very host."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from ansible_collections.tidegate.platform.plugins.module_utils._core.host.host_access import (
    HostAccess,
    refuse_capabilities,
    refuse_mounts,
)
from ansible_collections.tidegate.platform.plugins.module_utils._core.values.errors import InvalidOption

ANYWAY = ("/opt/shop", "/mnt/disk", "/root/app", "/etc/localtime", "/etc/timezone", "{tmp}/state/traefik/acme")


WRITTEN = (
    *("/etc/crontab", "/etc/cron.daily", "/etc/profile.d", "/etc/shop", "/etc/ssl/certs", "/usr/local/lib/tidegate"),
    *("/lib/systemd", "/run/udev", "/dev", "/root/.bashrc", "/usr/share/zoneinfo"),
)


@pytest.mark.parametrize(
    "source",
    [
        *("/", "//", "/run", "/run/", "/var/run", "/var", "//var/run/docker.sock", "/var/run/./docker.sock"),
        *(
            "/run/docker.sock",
            "/run/docker.sock/",
            "/run/containerd",
            "/run/containerd/containerd.sock",
            "/run/systemd",
        ),
        *("{tmp}/engine", "{tmp}/engine/own.sock", "{tmp}", "{tmp}/link", "{tmp}/link/docker.sock", "{tmp}/hard"),
        *("{tmp}/state", "{tmp}/state/secrets", "{tmp}/state/secrets/shop", "{tmp}/state/secret.key"),
        *("/proc", "/proc/1/root", "/etc", "/etc/shadow", "/root", "/var/lib/docker", "/var/lib/docker/"),
        *("/etc/shadow-", "/var/backups", "/var/backups/tidegate", "/var/lib/docker/volumes", "/var/lib/containerd/x"),
        *("{tmp}/state/traefik", "{tmp}/state/traefik/entry", "{tmp}/state/runners.json", "{tmp}/state/x"),
    ],
)
def test_what_may_not_even_be_read(walls: HostAccess, tmp_path: Path, source: str) -> None:
    """C6: the resolved path decides, and what lies below it."""
    (tmp_path / "link").symlink_to("/run")
    os.link(tmp_path / "engine" / "own.sock", tmp_path / "hard")
    with pytest.raises(InvalidOption, match="hand the host"):
        refuse_mounts(walls, [{"source": source.format(tmp=tmp_path), "read_only": True}])


@pytest.mark.parametrize(
    "source", ["/etc/cron.d", "/usr", "/usr/local/bin", "/sys", "/boot", "/etc/systemd/system", *WRITTEN]
)
def test_what_may_be_read_but_not_written(walls: HostAccess, source: str) -> None:
    """C6."""
    refuse_mounts(walls, [{"source": source, "read_only": True}])
    with pytest.raises(InvalidOption, match="lets it write"):
        refuse_mounts(walls, [{"source": source, "read_only": False}])


@pytest.mark.parametrize(
    "source",
    [
        "{tmp}/data",
        "/srv",
        "/var/lib/shop",
        "/run/shop",
        "/var/runner",
        "volume",
        "/home/nobody-here/app/data",
        *ANYWAY,
    ],
)
def test_what_is_no_wall(walls: HostAccess, tmp_path: Path, source: str) -> None:
    """C6: data, also beside and below what is one."""
    refuse_mounts(walls, [{"source": source.format(tmp=tmp_path), "read_only": False}])


@pytest.mark.parametrize("source", ["routes", "traefik/certificates", "traefik/ca-1.pem"])
def test_what_the_proxy_reads_of_the_state(walls: HostAccess, tmp_path: Path, source: str) -> None:
    """C6: whoever writes it decides where all requests go."""
    refuse_mounts(walls, [{"source": f"{tmp_path}/state/{source}", "read_only": True}])
    with pytest.raises(InvalidOption, match="hand the host"):
        refuse_mounts(walls, [{"source": f"{tmp_path}/state/{source}", "read_only": False}])


def test_logs_of_containers_may_be_read(walls: HostAccess) -> None:
    """C6: what collects them does."""
    refuse_mounts(walls, [{"source": "/var/lib/docker/containers", "read_only": True}])


def test_the_engines_socket_itself_may_be_declared_and_nothing_else_under_its_name(
    walls: HostAccess, tmp_path: Path
) -> None:
    """C6: what a socket proxy has."""
    for source in ("/var/run/docker.sock", "/run/docker.sock", str(tmp_path / "engine" / "own.sock")):
        refuse_mounts(walls, [{"source": source, "read_only": False, "engine": True}])
    for source in ("/run", "/srv"):
        with pytest.raises(InvalidOption, match="goes only with the socket"):
            refuse_mounts(walls, [{"source": source, "read_only": False, "engine": True}])


def test_capabilities_that_are_root() -> None:
    """C6."""
    refuse_capabilities(["NET_BIND_SERVICE", "CHOWN"])
    with pytest.raises(InvalidOption, match="hand the host"):
        refuse_capabilities(["CHOWN", "SYS_ADMIN"])


def test_what_a_site_still_serves_of_earlier_releases_is_there_to_be_read(walls: HostAccess, tmp_path: Path) -> None:
    """C6: the platform's own mounts pass its own walls."""
    kept = f"{tmp_path}/state/sites/shop.production"
    assert walls.broken_by(kept, read_only=True) == ""
    assert walls.broken_by(kept, read_only=False)
