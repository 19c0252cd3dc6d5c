# Copyright: (c) 2026, tidegate.platform contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The only file that knows SQLite: one database file, its connection and its schema."""

from __future__ import annotations

import contextlib
import os
import shutil
import sqlite3
import tempfile
import typing as t
from contextlib import contextmanager
from urllib.parse import quote

from ..values.errors import RecordDamaged, StoreFailure
from . import filesystem, locks, restoring
from .places import Places
from .schema import MIGRATIONS

Connection = sqlite3.Connection
DAMAGED = (
    "Run the playbook restore with a good archive and -e replace=true, which keeps this one aside; without an archive, "
    "move tidegate.db and what begins so away, and deploy what runs again, which is taken over as it is."
)
_NO_ROOM = "Its file system is full: free some space (such as by journalctl --vacuum-size=100M), and run this again."
_ROOM = 2**20
# In memory, as long as a host has one of them: where the record is copied to that cannot be read in its place.
_ELSEWHERE = ("/dev/shm", "/run", tempfile.gettempdir())  # noqa: S108


class Database:
    """The state database of one host; a thread takes one of its own.

    Reading never creates anything: on a virgin host it reads an empty database in memory. Where SQLite cannot make the
    file that it needs beside a database, because there is no room or nothing may be written, a copy in memory is read.

    :param state_dir: folder of mode 0700 that holds it.
    """

    def __init__(self, state_dir: str) -> None:
        self.path = Places(state_dir).database
        self.state_dir = state_dir
        self._open: sqlite3.Connection | None = None
        self._in_memory = self._copied = False

    def rows(self, query: str, *values: t.Any) -> list[t.Any]:
        """What a query gives.

        :raises StoreFailure: the file cannot be read.
        """
        try:
            return self._connect(create=False).execute(query, values).fetchall()
        except sqlite3.Error as error:
            raise self._failure("read", error) from error

    @contextmanager
    def writing(self, durable: bool = True) -> t.Iterator[sqlite3.Connection]:
        """One transaction; one that is not durable outlives the process, but perhaps not a power cut."""
        try:
            db = self._connect(create=True)
            db.execute(f"PRAGMA synchronous = {'FULL' if durable else 'NORMAL'}")
            with db:
                db.execute("BEGIN IMMEDIATE")
                yield db
        except (sqlite3.Error, OSError) as error:
            raise self._failure("written", error) from error

    def copy_to(self, path: str) -> None:
        """A copy of one moment, whatever is written meanwhile.

        :raises StoreFailure: it cannot be read, or the copy not be written.
        """
        try:
            with contextlib.closing(sqlite3.connect(path)) as copy:
                self._connect(create=False).backup(copy)
        except sqlite3.Error as error:
            raise self._failure(f"copied to {path}", error) from error

    def damage(self) -> str:
        """What SQLite's own check finds wrong; empty where all is whole, or nothing was written yet."""
        try:
            found = self._connect(create=False).execute("PRAGMA quick_check(1)").fetchone()[0]
        except sqlite3.Error as error:
            raise self._failure("read", error) from error
        return "" if found == "ok" else " ".join(str(found).split())

    @contextmanager
    def decoding(self) -> t.Iterator[None]:
        """What is inside of a text has no checksum of SQLite's: one that cannot be taken apart is damaged, too."""
        try:
            yield
        except (ValueError, TypeError, KeyError) as error:
            cause = f"is damaged: what it holds cannot be taken apart ({error})"
            raise RecordDamaged(cause, subject=self.path, remedy=DAMAGED) from error

    @staticmethod
    def check(path: str) -> None:
        """See that a database that is not in use could be this platform's record; nothing of it is changed.

        :raises StoreFailure: it is damaged, or newer than this version of the collection.
        """
        try:
            with contextlib.closing(sqlite3.connect(f"file:{quote(path)}?immutable=1", uri=True)) as db:
                version = db.execute("PRAGMA user_version").fetchone()[0]
                found = str(db.execute("PRAGMA quick_check(1)").fetchone()[0])
        except sqlite3.Error as error:
            raise RecordDamaged(f"cannot be read: {error}", subject=path, remedy="Use another archive.") from error
        if found != "ok" or not version:
            raise RecordDamaged(f"is no whole record: {found}", subject=path, remedy="Use another archive.")
        if version > len(MIGRATIONS):
            raise _too_new(path, version)

    def _failure(self, what: str, error: Exception) -> StoreFailure:
        # The subclasses of this error are of the world around, but for texts that are none; itself is of the file.
        if error.__class__ is sqlite3.DatabaseError or "decode" in str(error):
            return RecordDamaged(f"is damaged and cannot be {what}: {error}", subject=self.path, remedy=DAMAGED)
        room = filesystem.free_bytes(self.state_dir)
        remedy = "Check its file system's space and permissions." if room is None or room >= _ROOM else _NO_ROOM
        return StoreFailure(f"cannot be {what}: {error}", subject=self.path, remedy=remedy)

    def _connect(self, create: bool) -> sqlite3.Connection:
        stale = self._in_memory and (create or os.path.exists(self.path))
        stale = stale or (create and self._copied)
        if self._open is not None and not stale:
            return self._open
        if not os.path.exists(self.path):
            restoring.refuse(self.state_dir, self.path)
        if create:
            self._found()
        self._open = None  # what cannot be opened for writing leaves no copy that is written instead
        self._in_memory, self._copied = not os.path.exists(self.path), False
        self._open = self._opened(":memory:") if self._in_memory else self._of_disk(create)
        return self._open

    def _of_disk(self, create: bool) -> sqlite3.Connection:
        """The file itself; to read, a copy of it where SQLite cannot work in its place."""
        try:
            return self._opened(self.path)
        except sqlite3.OperationalError as error:
            if create or "locked" in str(error):
                raise
            copy = self._copy()
            if copy is None:
                raise
            self._copied = True
            return copy

    def _copy(self) -> sqlite3.Connection | None:
        """The record in memory, with what its journal has; None where no file system takes the copy on its way."""
        for place in _ELSEWHERE:
            with contextlib.suppress(OSError), tempfile.TemporaryDirectory(dir=place, prefix="tidegate-") as folder:
                path = os.path.join(folder, os.path.basename(self.path))
                for end in ("", "-wal"):
                    if os.path.exists(self.path + end):
                        shutil.copyfile(self.path + end, path + end)
                with contextlib.closing(self._opened(path)) as found:
                    copy = sqlite3.connect(":memory:", isolation_level=None)
                    found.backup(copy)
                return copy
        return None

    def _found(self) -> None:
        """Make the database where there is none. Nobody sees it before it has its journal mode and its tables.

        SQLite refuses a change of the journal mode at once, whatever the time-out, while another connection reads.
        """
        with locks.directory(filesystem.private_folder(self.state_dir)):
            if os.path.exists(self.path):
                return
            draft = f"{self.path}.new"
            for end in ("", "-journal", "-wal", "-shm"):  # of a run that was killed here
                filesystem.discard(draft + end)
            with contextlib.closing(self._opened(draft)) as db:
                os.chmod(draft, 0o600)
                db.execute("PRAGMA journal_mode = WAL")
            filesystem.rename(draft, self.path)

    def _opened(self, path: str) -> sqlite3.Connection:
        db = sqlite3.connect(path, timeout=30, isolation_level=None)
        self._migrate(db, path)
        return db

    def _migrate(self, db: sqlite3.Connection, path: str) -> None:
        version = db.execute("PRAGMA user_version").fetchone()[0]
        if not version and path == self.path:  # it never had that name before its tables were made
            raise RecordDamaged("is damaged: nothing is in it", subject=path, remedy=DAMAGED)
        if version > len(MIGRATIONS):
            raise _too_new(self.path, version)
        if version == len(MIGRATIONS):
            return
        db.execute("BEGIN EXCLUSIVE")
        try:
            # Another run may have done it between our look and our lock.
            for step in MIGRATIONS[db.execute("PRAGMA user_version").fetchone()[0] :]:
                for statement in step.split(";"):
                    db.execute(statement)
            db.execute(f"PRAGMA user_version = {len(MIGRATIONS)}")
        except sqlite3.Error:
            db.execute("ROLLBACK")
            raise
        db.execute("COMMIT")


def _too_new(path: str, version: int) -> StoreFailure:
    cause = f"has schema {version}, newer than {len(MIGRATIONS)}"
    remedy = "Use the collection's version that wrote it, or a newer one."
    return StoreFailure(cause, subject=path, remedy=remedy)
