"""A real ACME server (Pebble, Let's Encrypt's own) with a DNS server that answers every name with one address."""

from __future__ import annotations

import contextlib
import json
import signal
import subprocess
import typing as t
import urllib.request
from dataclasses import dataclass
from pathlib import Path

import shell


@dataclass(frozen=True)
class Authority:
    """A running ACME server."""

    directory: str
    certificate: str
    """PEM of the authority that signed the server's own certificate."""


def certificates(folder: Path, address: str) -> str:
    """Make an authority and a server certificate for the address; the authority's PEM."""
    key, request, ca = folder / "server.key", folder / "server.csr", folder / "ca.pem"
    extension = folder / "san.cnf"
    extension.write_text(f"subjectAltName=IP:{address}\n")
    new = ["openssl", "req", "-newkey", "rsa:2048", "-nodes", "-subj"]
    shell.run(
        [*new, "/CN=testbed authority", "-x509", "-days", "2", "-keyout", str(folder / "ca.key"), "-out", str(ca)]
    )
    shell.run([*new, "/CN=pebble", "-keyout", str(key), "-out", str(request)])
    sign = ["openssl", "x509", "-req", "-in", str(request), "-CA", str(ca), "-CAkey", str(folder / "ca.key")]
    shell.run([*sign, "-CAcreateserial", "-days", "2", "-extfile", str(extension), "-out", str(folder / "server.pem")])
    return ca.read_text()


@contextlib.contextmanager
def running(
    folder: Path, address: str, ports: t.Sequence[int], http: int, https: int, dns: str = ""
) -> t.Iterator[Authority]:
    """Run the server for the length of a block.

    :param address: address that Traefik reaches it by.
    :param ports: four free ports: directory, management, DNS and the DNS server's management.
    :param http: port on 127.0.0.1 that HTTP-01 is validated on.
    :param https: port on 127.0.0.1 that TLS-ALPN-01 is validated on.
    :param dns: name server that it asks; its own, which answers every name, if empty.
    """
    directory, management, own_dns, dns_management = ports
    folder.mkdir(parents=True, exist_ok=True)
    certificate = certificates(folder, address)
    config = {
        "pebble": {
            "listenAddress": f"{address}:{directory}",
            "managementListenAddress": f"{address}:{management}",
            "certificate": str(folder / "server.pem"),
            "privateKey": str(folder / "server.key"),
            "httpPort": http,
            "tlsPort": https,
        }
    }
    (folder / "pebble.json").write_text(json.dumps(config))
    # Without these, Pebble waits up to 15 s before it validates and refuses some good nonces, to test clients.
    env = {"PEBBLE_VA_NOSLEEP": "1", "PEBBLE_WFE_NONCEREJECT": "0", "PATH": "/usr/bin:/bin"}
    names = ["pebble-challtestsrv", "-dns01", f"127.0.0.1:{own_dns}", "-defaultIPv4", "127.0.0.1", "-defaultIPv6", ""]
    names += ["-management", f"127.0.0.1:{dns_management}", "-http01", "", "-https01", "", "-tlsalpn01", ""]
    server = ["pebble", "-config", str(folder / "pebble.json"), "-dnsserver", dns or f"127.0.0.1:{own_dns}"]
    with (folder / "log").open("wb") as log:
        started = [subprocess.Popen(argv, stdout=log, stderr=log, env=env) for argv in (names, server)]
        try:
            check = ["openssl", "s_client", "-connect", f"{address}:{directory}", "-brief"]
            shell.wait_until("the ACME server answers", lambda: shell.succeeds(check), 20)
            yield Authority(f"https://{address}:{directory}/dir", certificate)
        finally:
            for process in started:
                process.send_signal(signal.SIGTERM)
                process.wait(10)


def answer_with(address: str, ports: t.Sequence[int]) -> None:
    """Have the DNS server answer every name with another address.

    :param ports: those that `running` was given.
    """
    body = json.dumps({"ip": address}).encode()
    urllib.request.urlopen(f"http://127.0.0.1:{ports[3]}/set-default-ipv4", body, 10).close()
