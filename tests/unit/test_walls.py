"""What hands the host to a container, by where paths lead to on this very host."""

from __future__ import annotations

import os
import socket
import typing as t
from pathlib import Path

import pytest
from ansible_collections.tidegate.platform.plugins.module_utils._core.host.host_access import (
    HostAccess,
    refuse_capabilities,
    refuse_mounts,
)
from ansible_collections.tidegate.platform.plugins.module_utils._core.sources.compose_host_access import refuse_project
from ansible_collections.tidegate.platform.plugins.module_utils._core.stories.findings import of_walls
from ansible_collections.tidegate.platform.plugins.module_utils._core.values.errors import InvalidOption
from ansible_collections.tidegate.platform.plugins.module_utils._core.values.identity import Subject
from ansible_collections.tidegate.platform.plugins.module_utils._core.values.release import Known, Release

PLAIN = {"image": "app:1"}
ANYWAY = ("/opt/shop", "/mnt/disk", "/root/app", "/etc/localtime", "/etc/timezone", "{tmp}/state/traefik/acme")


WRITTEN = (
    *("/etc/crontab", "/etc/cron.daily", "/etc/profile.d", "/etc/shop", "/etc/ssl/certs", "/usr/local/lib/tidegate"),
    *("/lib/systemd", "/run/udev", "/dev", "/root/.bashrc", "/usr/share/zoneinfo"),
)


@pytest.fixture
def walls(tmp_path: Path) -> t.Iterator[HostAccess]:
    """Those of a host whose engine listens at an unusual place."""
    (state := tmp_path / "state" / "secrets").mkdir(parents=True)
    (tmp_path / "engine").mkdir()
    with socket.socket(socket.AF_UNIX) as engine:
        engine.bind(str(tmp_path / "engine" / "own.sock"))
        yield HostAccess(str(state.parent), f"unix://{tmp_path}/engine/own.sock")


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


MOUNTED = (
    *("/etc/hosts", "/etc/resolv.conf", "/etc/machine-id", "/etc/letsencrypt", "/etc/bind/zones", "/etc/ssl/private"),
    *("/lib/modules", "/usr/src", "/etc/passwd", "/sys/fs/cgroup", "/run/udev", "/var/lib/dpkg", "{tmp}/state/routes"),
)
NEVER = ("/etc", "/", "/var", "/proc", "/var/lib/docker", "/var/run/docker.sock", "/run", "{tmp}/state/secrets")


@pytest.mark.parametrize("source", [*MOUNTED, *NEVER])
def test_the_way_out_that_is_named_is_one(walls: HostAccess, tmp_path: Path, source: str) -> None:
    """C6: mounts of earlier releases were refused without a word of mounting them read only, where that is enough."""
    path = source.format(tmp=tmp_path)
    model = {"services": {"web": {**PLAIN, "volumes": [{"type": "bind", "source": path, "target": "/x"}]}}}
    with pytest.raises(InvalidOption) as refused:
        refuse_mounts(walls, [{"source": path, "read_only": False}])
    with pytest.raises(InvalidOption) as of_project:
        refuse_project(walls, model, "")
    assert refused.value.remedy == of_project.value.remedy
    assert "unsafe=true" in refused.value.remedy
    assert ("read only" in refused.value.remedy) == (source in MOUNTED)
    assert ("socket proxy" in refused.value.remedy) == (source in ("/", "/var/run/docker.sock", "/run"))
    if source in MOUNTED:
        model["services"]["web"]["volumes"][0]["read_only"] = True  # type: ignore[index]
        refuse_mounts(walls, [{"source": path, "read_only": True}])
        refuse_project(walls, model, "")


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


@pytest.mark.parametrize(
    "options",
    [
        {"type": "overlay", "device": "overlay", "o": "lowerdir=/etc:/usr"},
        {"type": "overlay", "device": "overlay", "o": "lowerdir=/srv:/opt"},
        {"type": "none", "device": "etc", "o": "rbind"},
        {"type": "tmpfs", "device": "/etc", "o": "ro,bind"},
        {"type": "ext4", "device": "LABEL=root"},
        {"type": "proc", "device": "proc"},
        {"device": "overlay", "o": "lowerdir=/srv:/opt"},
        {"type": "cifs", "device": "//server/share", "o": "credentials=/etc/shadow"},
    ],
)
def test_volumes_that_mount_the_host(walls: HostAccess, options: dict[str, str]) -> None:
    """C6: by whatever type; only what brings nothing of this host goes, and bind mounts by their path."""
    with pytest.raises(InvalidOption, match="hand the host"):
        refuse_project(walls, {"services": {"web": PLAIN}, "volumes": {"v": {"driver_opts": options}}}, "/kept")


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"type": "nfs", "device": ":/export", "o": "addr=10.0.0.1,rw"},
        {"type": "cifs", "device": "//server/share", "o": "username=a,password=b"},
        {"type": "tmpfs", "device": "tmpfs", "o": "size=100m,uid=1000"},
        {"type": "none", "device": "/srv/shop", "o": "bind"},
    ],
)
def test_volumes_that_are_no_wall(walls: HostAccess, options: dict[str, str]) -> None:
    """C6."""
    refuse_project(walls, {"services": {"web": PLAIN}, "volumes": {"v": {"driver_opts": options}}}, "/kept")


