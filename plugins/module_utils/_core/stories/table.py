# Copyright: (c) 2026, tidegate.platform contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rows as text for people. Pure."""

from __future__ import annotations

import typing as t


def table(headings: t.Sequence[str], rows: t.Iterable[t.Sequence[str]]) -> list[str]:
    """One line a row below the headings, columns as wide as they need."""
    lines = [headings, *rows]
    widths = [max(len(line[column]) for line in lines) for column in range(len(headings))]
    return ["  ".join(cell.ljust(width) for cell, width in zip(line, widths)).rstrip() for line in lines]
