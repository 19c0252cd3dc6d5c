# Copyright: (c) 2026, tidegate.platform contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Declarations that come from the record: of a release that was made before, and of none."""

from __future__ import annotations

import typing as t
from dataclasses import replace

from ..values.errors import InvalidOption
from ..values.identity import Subject
from ..values.release import Release
from ..values.workload import State, Strategy, Workload, nothing
from .argument_specs import DECLARATION, filled
from .parse import Context, present, usual_strategy
from .snapshot import terms


def declaration_of_record(release: Release, values: t.Mapping[str, str], context: Context) -> Workload:
    """The declaration that a release was made by, pinned to its artifact.

    :param values: its secrets by name, as they are kept on the host.
    :raises InvalidOption: a secret is not kept any more.
    """
    recorded = terms(release)
    given = recorded.secrets
    for secret in given:
        if context.version_of(values.get(secret["name"], "")) != secret["version"]:
            cause = f"of release {release.id} is not kept on this host any more"
            raise InvalidOption("secrets", secret["name"], cause, "Deploy the declaration, which brings the secret.")
    params = filled(DECLARATION, recorded.declaration)
    params["secrets"] = [{"name": s["name"], "delivery": s["delivery"], "value": values[s["name"]]} for s in given]
    params.update(state=release.state if release.state == State.STOPPED.value else "present", pull="never")
    if params["state"] == State.STOPPED.value:
        want = nothing(Subject(params["name"], params["environment"]), State.STOPPED)
    else:
        want = present(params, Strategy(params["strategy"] or usual_strategy(params)), context, pinned=True)
    spec = replace(want.container, image=release.image)
    return replace(want, artifact=release.image_id, snapshot=release.snapshot, container=spec)
