# Copyright: (c) 2026, tidegate.platform contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The story of `platform_backup`."""

from __future__ import annotations

import contextlib
import grp
import gzip
import hashlib
import os
import shutil
import socket
import time
import typing as t

from ..decide.retention import retained
from ..deploy import stack_images
from ..engine import release_images
from ..engine.release_images import NeededImage
from ..host import filesystem, work_folder
from ..host.database import DAMAGED
from ..host.places import DATABASE, Places
from ..options.checks import positive
from ..options.snapshot import terms
from ..values.errors import BackupFailure, InvalidOption, RecordDamaged
from ..values.identity import Subject, key_of
from ..values.release import Standing
from . import backup_archive, backup_cipher, backup_rotation, backup_volumes
from .backup_archive import Part
from .call import Call, Result

# What a run makes anew; the database is copied by itself, as of one moment.
_WITHOUT = ("work", "locks", DATABASE, f"{DATABASE}-wal", f"{DATABASE}-shm")
DUMP = "postgres.sql.gz"
_COMPLETE = b"PostgreSQL database cluster dump complete"


class Job(t.NamedTuple):
    """What a backup takes in, and where it goes."""

    target: str
    mine: backup_rotation.Mine
    made_at: str
    known: dict[Subject, Standing]
    images: list[str]
    elsewhere: list[NeededImage]
    dumped: str | None


def backup(call: Call) -> Result:
    """An archive of everything that makes this host's platform, read again and compared before it gets its name."""
    job = _job(call)
    done: Result = {"changed": True, "images": job.images, "postgres": job.dumped is not None}
    if call.check:
        return {**done, "archive": job.target, "files": 0, "bytes": 0, "sha256": None, "removed": [], "paused": []}
    directory = os.path.dirname(job.target)
    with explain_disk(directory), work_folder.within(directory) as work:
        path, count, volumes = _write_archive(call, job, work)
        written, digest, size = os.path.getmtime(path), _digest(path), os.path.getsize(path)
        filesystem.sync(path)
        job = _name(call, job, path)
        text = backup_rotation.checksum(job.mine, os.path.basename(job.target), digest)
        filesystem.place(f"{job.target}{backup_rotation.ENDING}", text, 0o640, directory)
        removed = (
            [] if volumes.lost else _remove_old_archives(call, job, written)
        )  # one of those may have what this one has not
    facts = {"files": count, "bytes": size, "sha256": digest, "removed": removed, "paused": volumes.paused}
    return {**done, "archive": job.target, **facts}


def _name(call: Call, job: Job, path: str) -> Job:
    """Give the archive its name; where another backup, also of a host on the same share, came first, another one.

    :raises BackupFailure: it is a name that somebody gave.
    """
    while not filesystem.name_first(path, job.target):
        if call.params["name"]:
            raise BackupFailure("was made meanwhile", subject=job.target, remedy="Back up again.")
        job = job._replace(target=_target(call, job.mine, job.made_at))
    return job


def _target(call: Call, mine: backup_rotation.Mine, stamp: str) -> str:
    """Where the archive goes: by the name that somebody gave, or by one that is free."""
    directory, ending = call.params["directory"], ".tar.gz.enc" if call.params["passphrase"] else ".tar.gz"
    name = call.params["name"] or backup_rotation.default_name(mine, stamp, directory, ending)
    return os.path.join(directory, name + ending)


def _remove_old_archives(call: Call, job: Job, written: float) -> list[str]:
    """Remove what was asked to be removed, now that the new archive is whole and on the disk."""
    keep, directory = call.params["keep"], os.path.dirname(job.target)
    if keep is None:
        return []
    own = not call.params["name"]  # one that a person named is not one of those that are counted
    paths = backup_rotation.removable(directory, job.mine, job.target, written)
    return backup_rotation.rotate(directory, paths, keep - 1 if own else keep, call.params["spare"])


def _job(call: Call) -> Job:
    params, state = call.params, call.params["state_dir"]
    if params["keep"] is not None:
        positive("keep", params["keep"])
    if not os.path.exists(Places(state).database):
        raise InvalidOption("state_dir", state, "holds no platform", "Correct it, or deploy something first.")
    stamp = timestamp(call)
    mine = backup_rotation.Mine(socket.gethostname(), state, backup_rotation.machine())
    name, target = params["name"] or "", _target(call, mine, stamp)
    if os.path.sep in name or os.path.lexists(target):
        raise InvalidOption("name", name, "is taken, or no file name", "Choose another one.")
    if params["group"] and params["group"] not in {group.gr_name for group in grp.getgrall()}:
        remedy = "Run the role platform_base, which makes its group, or leave group out."
        raise InvalidOption("group", params["group"], "is no group of this host", remedy)
    known = call.on.store.known()
    server = known.get(backup_volumes.POSTGRES, Standing()).live
    dumped = server.containers[0] if server and server.state == "running" and server.containers else None
    images = _wanted(call, known)
    only_here = [release_images.name_of(call.on.engine, row) for row in images if not row.exact]
    elsewhere = [row for row in images if row.exact]
    return Job(target, mine, stamp, known, only_here if params["images"] else [], elsewhere, dumped)


