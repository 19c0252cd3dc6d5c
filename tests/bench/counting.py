"""A relay in front of the engine's socket that counts the HTTP requests that pass: the same measure for everybody."""

from __future__ import annotations

import contextlib
import re
import socket
import threading
from pathlib import Path

ENGINE = "/var/run/docker.sock"
REQUEST = re.compile(rb"(?:^|\r\n\r\n|\})(?:GET|HEAD|POST|PUT|DELETE) /\S* HTTP/1\.1\r\n")


class Relay:
    """Listens on a socket of its own and counts."""

    def __init__(self, path: Path) -> None:
        self.path, self.requests = path, 0
        self._server = socket.socket(socket.AF_UNIX)
        path.unlink(missing_ok=True)
        self._server.bind(str(path))
        self._server.listen(64)
        threading.Thread(target=self._accept, daemon=True).start()

    @property
    def address(self) -> str:
        """What a module is given as docker_host."""
        return f"unix://{self.path}"

    def _accept(self) -> None:
        while True:
            client, _address = self._server.accept()
            engine = socket.socket(socket.AF_UNIX)
            engine.connect(ENGINE)
            threading.Thread(target=self._pump, args=(client, engine, True), daemon=True).start()
            threading.Thread(target=self._pump, args=(engine, client, False), daemon=True).start()

    def _pump(self, source: socket.socket, target: socket.socket, count: bool) -> None:
        try:
            while data := source.recv(65536):
                if count:
                    self.requests += len(REQUEST.findall(data))
                target.sendall(data)
        except OSError:
            pass
        for end in (source, target):
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
