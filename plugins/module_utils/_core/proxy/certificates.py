# Copyright: (c) 2026, tidegate.platform contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The certificates that the proxy serves: whose they are, and until when they count.

Python has no public reader of certificates that it did not get by a handshake. What is asked for here stands in plain
places of RFC 5280: the validity, and the names.
"""

from __future__ import annotations

import base64
import calendar
import glob
import ipaddress
import json
import os
import re
import time
import typing as t

DAY = 86400.0
# Who has certificates that live shorter than so many times the days renews them later than that.
_LIVES, _LAST_PART = 6, 8
_PEM = re.compile(r"-----BEGIN CERTIFICATE-----(.+?)-----END CERTIFICATE-----", re.DOTALL)
_INTEGER, _UTC, _GENERAL, _EXTENSIONS, _DNS, _ADDRESS = 0x02, 0x17, 0x18, 0xA3, 0x82, 0x87
_NAMES = bytes.fromhex("551d11")


class Certificate(t.NamedTuple):
    """Names, and from when until when, in seconds of Unix time; `brought` is by what name a person gave it."""

    names: tuple[str, ...]
    begins: float
    ends: float
    brought: str = ""

    def due(self, days: float, now: float) -> bool:
        """Whether it should have been renewed, by a rule for days before its end."""
        life = self.ends - self.begins
        return self.ends - now < (days * DAY if life > _LIVES * days * DAY else life / _LAST_PART)

    def covers(self, host: str) -> bool:
        """Whether it is for a host name."""
        return any(host == name or (name[:2] == "*." and host.partition(".")[2] == name[2:]) for name in self.names)


def served(state_dir: str) -> tuple[list[Certificate], list[str]]:
    """Those that were brought, and those of each resolver's store; and the files that cannot be read."""
    found: list[Certificate] = []
    unread: list[str] = []
    own = os.path.join(glob.escape(state_dir), "traefik")
    for path in sorted(glob.glob(f"{own}/certificates/*.crt") + glob.glob(f"{own}/acme/*.json")):
        name = os.path.basename(path).partition(".")[0]
        if name == "_default":  # it is for names that have none, and nobody trusts it
            continue
        try:
            with open(path, encoding="utf-8") as stream:
                text = stream.read()
            found += of_store(text) if path.endswith(".json") else [of_pem(text)._replace(brought=name)]
        except (OSError, ValueError, LookupError, TypeError, AttributeError):
            unread.append(path)
    return found, unread


def missing(found: t.Sequence[Certificate], hosts: t.Iterable[str]) -> list[str]:
    """Of these host names those that no certificate is for. Pure."""
    return sorted({host for host in hosts if not any(one.covers(host) for one in found)})


def of_store(text: str) -> list[Certificate]:
    """What Traefik has of a resolver; an empty text is a store that nothing is in yet. Pure."""
    parts = json.loads(text or "{}").values()
    rows = [row for part in parts for row in (part or {}).get("Certificates") or ()]
    return [of_pem(base64.b64decode(row["certificate"]).decode()) for row in rows]


def of_pem(text: str) -> Certificate:
    """The first certificate of a chain. Pure.

    :raises ValueError, LookupError: there is none.
    """
    block = _PEM.search(text)
    if block is None:
        raise ValueError("no certificate")
    return of_der(base64.b64decode(block[1]))


def of_der(data: bytes) -> Certificate:
    """A certificate. Pure.

    :raises ValueError, LookupError: it is none.
    """
    signed, *_signature = _parts(data, *_part(data, 0)[1:])
    rows = list(_parts(data, *signed[1:]))
    first = 0 if rows[0][0] == _INTEGER else 1  # a version before the serial number
    begins, ends = (_moment(data, part) for part in _parts(data, *rows[first + 3][1:]))
    return Certificate(tuple(_names(data, rows)), begins, ends)


Part = t.Tuple[int, int, int]
"""Kind, begin and end of a value in DER (X.690)."""


def _part(data: bytes, at: int) -> Part:
    kind, length, begin = data[at], data[at + 1], at + 2
    if length & 0x80:
        begin += length & 0x7F
        length = int.from_bytes(data[at + 2 : begin], "big")
    if begin + length > len(data):
        raise ValueError("ends before its end")
    return kind, begin, begin + length


def _parts(data: bytes, at: int, end: int) -> t.Iterator[Part]:
    while at < end:
        part = _part(data, at)
        yield part
        at = part[2]


def _moment(data: bytes, part: Part) -> float:
    kind, begin, end = part
    if kind not in (_UTC, _GENERAL):
        raise ValueError("is no moment")
    text = data[begin:end].decode("ascii")
    if kind == _UTC:
        text = ("19" if text[:2] >= "50" else "20") + text
    return float(calendar.timegm(time.strptime(text, "%Y%m%d%H%M%SZ")))


def _names(data: bytes, rows: t.Iterable[Part]) -> t.Iterator[str]:
    """Names and addresses that it is for."""
    for wrapped in (part for part in rows if part[0] == _EXTENSIONS):
        (listed,) = _parts(data, *wrapped[1:])
        for extension in _parts(data, *listed[1:]):
            fields = list(_parts(data, *extension[1:]))
            if data[fields[0][1] : fields[0][2]] == _NAMES:
                names = _part(data, fields[-1][1])
                for kind, begin, end in _parts(data, *names[1:]):
                    if kind == _DNS:
                        yield data[begin:end].decode("ascii").lower()
                    elif kind == _ADDRESS:
                        yield str(ipaddress.ip_address(data[begin:end]))
