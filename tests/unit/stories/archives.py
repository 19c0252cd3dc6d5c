"""A small archive of a backup."""

from __future__ import annotations

from pathlib import Path

from ansible_collections.tidegate.platform.plugins.module_utils._core.stories import backup_archive


def folder(place: Path) -> Path:
    """A small state directory."""
    (place / "secrets" / "shop").mkdir(parents=True)
    (place / "work" / "left").mkdir(parents=True)
    (place / "secrets" / "shop" / "key").write_bytes(b"secret")
    (place / "secrets" / "shop" / "key").chmod(0o400)
    (place / "link").symlink_to("/etc/passwd")
    (place / "empty").touch()
    return place


def made(place: Path) -> Path:
    """Its archive."""
    path = place / "a.tar.gz"
    with path.open("xb") as stream:
        parts = backup_archive.parts_of(str(folder(place / "state")), "state", ("work",))
        backup_archive.write(stream, parts, {"host": "h"})
    return path
