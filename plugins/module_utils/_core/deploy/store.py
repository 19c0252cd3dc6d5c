# Copyright: (c) 2026, tidegate.platform contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The record, written: deployments begin and are concluded; releases become live, or are gone back from. In SQL."""

from __future__ import annotations

import typing as t

from ..host.database import Connection
from ..values import release_text
from ..values.errors import Canceled
from ..values.identity import Subject, canonical
from ..values.release import Release
from .store_reads import CLAIMS, OF, SUBJECT, StoreReader


class NewAttempt(t.NamedTuple):
    """A deployment about to begin."""

    id: str
    workload: str
    environment: str
    strategy: str
    snapshot: str
    begun_at: float
    sequence: int | None = None
    fleet: str = ""
    held_until: float = 0.0
    leaves: str = ""
    leaves_why: str = ""


class Store(StoreReader):
    """What is on record on one host, and what becomes of it: every write is one transaction."""

    def begin(self, attempt: NewAttempt) -> None:
        """Record a deployment before it does anything."""
        with self.writing() as db:
            db.execute(
                "INSERT INTO deployments (id, workload, environment, strategy, status, snapshot, begun_at, sequence, "
                "fleet, held_until, leaves, leaves_why) VALUES (?, ?, ?, ?, 'prepare', ?, ?, ?, ?, ?, ?, ?)",
                attempt,
            )

    def propose(self, deployment: str, candidate: Release, claims: t.Collection[str] = ()) -> dict[str, Subject]:
        """Record the candidate, before its first container is made, and that nobody else may have its routes meanwhile.

        :param claims: those of the candidate, and of the release that it may be gone back to.
        :returns: whose they are already; nothing is recorded then.
        """
        with self.writing() as db:
            own = Subject(*db.execute(f"SELECT {SUBJECT} FROM deployments WHERE id = ?", (deployment,)).fetchone())
            had = {row[0]: Subject(*row[1:]) for row in db.execute(CLAIMS).fetchall()}
            taken = {claim: had[claim] for claim in claims if had.get(claim, own) != own}
            if taken:
                return taken
            rows = [(claim, deployment) for claim in claims]
            db.executemany("INSERT OR IGNORE INTO wanted VALUES (?, ?)", rows)
            text = release_text.to_text(candidate)
            db.execute("UPDATE deployments SET status = 'deploy', candidate = ? WHERE id = ?", (text, deployment))
        return {}

    def mark_staged(self, deployment: str) -> None:
        """Record that the candidate passed its gate and waits for its switch."""
        with self.writing() as db:
            db.execute("UPDATE deployments SET status = 'staged' WHERE id = ?", (deployment,))

    def hold(self, deployment: str, until: float) -> None:
        """Record that the fleet's run goes on, and until when it keeps this part of it."""
        with self.writing() as db:
            db.execute("UPDATE deployments SET held_until = ? WHERE id = ?", (until, deployment))

    def cancel(self, deployment: str) -> bool:
        """Ask for a cancellation; False when the deployment is live, or over, already."""
        may = "id = ? AND conclusion IS NULL AND status IN ('prepare', 'deploy', 'staged')"
        with self.writing() as db:
            return db.execute(f"UPDATE deployments SET cancel = 1 WHERE {may}", (deployment,)).rowcount == 1

    def journal(self, deployment: str, step: str, now: float) -> None:
        """Record that a step begins, and that the one before it ended."""
        with self.writing(durable=False) as db:
            db.execute("UPDATE journal SET ended_at = ? WHERE deployment = ? AND ended_at IS NULL", (now, deployment))
            db.execute(
                "INSERT INTO journal (deployment, number, step, begun_at) "
                "SELECT ?, COALESCE(MAX(number), 0) + 1, ?, ? FROM journal WHERE deployment = ?",
                (deployment, step, now, deployment),
            )

    def persist(self, subject: Subject, release: Release, claims: t.Sequence[str], now: float) -> None:
        """Make a release live and the one before it `previous`, with its claims, in one transaction.

        A deployment that goes back from a release withdraws it with that, whoever carries it on.

        :raises Canceled: somebody asked for that in time; nothing is changed.
        """
        with self.writing() as db:
            if db.execute("SELECT 1 FROM deployments WHERE id = ? AND cancel = 1", (release.id,)).fetchone():
                raise Canceled("canceled on request", remedy="Deploy again when it is wanted after all.")
            db.execute(
                "INSERT OR IGNORE INTO releases VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, NULL)",
                (release.id, *subject, *release_text.columns(release), now),
            )
            db.execute("UPDATE deployments SET status = 'finalize' WHERE id = ? AND conclusion IS NULL", (release.id,))
            db.execute(
                "INSERT INTO live VALUES (?, ?, ?, NULL, ?, ?) ON CONFLICT (workload, environment) DO UPDATE SET "
                "previous = CASE WHEN release = excluded.release THEN previous ELSE release END, "
                "release = excluded.release, state = excluded.state, since = excluded.since",
                (*subject, release.id, release.state, now),
            )
            left = "FROM deployments WHERE id = ?"
            db.execute(
                f"UPDATE releases SET withdrawn = (SELECT leaves_why {left}) "
                f"WHERE id = (SELECT leaves {left}) AND withdrawn IS NULL",
                (release.id, release.id),
            )
            _claim(db, subject, claims)

    def withdraw(self, subject: Subject, reason: str, back: Release | None, claims: t.Sequence[str]) -> None:
        """Go back from the live release to the one before it (or to none), in one transaction, and remember why."""
        live = f"(SELECT release FROM live WHERE {OF})"
        other = "id <> ? AND withdrawn IS NULL ORDER BY id DESC LIMIT 1"
        with self.writing() as db:
            if back is None:
                db.execute(f"UPDATE releases SET withdrawn = ? WHERE id = {live}", (reason, *subject))
                db.execute(f"DELETE FROM live WHERE {OF}", subject)
            else:
                # What serves again is good again, although a rollback that is now taken back had left it.
                db.execute("UPDATE releases SET withdrawn = NULL WHERE id = ?", (back.id,))
                where = f"id = {live} AND id <> ?"
                db.execute(f"UPDATE releases SET withdrawn = ? WHERE {where}", (reason, *subject, back.id))
                db.execute(
                    f"UPDATE live SET release = ?, state = ?, previous = (SELECT id FROM releases WHERE {OF} AND "
                    f"{other}) WHERE {OF}",
                    (back.id, back.state, *subject, back.id, *subject),
                )
            _claim(db, subject, claims)

    def forget(self, subject: Subject) -> None:
        """Nothing of the workload is live any more; its deployments stay on record, its releases can go."""
        with self.writing() as db:
            for table in ("live", "claims", "releases"):
                db.execute(f"DELETE FROM {table} WHERE {OF}", subject)

    def drop_releases(self, identities: t.Iterable[str]) -> None:
        """Forget releases that retention lets go."""
        with self.writing() as db:
            db.executemany("DELETE FROM releases WHERE id = ?", [(identity,) for identity in identities])

    def drop_deployments(self, identities: t.Sequence[str], before: float) -> None:
        """Forget deployments with their journal, and old events."""
        with self.writing() as db:
            for column, table in (("deployment", "journal"), ("id", "deployments")):
                db.executemany(f"DELETE FROM {table} WHERE {column} = ?", [(identity,) for identity in identities])
            db.execute("DELETE FROM events WHERE time < ?", (before,))

    def remember_pull(self, image_id: str, reference: str, now: float) -> None:
        """An image came here by a pull of ours."""
        with self.writing() as db:
            db.execute("INSERT OR REPLACE INTO pulled VALUES (?, ?, ?)", (image_id, reference, now))

    def forget_pull(self, image_id: str) -> None:
        """An image that was pulled here is gone."""
        with self.writing() as db:
            db.execute("DELETE FROM pulled WHERE image_id = ?", (image_id,))

    def conclude(self, deployment: str, conclusion: str, reason: str, now: float) -> None:
        """End a deployment, once, with its one terminal event (DS-16): no output and no secret in it."""
        open_one = "id = ? AND conclusion IS NULL"
        with self.writing() as db:
            rows = db.execute(
                f"SELECT workload, environment FROM deployments WHERE {open_one}", (deployment,)
            ).fetchall()
            db.execute(
                "UPDATE deployments SET status = 'completed', conclusion = ?, reason = ?, ended_at = ? "
                f"WHERE {open_one}",
                (conclusion, reason, now, deployment),
            )
            db.execute("DELETE FROM wanted WHERE deployment = ?", (deployment,))
            db.execute("UPDATE journal SET ended_at = ? WHERE deployment = ? AND ended_at IS NULL", (now, deployment))
            for workload, environment in rows:
                data = {"deployment": deployment, "environment": environment, "conclusion": conclusion}
                db.execute(
                    "INSERT INTO events (type, subject, time, data) VALUES (?, ?, ?, ?)",
                    ("tidegate.deployment.completed", workload, now, canonical(data)),
                )


def _claim(db: Connection, subject: Subject, claims: t.Sequence[str]) -> None:
    db.execute(f"DELETE FROM claims WHERE {OF}", subject)
    db.executemany("INSERT INTO claims VALUES (?, ?, ?)", [(claim, *subject) for claim in claims])
