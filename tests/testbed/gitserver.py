"""A git server over HTTP that wants a token: git's own `http-backend` behind Python's server, on loopback."""

from __future__ import annotations

import base64
import contextlib
import http.server
import os
import shutil
import subprocess
import threading
import typing as t
from pathlib import Path

import images
import names
import shell


class Repository:
    """A bare repository, and a working copy that commits are made in."""

    def __init__(self, folder: Path) -> None:
        self.bare, self.work = folder / "bare.git", folder / "work"
        self.work.mkdir(parents=True)
        git(folder, "init", "--quiet", "--bare", "--initial-branch=main", str(self.bare))
        git(self.work, "init", "--quiet", "--initial-branch=main")

    def commit(self, files: dict[str, str], tag: str = "") -> str:
        """Write these files, commit and publish; the commit."""
        for name, text in files.items():
            path = self.work / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        git(self.work, "add", "--all")
        git(self.work, "commit", "--quiet", "--message", "change")
        if tag:
            git(self.work, "tag", "--annotate", "--message", tag, tag)
        git(self.work, "push", "--quiet", "--tags", str(self.bare), "main")
        return git(self.work, "rev-parse", "HEAD").strip()


def git(folder: Path, *words: str) -> str:
    """Output of a git command."""
    who = ["-c", "user.name=Test", "-c", "user.email=test@example.org"]
    return subprocess.run(["git", *who, *words], cwd=folder, check=True, capture_output=True, text=True).stdout


class _Handler(http.server.BaseHTTPRequestHandler):
    server: Server

    def do_GET(self) -> None:
        """Answer discovery."""
        self._answer(b"")

    def do_POST(self) -> None:
        """Answer a fetch."""
        self._answer(self.rfile.read(int(self.headers.get("Content-Length", 0))))

    def _answer(self, body: bytes) -> None:
        expected = "Basic " + base64.b64encode(f"git:{self.server.token}".encode()).decode()
        self.server.asked.append(self.path)
        self.server.shown += [self.headers["Authorization"]] if "Authorization" in self.headers else []
        target = next((to for start, to in self.server.elsewhere.items() if self.path.startswith(start)), "")
        if target and (not self.server.token or self.headers.get("Authorization") == expected):
            self.send_response(302)
            self.send_header("Location", target + self.path)
            self.send_header("Content-Length", "0")
            self.end_headers()
            return
        if self.server.token and self.headers.get("Authorization") != expected:
            self.send_response(401)
            self.send_header("WWW-Authenticate", 'Basic realm="git"')
            self.send_header("Content-Length", "0")
            self.end_headers()
            return
        path, _mark, query = self.path.partition("?")
        env = {
            **os.environ,
            "GIT_PROJECT_ROOT": str(self.server.root),
            "GIT_HTTP_EXPORT_ALL": "1",
            "REQUEST_METHOD": self.command,
            "PATH_INFO": path,
            "QUERY_STRING": query,
            "CONTENT_TYPE": self.headers.get("Content-Type", ""),
            "HTTP_CONTENT_ENCODING": self.headers.get("Content-Encoding", ""),
            "GIT_PROTOCOL": self.headers.get("Git-Protocol", ""),
            "CONTENT_LENGTH": str(len(body)),
        }
        done = subprocess.run(["git", "http-backend"], input=body, env=env, capture_output=True, check=True)
        head, _blank, content = done.stdout.partition(b"\r\n\r\n")
        rows = dict(line.split(": ", 1) for line in head.decode().split("\r\n"))
        self.send_response(int(rows.pop("Status", "200").split()[0]))
        for key, value in {**rows, "Content-Length": str(len(content))}.items():
            self.send_header(key, value)
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, format: str, *args: t.Any) -> None:  # noqa: A002
        """Say nothing."""


class Server(http.server.ThreadingHTTPServer):
    """Serves the repositories of a folder to whoever has the token.

    `asked` is what it was asked for, `shown` the credentials it was shown, `elsewhere` where paths are redirected to.
    """

    def __init__(self, root: Path, token: str) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.root, self.token, self.asked = root, token, list[str]()
        self.shown, self.elsewhere = list[str](), dict[str, str]()

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self.server_port}"


@contextlib.contextmanager
def serving(root: Path, token: str = "") -> t.Iterator[Server]:
    """A server for the length of a block."""
    server = Server(root, token)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()


class SshServer(t.NamedTuple):
    """A git server over SSH: where a repository is, the key that opens it, and the key it shows itself."""

    url: str
    key: str
    known_hosts: str


@contextlib.contextmanager
def over_ssh(repository: Repository, folder: Path) -> t.Iterator[SshServer]:
    """A container with sshd and git for the length of a block.

    :param folder: for its keys.
    """
    images.up(images.GIT_IMAGES)
    key = folder / "deploy"
    shell.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(key)])
    shutil.copy(f"{key}.pub", folder / "keys")
    mounts = ["-v", f"{repository.bare}:/srv/shop.git:ro", "-v", f"{folder / 'keys'}:/keys:ro"]
    flags = ["--detach", "--rm", "--label", f"{names.LABEL}=1", "--publish", "127.0.0.1::22"]
    identity = shell.run(["docker", "run", *flags, *mounts, names.image("git")]).strip()
    try:
        port = shell.run(["docker", "port", identity, "22"]).split(":")[-1].strip()
        scan = ["ssh-keyscan", "-t", "ed25519", "-p", port, "127.0.0.1"]
        shell.wait_until("the git server shows its key", lambda: "ed25519" in shell.run(scan, check=False))
        yield SshServer(f"ssh://git@127.0.0.1:{port}/srv/shop.git", key.read_text(), shell.run(scan))
    finally:
        shell.run(["docker", "rm", "--force", identity], check=False)
