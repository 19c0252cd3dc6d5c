# Copyright: (c) 2026, tidegate.platform contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Releases whose routes were written by an earlier version, in the form of this one.

So a newer collection finds nothing that is declared otherwise: the next run, or
reconciliation, writes the route file anew, and deploys nothing.
"""

from __future__ import annotations

import typing as t
from dataclasses import replace

from ..options.snapshot import terms
from ..proxy import routing_documents, rules
from ..values.errors import InvalidOption
from ..values.release import Release


def current(release: Release) -> Release:
    """The release with the routing document that its declaration makes today; the same containers are behind it."""
    if release.route is None or not rules.outdated(release.route):
        return release
    try:
        return replace(release, route=routing_documents.whole(_parts(release)))
    except InvalidOption:
        return release  # what is not taken any more stays as it is, until it is declared otherwise


def _parts(release: Release) -> t.Iterator[routing_documents.Part]:
    recorded = terms(release)
    if not recorded.is_stack:
        yield routing_documents.Part(recorded.key, recorded.routes, recorded.port, release.containers, recorded.gate)
    for exposed in recorded.exposed:
        name = f"{recorded.key}-{exposed.service}"
        yield routing_documents.Part(name, exposed.routes, exposed.port, _containers(release, name), exposed.gate)


def _containers(release: Release, service: str) -> tuple[str, ...]:
    return tuple(name for name, _port in routing_documents.targets_of(release.route, service))
