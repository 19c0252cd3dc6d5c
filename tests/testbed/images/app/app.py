"""The demonstration application: a small HTTP/1.1 server with a knob for each way an application can behave.

Knobs (environment): VERSION, PORT, BOOT_DELAY (seconds before it listens), HEALTH_STATUS, CRASH_ON_START,
IGNORE_SIGTERM, ABRUPT (SIGTERM ends it at once, whatever is in flight), UNHEALTHY_AFTER and EXIT_AFTER (seconds),
CANARY_FILE (a secret file that it leaks into its own log).
Paths: / /healthz /status?code= /slow?seconds= /download?kb=&seconds= /upload /ws /crash /unhealthy /secret?name= .
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import json
import os
import signal
import socket
import struct
import sys
import time
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

VERSION = os.environ.get("VERSION", "0")
WEBSOCKET_GUID = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"  # RFC 6455, section 1.3
CHUNK = 65536


class App:
    """One server process; counts what is in flight so that SIGTERM ends it when the last request is answered."""

    def __init__(self) -> None:
        self.health = int(os.environ.get("HEALTH_STATUS", "200"))
        self.active = 0
        self.stopping = asyncio.Event()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer the requests of one connection until it closes."""
        sock = writer.get_extra_info("socket")
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        try:
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                self.active += 1
                try:
                    keep = await self.answer(head.decode("latin-1"), reader, writer)
                finally:
                    self.active -= 1
                if not keep or self.stopping.is_set():
                    break
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()

    async def answer(self, head: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        """Answer one request; true when the connection may carry another."""
        lines = head.split("\r\n")
        method, target, _protocol = lines[0].split(" ", 2)
        headers = {k.strip().lower(): v.strip() for k, _sep, v in (line.partition(":") for line in lines[1:] if line)}
        url = urlsplit(target)
        query = {k: v[0] for k, v in parse_qs(url.query).items()}
        if url.path == "/ws":
            await self.websocket(headers, reader, writer)
            return False
        if url.path == "/download":
            await self.download(query, writer)
            return True
        body = await self.body(headers, reader)
        if url.path == "/slow":
            await asyncio.sleep(float(query.get("seconds", "1")))
        await self.reply(writer, *self.respond(method, url.path, query, body))
        return headers.get("connection", "").lower() != "close"

    def respond(self, _method: str, path: str, query: dict[str, str], body: tuple[int, str]) -> tuple[int, object]:
        """Status and JSON document for a plain request."""
        base = {"version": VERSION, "instance": socket.gethostname()}
        if path == "/healthz":
            return self.health, {**base, "healthy": self.health < 400}
        if path == "/unhealthy":
            self.health = 503
        if path == "/status":
            return int(query["code"]), {**base, "path": path}
        if path == "/crash":
            print("crash requested", flush=True)
            os._exit(3)
        if path == "/upload":
            return 200, {**base, "bytes": body[0], "sha256": body[1]}
        if path == "/secret":
            content = Path("/run/secrets", Path(query["name"]).name).read_bytes()
            return 200, {**base, "sha256": hashlib.sha256(content).hexdigest(), "uid": os.getuid()}
        if path == "/env":
            return 200, {**base, "value": os.environ.get(query["name"]), "argv": sys.argv[1:]}
        return 200, {**base, "path": path}

    async def reply(self, writer: asyncio.StreamWriter, status: int, document: object) -> None:
        """Head and body in one write."""
        data = json.dumps(document).encode()
        extra = "Connection: close\r\n" if self.stopping.is_set() else ""
        head = f"HTTP/1.1 {status} -\r\nContent-Type: application/json\r\nContent-Length: {len(data)}\r\n{extra}\r\n"
        writer.write(head.encode() + data)
        await writer.drain()

    async def body(self, headers: dict[str, str], reader: asyncio.StreamReader) -> tuple[int, str]:
        """Size and SHA-256 of the request's body, plain or chunked."""
        digest, size = hashlib.sha256(), 0
        if "chunked" in headers.get("transfer-encoding", ""):
            while length := int((await reader.readline()).strip() or b"0", 16):
                digest.update(await reader.readexactly(length))
                await reader.readline()
                size += length
            await reader.readline()
            return size, digest.hexdigest()
        left = int(headers.get("content-length", "0"))
        while left:
            part = await reader.read(min(CHUNK, left))
            if not part:
                raise asyncio.IncompleteReadError(b"", left)
            digest.update(part)
            left -= len(part)
            size += len(part)
        return size, digest.hexdigest()

    async def download(self, query: dict[str, str], writer: asyncio.StreamWriter) -> None:
        """Drip a body of `kb` kilobytes over `seconds`."""
        size, seconds = int(query.get("kb", "64")) * 1024, float(query.get("seconds", "1"))
        writer.write(f"HTTP/1.1 200 -\r\nContent-Length: {size}\r\nX-Version: {VERSION}\r\n\r\n".encode())
        parts = 10
        for part in range(parts):
            writer.write(b"x" * (size // parts + (size % parts if part == parts - 1 else 0)))
            await writer.drain()
            await asyncio.sleep(seconds / parts)

    async def websocket(
        self, headers: dict[str, str], reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        """Echo text frames (RFC 6455), each with the version in front, until the peer closes."""
        accept = base64.b64encode(hashlib.sha1((headers["sec-websocket-key"] + WEBSOCKET_GUID).encode()).digest())
        writer.write(
            b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            b"Sec-WebSocket-Accept: " + accept + b"\r\n\r\n"
        )
        while True:
            first, second = await reader.readexactly(2)
            length = second & 0x7F
            if length == 126:
                length = struct.unpack(">H", await reader.readexactly(2))[0]
            mask = await reader.readexactly(4)
            data = bytes(b ^ mask[i % 4] for i, b in enumerate(await reader.readexactly(length)))
            if first & 0x0F == 8:
                writer.write(b"\x88\x00")
                await writer.drain()
                return
            out = VERSION.encode() + b":" + data
            writer.write(
                bytes([0x81]) + (bytes([len(out)]) if len(out) < 126 else b"\x7e" + struct.pack(">H", len(out))) + out
            )
            await writer.drain()

    async def run(self) -> None:
        """Listen, then wait for SIGTERM and for the last request."""
        server = await asyncio.start_server(self.serve, "0.0.0.0", int(os.environ.get("PORT", "8000")), backlog=1024)
        if not os.environ.get("IGNORE_SIGTERM"):
            # Most applications end like this: whoever stops them has to know that nothing is in flight.
            end = (lambda: os._exit(0)) if os.environ.get("ABRUPT") else self.stopping.set
            asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, end)
        print(f"version {VERSION} listens", flush=True)
        later = asyncio.get_running_loop().call_later
        for knob, happens in (
            ("UNHEALTHY_AFTER", lambda: setattr(self, "health", 500)),
            ("EXIT_AFTER", self.stopping.set),
        ):
            if knob in os.environ:
                later(float(os.environ[knob]), happens)
        await self.stopping.wait()
        server.close()
        while self.active:
            await asyncio.sleep(0.01)
        print(f"version {VERSION} ends", flush=True)


def main() -> None:
    """Apply the start-up knobs, then serve."""
    canary = os.environ.get("CANARY_FILE")
    if canary:
        print("leaking", Path(canary).read_text(), flush=True)
    if os.environ.get("CRASH_ON_START"):
        print("cannot start: CRASH_ON_START is set", flush=True)
        sys.exit(1)
    if os.environ.get("IGNORE_SIGTERM"):
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
    time.sleep(float(os.environ.get("BOOT_DELAY", "0")))
    asyncio.run(App().run())


if __name__ == "__main__":
    main()