def test_the_engines_socket_itself_may_be_declared_and_nothing_else_under_its_name(
    walls: HostAccess, tmp_path: Path
) -> None:
    """C6: what a socket proxy has."""
    for source in ("/var/run/docker.sock", "/run/docker.sock", str(tmp_path / "engine" / "own.sock")):
        refuse_mounts(walls, [{"source": source, "read_only": False, "engine": True}])
    for source in ("/run", "/srv"):
        with pytest.raises(InvalidOption, match="goes only with the socket"):
            refuse_mounts(walls, [{"source": source, "read_only": False, "engine": True}])


@pytest.mark.parametrize(
    ("where", "facts"),
    [
        ("privileged", {"privileged": True}),
        ("pid", {"pid": "host"}),
        ("pid", {"pid": "container:other"}),
        ("userns_mode", {"userns_mode": "host"}),
        ("cap_add", {"cap_add": ["NET_ADMIN", "SYS_ADMIN"]}),
        ("cap_add", {"cap_add": ["cap_sys_module"]}),
        ("cap_add", {"cap_add": ["all"]}),
        ("security_opt", {"security_opt": ["seccomp:unconfined"]}),
        ("security_opt", {"security_opt": ["apparmor=unconfined"]}),
        ("security_opt", {"security_opt": ["label:disable"]}),
        ("security_opt", {"security_opt": ["systempaths=unconfined"]}),
        ("devices", {"devices": [{"source": "/dev/mem", "target": "/dev/mem", "permissions": "rwm"}]}),
        ("devices", {"devices": ["/dev:/dev"]}),
        ("device_cgroup_rules", {"device_cgroup_rules": ["a *:* rwm"]}),
        ("device_cgroup_rules", {"device_cgroup_rules": ["b 8:* rwm"]}),
        ("volumes_from", {"volumes_from": ["container:other"]}),
        ("use_api_socket", {"use_api_socket": True}),
        ("provider", {"provider": {"type": "reboot"}}),
        ("post_start", {"post_start": [{"command": ["x"], "privileged": True}]}),
        ("volumes", {"volumes": [{"type": "bind", "source": "/var/run", "target": "/r", "read_only": True}]}),
    ],
)
def test_options_of_a_project_that_break_a_wall(walls: HostAccess, where: str, facts: dict[str, t.Any]) -> None:
    """C6: each is named."""
    with pytest.raises(InvalidOption, match="hand the host") as caught:
        refuse_project(walls, {"services": {"web": {**PLAIN, **facts}}}, "/kept")
    assert f"compose='services.web.{where}'" in str(caught.value)
    assert "unsafe" in caught.value.remedy


@pytest.mark.parametrize(
    "facts",
    [
        {"network_mode": "host"},
        {"ipc": "host"},
        {"pid": "service:db"},
        {"cap_add": ["NET_ADMIN", "SYS_NICE"]},
        {"security_opt": ["no-new-privileges:true", "label:type:x_t"]},
        {"devices": [{"source": "/dev/null", "target": "/dev/null", "permissions": "rwm"}]},
        {"device_cgroup_rules": ["c 13:* rmw"]},
        {"volumes": [{"type": "volume", "source": "data", "target": "/data"}]},
        {"volumes": [{"type": "bind", "source": "/kept/files/x", "target": "/x", "read_only": True}]},
        {"privileged": False, "pid": "", "post_start": [{"command": ["x"]}]},
    ],
)
def test_options_of_a_project_that_are_no_wall(walls: HostAccess, facts: dict[str, t.Any]) -> None:
    """C6: what real projects need for good reasons."""
    refuse_project(walls, {"services": {"web": {**PLAIN, **facts}}}, "/kept")


@pytest.mark.parametrize(
    ("where", "model"),
    [
        ("configs.c.file", {"configs": {"c": {"file": "/run/docker.sock"}}}),
        ("secrets.s.file", {"secrets": {"s": {"file": "/etc/shadow"}}}),
        ("volumes.v.driver_opts", {"volumes": {"v": {"driver_opts": {"o": "bind", "device": "/run/"}}}}),
    ],
)
def test_top_level_parts_of_a_project_that_break_a_wall(walls: HostAccess, where: str, model: dict[str, t.Any]) -> None:
    """C6: a named volume may be a bind mount by its options."""
    with pytest.raises(InvalidOption, match="hand the host") as caught:
        refuse_project(walls, {"services": {"web": PLAIN}, **model}, "/kept")
    assert f"compose='{where}'" in str(caught.value)


def test_capabilities_that_are_root() -> None:
    """C6."""
    refuse_capabilities(["NET_BIND_SERVICE", "CHOWN"])
    with pytest.raises(InvalidOption, match="hand the host"):
        refuse_capabilities(["CHOWN", "SYS_ADMIN"])


def test_the_doctor_names_whoever_may_reach_the_host() -> None:
    """C6."""

    def live(**snapshot: t.Any) -> Known:
        return Known(live=Release("a", "i", "i", "f", (), None, snapshot))

    closed = {Subject("shop", "production"): live(volumes=[{"source": "/srv"}]), Subject("gone", "production"): Known()}
    assert of_walls(closed).found == "closed for all workloads"
    agent = {Subject("agent", "production"): live(unsafe=True)}
    proxy = {Subject("proxy", "platform"): live(volumes=[{"source": "/run/docker.sock", "engine": True}])}
    assert of_walls({**closed, **agent, **proxy}).found == "open by declaration: agent, proxy"


def test_what_a_site_still_serves_of_earlier_releases_is_there_to_be_read(walls: HostAccess, tmp_path: Path) -> None:
    """C6: the platform's own mounts pass its own walls."""
    kept = f"{tmp_path}/state/sites/shop.production"
    assert walls.broken_by(kept, read_only=True) == ""
    assert walls.broken_by(kept, read_only=False)
