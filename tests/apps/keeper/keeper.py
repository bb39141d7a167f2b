"""A web app of one writer: it locks its data file, keeps all of it in memory, and writes it when it ends.

Two at once would lose what the other one took. ``keeper.json`` beside it says what this release does. ``POST /add``
takes a line, ``GET /`` tells version and lines. Standard library only; listens on 127.0.0.1:$PORT.
"""

from __future__ import annotations

import fcntl
import json
import os
import signal
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

STORAGE = Path(os.environ.get("STORAGE_DIR", "storage"))
SAYS = json.loads(Path("keeper.json").read_text())
LINES: list[str] = []
CHANGING = threading.Lock()


class Handler(BaseHTTPRequestHandler):
    """Answers; each on a connection of its own."""

    failures_left = SAYS.get("fail_first", 0)

    def do_GET(self) -> None:
        with CHANGING:
            body = json.dumps({"version": SAYS["version"], "slot": os.environ["POTIONS_SLOT"], "lines": len(LINES)})
        self.answer(body)

    def do_POST(self) -> None:
        line = self.rfile.read(int(self.headers["Content-Length"])).decode()
        time.sleep(SAYS.get("takes", 0))
        with CHANGING:
            LINES.append(line)
        self.answer(json.dumps({"version": SAYS["version"], "took": line}))

    def answer(self, body: str) -> None:
        status = 200
        if SAYS.get("always_500") or Handler.failures_left > 0:
            Handler.failures_left -= 1
            status = 500
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body.encode())

    def log_message(self, *_words: object) -> None:
        """Nothing: the load would fill the log."""


class Server(ThreadingHTTPServer):
    """Waits for what is in flight when it ends."""

    daemon_threads = False
    request_queue_size = 256


def take_lock() -> int:
    """The lock on the data file; whoever finds it taken gives up, as databases of one writer do."""
    descriptor = os.open(STORAGE / "data.lock", os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        diary("met another one")
        sys.exit("keeper: another process has the data file open")
    return descriptor


def diary(what: str) -> None:
    """A line that outlives the process, whoever else writes there."""
    with (STORAGE / "diary.txt").open("a") as file:
        file.write(f"{SAYS['version']} {os.environ['POTIONS_SLOT']} {what}\n")


def end_early(*_words: object) -> None:
    """It was told to end before it took anything."""
    diary("ends")
    sys.exit(0)


def main() -> None:
    """Begin, serve until SIGTERM, write everything down."""
    take_lock()
    diary("begins")
    data = STORAGE / "data.txt"
    LINES.extend(data.read_text().splitlines() if data.exists() else [])
    if SAYS.get("exit_at_once"):
        diary("ends")
        sys.exit("keeper: it has to end, as it was told")
    signal.signal(signal.SIGTERM, end_early)
    time.sleep(SAYS.get("boots", 0))
    server = Server(("127.0.0.1", int(os.environ["PORT"])), Handler)
    signal.signal(signal.SIGTERM, lambda *_words: threading.Thread(target=server.shutdown).start())
    print(f"keeper {SAYS['version']} listens", flush=True)
    server.serve_forever(poll_interval=0.02)
    server.server_close()
    time.sleep(SAYS.get("stop_takes", 0))
    # As nearly every app does. Whoever closed its output too early would lose the data with this line.
    print(f"keeper {SAYS['version']} writes {len(LINES)} lines", flush=True)
    data.write_text("".join(f"{line}\n" for line in LINES))
    diary("ends")


if __name__ == "__main__":
    main()
