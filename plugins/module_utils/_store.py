# Copyright: (c) 2026, tidegate.platform contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The only file that knows SQLite: deployments, releases, live pointers, journal, claims and event outbox.

Private to tidegate.platform. It is the host's truth about intent; labels on containers say who owns what.
"""

from __future__ import annotations

import json
import os
import sqlite3
import typing as t
from contextlib import contextmanager

from . import _files
from ._declared import canonical
from ._errors import StoreFailure
from ._model import Attempt, Release

SCHEMA_VERSION = 1
SCHEMA = """
CREATE TABLE deployments (
  id TEXT PRIMARY KEY, workload TEXT NOT NULL, environment TEXT NOT NULL, strategy TEXT NOT NULL,
  status TEXT NOT NULL, conclusion TEXT, reason TEXT NOT NULL DEFAULT '', snapshot TEXT NOT NULL,
  candidate TEXT, begun_at REAL NOT NULL, ended_at REAL);
CREATE INDEX deployments_open ON deployments (workload, environment) WHERE conclusion IS NULL;
CREATE TABLE journal (
  deployment TEXT NOT NULL REFERENCES deployments (id), number INTEGER NOT NULL, step TEXT NOT NULL,
  begun_at REAL NOT NULL, ended_at REAL, PRIMARY KEY (deployment, number));
CREATE TABLE releases (
  id TEXT PRIMARY KEY REFERENCES deployments (id), workload TEXT NOT NULL, environment TEXT NOT NULL,
  image TEXT NOT NULL, image_id TEXT NOT NULL, fingerprint TEXT NOT NULL, containers TEXT NOT NULL, route TEXT,
  snapshot TEXT NOT NULL, made_at REAL NOT NULL);
CREATE TABLE live (
  workload TEXT NOT NULL, environment TEXT NOT NULL, release TEXT NOT NULL REFERENCES releases (id),
  previous TEXT REFERENCES releases (id), state TEXT NOT NULL, since REAL NOT NULL,
  PRIMARY KEY (workload, environment));
CREATE TABLE claims (
  claim TEXT PRIMARY KEY, workload TEXT NOT NULL, environment TEXT NOT NULL);
CREATE TABLE events (
  id INTEGER PRIMARY KEY AUTOINCREMENT, type TEXT NOT NULL, subject TEXT NOT NULL, time REAL NOT NULL,
  data TEXT NOT NULL, delivered_at REAL);
