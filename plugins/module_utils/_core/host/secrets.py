# Copyright: (c) 2026, tidegate.platform contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Secrets on the host: a host-local key, keyed versions, files for containers."""

from __future__ import annotations

import hashlib
import hmac
import os
import secrets as entropy
import shutil
import threading
import typing as t

from ..values.container import Secret
from ..values.errors import InvalidOption, StoreFailure
from . import filesystem, locks
from .places import Places

KEY_BYTES = 32
VERSION_CHARACTERS = 32
_APART = ".environment"


class Secrets:
    """The secret part of the state directory: `secret.key` and `secrets/WORKLOAD/SUFFIX/NAME`.

    :param state_dir: folder of mode 0700.
    """

    def __init__(self, state_dir: str) -> None:
        self.state_dir = state_dir
        self._key: bytes | None = None
        self.lasting = False  # whether versions are for the record, so that the key is kept before the first of them
        self._used = False  # whether a version was made by it
        self._lock = threading.Lock()  # the workloads of a batch share one

    def version(self, value: str) -> str:
        """Keyed hash (HMAC-SHA-256) of a value: tells a change, but nothing else without the host's key."""
        if self.lasting and not self._used:
            self.keep_key()
        self._used = True
        mac = hmac.new(self._key_bytes(), value.encode(), hashlib.sha256)
        return mac.hexdigest()[:VERSION_CHARACTERS]

    def _key_bytes(self) -> bytes:
        """The key; where there is none yet, one that `keep_key` writes down once something is deployed."""
        with self._lock:
            if self._key is None:
                self._key = self._kept() or entropy.token_bytes(KEY_BYTES)
            return self._key

    def _kept(self) -> bytes:
        """The key on the disk; nothing where there is none, or one that a power cut left empty.

        :raises StoreFailure: it cannot be read, or is too short to be one.
        """
        try:
            with open(self._key_path, "rb") as stream:
                found = stream.read()
        except FileNotFoundError:
            return b""
        except OSError as error:
            raise StoreFailure(f"cannot be read: {error.strerror}", subject=self._key_path) from error
        if 0 < len(found) < KEY_BYTES:
            cause = f"holds {len(found)} bytes, which is no whole key ({KEY_BYTES})"
            remedy = "Take it from a backup; or remove it, and deploy every workload that has secrets again."
            raise StoreFailure(cause, subject=self._key_path, remedy=remedy)
        return found

    @property
    def _key_path(self) -> str:
        return Places(self.state_dir).key

    def keep_key(self) -> None:
        """Write the key unless there is one; whoever comes second takes the first one's.

        :raises StoreFailure: another run wrote its own key meanwhile; this run's versions are void.
        """
        filesystem.private_folder(self.state_dir)
        if self._kept() == self._key_bytes():
            return
        with locks.directory(self.state_dir):
            if not self._kept():
                filesystem.discard(self._key_path)
            if filesystem.claim(self._key_path, self._key_bytes(), 0o600) or self._kept() == self._key:
                return
            if self._used:
                raise StoreFailure("was made by another run just now", subject=self._key_path, remedy="Run again.")
            self._key = self._kept()

    def write(self, workload: str, suffix: str, secrets: t.Iterable[Secret]) -> str:
        """Write a deployment's secrets; the folder of those delivered as files, or an empty text without any.

        A deployment's containers share one folder, written for the first of them. Those delivered as environment are
        kept beside it, out of every container's sight, so that the release can be made again from here.
        """
        by_delivery = {"file": suffix, "environment": suffix + _APART}
        folders = set()
        for secret in secrets:
            folder = self._folder(workload, by_delivery[secret.delivery])
            path = os.path.join(folder, secret.name)
            if not os.path.exists(path):
                filesystem.place(path, secret.value, 0o600, folder)
            folders.add(folder)
        folder = Places(self.state_dir).secrets(workload, suffix)
        return folder if folder in folders else ""

    def _folder(self, workload: str, name: str) -> str:
        """The folder of a deployment's secrets; once given to the container's user it is left as it is."""
        folder = Places(self.state_dir).secrets(workload, name)
        if not os.path.isdir(folder):
            parent = self.state_dir
            for part in ("secrets", workload, name):
                parent = filesystem.private_folder(os.path.join(parent, part))
        return folder

    def read(self, workload: str, suffix: str) -> dict[str, str]:
        """The values of a deployment's secrets by name, as far as they are kept."""
        found: dict[str, str] = {}
        for folder in (suffix, suffix + _APART):
            path = Places(self.state_dir).secrets(workload, folder)
            for name in os.listdir(path) if os.path.isdir(path) else ():
                with open(os.path.join(path, name), encoding="utf-8", newline="") as stream:
                    found[name] = stream.read()
        return found

    def give(self, folder: str, uid: int, gid: int) -> None:
        """Make the container's user the owner, so that mode 0600 lets it, and nobody else, read them."""
        for name in os.listdir(folder):
            os.chown(os.path.join(folder, name), uid, gid, follow_symlinks=False)
        os.chown(folder, uid, gid)

    def workloads(self) -> list[str]:
        """Keys of the workloads that have secret files."""
        folder = Places(self.state_dir).secrets()
        return sorted(os.listdir(folder)) if os.path.isdir(folder) else []

    def any(self, workload: str) -> bool:
        """Whether there are secret files of a workload."""
        return os.path.isdir(Places(self.state_dir).secrets(workload))

    def held(self, workload: str) -> set[str]:
        """Suffixes of the deployments whose secret files are here."""
        folder = Places(self.state_dir).secrets(workload)
        return {name.partition(".")[0] for name in os.listdir(folder)} if self.any(workload) else set()

    def prune(self, workload: str, keep: t.Collection[str]) -> None:
        """Remove the secret files of releases that are not kept.

        :param keep: suffixes of the deployments whose secrets stay.
        """
        folder = Places(self.state_dir).secrets(workload)
        if not self.any(workload):
            return
        for suffix in os.listdir(folder):
            if suffix.partition(".")[0] not in keep:
                shutil.rmtree(os.path.join(folder, suffix), ignore_errors=True)
        if not os.listdir(folder):
            os.rmdir(folder)


_MOST_ID = 2**31 - 1


def user_ids(user: str, passwd: str) -> tuple[int, int]:
    """Numeric uid and gid of a container's user.

    :param user: `name|uid[:group|gid]` as in an image's or container's configuration; empty is root.
    :param passwd: the image's /etc/passwd.
    :raises InvalidOption: a number that no user can have.
    """
    name, _colon, group = user.partition(":")
    uid, gid = (int(name), 0) if name.isdigit() else (0, 0)
    for line in passwd.splitlines():
        login, _password, number, group_number = (line.split(":") + [""] * 4)[:4]
        if name and name in (login, number) and number.isdigit() and group_number.isdigit():
            uid, gid = int(number), int(group_number)
            break
    gid = int(group) if group.isdigit() else gid
    if max(uid, gid) > _MOST_ID:
        raise InvalidOption("user", user, "is above what the engine takes", f"Write numbers up to {_MOST_ID}.")
    return uid, gid
