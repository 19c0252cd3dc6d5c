# Copyright: (c) 2026, tidegate.platform contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The stories of `platform_backup` and `platform_restore`. Private to tidegate.platform."""

from __future__ import annotations

import contextlib
import glob
import gzip
import hashlib
import os
import shutil
import socket
import tempfile
import time
import typing as t

from . import _archive, _files, _process
from ._archive import Part
from ._building import REPOSITORY
from ._call import Call, Result
from ._declared import Subject
from ._errors import BackupFailure, InvalidOption
from ._model import Known
from ._names import key_of
from ._options import positive

DATABASE = "tidegate.db"
# What a run makes anew; the database is copied by itself, as of one moment.
_WITHOUT = ("work", "locks", DATABASE, f"{DATABASE}-wal", f"{DATABASE}-shm")
POSTGRES = Subject("postgres", "platform")
DUMP = "postgres.sql.gz"
# Where the role `postgres` looks for what it has to restore.
RESTORED_DUMP = os.path.join("platform", "postgres-upgrade.sql.gz")
_COMPLETE = b"PostgreSQL database cluster dump complete"
CIPHER = ("openssl", "enc", "-aes-256-cbc", "-pbkdf2", "-iter", "600000")
SECONDS = 3600.0


def backup(call: Call) -> Result:
    """An archive of everything that makes this host's platform, read again and compared before it gets its name."""
    params, state = call.params, call.params["state_dir"]
    positive("keep", params["keep"])
    if not os.path.exists(os.path.join(state, DATABASE)):
        raise InvalidOption("state_dir", state, "holds no platform", "Correct it, or deploy something first.")
    stamp = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime(call.clock.now()))
    name = params["name"] or f"tidegate-{socket.gethostname()}-{stamp}"
    ending = ".tar.gz.enc" if params["passphrase"] else ".tar.gz"
    target = os.path.join(params["directory"], name + ending)
    if os.path.sep in name or os.path.exists(target):
        raise InvalidOption("name", name, "is taken, or no file name", "Choose another one.")
    known = call.on.store.known()
    images = _built(call, known) if params["images"] else []
    database = known.get(POSTGRES, Known()).live
    dumped = database.containers[0] if database and database.state == "running" else None
    document = {"changed": True, "archive": target, "images": images, "postgres": dumped is not None}
    if call.check:
        return {**document, "files": 0, "bytes": 0, "sha256": None, "removed": []}
    os.makedirs(params["directory"], mode=0o750, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=params["directory"], prefix=".tidegate-") as work:
        parts = _parts(call, work, images, dumped)
        plain = os.path.join(work, "plain")
        facts = {"state_dir": state, "host": socket.gethostname(), "made_at": stamp}
        with open(plain, "xb") as stream:
            manifest = _archive.write(stream, parts, {**facts, "releases": _releases(known)})
        done = _encrypted(call, plain, work, params["passphrase"])
        with _readable(call, done, params["passphrase"], work) as again:
            if _archive.verify(again) != manifest:
                raise BackupFailure("is not what was written", subject=done, remedy="Check the disk.")
        os.chmod(done, 0o640)
        if params["group"]:
            shutil.chown(done, group=params["group"])
        digest, size = _digest(done), os.path.getsize(done)
        os.rename(done, target)
    _files.place(f"{target}.sha256", f"{digest}  {os.path.basename(target)}\n", 0o640, params["directory"])
    return {
        **document,
        "files": len(manifest["files"]),
        "bytes": size,
        "sha256": digest,
        "removed": _rotate(params["directory"], params["keep"], target),
    }


def restore(call: Call) -> Result:
    """Put a backup's records, secrets, certificates and images on this host; reconciliation then makes it run."""
    params, state = call.params, call.params["state_dir"]
    parent = os.path.dirname(os.path.abspath(state))
    os.makedirs(parent, exist_ok=True)
    with (
        tempfile.TemporaryDirectory(dir=parent, prefix=".tidegate-") as work,
        _readable(call, params["archive"], params["passphrase"], work) as plain,
    ):
        manifest = _archive.verify(plain)
        if manifest["state_dir"] != state:
            cause = f"is not {manifest['state_dir']}, where the archive comes from and its containers look"
            raise InvalidOption("state_dir", state, cause, "Use the same directory.")
        there = os.path.exists(os.path.join(state, DATABASE))
        if there and not params["replace"]:
            remedy = "Back it up, then set replace, which removes its containers and puts its directory aside."
            raise InvalidOption("replace", False, f"but {state} holds a platform", remedy)
        aside = f"{state}.before-{time.strftime('%Y%m%dT%H%M%SZ', time.gmtime(call.clock.now()))}"
        document = {
            "changed": True,
            "releases": manifest["releases"],
            "made_at": manifest["made_at"],
            "host": manifest["host"],
            "postgres": DUMP in manifest["files"],
            "aside": aside if os.path.exists(state) else None,
        }
        if not call.check:
            _put(call, plain, work, aside, manifest)
    return document


