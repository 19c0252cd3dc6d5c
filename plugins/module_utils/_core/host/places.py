# Copyright: (c) 2026, tidegate.platform contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The map of the state directory: where everything is that the platform keeps in it. Pure.

The table "On the host" of docs/architecture.md says what is there. Keys are those of `identity.key_of`.
"""

from __future__ import annotations

import posixpath
import typing as t

DATABASE = "tidegate.db"


class Places(t.NamedTuple):
    """Paths below, and beside, one state directory; nothing of them need be there."""

    state_dir: str

    def _below(self, *parts: str) -> str:
        return posixpath.join(self.state_dir, *parts)

    @property
    def database(self) -> str:
        """The record."""
        return self._below(DATABASE)

    @property
    def key(self) -> str:
        """The key of the hashes that secrets take part in fingerprints by."""
        return self._below("secret.key")

    @property
    def locks(self) -> str:
        """Folder of one lock a workload."""
        return self._below("locks")

    @property
    def work(self) -> str:
        """Folder of trees of sources, while they are looked at or built."""
        return self._below("work")

    @property
    def known_hosts(self) -> str:
        """The first key that each git server showed."""
        return self._below("known_hosts")

    @property
    def runners(self) -> str:
        """The catalog of language images and presets."""
        return self._below("runners.json")

    @property
    def entry(self) -> str:
        """The script that opens the ways in; its settings beside it end in `.conf`."""
        return self._below("traefik", "entry")

    @property
    def platform(self) -> str:
        """Folder of what the platform's own services are made of, and of dumps of its database."""
        return self._below("platform")

    @property
    def restoring(self) -> str:
        """The note, beside the state directory, that a restore is about to put it in its place."""
        return f"{self.state_dir}.restoring"

    @property
    def filling(self) -> str:
        """The note, beside the state directory, of volumes that a restore is filling."""
        return f"{self.state_dir}.volumes"

    def secrets(self, *parts: str) -> str:
        """Folder of secrets: of all, of a workload's key, of a deployment's suffix."""
        return self._below("secrets", *parts)

    def records(self, *parts: str) -> str:
        """Folder of the releases that are kept once more: of all, or of a workload's key."""
        return self._below("records", *parts)

    def refused(self, *parts: str) -> str:
        """Folder of ways in that a new container did not open, or the file of a workload's key."""
        return self._below("refused", *parts)

    def site(self, key: str) -> str:
        """Folder of assets of earlier releases of a site."""
        return self._below("sites", key)

    def stack(self, key: str) -> str:
        """Folder of what Compose made of each kept release."""
        return self._below("stacks", key)
