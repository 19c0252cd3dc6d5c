# Copyright: (c) 2026, tidegate.platform contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Definitions of Compose projects that are kept on the host: a folder each, named by its identity."""

from __future__ import annotations

import json
import os
import shutil
import typing as t
from dataclasses import asdict

from ..host import filesystem
from ..values.identity import canonical
from ..values.stack import Definition, Service
from .compose_model import pinned

SECRETS = "secrets.json"


class Pinned(t.NamedTuple):
    """An image by its id, and by the references with a digest that registries have it as."""

    image_id: str
    exact: tuple[str, ...]


class KeptDefinitions:
    """Those of one workload.

    :param folder: where they are kept, one folder each, beside the files of their sources.
    """

    def __init__(self, folder: str) -> None:
        self.folder = folder

    def known(self, identity: str) -> Definition | None:
        """A definition that is kept, or None."""
        path = os.path.join(self.folder, identity, "definition.json")
        try:
            with open(path, encoding="utf-8") as stream:
                facts = json.load(stream)
        except FileNotFoundError:
            return None
        services = tuple(Service(**{**row, "after": tuple(row["after"])}) for row in facts["services"])
        variables = tuple(sorted(facts.get("variables", {}).items()))
        found = Definition(identity, facts["model"], services, variables, tuple(facts.get("outside", ())))
        return pinned(found, {name: row.image_id for name, row in self.images(identity).items()})

    def images(self, identity: str) -> dict[str, Pinned]:
        """Which images the names in a definition meant when it was first carried out."""
        path = os.path.join(self.folder, identity, "images.json")
        try:
            with open(path, encoding="utf-8") as stream:
                return {name: Pinned(row[0], tuple(row[1])) for name, row in json.load(stream).items()}
        except FileNotFoundError:
            return {}

    def pin(self, identity: str, images: t.Mapping[str, Pinned]) -> None:
        """Keep which images these are."""
        home = os.path.join(self.folder, identity)
        if images != self.images(identity):
            filesystem.place(os.path.join(home, "images.json"), canonical(images), 0o600, home)

    def prune(self, keep: t.Collection[str]) -> None:
        """Remove the definitions that no kept release needs."""
        for name in os.listdir(self.folder) if os.path.isdir(self.folder) else ():
            if name not in (*keep, "files"):
                shutil.rmtree(os.path.join(self.folder, name), ignore_errors=True)
        texts = [canonical(kept.model) for kept in map(self.known, keep) if kept]
        place = os.path.join(self.folder, "files")
        for name in os.listdir(place) if os.path.isdir(place) else ():
            if not any(f"/files/{name}/" in text for text in texts):
                shutil.rmtree(os.path.join(place, name), ignore_errors=True)


def secrets_of(folder: str) -> set[str]:
    """The values of the secrets in all definitions that are kept of a workload: whatever it says may have them."""
    found: set[str] = set()
    for name in os.listdir(folder) if os.path.isdir(folder) else ():
        try:
            with open(os.path.join(folder, name, SECRETS), encoding="utf-8") as stream:
                found |= set(json.load(stream))
        except (FileNotFoundError, NotADirectoryError):
            continue
    return found


def row_of(service: Service) -> dict[str, t.Any]:
    """A service as it is kept, without what only the kept images say."""
    return {name: value for name, value in asdict(service).items() if name != "image_id"}
