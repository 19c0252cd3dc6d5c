# Copyright: (c) 2026, tidegate.platform contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The only file that knows SQLite: one database file, its connection and its schema. Private to tidegate.platform."""

from __future__ import annotations

import contextlib
import os
import sqlite3
import typing as t
from contextlib import contextmanager

from . import _files
from ._errors import StoreFailure
from ._schema import MIGRATIONS

Connection = sqlite3.Connection


class Database:
    """The state database of one host; a thread takes one of its own.

    Reading never creates anything: on a virgin host it reads an empty database in memory.

    :param state_dir: folder of mode 0700 that holds it.
    """

    def __init__(self, state_dir: str) -> None:
        self.path = os.path.join(state_dir, "tidegate.db")
        self.state_dir = state_dir
        self._open: sqlite3.Connection | None = None
        self._in_memory = False

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
        except sqlite3.Error as error:
            raise self._failure("written", error) from error

    def copy_to(self, path: str) -> None:
        """A copy of one moment, whatever is written meanwhile.

        :raises StoreFailure: it cannot be read, or the copy not be written.
        """
        try:
            with contextlib.closing(sqlite3.connect(path)) as copy:
                self._connect(create=False).backup(copy)
        except sqlite3.Error as error:
            raise self._failure("copied", error) from error

    def _failure(self, what: str, error: Exception) -> StoreFailure:
        return StoreFailure(
            f"cannot be {what}: {error}", subject=self.path, remedy="Check its file system's space and permissions."
        )

    def _connect(self, create: bool) -> sqlite3.Connection:
        if self._open is not None and not (create and self._in_memory):
            return self._open
        exists = os.path.exists(self.path)
        self._in_memory = not (exists or create)
        if create:
            _files.private_folder(self.state_dir)
        db = sqlite3.connect(":memory:" if self._in_memory else self.path, timeout=30, isolation_level=None)
        if not exists:
            if not self._in_memory:
                os.chmod(self.path, 0o600)
            db.execute("PRAGMA journal_mode = WAL")
        self._migrate(db)
        self._open = db
        return db

    def _migrate(self, db: sqlite3.Connection) -> None:
        version = db.execute("PRAGMA user_version").fetchone()[0]
        if version > len(MIGRATIONS):
            raise StoreFailure(
                f"has schema {version}, newer than {len(MIGRATIONS)}",
                subject=self.path,
                remedy="Use the collection's version that wrote it, or a newer one.",
            )
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
