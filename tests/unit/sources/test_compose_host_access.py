"""What of a Compose project hands the host to a container."""

from __future__ import annotations

import typing as t
from pathlib import Path

import pytest
from ansible_collections.tidegate.platform.plugins.module_utils._core.host.host_access import HostAccess, refuse_mounts
from ansible_collections.tidegate.platform.plugins.module_utils._core.sources.compose_host_access import refuse_project
from ansible_collections.tidegate.platform.plugins.module_utils._core.values.errors import InvalidOption

PLAIN = {"image": "app:1"}


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
