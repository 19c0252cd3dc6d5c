# Copyright: (c) 2026, tidegate.platform contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The connection to the engine: its requests, and the one place where its errors become ours."""

from __future__ import annotations

import contextlib
import time
import traceback
import typing as t

from ..values.errors import EngineFailure, setting
from . import listing, volume_contents

_BEGIN = time.monotonic()
try:
    import docker.errors
    import requests.exceptions
    from docker.api.client import APIClient

    IMPORT_ERROR = None
except ImportError:
    IMPORT_ERROR = traceback.format_exc()
IMPORT_SECONDS = time.monotonic() - _BEGIN

TAIL_BYTES = 4096  # of what somebody wrote that goes with a cause
CONFLICT = 409


@contextlib.contextmanager
def explain_errors(doing: str, subject: str) -> t.Iterator[None]:
    """Turn the SDK's errors into ours."""
    try:
        yield
    except docker.errors.APIError as error:
        said = str(error.explanation or error)
        raise EngineFailure(f"the engine refused to {doing}: {said}", subject=subject) from error
    except (docker.errors.DockerException, requests.exceptions.RequestException) as error:
        raise EngineFailure(
            f"the engine did not answer ({doing}): {error}",
            subject=subject,
            remedy=f"Start Docker, run as root (become), or set {setting('docker_host')}.",
        ) from error


def is_absent(error: EngineFailure) -> bool:
    """Whether the engine has nothing of the name that it was asked for."""
    return isinstance(error.__cause__, docker.errors.NotFound)


def is_conflict(error: EngineFailure) -> bool:
    """Whether the engine refused because somebody uses what was asked for."""
    return getattr(getattr(error.__cause__, "response", None), "status_code", 0) == CONFLICT


def write_whole(doing: str, subject: str, chunks: t.Iterable[bytes], into: t.IO[bytes]) -> None:
    """Write a tar archive that the engine answers with; where it cannot read on, it ends its answer as if all was well.

    :raises EngineFailure: the archive ends in its middle.
    """
    with explain_errors(doing, subject):
        for chunk in chunks:
            into.write(chunk)
    if not volume_contents.whole(into):
        remedy = "A disk fails, or a file shrinks while it is read: see the engine's log (journalctl -u docker)."
        raise EngineFailure(f"the engine did not {doing} to the end", subject=subject, remedy=remedy)


class Client:
    """One connection of one platform; `api` is the SDK's client, for this room alone.

    :param first: another connection of this run: requests are counted together.
    """

    def __init__(self, docker_host: str, state_dir: str, first: Client | None = None) -> None:
        self.docker_host = docker_host
        self.state_dir = state_dir
        self._made: list[int] = first._made if first else [1]  # asking for the engine's API version was the first
        version: str = first.api_version if first else "auto"
        with explain_errors("connect", docker_host):
            self.api = APIClient(base_url=docker_host, version=version, timeout=120)
        self.api.trust_env = False
        self.api.hooks["response"].append(lambda *_response, **_options: self._made.append(1))

    def another(self) -> Client:
        """One more connection, with the same count."""
        return Client(self.docker_host, self.state_dir, self)

    @property
    def api_version(self) -> str:
        """The API version that was agreed on."""
        return str(self.api.api_version)

    @property
    def requests(self) -> int:
        """Requests sent so far."""
        return len(self._made)

    def ask(self, doing: str, subject: str, question: t.Callable[[], t.Any]) -> t.Any:
        """Ask the engine something, or to do something; None where it has nothing of that name."""
        try:
            with explain_errors(doing, subject):
                return question()
        except EngineFailure as error:
            if is_absent(error):
                return None
            raise

    def mine(self, rows: t.Iterable[t.Any]) -> list[t.Any]:
        """Those of listed things that are this platform's."""
        return [row for row in rows if listing.owned(row["Labels"], self.state_dir)]
