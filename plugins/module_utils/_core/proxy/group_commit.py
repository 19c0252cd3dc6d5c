# Copyright: (c) 2026, tidegate.platform contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What several threads want done at about the same time is done by one of them.

The group commit of databases (DeWitt et al., "Implementation Techniques for Main Memory Database Systems", 1984).
"""

from __future__ import annotations

import threading
import typing as t

# Seconds for which the changes of a batch are gathered: short beside a deployment, and no longer than Traefik needs to
# build its routes anew for each of the others that may come.
PACE, PACE_EACH = 1.0, 0.03

T = t.TypeVar("T")


class Together(t.Generic[T]):
    """Gathers what threads come with into groups. Who opens a group leads it: it waits a while, then has it all."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._whole = threading.Event()
        self._open: list[T] | None = None

    def join(self, one: T, seconds: float, last: bool) -> list[T] | None:
        """The group, for its leader to carry out; None for all others, at once.

        :param seconds: how long a leader waits for others.
        :param last: nobody else will come, so that there is nobody to wait for.
        """
        with self._lock:
            if self._open is not None:
                self._open.append(one)
                if last:
                    self._whole.set()
                return None
            group = self._open = [one]
            self._whole.clear()
        if not last:
            self._whole.wait(seconds)
        with self._lock:
            self._open = None
        return group


class Round(t.Generic[T]):
    """Groups of those who are expected, by their keys; everybody comes once, and whoever is not expected goes alone.

    :param expected: who may yet come; whoever does not come leaves it.
    """

    def __init__(self, expected: set[str]) -> None:
        self._expected = expected
        self._together: Together[T] = Together()

    def expect(self, keys: t.Iterable[str]) -> None:
        """These will come, too."""
        self._expected.update(keys)

    def expects(self, key: str) -> bool:
        """Whether this one is yet to come."""
        return key in self._expected

    def leave(self, key: str) -> None:
        """Whoever this is will not come."""
        self._expected.discard(key)

    def join(self, key: str, one: T) -> list[T] | None:
        """The group, for its leader to carry out; None for all others, at once."""
        if not self.expects(key):
            return [one]
        self.leave(key)
        others = len(self._expected)
        return self._together.join(one, min(PACE, PACE_EACH * others), last=not others)
