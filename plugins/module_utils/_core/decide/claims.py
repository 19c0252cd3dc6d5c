# Copyright: (c) 2026, tidegate.platform contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What no two workloads may have: hosts and paths of routes, projects of Compose."""

from __future__ import annotations

import typing as t

from ..options.snapshot import terms
from ..values.errors import InvalidOption
from ..values.release import Release


def claims_of(release: Release) -> list[str]:
    """Every host and path of its routes, and its Compose project, which no other workload may have."""
    recorded = terms(release)
    project = [f"project {release.image}"] if recorded.is_stack else []
    return [*project, *(claim for route in recorded.routes for claim in route.claims())]


def refuse_claimed(claimed: t.Iterable[tuple[str, str]]) -> None:
    """Refuse what another workload has.

    :param claimed: claims, and whose each is.
    :raises InvalidOption: names the first of them and its owner.
    """
    for claim, owner in claimed:
        if claim.startswith("project "):
            cause = f"is the project of {owner}"
            raise InvalidOption("compose.project", claim[8:], cause, "Choose another name, or remove that one first.")
        raise InvalidOption(
            "routes", claim, f"is already routed to {owner}", "Use another host or path, or take it away there first."
        )
