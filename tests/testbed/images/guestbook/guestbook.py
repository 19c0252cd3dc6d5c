"""An application with state: POST / writes an entry to PostgreSQL, GET / says how many there are and counts in Redis.

Passwords are files: /run/secrets/postgres and /run/secrets/redis.
"""

from __future__ import annotations

import http.server
import json
import signal
import sys
from pathlib import Path

import psycopg2
import redis

SECRETS = Path("/run/secrets")


def database() -> psycopg2.extensions.connection:
    """A connection to the database that the platform made for us."""
    password = (SECRETS / "postgres").read_text()
    return psycopg2.connect(host="postgres", dbname="guestbook", user="guestbook", password=password, connect_timeout=3)


def entries() -> int:
    """How many entries there are."""
    with database() as connection, connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM entry")
        return int(cursor.fetchone()[0])


class Handler(http.server.BaseHTTPRequestHandler):
    """Answers with JSON."""

    def do_GET(self) -> None:
        """Say what there is; `/healthz` needs the database, too."""
        cache = redis.Redis(
            host="redis", username="guestbook", password=(SECRETS / "redis").read_text(), socket_timeout=3
        )
        self.answer({"entries": entries(), "visits": cache.incr("visits") if self.path == "/" else None})

    def do_POST(self) -> None:
        """Write an entry."""
        with database() as connection, connection.cursor() as cursor:
            cursor.execute("INSERT INTO entry (text) VALUES (%s)", ("written by a visitor",))
        self.answer({"entries": entries()})

    def answer(self, document: dict[str, int | None]) -> None:
        """Head and body."""
        data = json.dumps(document).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)


def main() -> None:
    """Make the table, then serve, and end when asked to: a container's first process has no default for that."""
    signal.signal(signal.SIGTERM, lambda *_signal: sys.exit(0))
    with database() as connection, connection.cursor() as cursor:
        cursor.execute("CREATE TABLE IF NOT EXISTS entry (id serial, text text)")
    http.server.ThreadingHTTPServer(("", 8000), Handler).serve_forever()


if __name__ == "__main__":
    main()
