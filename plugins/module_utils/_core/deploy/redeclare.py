# Copyright: (c) 2026, tidegate.platform contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The declaration of a release, from what is kept of it."""

from __future__ import annotations

from dataclasses import replace

from ..options.of_record import declaration_of_record
from ..options.parse import Context
from ..options.snapshot import terms
from ..values import identity
from ..values.identity import Subject
from ..values.release import Attempt, Release, Standing
from ..values.workload import Workload, nothing
from .run import Platform, Run
from .unrecorded import refusal, unrecorded


def take_candidates_declaration(run: Run, attempt: Attempt) -> None:
    """Where the declaration was not given, it is the candidate's: its drain and its time to stop count."""
    if attempt.candidate is not None and not run.want.container.image and run.want.stack is None:
        run.want = released(run.on, run.subject, attempt.candidate)


def released(on: Platform, subject: Subject, release: Release) -> Workload:
    """The declaration of a release, with its secrets as they are kept; a stack's are in its definition.

    :raises InvalidOption: a secret is not kept any more.
    """
    kept = release.containers and not terms(release).is_stack
    values = on.secrets.read(identity.key_of(*subject), identity.suffix_of(release.containers[0])) if kept else {}
    return declaration_of_record(release, values, Context(on.secrets.version, on.state_dir))


def by_record(run: Run) -> Workload:
    """What the record says, and what is pinned by it; nothing where it says that nothing is live.

    :raises Unrecorded: there are containers that nobody remembers; they stay.
    """
    subject = run.subject
    known = run.on.store.known(subject).get(subject, Standing())
    if known.live is not None:
        return as_released(run, known.live, known)
    found = unrecorded(run.on, subject, run.have.containers)
    if found:
        raise refusal(run.key, found)
    return nothing(subject)


def as_released(run: Run, release: Release, known: Standing) -> Workload:
    """The declaration of a release, for as long as nobody asks for something later.

    :raises InvalidOption: a secret is not kept any more.
    """
    return replace(released(run.on, run.subject, release), sequence=known.sequence)