"""
_RELEASE = "r.id, r.image, r.image_id, r.fingerprint, r.containers, r.route, r.snapshot"


class Store:
    """The state database of one host.

    Reading never creates anything: on a virgin host it reads an empty database in memory.

    :param state_dir: folder of mode 0700 that holds it.
    """

    def __init__(self, state_dir: str) -> None:
        self.path = os.path.join(state_dir, "tidegate.db")
        self.state_dir = state_dir
        self._open: sqlite3.Connection | None = None
        self._in_memory = False

    # -- reading ------------------------------------------------------------------------------------------------

    def live(self, workload: str, environment: str) -> tuple[Release | None, Release | None]:
        """The live release and the one before it."""
        query = (
            f"SELECT {_RELEASE}, l.state, l.previous FROM live l JOIN releases r ON r.id = l.release "
            "WHERE l.workload = ? AND l.environment = ?"
        )
        rows = self._rows(query, workload, environment)
        if not rows:
            return None, None
        return _release(rows[0][:7], rows[0][7]), self.release(rows[0][8])

    def release(self, identity: str | None) -> Release | None:
        """A release by id."""
        rows = self._rows(f"SELECT {_RELEASE} FROM releases r WHERE r.id = ?", identity) if identity else []
        return _release(rows[0]) if rows else None

    def attempt(self, workload: str, environment: str) -> Attempt | None:
        """The deployment that was begun and never concluded, if any."""
        query = "SELECT id, candidate FROM deployments WHERE workload = ? AND environment = ? AND conclusion IS NULL"
        rows = self._rows(f"{query} ORDER BY id DESC LIMIT 1", workload, environment)
        return Attempt(rows[0][0], _candidate(rows[0][1])) if rows else None

    def owners(self, claims: t.Sequence[str], workload: str, environment: str) -> tuple[tuple[str, str], ...]:
        """Which of these routes belong to another workload."""
        marks = ",".join("?" * len(claims))
        query = f"SELECT claim, workload, environment FROM claims WHERE claim IN ({marks})"
        rows = self._rows(query, *claims) if claims else []
        return tuple((c, f"{w} ({e})") for c, w, e in rows if (w, e) != (workload, environment))

    # -- writing ------------------------------------------------------------------------------------------------

    def begin(self, attempt: NewAttempt) -> None:
        """Record a deployment before it does anything."""
        with self._writing() as db:
            db.execute(
                "INSERT INTO deployments (id, workload, environment, strategy, status, snapshot, begun_at) "
                "VALUES (?, ?, ?, ?, 'prepare', ?, ?)",
                attempt,
            )

    def propose(self, deployment: str, candidate: Release) -> None:
        """Record the candidate, before its first container is made."""
        with self._writing() as db:
            text = canonical(_fields(candidate))
            db.execute("UPDATE deployments SET status = 'deploy', candidate = ? WHERE id = ?", (text, deployment))

    def journal(self, deployment: str, step: str, now: float) -> None:
        """Record that a step begins, and that the one before it ended."""
        with self._writing() as db:
            db.execute("UPDATE journal SET ended_at = ? WHERE deployment = ? AND ended_at IS NULL", (now, deployment))
            db.execute(
                "INSERT INTO journal (deployment, number, step, begun_at) "
                "SELECT ?, COALESCE(MAX(number), 0) + 1, ?, ? FROM journal WHERE deployment = ?",
                (deployment, step, now, deployment),
            )

    def persist(self, subject: tuple[str, str], release: Release, claims: t.Sequence[str], now: float) -> None:
        """Make a release live and the one before it `previous`, with its claims, in one transaction."""
        with self._writing() as db:
            db.execute(
                "INSERT OR IGNORE INTO releases VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                (release.id, *subject, *_columns(release), now),
            )
            db.execute("UPDATE deployments SET status = 'finalize' WHERE id = ? AND conclusion IS NULL", (release.id,))
            db.execute(
                "INSERT INTO live VALUES (?, ?, ?, NULL, ?, ?) ON CONFLICT (workload, environment) DO UPDATE SET "
                "previous = CASE WHEN release = excluded.release THEN previous ELSE release END, "
                "release = excluded.release, state = excluded.state, since = excluded.since",
                (*subject, release.id, release.state, now),
            )
            db.execute("DELETE FROM claims WHERE workload = ? AND environment = ?", subject)
            db.executemany("INSERT INTO claims VALUES (?, ?, ?)", [(claim, *subject) for claim in claims])

    def forget(self, subject: tuple[str, str]) -> None:
        """Nothing of the workload is live any more; its deployments stay on record."""
        with self._writing() as db:
            db.execute("DELETE FROM live WHERE workload = ? AND environment = ?", subject)
            db.execute("DELETE FROM claims WHERE workload = ? AND environment = ?", subject)

    def conclude(self, deployment: str, conclusion: str, reason: str, now: float) -> None:
        """End a deployment, once, with its one terminal event (DS-16): no output and no secret in it."""
        open_one = "id = ? AND conclusion IS NULL"
        with self._writing() as db:
            rows = db.execute(
                f"SELECT workload, environment FROM deployments WHERE {open_one}", (deployment,)
            ).fetchall()
            db.execute(
                "UPDATE deployments SET status = 'completed', conclusion = ?, reason = ?, ended_at = ? "
                f"WHERE {open_one}",
                (conclusion, reason, now, deployment),
            )
            db.execute("UPDATE journal SET ended_at = ? WHERE deployment = ? AND ended_at IS NULL", (now, deployment))
            for workload, environment in rows:
                data = {"deployment": deployment, "environment": environment, "conclusion": conclusion}
                db.execute(
                    "INSERT INTO events (type, subject, time, data) VALUES (?, ?, ?, ?)",
                    ("tidegate.deployment.completed", workload, now, canonical(data)),
                )

    # -- the connection -----------------------------------------------------------------------------------------

    def _rows(self, query: str, *values: t.Any) -> list[t.Any]:
        try:
            return self._connect(create=False).execute(query, values).fetchall()
        except sqlite3.Error as error:
            raise self._failure("read", error) from error

    @contextmanager
    def _writing(self) -> t.Iterator[sqlite3.Connection]:
        try:
            with self._connect(create=True) as db:
                db.execute("BEGIN IMMEDIATE")
                yield db
        except sqlite3.Error as error:
            raise self._failure("written", error) from error

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
        db.execute("PRAGMA synchronous = FULL")
        self._migrate(db)
        self._open = db
        return db

    def _migrate(self, db: sqlite3.Connection) -> None:
        version = db.execute("PRAGMA user_version").fetchone()[0]
        if version > SCHEMA_VERSION:
            raise StoreFailure(
                f"has schema {version}, newer than {SCHEMA_VERSION}",
                subject=self.path,
                remedy="Use the collection's version that wrote it, or a newer one.",
            )
        if version == 0:
            db.execute("BEGIN EXCLUSIVE")
            try:
                # Another run may have made it between our look and our lock.
                if db.execute("PRAGMA user_version").fetchone()[0] == 0:
                    for statement in SCHEMA.split(";"):
                        db.execute(statement)
                    db.execute(f"PRAGMA user_version = {SCHEMA_VERSION}")
            finally:
                db.execute("COMMIT")


class NewAttempt(t.NamedTuple):
    """A deployment about to begin."""

    id: str
    workload: str
    environment: str
    strategy: str
    snapshot: str
    begun_at: float


def _columns(release: Release) -> tuple[t.Any, ...]:
    route = None if release.route is None else canonical(release.route)
    return (
        release.image,
        release.image_id,
        release.fingerprint,
        canonical(release.containers),
        route,
        canonical(release.snapshot),
    )


def _release(row: t.Sequence[t.Any], state: str = "running") -> Release:
    identity, image, image_id, fingerprint, containers, route, snapshot = row
    return Release(
        id=identity,
        image=image,
        image_id=image_id,
        fingerprint=fingerprint,
        containers=tuple(json.loads(containers)),
        route=json.loads(route) if route else None,
        snapshot=json.loads(snapshot),
        state=state,
    )


def _fields(release: Release) -> list[t.Any]:
    return [release.id, *_columns(release)]


def _candidate(text: str | None) -> Release | None:
    return _release(json.loads(text)) if text else None
