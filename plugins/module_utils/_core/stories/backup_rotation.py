# Copyright: (c) 2026, tidegate.platform contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which archives of a folder may go once there is a newer one.

Only those that this platform gave a name of its own: what a person named is a person's, and a folder may be shared by
hosts whose names begin alike or are the same, or by two platforms of one host, which the file of the checksum tells
apart. One that does not say of which machine it is, as those of earlier versions, may be another's and stays.
"""

from __future__ import annotations

import hashlib
import os
import re
import typing as t

from ..host import filesystem, locks
from ..values.grammar import place

# The second, and a number from the second archive of that second on.
STAMP = r"([0-9]{8}T[0-9]{6}Z)(?:-([2-9]|[1-9][0-9]+))?"
ENDING = ".sha256"
_WHOSE = "# platform "
_WHERE = "# machine "
_IDS = ("/etc/machine-id", "/var/lib/dbus/machine-id")


class Mine(t.NamedTuple):
    """Whose archives: this host's, of the platform in this state directory; without an id its name says which."""

    host: str
    state_dir: str
    machine: str = ""


def machine(paths: t.Sequence[str] = _IDS) -> str:
    """What tells this machine from others of its name; a hash, as its id is not for others. Empty where it has none."""
    for path in paths:
        try:
            with open(path, encoding="ascii", errors="replace") as stream:
                found = stream.read(64).strip()
        except OSError:
            continue
        if re.fullmatch("[0-9a-f]{32}", found):
            return hashlib.sha256(f"tidegate {found}".encode()).hexdigest()[:32]
    return ""


def default_name(mine: Mine, stamp: str, directory: str, ending: str) -> str:
    """What an archive is called that nobody named, without its ending; with a number where that is taken."""
    path = os.path.join(directory, f"tidegate-{mine.host}-{stamp}")
    return os.path.basename(filesystem.free(path, ending))


def checksum(mine: Mine, name: str, digest: str) -> str:
    """The text of the file beside an archive, as `sha256sum --check` reads it, which passes over comments."""
    where = f"{_WHERE}{mine.machine}\n" if mine.machine else ""
    return f"{digest}  {name}\n{_WHOSE}{mine.state_dir}\n{where}"


def removable(directory: str, mine: Mine, newest: str, written: float) -> list[str]:
    """Archives of this platform that are older than the newest one, newest first.

    :param newest: path of the archive that was made just now.
    :param written: when it was written; what was written since is not older, whatever its name says.
    """
    pattern = re.compile(rf"tidegate-{re.escape(mine.host)}-{STAMP}\.tar\.gz(\.enc)?")
    found = []
    for name in os.listdir(directory):
        path, match = os.path.join(directory, name), pattern.fullmatch(name)
        if match is None or path == newest or os.path.islink(path) or not os.path.isfile(path):
            continue
        if os.stat(path).st_mtime <= written and _is_of(path, mine):
            found.append((match.group(1), int(match.group(2) or 1), path))
    return [path for _stamp, _number, path in sorted(found, reverse=True)]


def rotate(directory: str, paths: t.Sequence[str], keep: int, spare: t.Collection[str]) -> list[str]:
    """Remove the oldest beyond so many; never one that somebody names, or that a restore reads just now."""
    gone = []
    for path in paths[keep:]:
        if any(os.path.exists(other) and os.path.samefile(path, other) for other in spare):
            continue
        with locks.alone(path) as mine:
            if mine:
                filesystem.discard(path)
                filesystem.discard(path + ENDING)
                gone.append(path)
    filesystem.sync_folder(directory)
    return sorted(gone)


def _is_of(path: str, mine: Mine) -> bool:
    """Whether an archive is this platform's, as the file beside it says."""
    try:
        with open(path + ENDING, encoding="utf-8", errors="replace") as stream:
            lines = stream.read(2**16).splitlines()
    except OSError:
        lines = []
    state = next((place(line[len(_WHOSE) :]) for line in lines if line.startswith(_WHOSE)), "")
    where = next((line[len(_WHERE) :] for line in lines if line.startswith(_WHERE)), "")
    return where == mine.machine and state in (mine.state_dir, "")
