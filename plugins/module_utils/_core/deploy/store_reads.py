# Copyright: (c) 2026, tidegate.platform contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is on record, read: live and earlier releases, deployments under way, claims, pulled images. In SQL.

It is the host's truth about intent; labels on containers say who owns what.
"""

from __future__ import annotations

import re
import typing as t

from ..decide.routes_today import current
from ..host.database import Database
from ..options.snapshot import terms
from ..values import release_text
from ..values.identity import Subject
from ..values.release import Attempt, RecordedRelease, Release, Standing

OF = "workload = ? AND environment = ?"
_RELEASE = "r.id, r.image, r.image_id, r.fingerprint, r.containers, r.route, r.snapshot"
_WIDTH = 7
SUBJECT = "workload, environment"
_BEGUN = "EXISTS (SELECT 1 FROM journal j WHERE j.deployment = d.id AND j.step IN"
# A repair waits for the end of a stop before it resumes what was stopped: after that nothing is on its way any more.
# A run that takes its own stop back ("undo stop: resume") may have given up waiting.
_STOPPING = (
    "(SELECT j.step = 'stop' FROM journal j WHERE j.deployment = d.id AND j.step IN ('stop', 'resume') "
    "ORDER BY j.number DESC LIMIT 1)"
)
CLAIMS = (
    f"SELECT claim, {SUBJECT} FROM claims UNION ALL "
    f"SELECT claim, {SUBJECT} FROM wanted JOIN deployments ON id = deployment WHERE conclusion IS NULL"
)
_TRAILING = re.compile(r"(./[^ ]*[^/])/+ on ")  # claims of earlier versions kept the slash at the end of a path
_LISTED = ("id", "strategy", "status", "conclusion", "reason", "sequence", "begun_at", "ended_at")


class Made(t.NamedTuple):
    """A deployment on record, by what it may have made: containers that carry its id, or services of a definition."""

    id: str
    begun_at: float
    artifact: str
    compose: bool


class StoreReader(Database):
    """What is on record on one host, for who only looks."""

    def known(self, subject: Subject | None = None) -> dict[Subject, Standing]:
        """What is known of every workload, or of one: two queries, however many there are."""
        where, values = (f"WHERE l.{OF.replace('AND ', 'AND l.')}", subject) if subject else ("", ())
        found: dict[Subject, Standing] = {}
        for row in self.rows(
            f"SELECT l.workload, l.environment, l.state, l.since, d.sequence, r.id = l.release, {_RELEASE} FROM live l "
            f"JOIN releases r ON r.id IN (l.release, l.previous) LEFT JOIN deployments d ON d.id = l.release {where}",
            *values,
        ):
            key, before = Subject(*row[:2]), found.get(Subject(*row[:2]), Standing())
            if row[5]:
                live = self._release(row[6:], row[2])
                found[key] = before._replace(live=live, since=row[3], sequence=row[4])
            else:
                found[key] = before._replace(previous=self._release(row[6:]))
        where = where.replace("l.", "d.").replace("WHERE", "AND")
        for row in self.rows(
            "SELECT d.workload, d.environment, d.id, d.candidate, d.status, r.withdrawn IS NOT NULL OR d.cancel, "
            f"d.fleet, d.held_until, {_STOPPING}, {_BEGUN} ('undivert', 'persist')) "
            f"FROM deployments d LEFT JOIN releases r ON r.id = d.id WHERE d.conclusion IS NULL {where} ORDER BY d.id",
            *values,
        ):
            key, candidate = Subject(*row[:2]), self._candidate(row[3])
            attempt = Attempt(row[2], candidate, row[4], bool(row[5]), row[6], row[7], *map(bool, row[8:]))
            found[key] = found.get(key, Standing())._replace(attempt=attempt)
        return found

    def newest(self, subject: Subject) -> str:
        """Id of the newest deployment on record; an empty text without any."""
        rows = self.rows(f"SELECT MAX(id) FROM deployments WHERE {OF}", *subject)
        return rows[0][0] or ""

    def releases(self, subject: Subject) -> list[RecordedRelease]:
        """Releases on record, newest first."""
        query = f"SELECT {_RELEASE}, r.made_at, r.withdrawn FROM releases r WHERE {OF} ORDER BY id DESC"
        rows = self.rows(query, *subject)
        return [RecordedRelease(self._release(row[:_WIDTH]), *row[_WIDTH:]) for row in rows]

    def made(self, subject: Subject) -> list[Made]:
        """Every deployment on record that may have made something."""
        rows = self.rows(f"SELECT id, begun_at, candidate FROM deployments WHERE {OF}", *subject)
        proposed = [(row, self._candidate(row[2])) for row in rows]
        return [
            Made(row[0], row[1], one.image_id if one else "", one is not None and terms(one).is_stack)
            for row, one in proposed
        ]

    def claims(self) -> dict[str, Subject]:
        """Who has which route, or may come to have it by a deployment that is under way."""
        rows = self.rows(CLAIMS)
        return {_TRAILING.sub(r"\1 on ", row[0]): Subject(*row[1:]) for row in rows}

    def deployments(self, subject: Subject, limit: int) -> list[dict[str, t.Any]]:
        """The last deployments, newest first, as documents."""
        query = f"SELECT {', '.join(_LISTED)} FROM deployments WHERE {OF} ORDER BY id DESC LIMIT ?"
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
            return current(release_text.from_columns(columns, state))

    def _candidate(self, text: str | None) -> Release | None:
        """What a deployment proposed, as it was written."""
        with self.decoding():
            return release_text.from_text(text) if text else None

    def of_fleet(self, subject: Subject, fleet: str) -> set[str]:
        """The deployments that a fleet's run made of a workload."""
        query = f"SELECT id FROM deployments WHERE fleet = ? AND {OF}"
        return {row[0] for row in self.rows(query, fleet, *subject)}

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
