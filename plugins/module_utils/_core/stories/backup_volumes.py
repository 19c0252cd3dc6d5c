# Copyright: (c) 2026, tidegate.platform contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is in the named volumes of workloads: taken into a backup, and put on a host that does not have them.

Whoever writes a volume stands still for as long as it is copied, so that it is as after a
power cut at one moment, which databases come back from.
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import typing as t

from ..deploy import stacks
from ..engine.engine import Engine
from ..engine.listing import LABEL_RESTORED, Holder, Mounted
from ..host import filesystem, locks, restoring
from ..sources.compose_volumes import Named
from ..values.actual import Known
from ..values.errors import BackupFailure
from ..values.grammar import key_of
from ..values.workload import Subject
from . import backup_archive
from .backup_archive import Part
from .call import Call

# What is dumped by its own program while it runs; a server that stands still is copied.
POSTGRES = Subject("postgres", "platform")
# What can be read again from elsewhere or is of this host alone.
LEFT_OUT = {Subject(name, "platform") for name in ("loki", "alloy", "traefik")}
TOP = "volumes"
# Seconds for which the engine may go on with what it has, after the run that fills a volume was killed.
SETTLED = 60.0
Row = t.Dict[str, t.Any]


class Saved(t.NamedTuple):
    """Copies of volumes, what the manifest says of them, for how long which container stood still, and what is gone."""

    parts: list[Part]
    rows: list[Row]
    paused: list[Row]
    lost: list[str]


def taken(
    known: t.Mapping[Subject, Known], having: t.Iterable[Subject], *, volumes: bool, dumped: bool
) -> list[Subject]:
    """Whose volumes belong into an archive; the database belongs into each, as a dump or as what is on its disk.

    :param having: who has volumes, also of workloads that were torn down.
    :param volumes: whether those of workloads were asked for.
    :param dumped: whether the database is in the archive by its dump.
    """
    live = {subject for subject in known if known[subject].live is not None}
    return [
        subject
        for subject in sorted({*live, *having})
        if (not dumped if subject == POSTGRES and subject in live else volumes and subject not in LEFT_OUT)
    ]


def saved(call: Call, subjects: t.Iterable[Subject], work: str) -> Saved:
    """Copies of the volumes of these workloads, whether they have containers just now or not.

    :raises BackupFailure: the database is to be copied, and has no container by which it could be.
    """
    done = Saved([], [], [], [])
    for subject in subjects:
        found = _volumes(call, subject)
        if subject == POSTGRES and not found:
            remedy = "Start it (operate -e operation=start), and back up again."
            raise BackupFailure("does not run and has no container", subject="postgres", remedy=remedy)
        if not found:
            continue
        with contextlib.ExitStack() as held:
            writers = call.on.engine.writers(found).values()
            for one in sorted({subject, *(other for other in writers if other.workload)}):
                held.enter_context(locks.held(call.on.state_dir, one, call.on.lock_timeout, call.clock))
            _save(call, subject, work, done)
    return done


def _volumes(call: Call, subject: Subject) -> dict[str, Mounted]:
    """A workload's volumes: those of its containers, and those that it has while one of them is not there."""
    engine, live = call.on.engine, call.on.store.known(subject).get(subject, Known()).live
    named = dict.fromkeys(engine.volumes(subject), "/data")
    if live is not None:
        named.update(stacks.volumes_of(call.on, subject, live))
    image = live.image_id if live is not None else ""
    found = {volume: Mounted(volume, target, image, False) for volume, target in named.items()}
    mounted = [mount for mounts in _mounted(engine, subject).values() for mount in mounts]
    if subject == POSTGRES and live is not None and not mounted:
        return {}
    return {**found, **{mount.volume: mount for mount in mounted}}


def _mounted(engine: Engine, subject: Subject) -> dict[str, list[Mounted]]:
    """The volumes of a workload's containers."""
    return {container.name: engine.mounted(container.name) for container in engine.containers(subject).get(subject, ())}


def _save(call: Call, subject: Subject, work: str, done: Saved) -> None:
    """Add copies of one workload's volumes, which nobody writes meanwhile; and who stood still, for how long."""
    engine, but = call.on.engine, {row["name"] for row in done.rows}
    call.warnings += [
        f"The volume {mount.volume} of {name} has no name; what is in {mount.target} is not in the archive."
        for name, mounts in _mounted(engine, subject).items()
        for mount in mounts
        if mount.unnamed
    ]
    wanted = {name: m for name, m in sorted(_volumes(call, subject).items()) if not m.unnamed and name not in but}
    facts = engine.named_volumes()
    for name in wanted.keys() - facts.keys():
        text = f"The volume {name} of {key_of(*subject)} is not there, and so not in the archive; older archives stay."
        call.warnings.append(text)
        done.lost.append(name)
    found = {name: mount for name, mount in wanted.items() if name in facts}
    writers = sorted(engine.writers(found)) if found else []
    with contextlib.ExitStack() as held:
        holders = {volume: held.enter_context(engine.holding(volume, mount.target)) for volume, mount in found.items()}
        begun = call.clock.monotonic()
        with engine.paused(*writers):
            for volume, mount in found.items():
                row = {**facts[volume]._asdict(), "target": mount.target, "image": mount.image}
                _copy(engine, holders[volume], work, {**row, "file": f"volume-{len(done.rows)}.tar"}, done)
        seconds = round(call.clock.monotonic() - begun, 3)
    done.paused.extend({"container": name, "seconds": seconds} for name in writers)


