"""Certificates while the proxy itself is changed: a real ACME server, two Traefiks for a moment, one store."""

from __future__ import annotations

import contextlib
import functools
import json
import socket
import threading
import time
import typing as t
from pathlib import Path

import acme
import names
import shell
from harness.platforms import Platform, docker, free_ports

from .test_playbooks import SITE, gateway, issuer, served_certificate

__all__ = ["gateway"]
# Seconds that writing the store may take on a slow machine: Traefik empties it first, and then fills it.
WRITING = 1.0


class Watch:
    """Reads a store of certificates all the time: which names it had, and which it had no more."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.had: set[str] = set()
        self.lost: set[str] = set()
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run)

    def _run(self) -> None:
        whole = time.monotonic()
        while not self._over.wait(0.01):
            has, now = self.names(), time.monotonic()
            if has is not None:
                whole = now
            elif now - whole < WRITING:
                continue
            self.lost |= self.had - (has or set())
            self.had |= has or set()

    def names(self) -> set[str] | None:
        """Names that it has certificates for now; None while it is empty, or half written."""
        with contextlib.suppress(ValueError):
            stores = json.loads(self.path.read_text())
            return {row["domain"]["main"] for part in stores.values() for row in part.get("Certificates") or ()}
        return None

    @contextlib.contextmanager
    def running(self) -> t.Iterator[Watch]:
        """Watch for the length of a block."""
        self._thread.start()
        try:
            yield self
        finally:
            self._over.set()
            self._thread.join()


def test_a_certificate_that_is_ordered_during_a_handover_is_kept(own: Platform, gateway: str) -> None:
    """B17: the stand-in reads Traefik's store and cannot write it, so that it takes nothing away that blue put there."""
    with acme.running(own.root / "acme", gateway, free_ports(4), own.ports.http, own.ports.https) as authority:
        resolver = {"name": "pebble", "email": "ops@shop.test", "ca_server": authority.directory}
        own.variables.update(traefik_resolvers=[resolver], traefik_ca_certificates=authority.certificate)
        own.variables["traefik_grace_seconds"] = 120  # ends with the request that blue is held by
        own.playbook(SITE).ok()
        common: dict[str, t.Any] = {"image": names.image("app"), "port": 8000, "networks": [own.network]}
        hosts = {name: f"{name}.shop.test" for name in (f"a{own.label}", f"b{own.label}")}
        first, second = hosts
        own.apply(name=f"h{own.label}", routes=[{"host": "held.test"}], **common)
        plays: list[t.Any] = []
        change = threading.Thread(target=lambda: plays.append(own.playbook(SITE, traefik_log_level="WARN")))
        try:
            with Watch(own.state / "traefik" / "acme" / "pebble.json").running() as watch, held(own) as release:
                change.start()
                stand_in = ["ps", "-q", "--filter", f"network={own.network}", "--filter", "name=traefik-.*-0$"]
                shell.wait_until("a stand-in is there", lambda: bool(docker(*stand_in)), 300)
                mounts = json.loads(docker("inspect", "--format", "{{json .Mounts}}", docker(*stand_in)))
                own.apply(name=first, routes=[{"host": hosts[first], "resolver": "pebble"}], **common)
                shell.wait_until("its order is answered", functools.partial(signed, own, hosts[first]), 100)
                assert docker(*stand_in), "the stand-in was gone before"
                release()
                own.apply(name=second, routes=[{"host": hosts[second], "resolver": "pebble"}], **common)
                change.join()
                plays[0].ok()
                shell.wait_until("both are stored", lambda: watch.names() == set(hosts.values()), 60)
                for host in hosts.values():
                    shell.wait_until(f"{host} is served its own", functools.partial(signed, own, host), 60)
            assert watch.lost == set()
            assert not (own.state / "routes" / "_orders.yml").exists(), "it is there for a change, and for a second one"
            assert [m["RW"] for m in mounts if m["Destination"] == "/etc/traefik/acme"] == [False]
        finally:
            change.join()
            for name in (*hosts, f"h{own.label}"):
                own.apply(name=name, state="absent")


def test_what_was_refused_during_a_handover_is_ordered_again(own: Platform, gateway: str) -> None:
    """Challenges that the stand-in was asked for had no answer, and Traefik orders again at a change of its routes only:
    the name had no certificate until somebody deployed something.
    """
    ports = free_ports(4)
    with acme.running(own.root / "acme", gateway, ports, own.ports.http, own.ports.https) as authority:
        resolver = {"name": "pebble", "email": "ops@shop.test", "ca_server": authority.directory}
        own.variables.update(traefik_resolvers=[resolver], traefik_ca_certificates=authority.certificate)
        own.playbook(SITE).ok()
        name = f"r{own.label}"
        acme.answer_with("127.0.0.66", ports)
        own.apply(
            name=name,
            image=names.image("app"),
            port=8000,
            networks=[own.network],
            routes=[{"host": f"{name}.shop.test", "resolver": "pebble"}],
        )
        (proxy,) = docker("ps", "-q", "--filter", f"network={own.network}", "--filter", "name=traefik-").split()
        shell.wait_until("the order is refused", lambda: "Unable to obtain ACME" in docker("logs", proxy), 100)
        acme.answer_with("127.0.0.1", ports)
        # As after a handover, at whose end the file is another's.
        (own.state / "routes" / "_release.yml").write_text("{}")
        own.playbook(SITE).ok()
        shell.wait_until("it is served its own", functools.partial(signed, own, f"{name}.shop.test"), 100)
        assert own.playbook(SITE).ok().changed == []
        own.apply(name=name, state="absent")


@contextlib.contextmanager
def held(own: Platform) -> t.Iterator[t.Callable[[], None]]:
    """Have a request under way, which Traefik waits for before it ends; what is given ends it."""
    with socket.create_connection(("127.0.0.1", own.ports.http), 10) as client:
        client.sendall(b"GET /slow?seconds=300 HTTP/1.1\r\nHost: held.test\r\n\r\n")
        yield client.close


def signed(own: Platform, host: str) -> bool:
    """Whether a host name is served a certificate of the authority."""
    return "Pebble" in issuer(served_certificate(own.ports.https, host))
