"""The role socket_proxy: what reaches the engine, told by whose answer it is."""

from __future__ import annotations

import io
import json
import subprocess
import tarfile
import typing as t

import images
import names
import pytest
from harness.platforms import Options, Platform, docker

Answer = t.Tuple[int, bool]
"""A status, and whether the engine gave it."""
OWN = "tidegate.build"
ALLOWED = [
    "GET /_ping",
    "GET /v1.41/version",
    "GET /info",
    "GET /containers/json?all=1",
    "GET /images/json",
    "GET /networks",
]
FORBIDDEN = [
    *("GET /containers/ID/json", "GET /containers/ID/archive?path=/etc", "GET /containers/ID/logs?stdout=1"),
    *(
        "GET /containers/ID/export",
        "GET /containers/ID/top",
        "POST /containers/create",
        "POST /v1.41/containers/create",
    ),
    *("POST /containers/ID/start", "POST /containers/ID/stop", "POST /containers/ID/kill", "POST /containers/ID/exec"),
    *(
        "POST /containers/ID/attach",
        "POST /exec/ID/start",
        "DELETE /containers/ID",
        "PUT /containers/ID/archive?path=/",
    ),
    *(
        "POST /containers/ID/update",
        "POST /containers/ID/rename?name=x",
        "POST /containers/prune",
        "DELETE /images/app",
    ),
    *(
        "POST /images/prune",
        "POST /images/load",
        "GET /images/app/get",
        "POST /commit?container=ID",
        "POST /volumes/create",
    ),
    *(
        "DELETE /volumes/x",
        "POST /volumes/prune",
        "POST /networks/create",
        "POST /networks/x/connect",
        "DELETE /networks/x",
    ),
    *("GET /secrets", "GET /configs", "POST /swarm/init", "GET /plugins", "POST /plugins/pull", "GET /system/df"),
    *("GET //containers/ID/json", "GET /images/../containers/ID/json", "GET /containers/%6a%73on/../ID/json"),
    *("get /info", "GET /info/", "GET /_pingx", "TRACE /_ping", "POST /_ping"),
]
# Paths, methods and queries that the proxy for builders has to keep from the engine, however they are written.
HOSTILE = [
    *("POST /build?networkmode=host", "POST /build?q=1&networkmode=HOST", "POST /build?networkmode=container:ID"),
    *("POST /build?networkmode=%68ost", "POST /build?%6eetworkmode=host", "POST /build?networkmode=%68%6f%73%74"),
    *("POST /build?NetworkMode=host", "POST /build?q=1;networkmode=host", "POST /build?networkmode=tidegate"),
    *(
        "POST /build?networkmode=default&networkmode=host",
        "POST /v1.41/build?networkmode=+host",
        "POST /build?networkmode",
    ),
    *(
        "POST /build?remote=http://127.0.0.1/x",
        "POST /build?%72emote=http://127.0.0.1/x",
        "POST /build?remote=git://x/y",
    ),
    *("POST /build?t=tidegate.local/shop.production:1", "POST /build?t=redis:7", "POST /build?t=OWN/a&t=redis"),
    *(
        "POST /build?t=%74idegate.local/shop",
        "POST /build?t=OWNx/a",
        "POST /build?version=2",
        "POST /build?cgroupparent=/",
    ),
    *("POST /build?unheard=of", "POST /build?securityopt=seccomp", "POST /build?outputs=%5B%5D"),
    *("POST /images/create?fromSrc=http://127.0.0.1/x&repo=redis", "POST /images/create?fromSrc=-&repo=redis"),
    *("POST /images/create?from%53rc=-&repo=redis", "POST /images/create", "POST /images/create?repo=x"),
    *("POST /images/create?fromImage=tidegate.local/shop", "POST /images/create?fromImage=%74idegate.local/shop"),
    *(
        "POST /images/create?fromImage=a&fromImage=tidegate.local%2Fshop",
        "POST /images/create?fromImage=Tidegate.local/a",
    ),
    *("POST /images/APP/tag?repo=tidegate.local/shop.production&tag=1", "POST /images/APP/tag?repo=redis&tag=7"),
    *("POST /images/APP/tag?repo=%72edis", "POST /images/APP/tag?re%70o=redis", "POST /images/APP/tag"),
    *("POST /images/APP/tag?repo=OWN/a&repo=redis", "POST /images/APP/tag?repo=OWN", "POST /images/APP/tag?repo=OWN/"),
]
FORMS = [
    ("/build", "application/x-www-form-urlencoded", "networkmode=host"),
    ("/build?rm=1", "Application/X-WWW-Form-URLencoded; charset=utf-8", "remote=http://127.0.0.1/x"),
    ("/images/create?fromImage=x", "application/x-www-form-urlencoded", "fromSrc=-&repo=redis"),
    ("/images/APP/tag?repo=OWN/a", "application/x-www-form-urlencoded", "repo=redis"),
    (
        "/build",
        'multipart/form-data; boundary="x"',
        "--x\r\nContent-Disposition: form-data; name=t\r\n\r\nredis\r\n--x--\r\n",
    ),
]
PROGRAM = """
import json, socket, sys
for host, head, body in json.load(sys.stdin):
    s = socket.create_connection((host, 2375))
    s.settimeout(60)
    data = bytes.fromhex(body)
    s.sendall((head + f"Host: a\\r\\nContent-Length: {len(data)}\\r\\nConnection: close\\r\\n\\r\\n").encode("latin-1") + data)
    answer = b"".join(iter(lambda: s.recv(65536), b""))
    lines = answer.partition(b"\\r\\n\\r\\n")[0].decode("latin-1").lower()
    print(json.dumps([int(lines.split()[1]), "server: docker" in lines or "api-version:" in lines, answer.decode("latin-1")]))
"""


