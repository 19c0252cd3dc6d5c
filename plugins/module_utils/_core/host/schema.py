# Copyright: (c) 2026, tidegate.platform contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The store's tables, as the steps from each schema version to the next."""

from __future__ import annotations

MIGRATIONS = (
    """
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
  data TEXT NOT NULL, delivered_at REAL)
""",
    # A release that was gone back from says why; an order and a cancellation belong to a deployment; images that
    # were pulled here are the only ones that may be pruned.
    """
ALTER TABLE releases ADD COLUMN withdrawn TEXT;
ALTER TABLE deployments ADD COLUMN sequence INTEGER;
ALTER TABLE deployments ADD COLUMN cancel INTEGER NOT NULL DEFAULT 0;
CREATE INDEX deployments_subject ON deployments (workload, environment, id);
CREATE INDEX releases_subject ON releases (workload, environment, made_at);
CREATE TABLE pulled (image_id TEXT NOT NULL, reference TEXT NOT NULL, at REAL NOT NULL,
  PRIMARY KEY (image_id, reference))
""",
    # A part of a fleet's deployment is marked with the run that may end it, and until when nobody else does.
    """
ALTER TABLE deployments ADD COLUMN fleet TEXT NOT NULL DEFAULT '';
ALTER TABLE deployments ADD COLUMN held_until REAL NOT NULL DEFAULT 0
""",
    # What an open deployment may come to have, and what it may go back to: nobody else gets it meanwhile.
    """
CREATE TABLE wanted (
  claim TEXT NOT NULL, deployment TEXT NOT NULL REFERENCES deployments (id), PRIMARY KEY (claim, deployment))
""",
    # A deployment that goes back says from which release, and why: that one is withdrawn once this one is live.
    """
ALTER TABLE deployments ADD COLUMN leaves TEXT NOT NULL DEFAULT '';
ALTER TABLE deployments ADD COLUMN leaves_why TEXT NOT NULL DEFAULT ''
""",
)