def _put(call: Call, plain: str, work: str, aside: str, manifest: t.Mapping[str, t.Any]) -> None:
    """Everything is unpacked before anything is removed; the two renames are what a crash can come between."""
    state, engine = call.params["state_dir"], call.on.engine
    images = sorted(name for name in manifest["files"] if name.startswith("images/"))
    fresh = os.path.join(work, "state")
    os.mkdir(fresh)
    _archive.unpack(plain, "state", fresh)
    for top in (*images, DUMP) if DUMP in manifest["files"] else images:
        _archive.unpack(plain, top, os.path.join(work, os.path.basename(top)))
    for name in images:
        with open(os.path.join(work, os.path.basename(name)), "rb") as stream:
            engine.load(stream)
    if DUMP in manifest["files"]:
        os.makedirs(os.path.join(fresh, "platform"), mode=0o700, exist_ok=True)
        os.rename(os.path.join(work, DUMP), os.path.join(fresh, RESTORED_DUMP))
    for found in engine.containers().values():
        for container in found:
            engine.remove(container.name)
    if os.path.exists(state):
        os.rename(state, aside)
    os.rename(fresh, state)
    _files.sync_folder(os.path.dirname(os.path.abspath(state)))


def _built(call: Call, known: t.Mapping[Subject, Known]) -> list[str]:
    """Names of images that no registry has, of the releases that are live or can be gone back to."""
    names = {
        entry.release.image
        for subject in known
        for entry in call.on.store.releases(subject)
        if entry.release.image.startswith(f"{REPOSITORY}/") and call.on.engine.image(entry.release.image)
    }
    return sorted(names)


def _releases(known: t.Mapping[Subject, Known]) -> dict[str, str]:
    return {key_of(*subject): entry.live.id for subject, entry in sorted(known.items()) if entry.live}


def _parts(call: Call, work: str, images: list[str], dumped: str | None) -> list[Part]:
    """The database comes first: what it names is kept for as long as its releases are."""
    copy = os.path.join(work, DATABASE)
    call.on.store.copy_to(copy)
    os.chmod(copy, 0o600)
    parts = [*_archive.parts_of(call.params["state_dir"], "state", _WITHOUT), Part(copy, f"state/{DATABASE}")]
    for number, name in enumerate(images):
        path = os.path.join(work, f"{number}.tar")
        with open(path, "xb") as stream:
            call.on.engine.save(name, stream)
        parts.append(Part(path, f"images/{number}.tar"))
    if dumped is not None:
        path = os.path.join(work, DUMP)
        _dump(call, dumped, path)
        parts.append(Part(path, DUMP))
    return parts


def _dump(call: Call, container: str, path: str) -> None:
    command = ["pg_dumpall", "-U", "postgres", "--clean", "--if-exists"]
    with gzip.open(path, "xb", compresslevel=_archive.LEVEL) as stream:
        code, said = call.on.engine.output(container, command, t.cast("t.IO[bytes]", stream))
    os.chmod(path, 0o600)
    last = b""
    with gzip.open(path) as written:
        for line in written:
            last = line if _COMPLETE in line else last
    if code or not last:
        raise BackupFailure(f"the dump of PostgreSQL failed: {said or 'it is not complete'}", subject=container)


def _encrypted(call: Call, plain: str, work: str, passphrase: str | None) -> str:
    if not passphrase:
        return plain
    target = os.path.join(work, "encrypted")
    _openssl(call, ["-e", "-in", plain, "-out", target], passphrase, work)
    os.unlink(plain)
    return target


@contextlib.contextmanager
def _readable(call: Call, path: str, passphrase: str | None, work: str) -> t.Iterator[str]:
    """The archive as it was before it was encrypted, for the length of a block."""
    if not os.path.isfile(path):
        raise InvalidOption("archive", path, "is not a file of this host", "Correct it, or bring the archive here.")
    if not passphrase:
        yield path
        return
    plain = os.path.join(work, "decrypted")
    _openssl(call, ["-d", "-in", path, "-out", plain], passphrase, work)
    try:
        yield plain
    finally:
        os.unlink(plain)


def _openssl(call: Call, words: list[str], passphrase: str, work: str) -> None:
    secret = os.path.join(work, "passphrase")
    _files.place(secret, passphrase, 0o600, work)
    try:
        done = _process.run([*CIPHER, *words, "-pass", f"file:{secret}"], call.clock, SECONDS)
    finally:
        os.unlink(secret)
    if done.code:
        remedy = "Give the passphrase that the archive was made with."
        raise BackupFailure(f"openssl: {(done.err.splitlines() or ['it failed'])[0]}", subject=words[2], remedy=remedy)


def _digest(path: str) -> str:
    found = hashlib.sha256()
    with open(path, "rb") as stream:
        for data in iter(lambda: stream.read(2**20), b""):
            found.update(data)
    return found.hexdigest()


def _rotate(directory: str, keep: int, newest: str) -> list[str]:
    """Remove the oldest archives of this host beyond so many."""
    pattern = os.path.join(glob.escape(directory), f"tidegate-{socket.gethostname()}-*.tar.gz*")
    found = [path for path in glob.glob(pattern) if not path.endswith(".sha256") and path != newest]
    gone = sorted(found, key=os.path.getmtime, reverse=True)[max(keep - 1, 0) :]
    for path in gone:
        _files.discard(path)
        _files.discard(f"{path}.sha256")
    return sorted(gone)
