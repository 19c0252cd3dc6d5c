# Copyright: (c) 2026, tidegate.platform contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The record: deployments, releases, live pointers, journal, claims and event outbox, in SQL.

It is the host's truth about intent; labels on containers say who owns what.
"""

from __future__ import annotations

import re
import typing as t

from ..decide.routes_today import current
from ..host.database import Connection, Database
from ..options.snapshot import terms
from ..values import record
from ..values.errors import Canceled
from ..values.identity import Subject, canonical
from ..values.release import Attempt, Kept, Known, Release

_OF = "workload = ? AND environment = ?"
_RELEASE = "r.id, r.image, r.image_id, r.fingerprint, r.containers, r.route, r.snapshot"
_WIDTH = 7
_SUBJECT = "workload, environment"
_BEGUN = "EXISTS (SELECT 1 FROM journal j WHERE j.deployment = d.id AND j.step IN"
_CLAIMS = (
    f"SELECT claim, {_SUBJECT} FROM claims UNION ALL "
    f"SELECT claim, {_SUBJECT} FROM wanted JOIN deployments ON id = deployment WHERE conclusion IS NULL"
)
_TRAILING = re.compile(r"(./[^ ]*[^/])/+ on ")  # claims of earlier versions kept the slash at the end of a path
_LISTED = ("id", "strategy", "status", "conclusion", "reason", "sequence", "begun_at", "ended_at")


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


class Made(t.NamedTuple):
    """A deployment on record, by what it may have made: containers that carry its id, or services of a definition."""

    id: str
    begun_at: float
    artifact: str
    compose: bool


class Store(Database):
    """What is on record on one host: deployments, releases, live pointers, journal, claims, events, pulled images."""

    # -- reading ------------------------------------------------------------------------------------------------

    def known(self, subject: Subject | None = None) -> dict[Subject, Known]:
        """What is known of every workload, or of one: two queries, however many there are."""
        where, values = (f"WHERE l.{_OF.replace('AND ', 'AND l.')}", subject) if subject else ("", ())
        found: dict[Subject, Known] = {}
        for row in self.rows(
            f"SELECT l.workload, l.environment, l.state, l.since, d.sequence, r.id = l.release, {_RELEASE} FROM live l "
            f"JOIN releases r ON r.id IN (l.release, l.previous) LEFT JOIN deployments d ON d.id = l.release {where}",
            *values,
        ):
            key, before = Subject(*row[:2]), found.get(Subject(*row[:2]), Known())
            if row[5]:
                live = self._release(row[6:], row[2])
                found[key] = before._replace(live=live, since=row[3], sequence=row[4])
            else:
                found[key] = before._replace(previous=self._release(row[6:]))
        where = where.replace("l.", "d.").replace("WHERE", "AND")
        for row in self.rows(
            "SELECT d.workload, d.environment, d.id, d.candidate, d.status, r.withdrawn IS NOT NULL OR d.cancel, "
            f"d.fleet, d.held_until, {_BEGUN} ('stop')), {_BEGUN} ('undivert', 'persist')) "
            f"FROM deployments d LEFT JOIN releases r ON r.id = d.id WHERE d.conclusion IS NULL {where} ORDER BY d.id",
            *values,
        ):
            key, candidate = Subject(*row[:2]), self._candidate(row[3])
            attempt = Attempt(row[2], candidate, row[4], bool(row[5]), row[6], row[7], *map(bool, row[8:]))
            found[key] = found.get(key, Known())._replace(attempt=attempt)
        return found

    def newest(self, subject: Subject) -> str:
        """Id of the newest deployment on record; an empty text without any."""
        rows = self.rows(f"SELECT MAX(id) FROM deployments WHERE {_OF}", *subject)
        return rows[0][0] or ""

    def releases(self, subject: Subject) -> list[Kept]:
        """Releases on record, newest first."""
        query = f"SELECT {_RELEASE}, r.made_at, r.withdrawn FROM releases r WHERE {_OF} ORDER BY id DESC"
        rows = self.rows(query, *subject)
        return [Kept(self._release(row[:_WIDTH]), *row[_WIDTH:]) for row in rows]

    def made(self, subject: Subject) -> list[Made]:
        """Every deployment on record that may have made something."""
        rows = self.rows(f"SELECT id, begun_at, candidate FROM deployments WHERE {_OF}", *subject)
        proposed = [(row, self._candidate(row[2])) for row in rows]
        return [
            Made(row[0], row[1], one.image_id if one else "", one is not None and terms(one).is_stack)
            for row, one in proposed
        ]

    def claims(self) -> dict[str, Subject]:
        """Who has which route, or may come to have it by a deployment that is under way."""
        rows = self.rows(_CLAIMS)
        return {_TRAILING.sub(r"\1 on ", row[0]): Subject(*row[1:]) for row in rows}

    def deployments(self, subject: Subject, limit: int) -> list[dict[str, t.Any]]:
        """The last deployments, newest first, as documents."""
        query = f"SELECT {', '.join(_LISTED)} FROM deployments WHERE {_OF} ORDER BY id DESC LIMIT ?"
        return [dict(zip(_LISTED, row)) for row in self.rows(query, *subject, limit)]

    def step(self, deployment: str) -> str:
        """The last step that a deployment began."""
        query = "SELECT step FROM journal WHERE deployment = ? ORDER BY number DESC LIMIT 1"
        rows = self.rows(query, deployment)
        return rows[0][0] if rows else ""

    def conclusion(self, deployment: str) -> str | None:
        """How a deployment ended, None while it has not."""
        rows = self.rows("SELECT conclusion FROM deployments WHERE id = ?", deployment)
        return rows[0][0] if rows else None

    def canceling(self, deployment: str) -> bool:
        """True when somebody asked for the deployment to be canceled."""
        return bool(self.rows("SELECT 1 FROM deployments WHERE id = ? AND cancel = 1", deployment))

    def pulled(self) -> list[tuple[str, str]]:
        """Id and reference of every image that was pulled here."""
        return [tuple(row) for row in self.rows("SELECT image_id, reference FROM pulled ORDER BY at")]

    def _release(self, columns: t.Sequence[t.Any], state: str = "running") -> Release:
        """A release in today's form."""
        with self.decoding():
            return current(record.from_columns(columns, state))

    def _candidate(self, text: str | None) -> Release | None:
        """What a deployment proposed, as it was written."""
        with self.decoding():
            return record.from_text(text) if text else None

    # -- writing ------------------------------------------------------------------------------------------------

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
            own = Subject(*db.execute(f"SELECT {_SUBJECT} FROM deployments WHERE id = ?", (deployment,)).fetchone())
            had = {row[0]: Subject(*row[1:]) for row in db.execute(_CLAIMS).fetchall()}
            taken = {claim: had[claim] for claim in claims if had.get(claim, own) != own}
            if taken:
                return taken
            rows = [(claim, deployment) for claim in claims]
            db.executemany("INSERT OR IGNORE INTO wanted VALUES (?, ?)", rows)
            text = record.to_text(candidate)
            db.execute("UPDATE deployments SET status = 'deploy', candidate = ? WHERE id = ?", (text, deployment))
        return {}

    def staged(self, deployment: str) -> None:
        """Record that the candidate passed its gate and waits for its switch."""
        with self.writing() as db:
            db.execute("UPDATE deployments SET status = 'staged' WHERE id = ?", (deployment,))

    def hold(self, deployment: str, until: float) -> None:
        """Record that the fleet's run goes on, and until when it keeps this part of it."""
        with self.writing() as db:
            db.execute("UPDATE deployments SET held_until = ? WHERE id = ?", (until, deployment))

    def of_fleet(self, subject: Subject, fleet: str) -> set[str]:
        """The deployments that a fleet's run made of a workload."""
        query = f"SELECT id FROM deployments WHERE fleet = ? AND {_OF}"
        return {row[0] for row in self.rows(query, fleet, *subject)}

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
                (release.id, *subject, *record.columns(release), now),
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
        live = f"(SELECT release FROM live WHERE {_OF})"
        other = "id <> ? AND withdrawn IS NULL ORDER BY id DESC LIMIT 1"
        with self.writing() as db:
            if back is None:
                db.execute(f"UPDATE releases SET withdrawn = ? WHERE id = {live}", (reason, *subject))
                db.execute(f"DELETE FROM live WHERE {_OF}", subject)
            else:
                # What serves again is good again, although a rollback that is now taken back had left it.
                db.execute("UPDATE releases SET withdrawn = NULL WHERE id = ?", (back.id,))
                where = f"id = {live} AND id <> ?"
                db.execute(f"UPDATE releases SET withdrawn = ? WHERE {where}", (reason, *subject, back.id))
                db.execute(
                    f"UPDATE live SET release = ?, state = ?, previous = (SELECT id FROM releases WHERE {_OF} AND "
                    f"{other}) WHERE {_OF}",
                    (back.id, back.state, *subject, back.id, *subject),
                )
            _claim(db, subject, claims)

    def forget(self, subject: Subject) -> None:
        """Nothing of the workload is live any more; its deployments stay on record, its releases can go."""
        with self.writing() as db:
            for table in ("live", "claims", "releases"):
                db.execute(f"DELETE FROM {table} WHERE {_OF}", subject)

    def drop_releases(self, identities: t.Iterable[str]) -> None:
        """Forget releases that retention lets go."""
        with self.writing() as db:
            db.executemany("DELETE FROM releases WHERE id = ?", [(identity,) for identity in identities])

    def old_deployments(self, before: float, keep: int, but: t.Container[str] = ()) -> list[str]:
        """Concluded deployments that are old, beyond the newest `keep` of each workload, and made no kept release.

        :param but: releases that are about to go.
        """
        query = (
            "SELECT id, id IN (SELECT id FROM releases) FROM (SELECT id, ended_at, ROW_NUMBER() OVER (PARTITION BY "
            "workload, environment ORDER BY id DESC) AS rank FROM deployments WHERE conclusion IS NOT NULL) "
            "WHERE rank > ? AND ended_at < ? ORDER BY id"
        )
        return [identity for identity, kept in self.rows(query, keep, before) if not kept or identity in but]

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
    db.execute(f"DELETE FROM claims WHERE {_OF}", subject)
    db.executemany("INSERT INTO claims VALUES (?, ?, ?)", [(claim, *subject) for claim in claims])
