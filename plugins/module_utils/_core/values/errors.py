# Copyright: (c) 2026, tidegate.platform contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The one error tree.

An error says which step failed on which object, why, and what to do about it.
"""

from __future__ import annotations

import traceback
import types
import typing as t

# What playbooks and roles take an option of every module from.
_VARIABLES = {
    "state_dir": "tidegate_state_dir",
    "routes_dir": "tidegate_state_dir",
    "traefik_api": "traefik_api_port",
    "traefik_timeout": "tidegate_traefik_timeout",
    "docker_host": "tidegate_docker_host",
    "lock_timeout": "tidegate_lock_timeout",
    "disk_reserve": "tidegate_disk_reserve",
}


def setting(option: str) -> str:
    """An option of every module as a remedy names it: with the variable that sets it for playbooks."""
    return f"{option} ({_VARIABLES[option]} for playbooks)"


class TidegateError(Exception):
    """Any failure that the platform explains; `logs` are a failed container's last lines."""

    def __init__(self, cause: str, *, remedy: str = "", subject: str = "", logs: str = "") -> None:
        super().__init__(cause)
        self.cause = cause
        self.remedy = remedy
        self.subject = subject
        self.logs = logs
        self.step = ""

    def __str__(self) -> str:
        where = f"{self.step}: " if self.step else ""
        what = f"{self.subject}: " if self.subject else ""
        remedy = f" {self.remedy}" if self.remedy else ""
        return f"{where}{what}{self.cause}.{remedy}" if self.cause[-1:] != "." else f"{where}{what}{self.cause}{remedy}"


class InvalidOption(TidegateError):
    """An option, or a combination of options, that cannot be carried out; found before anything is touched."""

    def __init__(self, option: str, value: t.Any, cause: str, remedy: str) -> None:
        super().__init__(f"{option}={value!r} {cause}", remedy=remedy)
        self.option = option


class EngineFailure(TidegateError):
    """The Docker Engine refused a request or does not answer."""


class CommandFailure(TidegateError):
    """A program of the host, such as git, is not there, failed or took too long."""


class BuildFailure(TidegateError):
    """The engine could not build an image; `logs` are the build's last lines."""


class ProxyFailure(TidegateError):
    """Traefik did not take a route, or its directory cannot be written."""


class Unhealthy(TidegateError):
    """A candidate did not pass its gate, or its release command failed."""


class StoreFailure(TidegateError):
    """The state directory or its database cannot be read or written."""


class RecordDamaged(StoreFailure):
    """The record is there, and is not what was written: a matter of its own, because a restore may go over it."""


class BackupFailure(TidegateError):
    """An archive could not be made, or is not what was written."""


class Unrecorded(TidegateError):
    """Containers are the platform's by their labels, but not on record; nothing of them is touched."""


class LogFailure(TidegateError):
    """What a workload wrote cannot be read."""


class LockHeld(TidegateError):
    """Another run has the workload and did not let go within the time allowed."""


class Superseded(TidegateError):
    """A newer run came in between the phases of this one."""


class Canceled(TidegateError):
    """The run was told to stop, by a signal or by a request to cancel its deployment."""


class Unforeseen(TidegateError):
    """What nobody explained: a full disk where none was thought of, or a mistake of the platform's own."""


class explained_at_least:  # noqa: N801  # pylint: disable=invalid-name
    """Whatever the block raises leaves it as one of our errors, so that it is undone, concluded and told like these."""

    def __enter__(self) -> None:
        """Nothing is to be prepared."""

    def __exit__(
        self, _kind: object, error: BaseException | None, trace: types.TracebackType | None
    ) -> t.Literal[False]:
        """Explain it as well as can be.

        :raises Unforeseen: instead of what was raised.
        """
        if isinstance(error, Exception) and not isinstance(error, TidegateError):
            raise unforeseen(error, trace) from error
        return False


def unforeseen(error: Exception, trace: types.TracebackType | None) -> Unforeseen:
    """What to say of an error that is not ours."""
    where = [
        f"{'/'.join(f.filename.rsplit('/', 2)[-2:])}:{f.lineno} {f.name}" for f in traceback.extract_tb(trace)[-8:]
    ]
    if isinstance(error, OSError):
        subject = error.filename if isinstance(error.filename, str) else ""
        remedy = "Check its file system's space and permissions."
        return Unforeseen(error.strerror or repr(error), subject=subject, remedy=remedy, logs="\n".join(where))
    cause = f"{type(error).__name__}: {error}"
    return Unforeseen(cause, remedy="It is a mistake of the platform's: report it with `logs`.", logs="\n".join(where))
