# Copyright: (c) 2026, tidegate.platform contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Networks: made where they are missing, removed with their workload."""

from __future__ import annotations

import contextlib
import functools

from ..values.errors import EngineFailure
from ..values.identity import Subject
from . import listing
from .arguments import network_options
from .client import Client, explain_errors
from .listing import LABEL_MANAGED


class Networks:
    """The engine's networks.

    :param first: those of another connection of this run: what was asked for or made once is there for its length.
    """

    def __init__(self, client: Client, first: Networks | None = None) -> None:
        self._client, self._api = client, client.api
        self._seen: dict[str, str] = first._seen if first else {}

    def ensure(self, name: str, address: str = "") -> None:
        """Create a bridge network unless there is one of this name.

        :param address: a fixed address that somebody is to have in it, which asks for a subnet that was chosen.
        """
        if not self._exists(name):
            with explain_errors("create the network", name):
                more = network_options(address) if address else {}
                self._api.create_network(
                    name, driver="bridge", check_duplicate=True, labels={LABEL_MANAGED: "1"}, **more
                )
            self._seen[name] = ""

    def _exists(self, name: str) -> bool:
        """Ask for a network once, and whether there is one."""
        if name not in self._seen:
            with explain_errors("list networks", name):
                rows = self._api.networks(names=[name])
            self._seen.update(listing.kept_for_proxy(rows, name))
        return name in self._seen

    def kept_for_proxy(self, name: str) -> str:
        """The addresses that a network keeps for the proxy and its stand-in, as a prefix; empty where it keeps none."""
        return self._seen[name] if self._exists(name) else ""

    def remove(self, subject: Subject) -> None:
        """Remove the networks that were made for a workload; one that somebody still uses stays."""
        with explain_errors("list networks", subject.workload):
            rows = self._client.mine(self._api.networks(filters={"label": listing.whose(subject)}))
        for row in rows:
            with contextlib.suppress(EngineFailure):
                self._client.ask(
                    "remove the network", row["Name"], functools.partial(self._api.remove_network, row["Id"])
                )
