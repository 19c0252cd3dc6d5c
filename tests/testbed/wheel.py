"""Collections of others, unpacked from the `ansible` wheel; nothing is installed, they are found by their path."""

from __future__ import annotations

import sys
import zipfile
from pathlib import Path

import names
import shell

# The newest that is made for this ansible-core.
VERSION = "12.3.0"


def collections(*wanted: str) -> Path:
    """Folder with these collections, each `namespace.name`, in it."""
    target = names.CACHE / "others"
    paths = [f"ansible_collections/{name.replace('.', '/')}/" for name in wanted]
    missing = tuple(path for path in paths if not (target / path / "MANIFEST.json").is_file())
    if missing:
        downloads = names.ROOT / ".cache" / "downloads"
        pip = [sys.executable, "-m", "pip", "download", "-q", "--no-deps", "--only-binary", ":all:"]
        shell.run([*pip, "-d", str(downloads), f"ansible=={VERSION}"])
        with zipfile.ZipFile(next(downloads.glob(f"ansible-{VERSION}*.whl"))) as archive:
            archive.extractall(target, [name for name in archive.namelist() if name.startswith(missing)])
    return target