def _copy(engine: Engine, held: Holder, work: str, row: Row, done: Saved) -> None:
    """Write what is in a volume.

    :raises BackupFailure: somebody removed the container by which it is read.
    """
    path = os.path.join(work, row["file"])
    with open(path, "x+b") as stream:
        if not engine.archive(*held, t.cast("t.IO[bytes]", stream)):
            raise BackupFailure("cannot be read any more", subject=row["name"], remedy="Back up again.")
    done.parts.append(Part(path, f"{TOP}/{row['file']}"))
    done.rows.append(row)


class Begun(t.NamedTuple):
    """What the note says: volumes that are not filled to their ends, by the marks that they bear, and since when."""

    path: str
    marks: dict[str, str]
    until: float

    def keep(self) -> None:
        """Have on the disk what is known now."""
        if self.marks:
            filesystem.place(self.path, json.dumps(self.marks), 0o600, os.path.dirname(self.path))
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


def left(call: Call, rows: t.Sequence[Row], begun: Begun | None = None) -> list[Row]:
    """Those volumes of an archive that a restore leaves as they are, because they are here; and says so of each.

    :param begun: what is ours to fill; what the note says if omitted.
    """
    mine, here = begun or _begun(call), call.on.engine.named_volumes()
    found = [row for row in rows if row["name"] in here and row["name"] not in mine.marks]
    call.warnings += [_left(row, "was there already") for row in found]
    return found


def put(call: Call, plain: str, work: str, rows: t.Sequence[Row]) -> None:
    """Make the volumes that are not here, with what was in them; one that is here is left as it is.

    A note says which volumes are being filled, and by which mark on them a restore after an interrupted one knows them.
    """
    begun = _begun(call)
    begun.keep()
    stay = left(call, rows, begun)
    wanted = [row for row in rows if row not in stay]
    if not wanted:
        return
    os.mkdir(os.path.join(work, TOP))
    backup_archive.unpack(plain, TOP, os.path.join(work, TOP))
    for row in wanted:
        _fill(call, row, begun, os.path.join(work, TOP, row["file"]))
        begun.marks.pop(row["name"], None)
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
    """What a restore before this one did not fill to the end, and nobody has used or replaced since."""
    state, engine = call.params["state_dir"], call.on.engine
    marks, written = restoring.unfilled(state)
    said, here = Begun(restoring.volumes(state), marks, written + SETTLED), engine.named_volumes() if marks else {}
    mine = {name: mark for name, mark in marks.items() if name in here and _ours(engine, here[name], said)}
    return said._replace(marks=mine)


def _ours(engine: Engine, volume: Named, begun: Begun) -> bool:
    """Whether a volume is the very one that an interrupted restore made, and nobody has used it since."""
    mark = volume.labels.get(LABEL_RESTORED)
    if mark is None or mark != begun.marks.get(volume.name) or engine.volume_users(volume.name):
        return False
    return not engine.newer(volume.name, begun.until)


def _elsewhere(row: Row) -> bool:
    """Whether what is in a volume may be there without it: in a directory, on a share, or wherever a plug-in has it."""
    return row["driver"] != "local" or "device" in row["options"]


def _fill(call: Call, row: Row, begun: Begun, path: str) -> None:
    """Make a volume with the content of a copy; data that lie elsewhere, and are there, are left as they are."""
    engine, name, elsewhere = call.on.engine, row["name"], _elsewhere(row)
    have = engine.named_volumes().get(name)
    if have is not None and not _ours(engine, have, begun):
        call.warnings.append(_left(row, "was made meanwhile"))
        return
    if have is not None and elsewhere and not engine.empty(name):
        remedy = f"Empty {row['options'].get('device') or 'the place where its data lie'}, and restore again."
        raise BackupFailure("was half filled by an interrupted restore", subject=name, remedy=remedy)
    mark = begun.marks.get(name) or os.urandom(16).hex()
    if not elsewhere:
        begun.marks[name] = mark
        begun.keep()
        if have is not None:
            engine.remove_volume(name)
    engine.ensure_volume(name, {**row["labels"], LABEL_RESTORED: mark}, row["driver"], row["options"], managed=False)
    if engine.named_volumes()[name].labels.get(LABEL_RESTORED) != mark:
        call.warnings.append(_left(row, "was made meanwhile"))
        return
    if elsewhere and not engine.empty(name):
        call.warnings.append(_left(row, "has data already"))
        return
    if not backup_archive.is_folder(path):
        why = f"earlier versions did not follow the link that its image has at {row['target']}"
        call.warnings.append(f"Nothing of the volume {name} is in the archive ({why}). It was made, and is empty.")
        return
    begun.marks[name] = mark  # of data elsewhere only now: what was there before is no half of ours
    begun.keep()
    with _Reading(path, begun.path) as stream:
        engine.fill(name, row["target"], stream)
