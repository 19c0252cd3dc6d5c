# Copyright: (c) 2026, tidegate.platform contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A private folder beside what a run makes, such as in a folder of backups.

A user names the folder around it, which others may use, and other hosts, too: only what a run of this host that is over
made for itself is ever removed there.
"""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import socket
import stat
import tempfile
import typing as t

PREFIX = ".tidegate-work-"


@contextlib.contextmanager
def within(parent: str) -> t.Iterator[str]:
    """A private folder for the length of a block; those of runs that were killed go, too: secrets are in them."""
    os.makedirs(parent, mode=0o750, exist_ok=True)
    mine = f"{PREFIX}{socket.gethostname()}-"
    for name in os.listdir(parent):
        if _left(parent, name, mine):
            shutil.rmtree(os.path.join(parent, name), ignore_errors=True)
    with tempfile.TemporaryDirectory(dir=parent, prefix=f"{mine}{os.getpid()}-") as work:
        yield work


def _left(parent: str, name: str, mine: str) -> bool:
    """True for the folder of a run of this host and user that is over."""
    found = re.fullmatch(rf"{re.escape(mine)}([0-9]+)-[a-z0-9_]{{8}}", name)
    if found is None or os.path.exists(f"/proc/{found[1]}"):
        return False
    facts = os.lstat(os.path.join(parent, name))
    return stat.S_ISDIR(facts.st_mode) and facts.st_uid == os.geteuid()
