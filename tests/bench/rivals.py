"""Rivals, unpacked from what PyPI has of them: community.docker in the `ansible` wheel, Compose in a source archive.

Nothing is installed: the collections are found by their path, and Compose by a client configuration of its own.
"""

from __future__ import annotations

import sys
import zipfile
from pathlib import Path

import names
import shell

# The newest whose community.docker supports this ansible-core.
WHEEL = "ansible==12.3.0"
WANTED = ("community/docker", "community/library_inventory_filtering_v1")


def collections() -> Path:
    """Folder with community.docker in it."""
    target = names.ROOT / ".cache" / "rivals"
    if not (target / "ansible_collections" / "community" / "docker").is_dir():
        downloads = names.ROOT / ".cache" / "downloads"
        argv = [
            sys.executable,
            "-m",
            "pip",
            "download",
            "-q",
            "--no-deps",
            "--only-binary",
            ":all:",
            "-d",
            str(downloads),
        ]
        shell.run([*argv, WHEEL])
        prefixes = tuple(f"ansible_collections/{name}/" for name in WANTED)
        with zipfile.ZipFile(next(downloads.glob("ansible-12.3.0*.whl"))) as archive:
            archive.extractall(target, [n for n in archive.namelist() if n.startswith(prefixes)])
    return target