class Proxies(t.NamedTuple):
    """What both proxies answer, asked from their network."""

    network: str

    def ask(self, host: str, call: str, headers: str = "", body: bytes = b"") -> tuple[int, bool, str]:
        """Status, whether the engine gave it, and the whole answer."""
        return self.all(host, [(call, headers, body)])[0]

    def all(self, host: str, calls: t.Sequence[tuple[str, str, bytes]]) -> list[tuple[int, bool, str]]:
        """The same for many calls."""
        rows = [[host, f"{call} HTTP/1.1\r\n{headers}", body.hex()] for call, headers, body in calls]
        argv = ["docker", "run", "--rm", "-i", "--network", self.network, names.image("app"), "python3", "-c", PROGRAM]
        done = subprocess.run(argv, input=json.dumps(rows), capture_output=True, text=True, check=True)
        return [tuple(json.loads(line)) for line in done.stdout.splitlines()]

    def plain(self, host: str, calls: t.Sequence[str]) -> dict[str, Answer]:
        """Answers to calls without a body."""
        return {
            call: answer[:2] for call, answer in zip(calls, self.all(host, [(c, "", b"") for c in calls]), strict=True)
        }


def apply(platform: Platform, variables: Options, *arguments: str) -> t.Any:
    """A run of the role."""
    path = platform.root / "socket_proxy.json"
    play = {"hosts": "all", "gather_facts": False, "roles": ["tidegate.platform.socket_proxy"]}
    path.write_text(json.dumps([play]))
    return platform.playbook(str(path), *arguments, **variables)


@pytest.fixture(scope="module")
def proxies(platform: Platform) -> t.Iterator[Proxies]:
    """Both of them."""
    images.up(images.STACK_IMAGES)
    network = f"{platform.network}-sockets"
    variables: Options = {
        "socket_proxy_image": names.image("haproxy"),
        "socket_proxy_network": network,
        "socket_proxy_builder": True,
    }
    assert apply(platform, variables, "--check").ok().changed
    apply(platform, variables).ok()
    assert apply(platform, variables).ok().changed == []
    yield Proxies(network)
    apply(platform, {**variables, "socket_proxy_state": "absent"}).ok()
    docker("network", "rm", network)


