# Copyright: (c) 2026, tidegate.platform contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What Traefik is told of resolvers, certificates and ports."""

from __future__ import annotations

import hashlib
import re
import typing as t

Row = t.Mapping[str, t.Any]
LETS_ENCRYPT = "https://acme-v02.api.letsencrypt.org/directory"
FOLDER = "/etc/traefik"


def resolver_arguments(resolvers: t.Iterable[Row]) -> list[str]:
    """Traefik's arguments for resolvers of certificates."""
    return [f"--certificatesResolvers.{row['name']}.acme.{said}" for row in resolvers for said in _said(row)]


def _said(resolver: Row) -> t.Iterator[str]:
    yield f"email={resolver['email']}"
    yield f"caServer={resolver.get('ca_server') or LETS_ENCRYPT}"
    yield f"storage={FOLDER}/acme/{resolver['name']}.json"
    challenge = resolver.get("challenge") or "http"
    if challenge == "http":
        yield "httpChallenge.entryPoint=web"
    elif challenge == "tls-alpn":
        yield "tlsChallenge=true"
    else:
        yield f"dnsChallenge.provider={resolver['dns_provider']}"
        for number, server in enumerate(resolver.get("dns_resolvers") or ()):
            yield f"dnsChallenge.resolvers[{number}]={server}"


def clashing(resolver: Row, others: t.Iterable[Row]) -> list[str]:
    """The names of resolvers whose secrets this one's would replace: Traefik has one environment for all."""
    found = []
    for other in others:
        providers = (resolver.get("dns_provider"), other.get("dns_provider"))
        mine, theirs = resolver.get("dns_secrets") or {}, other.get("dns_secrets") or {}
        shared = {*mine} & {*theirs}
        same = mine == theirs if len(set(providers)) == 1 else all(mine[key] == theirs[key] for key in shared)
        found += [other["name"]] if all(providers) and not same else []
    return found


def certificate_stems(certificates: t.Iterable[Row]) -> list[str]:
    """The names of the certificates' files, told by what is in them: Traefik reads a renewed one as another file."""
    return [f"{row['name']}.{_digest(row['certificate'] + row['key'])}" for row in certificates]


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def certificate_entries(stems: t.Iterable[str]) -> list[dict[str, str]]:
    """The files of these names as a routing document of Traefik's names them."""
    return [{f"{kind}File": f"{FOLDER}/certificates/{stem}.{end}" for kind, end in KINDS.items()} for stem in stems]


KINDS = {"cert": "crt", "key": "key"}


def published(addresses: t.Iterable[str], ports: t.Mapping[int, int]) -> list[Row]:
    """Ports of a container, each published on each of the addresses.

    :param ports: the host's by the container's.
    """
    return [{"container": own, "host": of_host, "address": row} for row in addresses for own, of_host in ports.items()]


def agreeing(prefixes: t.Sequence[str], there: str) -> str:
    """The first of the prefixes of IPv6 that is the one which is there, however it is written, or that one itself.

    :param there: that one; empty for none, with which any agrees.
    """
    return next((one for one in prefixes if not there or _short(one) == _short(there)), there)


def _short(prefix: str) -> str:
    return re.sub(r":0+(?=[0-9a-f])", ":", prefix)


class FilterModule:
    """The filters of this file."""

    def filters(self) -> dict[str, t.Callable[..., t.Any]]:
        """By name."""
        return {
            "agreeing": agreeing,
            "certificate_entries": certificate_entries,
            "certificate_stems": certificate_stems,
            "clashing": clashing,
            "published": published,
            "resolver_arguments": resolver_arguments,
        }
