# Copyright: (c) 2026, tidegate.platform contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Encryption of an archive by openssl.

It does not tell whether anything was changed; the archive's own checksums do. The iterations of PBKDF2 are those that
OWASP recommends (https://cheatsheetseries.owasp.org/cheatsheets/Password_Storage_Cheat_Sheet.html).
"""

from __future__ import annotations

import contextlib
import os
import typing as t

from ..host import filesystem, process
from ..host.clock import Clock
from ..values.errors import BackupFailure, InvalidOption

COMMAND = ("openssl", "enc", "-aes-256-cbc", "-md", "sha256", "-pbkdf2", "-iter", "600000")
SECONDS = 3600.0
_ENCRYPTED, _PLAIN = b"Salted__", b"\x1f\x8b"  # how openssl's files begin, and gzip's


def encrypt(plain: str, work: str, passphrase: str | None, clock: Clock) -> str:
    """The file that takes the place of a plain one; the same without a passphrase.

    :param work: a private folder.
    """
    if not passphrase:
        return plain
    target = os.path.join(work, "encrypted")
    _openssl(["-e", "-in", plain, "-out", target], work, passphrase, clock)
    os.unlink(plain)
    return target


@contextlib.contextmanager
def decrypt(path: str, work: str, passphrase: str | None, clock: Clock) -> t.Iterator[str]:
    """A file as it was before it was encrypted, for the length of a block.

    :raises InvalidOption: there is no such file.
    :raises BackupFailure: it was encrypted with another passphrase, or none goes with one, or one with none.
    """
    if not os.path.isfile(path):
        raise InvalidOption("archive", path, "is not a file of this host", "Correct it, or bring the archive here.")
    with open(path, "rb") as stream:
        head = stream.read(len(_ENCRYPTED))
    if not passphrase and head == _ENCRYPTED:
        raise BackupFailure("is encrypted", subject=path, remedy="Give the passphrase that it was made with.")
    if passphrase and head.startswith(_PLAIN):
        raise BackupFailure("was not encrypted", subject=path, remedy="Leave the passphrase out.")
    if not passphrase:
        yield path
        return
    plain = os.path.join(work, "decrypted")
    _openssl(["-d", "-in", path, "-out", plain], work, passphrase, clock)
    try:
        yield plain
    finally:
        os.unlink(plain)


def _openssl(words: list[str], work: str, passphrase: str, clock: Clock) -> None:
    if "\n" in passphrase:
        raise InvalidOption("passphrase", "…", "holds a line break", "Use one line.")
    secret = os.path.join(work, "passphrase")
    filesystem.place(secret, passphrase, 0o600, work)
    try:
        done = process.run([*COMMAND, *words, "-pass", f"file:{secret}"], clock, SECONDS)
    finally:
        os.unlink(secret)
    if done.code:
        remedy = "Give the passphrase that the archive was made with."
        raise BackupFailure(f"openssl: {(done.err.splitlines() or ['it failed'])[0]}", subject=words[2], remedy=remedy)