@pytest.fixture
def identity() -> str:
    """The container of the first."""
    (found,) = docker("ps", "--filter", "label=tidegate.workload=socket-proxy", "--format", "{{.Names}}").split()
    return found


def spelled(call: str, identity: str) -> str:
    """A call of a table."""
    app = names.image("app", "1")
    return call.replace("APP", app).replace("OWN", OWN).replace("ID", identity)


def test_what_is_not_listed_is_refused_by_the_proxy_itself(proxies: Proxies, identity: str) -> None:
    """C2, T4: every listed call works on the real engine; what is not reaches it in no way, be it to be refused there."""
    calls = [spelled(call, identity) for call in FORBIDDEN]
    for host in ("socket-proxy", "socket-proxy-builder"):
        assert set(proxies.plain(host, ALLOWED).values()) == {(200, True)}
        answers = proxies.plain(host, calls)
        assert {call: answer for call, answer in answers.items() if answer not in ((403, False), (400, False))} == {}
        assert len([answer for answer in answers.values() if answer == (403, False)]) >= 40
    log = docker("logs", identity)
    assert f"403 GET /containers/{identity}/json" in log
    assert "/containers/json" not in log


def test_a_builder_asks_only_for_what_it_may_however_it_writes_it(proxies: Proxies, identity: str) -> None:
    """C2: encoded values and keys, other letters, repeated keys, forms, sources of the engine's own, foreign names."""
    answers = proxies.plain("socket-proxy-builder", [spelled(call, identity) for call in HOSTILE])
    assert {call: answer for call, answer in answers.items() if answer != (403, False)} == {}
    calls = [
        (f"POST {spelled(path, identity)}", f"Content-Type: {kind}\r\n", body.encode()) for path, kind, body in FORMS
    ]
    twice = ("POST /build", f"Content-Type: application/x-tar\r\nContent-Type: {FORMS[0][1]}\r\n", FORMS[0][2].encode())
    found = proxies.all("socket-proxy-builder", [*calls, twice])
    assert {answer[:2] for answer in found} == {(403, False)}, found
    upgraded = proxies.ask("socket-proxy", "GET /_ping", "Upgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAAP__\r\n")
    assert upgraded[:2] == (403, False)


def test_a_builder_builds_pulls_and_tags(proxies: Proxies) -> None:
    """C2: with what clients send, escapes where they belong, and a content type that means nothing."""
    name, app = f"{OWN}/walls-test", names.image("app", "2")
    pull = f"POST /images/create?fromImage={app.rpartition(':')[0].replace('/', '%2F')}&tag=2"
    assert proxies.ask("socket-proxy", pull)[:2] == (403, False)
    assert proxies.ask("socket-proxy-builder", pull)[:2] == (200, True)
    archive = io.BytesIO()
    with tarfile.open(fileobj=archive, mode="w") as tar:
        text = f'FROM {app}\nARG WORD\nRUN echo "$WORD" > /tmp/word\n'.encode()
        entry = tarfile.TarInfo("Dockerfile")
        entry.size = len(text)
        tar.addfile(entry, io.BytesIO(text))
    query = (
        f"t={OWN}%2Fwalls-test%3A1&rm=True&buildargs=%7B%22WORD%22%3A%22a%26b%22%7D&networkmode=none&remote=&version=1"
    )
    try:
        for kind in ("application/tar", "application/x-tar", "text/plain"):
            headers = f"Content-Type: {kind}\r\n"
            built = proxies.ask("socket-proxy-builder", f"POST /v1.41/build?{query}", headers, archive.getvalue())
            assert built[:2] == (200, True), built
            assert "Successfully tagged" in built[2], built
        assert docker("run", "--rm", f"{name}:1", "cat", "/tmp/word") == "a&b"
        tagged = proxies.ask("socket-proxy-builder", f"POST /images/{name}:1/tag?repo={OWN}%2Fwalls-test&tag=2")
        assert tagged[:2] == (201, True), tagged
    finally:
        docker("rmi", "-f", f"{name}:1", f"{name}:2", check=False)
