"""A real name server (BIND) for one zone that takes signed updates (RFC 2136), as DNS-01 challenges need it."""

from __future__ import annotations

import base64
import contextlib
import os
import signal
import subprocess
import typing as t
from dataclasses import dataclass
from pathlib import Path

import shell

CONFIG = """
options {{
  directory "{folder}"; pid-file none; session-keyfile none; managed-keys-directory "{folder}";
  listen-on port {port} {{ {address}; }}; listen-on-v6 {{ none; }}; recursion no; dnssec-validation no;
  allow-query {{ any; }};
}};
controls {{ }};
key "acme." {{ algorithm hmac-sha256; secret "{secret}"; }};
zone "{zone}" {{ type primary; file "{folder}/zone"; update-policy {{ grant acme. zonesub TXT; }}; }};
"""
ZONE = """$TTL 1
@ IN SOA ns.{zone}. root.{zone}. 1 60 60 600 1
@ IN NS ns.{zone}.
ns IN A {address}
* IN A 127.0.0.1
"""


@dataclass(frozen=True)
class Server:
    """A running name server."""

    address: str
    secrets: dict[str, str]
    """What a client needs to change the zone, by the names of the rfc2136 provider."""


@contextlib.contextmanager
def running(folder: Path, zone: str, address: str, port: int) -> t.Iterator[Server]:
    """Serve a zone whose every name has the address 127.0.0.1, for the length of a block."""
    folder.mkdir(parents=True)
    secret = base64.b64encode(os.urandom(32)).decode()
    (folder / "named.conf").write_text(
        CONFIG.format(folder=folder, port=port, address=address, secret=secret, zone=zone)
    )
    (folder / "zone").write_text(ZONE.format(zone=zone, address=address))
    argv = ["named", "-g", "-c", str(folder / "named.conf")]
    with (folder / "log").open("wb") as log, subprocess.Popen(argv, stdout=log, stderr=log) as process:
        try:
            shell.wait_until("the name server runs", lambda: b"running" in (folder / "log").read_bytes(), 20)
            server = f"{address}:{port}"
            names = ("NAMESERVER", "TSIG_ALGORITHM", "TSIG_KEY", "TSIG_SECRET")
            values = (server, "hmac-sha256.", "acme.", secret)
            yield Server(server, {f"RFC2136_{name}": value for name, value in zip(names, values, strict=True)})
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(10)
