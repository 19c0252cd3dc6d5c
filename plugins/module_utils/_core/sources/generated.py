# Copyright: (c) 2026, tidegate.platform contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The files that the platform itself writes into a build: of runners and sites."""

from __future__ import annotations

import json
import os

from ..values.errors import InvalidOption
from ..values.recipe import Recipe
from . import runners, site, trees

MOST = 2**20
TREE = runners.TREE


def files(recipe: Recipe, root: str) -> dict[str, str]:
    """Name and text of each; they stand beside the tree, so that none of them gets into the image with it.

    :raises InvalidOption: the tree is not what the declaration says.
    """
    if recipe.generated == "runner":
        paths = trees.every_path(root)
        return {recipe.dockerfile: runners.dockerfile(json.loads(recipe.facts), paths, lambda path: _text(root, path))}
    if recipe.generated == "static":
        facts = json.loads(recipe.facts)
        _check(facts, root)
        return {recipe.dockerfile: site.dockerfile(facts), site.CONFIG_FILE: site.config(facts)}
    return {}


def _check(facts: dict[str, str], root: str) -> None:
    output = facts["output"]
    if not facts["build_command"] and not os.path.isdir(os.path.join(root, output)):
        raise InvalidOption("static.output", output, "is not a directory of the source", "Correct it.")


def _text(root: str, path: str) -> str:
    """A small text of the tree; a link is not followed."""
    full = os.path.join(root, path)
    if os.path.islink(full) or not os.path.isfile(full) or os.path.getsize(full) > MOST:
        return ""
    with open(full, encoding="utf-8", errors="replace") as stream:
        return stream.read()
