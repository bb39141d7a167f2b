"""A slot of an app that a test itself is: a small HTTP server."""

from __future__ import annotations

import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class _App(BaseHTTPRequestHandler):
    """Answers with its name; what it is asked at ``/slow`` waits until the test lets it go."""

    protocol_version = "HTTP/1.1"
    server: AppServer

    def do_GET(self) -> None:
        if self.path == "/slow":
            self.server.let_go.wait(30)
        statuses = {"/moved": 302, "/broken": 500}
        self.send_response(statuses.get(self.path, 200))
        body = self.server.name.encode()
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Location", "/")
        self.end_headers()
        self.wfile.write(body)

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        self.do_GET()

    def log_message(self, *_: object) -> None:
        """Print nothing."""


class AppServer(ThreadingHTTPServer):
    """A slot of an app."""

    daemon_threads = True
    request_queue_size = 64

    def __init__(self, name: str) -> None:
        self.name = name
        self.let_go = threading.Event()
        super().__init__(("127.0.0.1", 0), _App)
        threading.Thread(target=self.serve_forever, args=(0.02,), daemon=True).start()
