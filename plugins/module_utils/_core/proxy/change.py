# Copyright: (c) 2026, tidegate.platform contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A change of a route file, which is done once Traefik has it."""

from __future__ import annotations

import copy
import typing as t
from concurrent.futures import Future
from dataclasses import dataclass, field

from ..values.errors import ProxyFailure
from .api import Look


@dataclass
class Change:
    """One change of a route file.

    :param make: makes it.
    :param difference: what of it Traefik, by a look, does not have; empty when nothing.
    :param optional: it is done, too, when there is no Traefik that could have it.
    :param switches: the workload whose questions it places, of which another change follows soon.
    """

    path: str
    make: t.Callable[[], None]
    difference: t.Callable[[Look], str]
    optional: bool = False
    switches: str = ""
    said: str = ""
    done: Future[None] = field(default_factory=Future)

    def settle(self, look: Look) -> None:
        """Done, if Traefik has it."""
        self.said = self.difference(look)
        if not self.said:
            self.done.set_result(None)

    def fail(self, error: ProxyFailure) -> None:
        """Not done; the error is this one's own, as whoever waits for it adds to it."""
        self.done.set_exception(copy.copy(error))
