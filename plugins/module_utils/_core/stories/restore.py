# Copyright: (c) 2026, tidegate.platform contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The story of `platform_restore`."""

from __future__ import annotations

import contextlib
import os
import typing as t

from ..engine import release_images
from ..engine.release_images import NeededImage
from ..host import filesystem, locks, restoring, work_folder
from ..host.database import Database
from ..host.places import DATABASE, Places
from ..values.errors import BackupFailure, InvalidOption, RecordDamaged
from ..values.grammar import place
from . import backup_archive, backup_cipher, backup_volumes, restore_volumes
from .backup import DUMP, dump, explain_disk, timestamp
from .call import Call, Result

# Where the role `postgres` looks for what it has to restore.
RESTORED_DUMP = os.path.join("platform", "postgres-restore.sql.gz")
# What the server had whose platform was replaced.
KEPT_DUMP = "postgres-before-restore.sql.gz"


def restore(call: Call) -> Result:
    """Put a backup's records, secrets, certificates and images on this host; reconciliation then makes it run."""
    parent = os.path.dirname(os.path.abspath(call.params["state_dir"]))
    archive, secret = call.params["archive"], call.params["passphrase"]
    with contextlib.ExitStack() as held:
        held.enter_context(explain_disk(parent))
        work = held.enter_context(work_folder.within(parent))
        held.enter_context(_held(archive))
        return _restore(call, held.enter_context(backup_cipher.decrypt(archive, work, secret, call.clock)), work)


def _held(archive: str) -> t.ContextManager[None]:
    """Nobody's rotation removes the archive while it is read."""
    return locks.shared(archive) if os.path.isfile(archive) else contextlib.nullcontext()


def _restore(call: Call, plain: str, work: str) -> Result:
    state, manifest = call.params["state_dir"], backup_archive.verify(plain)
    if place(manifest["state_dir"]) != state:
        cause = f"is not {manifest['state_dir']}, where the archive comes from and its containers look"
        raise InvalidOption("state_dir", state, cause, "Use the same directory.")
    _refuse_taken(call, state)
    _check_record(plain, work)
    aside = filesystem.free(f"{state}.before-{timestamp(call)}")
    absent = release_images.missing(call.on.engine, (NeededImage(**row) for row in manifest["elsewhere"]))
    document = {
        "changed": True,
        **{name: manifest[name] for name in ("releases", "made_at", "host")},
        "postgres": DUMP in manifest["files"],
        "pulled": [row.reference for row in absent],
        "volumes": [row["name"] for row in manifest.get("volumes", ())],
        "aside": restoring.kept(state, Places(state).database) or (aside if os.path.exists(state) else None),
    }
    if not call.check:
        call.warnings += release_images.fetch(call.on.engine, absent, call.interrupts.check)
        _put(call, plain, work, aside, manifest)
    else:
        restore_volumes.warn_of_existing(call, manifest.get("volumes", ()))
    return document


def _refuse_taken(call: Call, state: str) -> None:
    """See that what is here may go, and can go, before anything is touched."""
    here = sorted(c.name for found in call.on.engine.containers.by_subject().values() for c in found)
    if not call.params["replace"] and (os.path.exists(Places(state).database) or here):
        remedy = "Back it up, then set replace, which removes its containers and puts its directory aside."
        raise InvalidOption("replace", False, f"but {state} holds a platform", remedy)
    if os.path.ismount(state):
        cause = "is a mount point, which cannot be put aside"
        raise InvalidOption("state_dir", state, cause, "Mount the directory above it instead.")


def _check_record(plain: str, work: str) -> None:
    """See that the archive's record is one that this version can read, before anything is removed for it."""
    copy = os.path.join(work, "record")
    backup_archive.unpack(plain, f"state/{DATABASE}", copy)
    if not os.path.isfile(copy):
        raise BackupFailure("holds no record of a platform", subject=plain, remedy="Use another archive.")
    Database.check(copy)
    os.unlink(copy)


def _put(call: Call, plain: str, work: str, aside: str, manifest: t.Mapping[str, t.Any]) -> None:
    """Everything is unpacked before anything is removed; a note tells of a crash that comes between the two renames."""
    state, engine = call.params["state_dir"], call.on.engine
    images = sorted(name for name in manifest["files"] if name.startswith("images/"))
    _keep_database(call)
    fresh = os.path.join(work, "state")
    os.mkdir(fresh)
    backup_archive.unpack(plain, "state", fresh)
    for top in (*images, DUMP) if DUMP in manifest["files"] else images:
        backup_archive.unpack(plain, top, os.path.join(work, os.path.basename(top)))
    for name in images:
        with open(os.path.join(work, os.path.basename(name)), "rb") as stream:
            engine.images.load(stream)
    restore_volumes.put(call, plain, work, manifest.get("volumes", ()))
    if DUMP in manifest["files"]:
        os.makedirs(os.path.join(fresh, "platform"), mode=0o700, exist_ok=True)
        os.rename(os.path.join(work, DUMP), os.path.join(fresh, RESTORED_DUMP))
    filesystem.sync_tree(fresh)
    there = engine.containers.by_subject()
    with contextlib.ExitStack() as held:
        for subject in there if os.path.exists(state) else ():  # no run is in the middle of a deployment
            held.enter_context(locks.held(state, subject, call.on.lock_timeout, call.clock))
        for container in [container for found in there.values() for container in found]:
            engine.containers.remove(container.name)
        restoring.begin(state, Places(state).database, aside)
        if os.path.exists(state):
            os.rename(state, aside)
        filesystem.rename(fresh, state)
        restoring.end(state)


def _keep_database(call: Call) -> None:
    """Of a platform whose record is damaged there is no archive: what its database has is kept in what is put aside."""
    servers = call.on.engine.containers.by_subject(backup_volumes.POSTGRES).get(backup_volumes.POSTGRES, ())
    running = next((container.name for container in servers if container.state == "running"), None)
    if running is None or not _damaged(call):
        return
    folder = Places(call.params["state_dir"]).platform
    os.makedirs(folder, mode=0o700, exist_ok=True)
    path = os.path.join(folder, KEPT_DUMP)
    filesystem.discard(path)
    dump(call, running, path)
    filesystem.sync(path)


def _damaged(call: Call) -> bool:
    """Whether there is a record that is not what was written."""
    store = call.store
    try:
        store.known()
        return bool(store.damage())
    except RecordDamaged:
        return True