def _write_archive(call: Call, job: Job, work: str) -> tuple[str, int, backup_volumes.VolumeCopies]:
    """The whole archive in a private folder, verified; how many files are in it, and what of volumes."""
    plain, passphrase = os.path.join(work, "plain"), call.params["passphrase"]
    releases = {key_of(*subject): known.live.id for subject, known in sorted(job.known.items()) if known.live}
    having = call.on.engine.volumes.by_subject()
    whose = backup_volumes.subjects_to_copy(
        job.known, having, volumes=call.params["volumes"], dumped=job.dumped is not None
    )
    volumes = backup_volumes.copy_volumes(call, whose, work)
    facts = {
        "volumes": volumes.rows,
        "state_dir": call.params["state_dir"],
        "host": socket.gethostname(),
        "made_at": job.made_at,
        "elsewhere": [row._asdict() for row in job.elsewhere],
    }
    with open(plain, "xb") as stream:
        manifest = backup_archive.write(
            stream, [*_parts(call, work, job), *volumes.parts], {**facts, "releases": releases}
        )
    path = backup_cipher.encrypt(plain, work, passphrase, call.clock)
    with backup_cipher.decrypt(path, work, passphrase, call.clock) as again:
        if backup_archive.verify(again) != manifest:
            raise BackupFailure("is not what was written", subject=path, remedy="Check the disk.")
    os.chmod(path, 0o640)
    if call.params["group"]:
        shutil.chown(path, group=call.params["group"])
    return path, len(manifest["files"]), volumes


def timestamp(call: Call) -> str:
    """The moment as names of archives and directories have it: UTC, to the second."""
    return time.strftime("%Y%m%dT%H%M%SZ", time.gmtime(call.clock.now()))


@contextlib.contextmanager
def explain_disk(directory: str) -> t.Iterator[None]:
    """Turn what the file system refuses, such as more than its disk has, into a failure that says where."""
    try:
        yield
    except OSError as error:
        cause = f"cannot be written: {error.strerror or error}"
        raise BackupFailure(cause, subject=directory, remedy="Check its space and permissions.") from error


def _wanted(call: Call, known: t.Mapping[Subject, Standing]) -> list[NeededImage]:
    """Images of the releases that are live or can be gone back to."""
    rows: list[NeededImage] = []
    for subject, has in known.items():
        for release in retained(call.on.store.releases(subject), has):
            live = has.live is not None and has.live.id == release.id
            if terms(release).is_stack:
                rows += stack_images.images(call.on, subject, release, live)
            else:
                rows += release_images.of_release(call.on.engine, release, live)
    return release_images.merged(rows)


def _parts(call: Call, work: str, job: Job) -> list[Part]:
    """The database comes first: what it names is kept for as long as its releases are."""
    copy = os.path.join(work, DATABASE)
    call.on.store.copy_to(copy)
    damage = call.on.store.damage()
    if damage:  # an archive of that would in time push the good ones out
        raise RecordDamaged(f"is damaged: {damage}", subject=call.on.store.path, remedy=DAMAGED)
    os.chmod(copy, 0o600)
    parts = [*backup_archive.parts_of(call.params["state_dir"], "state", _WITHOUT), Part(copy, f"state/{DATABASE}")]
    for number, name in enumerate(job.images):
        path = os.path.join(work, f"{number}.tar")
        with open(path, "x+b") as stream:
            call.on.engine.images.save(name, stream)
        parts.append(Part(path, f"images/{number}.tar"))
    if job.dumped is not None:
        path = os.path.join(work, DUMP)
        dump(call, job.dumped, path)
        parts.append(Part(path, DUMP))
    return parts


def dump(call: Call, container: str, path: str) -> None:
    """All databases of a running server, as a compressed file that was not there.

    :raises BackupFailure: it is not complete.
    """
    command = ["pg_dumpall", "-U", "postgres", "--clean", "--if-exists"]
    with gzip.open(path, "xb", compresslevel=backup_archive.LEVEL) as stream:
        code, said = call.on.engine.commands.run(container, command, t.cast("t.IO[bytes]", stream))
    os.chmod(path, 0o600)
    last = b""
    with gzip.open(path) as written:
        for line in written:
            last = line if _COMPLETE in line else last
    if code or not last:
        cause = f"the dump of PostgreSQL failed: {said or 'it is not complete'}"
        raise BackupFailure(cause, subject=container, remedy="See its logs; a server that is stopped is not dumped.")


def _digest(path: str) -> str:
    found = hashlib.sha256()
    with open(path, "rb") as stream:
        for data in iter(lambda: stream.read(2**20), b""):
            found.update(data)
    return found.hexdigest()
