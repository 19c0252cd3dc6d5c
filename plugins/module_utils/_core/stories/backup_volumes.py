# Copyright: (c) 2026, tidegate.platform contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is in the named volumes of workloads, taken into a backup.

Whoever writes a volume stands still for as long as it is copied, so that it is as after a power cut at one moment,
which databases come back from.
"""

from __future__ import annotations

import contextlib
import os
import typing as t

from ..deploy import definitions
from ..engine.engine import Engine
from ..engine.listing import Holder, Mounted
from ..host import locks
from ..values.errors import BackupFailure
from ..values.identity import Subject, key_of
from ..values.release import Standing
from .backup_archive import Part
from .backup_compare import Look, left_out, look
from .call import Call

# What is dumped by its own program while it runs; a server that stands still is copied.
POSTGRES = Subject("postgres", "platform")
# What can be read again from elsewhere or is of this host alone.
LEFT_OUT = {Subject(name, "platform") for name in ("loki", "alloy", "traefik")}
TOP = "volumes"
# Seconds for which the engine may go on with what it has, after the run that fills a volume was killed.
SETTLED = 60.0
_READ = "See that root can read it (a share may refuse that: no_root_squash), or the engine's log."
Row = t.Dict[str, t.Any]


class VolumeCopies(t.NamedTuple):
    """Copies of volumes, what the manifest says of them, who stood still for how long, and what is not there whole."""

    parts: list[Part]
    rows: list[Row]
    paused: list[Row]
    lost: list[str]


def subjects_to_copy(
    known: t.Mapping[Subject, Standing], having: t.Iterable[Subject], *, volumes: bool, dumped: bool
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


def copy_volumes(call: Call, subjects: t.Iterable[Subject], work: str) -> VolumeCopies:
    """Copies of the volumes of these workloads, whether they have containers just now or not.

    :raises BackupFailure: the database is to be copied, and has no container by which it could be.
    """
    done = VolumeCopies([], [], [], [])
    for subject in subjects:
        found = _volumes(call, subject)
        if subject == POSTGRES and not found:
            remedy = "Start it (operate -e operation=start), and back up again."
            raise BackupFailure("does not run and has no container", subject="postgres", remedy=remedy)
        if not found:
            continue
        with contextlib.ExitStack() as held:
            writers = [writer.subject for writer in call.on.engine.volumes.writers(found).values()]
            for one in sorted({subject, *(other for other in writers if other.workload)}):
                held.enter_context(locks.held(call.on.state_dir, one, call.on.lock_timeout, call.clock))
            _save(call, subject, work, done)
    return done


def _volumes(call: Call, subject: Subject) -> dict[str, Mounted]:
    """A workload's volumes: those of its containers, and those that it has while one of them is not there."""
    engine, live = call.on.engine, call.on.store.known(subject).get(subject, Standing()).live
    named = dict.fromkeys(engine.volumes.of(subject), "/data")
    if live is not None:
        named.update(definitions.volumes_of(call.on, subject, live))
    image = live.image_id if live is not None else ""
    found = {volume: Mounted(volume, target, image, False) for volume, target in named.items()}
    mounted = [mount for mounts in _mounted(engine, subject).values() for mount in mounts]
    if subject == POSTGRES and live is not None and not mounted:
        return {}
    return {**found, **{mount.volume: mount for mount in mounted}}


def _mounted(engine: Engine, subject: Subject) -> dict[str, list[Mounted]]:
    """The volumes of a workload's containers."""
    return {
        container.name: engine.containers.mounts(container.name)
        for container in engine.containers.by_subject(subject).get(subject, ())
    }


def _save(call: Call, subject: Subject, work: str, done: VolumeCopies) -> None:
    """Add copies of one workload's volumes, which nobody writes meanwhile; and who stood still, for how long."""
    engine, but = call.on.engine, {row["name"] for row in done.rows}
    call.warnings += [
        f"The volume {mount.volume} of {name} has no name; what is in {mount.target} is not in the archive."
        for name, mounts in _mounted(engine, subject).items()
        for mount in mounts
        if mount.unnamed
    ]
    wanted = {name: m for name, m in sorted(_volumes(call, subject).items()) if not m.unnamed and name not in but}
    facts = engine.volumes.by_name()
    for name in wanted.keys() - facts.keys():
        text = f"The volume {name} of {key_of(*subject)} is not there, and so not in the archive; older archives stay."
        call.warnings.append(text)
        done.lost.append(name)
    found = {name: mount for name, mount in wanted.items() if name in facts}
    writers, looks = sorted(engine.volumes.writers(found)) if found else [], dict[str, t.Tuple[str, t.Optional[Look]]]()
    with contextlib.ExitStack() as held:
        holders = {
            volume: held.enter_context(engine.volumes.hold(volume, mount.target)) for volume, mount in found.items()
        }
        begun = call.clock.monotonic()
        with engine.containers.pause(*writers):
            for volume, mount in found.items():
                row = {**facts[volume]._asdict(), "target": mount.target, "image": mount.image}
                row["file"], since = f"volume-{len(done.rows)}.tar", call.clock.now()
                _copy(engine, holders[volume], work, row, done)
                looks[row["file"]] = volume, _look(engine, row, since)
            moved = engine.volumes.writers(found) if found else {}
        seconds = round(call.clock.monotonic() - begun, 3)
    restless = {volume for writer in moved.values() for volume in writer.volumes}
    for file, (volume, had) in looks.items():
        if had is not None and volume not in restless:  # what changes meanwhile is no copy of one moment anyway
            _compare(volume, os.path.join(work, file), had)
    done.paused.extend({"container": name, "seconds": seconds} for name in writers if name not in moved)
    for name, writer in moved.items():
        what = f"{', '.join(writer.volumes)} of {key_of(*subject)}"
        call.warnings.append(
            f"The container {name} did not stand still while {what} was copied, as it was started or crashes again and "
            "again: the copy may not be of one moment; older archives stay. See to it (docker logs), and back up again."
        )
        done.lost.extend(volume for volume in writer.volumes if volume not in done.lost)


def _look(engine: Engine, row: Row, since: float) -> Look | None:
    """A look into a volume where its files are to be seen on this host."""
    place = engine.volumes.place(row["name"])
    mounted = not row["options"] or os.path.ismount(place)  # else only while somebody runs on it
    with _readable(row["name"]):
        return look(place, since) if row["driver"] == "local" and mounted and os.path.isdir(place) else None


def _compare(volume: str, copy: str, had: Look) -> None:
    """See that a copy has all that is in its volume.

    :raises BackupFailure: something is not in it.
    """
    with _readable(volume):
        missing = left_out(copy, had)
    if missing:
        raise BackupFailure(f"the engine did not copy {missing}", subject=volume, remedy=_READ)


@contextlib.contextmanager
def _readable(volume: str) -> t.Iterator[None]:
    try:
        yield
    except OSError as error:
        cause = f"cannot be read whole: {error.filename}: {error.strerror}"
        raise BackupFailure(cause, subject=volume, remedy=_READ) from error


def _copy(engine: Engine, held: Holder, work: str, row: Row, done: VolumeCopies) -> None:
    """Write what is in a volume.

    :raises BackupFailure: somebody removed the container by which it is read.
    """
    path = os.path.join(work, row["file"])
    with open(path, "x+b") as stream:
        if not engine.containers.get_archive(*held, t.cast("t.IO[bytes]", stream)):
            raise BackupFailure("cannot be read any more", subject=row["name"], remedy="Back up again.")
    done.parts.append(Part(path, f"{TOP}/{row['file']}"))
    done.rows.append(row)
