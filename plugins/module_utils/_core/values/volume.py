# Copyright: (c) 2026, tidegate.platform contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A volume of the engine."""

from __future__ import annotations

import typing as t


class Named(t.NamedTuple):
    """A named volume: one that is declared (without whose it is), or one that exists."""

    name: str
    driver: str = "local"
    options: t.Mapping[str, str] = {}
    labels: t.Mapping[str, str] = {}
    external: bool = False
