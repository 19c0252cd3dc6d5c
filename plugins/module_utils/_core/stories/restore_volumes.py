# Copyright: (c) 2026, tidegate.platform contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The contents of volumes from a backup: put back where nothing is, or where they were put half."""

from __future__ import annotations

import io
import json
import os
import typing as t

from ..engine.listing import LABEL_RESTORED
from ..host import filesystem, restoring
from ..host.places import Places
from ..values.errors import BackupFailure
from ..values.volume import Named
from . import backup_archive
from .backup_volumes import SETTLED, TOP, Row
from .call import Call


class Begun(t.NamedTuple):
    """What the note says: volumes that are not filled to their ends, by the marks that they bear.

    :param halves: what an earlier restore left half filled, until this one is at it.
    """

    path: str
    marks: dict[str, str]
    halves: dict[str, restoring.Half]

    def keep(self) -> None:
        """Have on the disk what is known now; what this restore is not at keeps its moment."""
        if self.marks:
            rows = {name: self.halves.get(name, mark) for name, mark in self.marks.items()}
            filesystem.place(self.path, json.dumps(rows), 0o600, os.path.dirname(self.path))
        else:
            filesystem.remove(self.path)


class _Reading(io.FileIO):
    """A copy that a volume is filled from; while that goes on, the note is fresh."""

    def __init__(self, path: str, note: str) -> None:
        super().__init__(path)
        self._note = note

    def read(self, size: int | None = -1) -> bytes:
        """The next bytes."""
        os.utime(self._note)
        return super().read(-1 if size is None else size) or b""


def warn_of_existing(call: Call, rows: t.Sequence[Row], begun: Begun | None = None) -> list[Row]:
    """Those volumes of an archive that a restore leaves as they are, because they are here; and says so of each.

    :param begun: what the note says; it is read if omitted.
    :raises BackupFailure: one was half filled, and is not ours alone any more.
    """
    begun, here = begun or _begun(call), call.on.engine.volumes.by_name()
    found = [row for row in rows if row["name"] in here and not _ours(call, here[row["name"]], begun)]
    call.warnings += [_left(row, "was there already") for row in found]
    return found


def put(call: Call, plain: str, work: str, rows: t.Sequence[Row]) -> None:
    """Make the volumes that are not here, with what was in them; one that is here is left as it is.

    A note says which volumes are being filled, and by which mark on them a restore after an interrupted one knows them.
    """
    begun = _begun(call)
    stay = warn_of_existing(call, rows, begun)
    begun.keep()
    wanted = [row for row in rows if row not in stay]
    if not wanted:
        return
    os.mkdir(os.path.join(work, TOP))
    backup_archive.unpack(plain, TOP, os.path.join(work, TOP))
    for row in wanted:
        _fill(call, row, begun, os.path.join(work, TOP, row["file"]))
        begun.marks.pop(row["name"], None)
        begun.halves.pop(row["name"], None)
        begun.keep()


def _left(row: Row, why: str) -> str:
    """What is said of a volume that is left as it is, and how somebody gets the archive's all the same."""
    name = row["name"]
    return (
        f"The volume {name} {why} and is as it was; the archive's was not put in its place. To have the archive's, "
        f"copy what is in it away (docker run --rm -v {name}:/from:ro -v {name}-aside:/to IMAGE cp -a /from/. /to), "
        f"remove its containers and then it (docker volume rm {name}; where its data lie elsewhere, empty that place), "
        "and restore again with replace=true."
    )


def _begun(call: Call) -> Begun:
    """What a restore before this one did not fill to the end, and nobody has replaced since."""
    halves = restoring.unfilled(call.params["state_dir"])
    here = call.on.engine.volumes.by_name() if halves else {}
    mine = {name: half for name, half in halves.items() if name in here and _marked(here[name], half.mark)}
    return Begun(Places(call.params["state_dir"]).filling, {name: half.mark for name, half in mine.items()}, mine)


def _marked(volume: Named, mark: str | None) -> bool:
    return mark is not None and volume.labels.get(LABEL_RESTORED) == mark


def _ours(call: Call, volume: Named, begun: Begun) -> bool:
    """Whether a volume is the very one that an interrupted restore made.

    :raises BackupFailure: it is, and somebody has used it since. Who only looked into it did not make it whole, and
        what somebody wrote is not replaced: which of both it was is not to be seen, and a person has to say.
    """
    engine, name = call.on.engine, volume.name
    if not _marked(volume, begun.marks.get(name)):
        return False
    users = sorted(engine.volumes.users(name))
    half = begun.halves.get(name)
    if half is None or not (users or engine.volumes.has_newer(name, half.until + SETTLED, call.clock.now())):
        return True
    since = f"used by {', '.join(users)}" if users else "written into since"
    place = volume.options.get("device")
    gone = f"empty {place}" if place else f"remove it (docker volume rm {name})"
    first = f"remove {', '.join(users)}, which lets go of it" if users else gone
    remedy = f"To have the archive's, {first}; or, if what is in it is right, remove {begun.path}. Then restore again."
    raise BackupFailure(f"was half filled by an interrupted restore, and {since}", subject=name, remedy=remedy)


def _elsewhere(row: Row) -> bool:
    """Whether what is in a volume may be there without it: in a directory, on a share, or wherever a plug-in has it."""
    return row["driver"] != "local" or "device" in row["options"]


def _fill(call: Call, row: Row, begun: Begun, path: str) -> None:
    """Make a volume with the content of a copy; data that lie elsewhere, and are there, are left as they are."""
    engine, name, elsewhere = call.on.engine, row["name"], _elsewhere(row)
    have = engine.volumes.by_name().get(name)
    if have is not None and not _ours(call, have, begun):
        call.warnings.append(_left(row, "was made meanwhile"))
        return
    if have is not None and elsewhere and not engine.volumes.is_empty(name):
        remedy = f"Empty {row['options'].get('device') or 'the place where its data lie'}, and restore again."
        raise BackupFailure("was half filled by an interrupted restore", subject=name, remedy=remedy)
    mark = begun.marks.get(name) or os.urandom(16).hex()
    if not elsewhere:
        begun.marks[name] = mark
        begun.halves.pop(name, None)
        begun.keep()
        if have is not None:
            engine.volumes.remove(name)
    engine.volumes.ensure(name, {**row["labels"], LABEL_RESTORED: mark}, row["driver"], row["options"], managed=False)
    if engine.volumes.by_name()[name].labels.get(LABEL_RESTORED) != mark:
        call.warnings.append(_left(row, "was made meanwhile"))
        return
    if elsewhere and not engine.volumes.is_empty(name):
        call.warnings.append(_left(row, "has data already"))
        return
    if not backup_archive.is_folder(path):
        why = f"earlier versions did not follow the link that its image has at {row['target']}"
        call.warnings.append(f"Nothing of the volume {name} is in the archive ({why}). It was made, and is empty.")
        return
    begun.marks[name] = mark  # of data elsewhere only now: what was there before is no half of ours
    begun.halves.pop(name, None)
    begun.keep()
    with _Reading(path, begun.path) as stream:
        engine.volumes.fill(name, row["target"], stream)
