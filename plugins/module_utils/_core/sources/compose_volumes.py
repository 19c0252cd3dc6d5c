# Copyright: (c) 2026, tidegate.platform contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Named volumes of Compose projects: what is declared, and what an existing one would have to be for it. Pure.

Compose takes a volume whose definition differs from the one that it was made by, be it by
a label, away and makes an empty one. So it never gets to decide about volumes: the platform makes those that are
missing, and Compose is told of all of them as external ones.
"""

from __future__ import annotations

import typing as t

from ..values.errors import InvalidOption
from ..values.identity import Document
from ..values.volume import Named

# Labels that say who made a volume, and not what it is.
_OF_MAKERS = ("tidegate.", "com.docker.compose.")
LABEL_VOLUME = "com.docker.compose.volume"
LABEL_PROJECT = "com.docker.compose.project"


def declared(model: Document) -> list[Named]:
    """The volumes of what Compose made of a project."""
    return [_declared(entry or {}) for entry in (model.get("volumes") or {}).values()]


def _declared(entry: Document) -> Named:
    options = {name: str(value) for name, value in (entry.get("driver_opts") or {}).items()}
    return Named(
        entry["name"], entry.get("driver") or "local", options, entry.get("labels") or {}, bool(entry.get("external"))
    )


def labelled(model: Document) -> list[Named]:
    """The volumes that the platform makes for a project, with the labels by which Compose knows them as its own."""
    project = model["name"]
    keys = {entry["name"]: key for key, entry in (model.get("volumes") or {}).items() if entry}
    own = [volume for volume in declared(model) if not volume.external]
    return [
        volume._replace(labels={**volume.labels, LABEL_PROJECT: project, LABEL_VOLUME: keys[volume.name]})
        for volume in own
    ]


def handed(model: Document) -> dict[str, t.Any]:
    """The model as Compose gets it: every named volume is there already, and is not its matter."""
    names = {key: entry["name"] for key, entry in (model.get("volumes") or {}).items() if entry}
    return {**model, "volumes": {key: {"name": name, "external": True} for key, name in names.items()}}


def refuse_another(model: Document, have: t.Mapping[str, Named]) -> None:
    """Refuse what would need another volume than the one that is there.

    :param have: the engine's volumes by name.
    :raises InvalidOption: names the volume and the difference; it was not touched.
    """
    for volume in declared(model):
        found = have.get(volume.name)
        if volume.external:
            if found is None:
                raise InvalidOption("compose", volume.name, "is an external volume that is not there", "Create it.")
            continue
        said = difference(volume, found) if found is not None else ""
        if said:
            cause = f"is a volume that exists otherwise: its {said}. It cannot be changed without losing its data"
            remedy = "Nothing was touched. Declare it as it is, or declare another one and copy the data over."
            raise InvalidOption("compose", volume.name, cause, remedy)


def difference(wanted: Named, found: Named) -> str:
    """What of a volume is declared otherwise; an empty text when it can be used as it is."""
    if wanted.driver != found.driver:
        return f"driver is {found.driver!r}, not {wanted.driver!r}"
    said = _first("driver_opts", wanted.options, found.options, exact=True)
    return said or _first("label", _own(wanted.labels), found.labels, exact=False)


def _own(labels: t.Mapping[str, str]) -> dict[str, str]:
    return {name: value for name, value in labels.items() if not name.startswith(_OF_MAKERS)}


def _first(what: str, wanted: t.Mapping[str, str], found: t.Mapping[str, str], *, exact: bool) -> str:
    """The first difference of two mappings, and with `exact` what only the second has, too."""
    for name in sorted({*wanted, *(found if exact else ())}):
        has, want = found.get(name), wanted.get(name)
        if has != want:
            return f"{what} {name} is {_told(has)}, not {_told(want)}"
    return ""


def _told(value: str | None) -> str:
    return "missing" if value is None else repr(value)
