"""A host that is neither Debian nor Ubuntu: one whose dpkg and apt cannot be run, as nobody but the run sees."""

from __future__ import annotations

import json
import subprocess
import typing as t
from pathlib import Path

import pytest
import yaml
from harness.platforms import Platform

ROLES = Path(__file__).resolve().parents[2] / "roles"
APT = ("apt.yml", "have.yml", "packages.yml")
ALONE = 'mount --bind /dev/null /usr/bin/dpkg-query && mount --bind /dev/null /usr/bin/apt-get && exec "$@"'
ELSEWHERE = 'mount --bind "$0" /etc/os-release && ' + ALONE


def without_apt(platform: Platform, tmp_path: Path, *arguments: str, **extra: t.Any) -> str:
    """What a run on such a host says; it does not end well."""
    inventory, release = tmp_path / "inventory.json", tmp_path / "os-release"
    inventory.write_text(json.dumps({"all": {"hosts": platform.hosts()}}))
    release.write_text('NAME="AlmaLinux"\nID="almalinux"\nVERSION_ID="9.4"\nPRETTY_NAME="AlmaLinux 9.4"\n')
    argv = ["unshare", "-m", "sh", "-c", ELSEWHERE, str(release), "ansible-playbook", *arguments]
    argv += ["-i", str(inventory), "-e", json.dumps(extra)]
    done = subprocess.run(
        argv, env=platform.environment(tmp_path / "rows"), capture_output=True, text=True, check=False
    )
    assert done.returncode != 0, done.stdout
    assert "changed=0" in done.stdout
    return " ".join(done.stdout.split())


@pytest.mark.parametrize("extra", [{}, {"docker_source": "none"}], ids=["its engine", "an engine of one's own"])
def test_roles_refuse_a_host_without_apt(platform: Platform, tmp_path: Path, extra: dict[str, str]) -> None:
    """Before anything is touched, with what to do instead, for an engine of one's own by the role traefik."""
    said = without_apt(platform, tmp_path, "tidegate.platform.site", **extra)
    assert "Debian and Ubuntu" in said
    assert "Nothing was touched. Use such a host" in said


def test_a_restore_is_refused_there(platform: Platform, tmp_path: Path) -> None:
    """Its roles come in the middle of it."""
    said = without_apt(platform, tmp_path, "tidegate.platform.restore", archive="/nowhere", docker_source="none")
    assert "This host has no dpkg and apt" in said


def test_the_doctor_says_it(platform: Platform, tmp_path: Path) -> None:
    """Modules alone do without, so that it is a warning."""
    said = without_apt(platform, tmp_path, "tidegate.platform.doctor", domains="no-name.invalid")
    assert "AlmaLinux 9.4, without dpkg and apt" in said


def test_every_role_that_uses_apt_looks_for_it_first() -> None:
    """A walk over what roles include and run."""
    users = set()
    for path in sorted(ROLES.glob("*/tasks/*.yml")):
        text = path.read_text()
        if any(f"tasks_from: {name}" in text for name in APT) or "ansible.builtin.apt:" in text:
            users.add(path.parents[1].name)
    users.remove("platform_base")  # whose files these are
    assert users == {"docker", "traefik"}
    first = {role: yaml.safe_load((ROLES / role / "tasks" / "preflight.yml").read_text())[:2] for role in users}
    assert "apt.yml" in str(first["traefik"][0])
    assert "ansible_facts.distribution" in str(first["docker"][1])
