# Copyright: (c) 2026, tidegate.platform contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whose something is, and the ids and names that are made of it."""

from __future__ import annotations

import hashlib
import json
import typing as t

# Crockford's base32 alphabet, lower case: no letters that read alike (https://www.crockford.com/base32.html).
BASE32 = "0123456789abcdefghjkmnpqrstvwxyz"
SUFFIX_LENGTH = 8
TIME_LENGTH = 10


def deployment_id(milliseconds: int, entropy: bytes) -> str:
    """A ULID in lower case: sorts by time (10 characters), then 80 random bits (https://github.com/ulid/spec).

    :param milliseconds: Unix time in milliseconds.
    :param entropy: 10 random bytes.
    """
    number = (milliseconds << 80) | int.from_bytes(entropy, "big")
    return "".join(BASE32[(number >> shift) & 31] for shift in range(125, -1, -5))


def container_names(workload: str, deployment: str, replicas: int) -> tuple[str, ...]:
    """Unique names, each both a container's name and its route target (DS-07)."""
    suffix = deployment[-SUFFIX_LENGTH:]
    return tuple(f"{workload}-{suffix}-{number}" for number in range(1, replicas + 1))


def stand_in_name(workload: str, deployment: str) -> str:
    """The container that takes a workload's connections while its ports change hands."""
    return f"{workload}-{deployment[-SUFFIX_LENGTH:]}-0"


def suffix_of(container: str) -> str:
    """The part of a container's name that its deployment's secret folder is called by."""
    return container.rpartition("-")[0][-SUFFIX_LENGTH:]


def time_of(deployment: str) -> int:
    """Milliseconds of the request, from a deployment's id; 0 for an empty one."""
    number = 0
    for character in deployment[:TIME_LENGTH]:
        number = number * 32 + BASE32.index(character)
    return number


def key_of(workload: str, environment: str) -> str:
    """What a workload is called in files, locks and Traefik; the dot keeps `a-b`/`c` and `a`/`b-c` apart (DP-T17)."""
    return f"{workload}.{environment}"


Document = t.Mapping[str, t.Any]


class Subject(t.NamedTuple):
    """What has at most one live release: a workload in an environment."""

    workload: str
    environment: str


def canonical(document: t.Any) -> str:
    """The one JSON text of a document: sorted keys, no blanks."""
    return json.dumps(document, sort_keys=True, separators=(",", ":"))


def digest(document: t.Any) -> str:
    """SHA-256 of the canonical text."""
    return hashlib.sha256(canonical(document).encode()).hexdigest()
