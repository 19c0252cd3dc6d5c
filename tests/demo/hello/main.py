"""The least that is a web application."""

import http.server
import os


class Hello(http.server.BaseHTTPRequestHandler):
    """Answers every request with one line."""

    def do_GET(self) -> None:
        """Answer."""
        body = f"hello from a runner, as user {os.getuid()}\n".encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_words: object) -> None:
        """Say nothing."""


http.server.ThreadingHTTPServer(("0.0.0.0", int(os.environ["PORT"])), Hello).serve_forever()
