"""A small photo gallery on Python's standard library alone: shows photos, takes new ones, keeps them in STORAGE_DIR.

    PORT=8000 python3 -u gallery.py

For people: the page at /, with forms to upload and delete. For scripts: GET, PUT and DELETE /photos/NAME, GET and POST
/notes, GET /health, GET /version. On SIGTERM it stops listening, finishes what it is doing, and exits with 0.
"""

from __future__ import annotations

import errno
import json
import os
import signal
import socket
import sys
import threading
from collections.abc import Callable
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from shutil import copyfileobj
from typing import Any
from urllib.parse import parse_qs, quote, unquote, urlsplit

from drawings import mark
from features import features_of
from forms import Body, Multipart
from page import Context, Pages
from photos import Photos, Refused

VERSION = (Path(__file__).parent / "VERSION").read_text().strip()
SLOT = os.environ.get("POTIONS_SLOT", "")
STORAGE = Path(os.environ.get("STORAGE_DIR", "storage"))
#: Relative on purpose: under Potions `./storage` is the same directory as STORAGE_DIR, and here one can see it.
NOTES = Path("storage/notes.txt")

MAX_NOTE_BYTES = 2000
SHOWN_NOTES = 5
#: Longer than a proxy keeps an unused connection, so that it is the proxy that closes it.
SILENCE_SECONDS = 180
#: What is read and thrown away of a body that was refused, so that the sender gets to see the answer.
MAX_DISCARDED_BYTES = 64 * 1024 * 1024
DISCARD_SECONDS = 10


class Gallery(ThreadingHTTPServer):
    """The listening server, which knows its connections and can end politely."""

    daemon_threads = False
    request_queue_size = 512

    def __init__(self, port: int) -> None:
        self.photos = Photos(STORAGE / "photos")
        self.features = features_of(VERSION)
        self.pages = Pages(Context(VERSION, SLOT, str(self.photos.folder), self.features))
        self.stopping = False
        self._idle: set[socket.socket] = set()
        self._lock = threading.Lock()
        super().__init__(("127.0.0.1", port), Answering)

    def server_bind(self) -> None:
        """Listen, without asking the name service who we are."""
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.socket.bind(self.server_address)
        self.server_name, self.server_port = self.socket.getsockname()[:2]

    def run(self) -> None:
        """Serve until SIGTERM; back when the last request is answered."""
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: threading.Thread(target=self._stop).start())
        self.serve_forever(poll_interval=0.05)
        self.server_close()

    def begin_waiting(self, connection: socket.socket) -> None:
        """A connection has nothing to do until its next request comes."""
        with self._lock:
            if self.stopping:
                _wake(connection)
            self._idle.add(connection)

    def end_waiting(self, connection: socket.socket) -> None:
        """A request came, or the connection ended."""
        with self._lock:
            self._idle.discard(connection)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that goes away in the middle is no error; anything else is told on stderr."""
        if not isinstance(sys.exc_info()[1], ConnectionError | TimeoutError):
            super().handle_error(request, client_address)

    def _stop(self) -> None:
        self.shutdown()
        self.socket.close()
        with self._lock:
            self.stopping = True
            for connection in self._idle:
                _wake(connection)


def _wake(connection: socket.socket) -> None:
    """End the wait for a request that will not come."""
    try:
        connection.shutdown(socket.SHUT_RD)
    except OSError:
        return  # it is closed already


class Answering(BaseHTTPRequestHandler):
    """One connection: its requests and their answers."""

    server: Gallery
    protocol_version = "HTTP/1.1"
    timeout = SILENCE_SECONDS
    wbufsize = 64 * 1024
    disable_nagle_algorithm = True

    def handle_one_request(self) -> None:
        """Wait for a request, and answer it."""
        self.body: Body | None = None
        self.server.begin_waiting(self.connection)
        try:
            super().handle_one_request()
        finally:
            self.server.end_waiting(self.connection)
        if self.body is not None and not self.body.ended:
            self._discard_rest(self.body)

    def parse_request(self) -> bool:
        """A request came: read its head."""
        self.server.end_waiting(self.connection)
        return super().parse_request()

    def handle_expect_100(self) -> bool:
        """Tell the client to go on, at once."""
        go_on = super().handle_expect_100()
        self.wfile.flush()
        return go_on

    def version_string(self) -> str:
        """What the Server header says."""
        return "gallery"

    def do_GET(self) -> None:
        """Show something."""
        self._answer(
            {
                "/": self._front_page,
                "/health": lambda: self._send(200, b"ok\n", "text/plain"),
                "/version": self._version,
                "/notes": lambda: self._send(200, _read_notes().encode(), "text/plain; charset=utf-8"),
                "/icon.svg": lambda: self._send(200, mark(self.server.features.light).encode(), "image/svg+xml"),
            },
            photo=self._photo,
            deletion=self._ask_before_deletion,
        )

    do_HEAD = do_GET

    def do_POST(self) -> None:
        """Take what a form sends."""
        self._answer({"/photos": self._upload, "/notes": self._write_note}, deletion=self._delete_and_go_back)

    def do_PUT(self) -> None:
        """Take a photo from a script."""
        self._answer({}, photo=self._put_photo)

    def do_DELETE(self) -> None:
        """Delete a photo for a script."""
        self._answer({}, photo=self._delete_photo)

    def log_message(self, format: str, *args: Any) -> None:
        """One line for each request on stdout, without the client's own control characters."""
        print(repr(format % args)[1:-1], flush=True)

    def send_error(self, code: int, message: str | None = None, explain: str | None = None) -> None:
        """Refuse a request that could not even be read."""
        self.close_connection = True
        self._refuse(Refused(code, explain or message or HTTPStatus(code).phrase))

    # What is asked for

    def _answer(
        self,
        fixed: dict[str, Callable[[], None]],
        photo: Callable[[str], None] | None = None,
        deletion: Callable[[str], None] | None = None,
    ) -> None:
        """Find who answers this path, and let them; a refusal on the way becomes the answer."""
        try:
            self.body = Body(self.rfile, self.headers["Content-Length"], self.headers["Transfer-Encoding"])
            self._refuse_strangers()
            self._route(unquote(urlsplit(self.path).path), fixed, photo, deletion)()
        except Refused as refused:
            self._refuse(refused)
        except OSError as error:
            if error.errno not in (errno.ENOSPC, errno.EDQUOT):
                raise
            self._refuse(Refused(507, "There is no room left for this."))

    def _route(
        self,
        path: str,
        fixed: dict[str, Callable[[], None]],
        photo: Callable[[str], None] | None,
        deletion: Callable[[str], None] | None,
    ) -> Callable[[], None]:
        if path in fixed:
            return fixed[path]
        name = path.removeprefix("/photos/")
        if name != path:
            if deletion and name.endswith("/delete"):
                return lambda: deletion(name.removesuffix("/delete"))
            if photo:
                return lambda: photo(name)
        raise Refused(404, "There is nothing at this address.")

    def _refuse_strangers(self) -> None:
        """A form on somebody else's page must not upload or delete here."""
        origin = self.headers.get("Sec-Fetch-Site", "none")
        if self.command not in ("GET", "HEAD") and origin not in ("same-origin", "none"):
            raise Refused(403, "This request was sent by another site.")

    def _front_page(self) -> None:
        notes = _read_notes().splitlines()[-SHOWN_NOTES:]
        self._send_page(200, self.server.pages.gallery(self.server.photos.newest_first(), notes))

    def _version(self) -> None:
        content = {"version": VERSION, "slot": SLOT, "pid": os.getpid()}
        self._send(200, json.dumps(content).encode() + b"\n", "application/json")

    def _photo(self, name: str) -> None:
        try:
            with self.server.photos.opened(name) as (photo, content):
                headers = {"ETag": photo.tag, "Cache-Control": "no-cache"}
                if photo.tag in self.headers.get("If-None-Match", ""):
                    self._begin(304, headers)
                    return
                self._begin(200, {**headers, "Content-Type": photo.kind, "Content-Length": str(photo.size)})
                if self.command != "HEAD":
                    copyfileobj(content, self.wfile)
        except FileNotFoundError:
            raise Refused(404, f"There is no photo called {name}.") from None

    def _ask_before_deletion(self, name: str) -> None:
        photo = self.server.photos.find(name)
        if photo is None:
            raise Refused(404, f"There is no photo called {name}.")
        self._send_page(200, self.server.pages.delete(photo))

    def _upload(self) -> None:
        added = [
            self.server.photos.add(part.filename, part.pieces)
            for part in Multipart(self.headers.get("Content-Type", ""), self._need_body().read).parts()
            if part.filename
        ]
        if not added:
            raise Refused(400, "No photo was chosen.")
        addresses = [f"/photos/{quote(photo.name)}" for photo in added]
        self._done(f"/#photo-{quote(added[-1].name)}", 201, "".join(f"{address}\n" for address in addresses))

    def _put_photo(self, name: str) -> None:
        photo, is_new = self.server.photos.put(name, self._need_body().pieces())
        self._send(201 if is_new else 200, f"/photos/{quote(photo.name)}\n".encode(), "text/plain")

    def _delete_photo(self, name: str) -> None:
        if not self.server.photos.remove(name):
            raise Refused(404, f"There is no photo called {name}.")
        self._begin(204, {})

    def _delete_and_go_back(self, name: str) -> None:
        if not self.server.photos.remove(name):
            raise Refused(404, f"There is no photo called {name}; perhaps it was deleted already.")
        self._done("/#photos", 200, f"{name} is deleted.\n")

    def _write_note(self) -> None:
        text = self._need_body().text(MAX_NOTE_BYTES)
        if self.headers.get_content_type() == "application/x-www-form-urlencoded" and text.startswith("note="):
            text = parse_qs(text).get("note", [""])[0]
        _append_note(text)
        self._done("/#notes", 201, "")

    # How it is answered

    def _need_body(self) -> Body:
        if self.body is None or self.body.ended:
            raise Refused(411, "The request has no content.")
        return self.body

    @property
    def _is_for_people(self) -> bool:
        return "text/html" in self.headers.get("Accept", "") if hasattr(self, "headers") else False

    def _done(self, page: str, status: int, text: str) -> None:
        """It was done: browsers go on to the page, scripts get the text."""
        if self._is_for_people:
            self._begin(303, {"Location": page, "Content-Length": "0"})
        else:
            self._send(status, text.encode(), "text/plain; charset=utf-8")

    def _refuse(self, refused: Refused) -> None:
        if self._is_for_people:
            title = "Not found" if refused.status == HTTPStatus.NOT_FOUND else "That did not work"
            page = self.server.pages.refusal(title, refused.why)
            self._send_page(refused.status, page)
        else:
            self._send(refused.status, f"{refused.why}\n".encode(), "text/plain; charset=utf-8")

    def _send_page(self, status: int, page: str) -> None:
        more = {"Content-Security-Policy": self.server.pages.policy, "Cache-Control": "no-store"}
        self._send(status, page.encode(), "text/html; charset=utf-8", more)

    def _send(self, status: int, content: bytes, kind: str, more: dict[str, str] | None = None) -> None:
        self._begin(status, {"Content-Type": kind, "Content-Length": str(len(content)), **(more or {})})
        if self.command != "HEAD":
            self.wfile.write(content)

    def _begin(self, status: int, headers: dict[str, str]) -> None:
        """Send the head of an answer. The connection ends with it if we are stopping or a body was left unread."""
        if self.server.stopping or (self.body is not None and not self.body.ended):
            self.close_connection = True
        self.send_response(status)
        same = {"X-Version": VERSION, "X-Content-Type-Options": "nosniff", "Referrer-Policy": "same-origin"}
        for name, value in {**headers, **same}.items():
            self.send_header(name, value)
        if self.close_connection:
            self.send_header("Connection", "close")
        self.end_headers()

    def _discard_rest(self, body: Body) -> None:
        """Let the sender finish a body that was refused; closing at once would take the answer from it."""
        self.connection.settimeout(DISCARD_SECONDS)
        discarded = 0
        try:
            self.connection.shutdown(socket.SHUT_WR)
            while discarded < MAX_DISCARDED_BYTES and (piece := body.read()):
                discarded += len(piece)
        except (OSError, Refused):
            return


def _read_notes() -> str:
    try:
        return NOTES.read_text(encoding="utf-8", errors="replace")
    except FileNotFoundError:
        return ""


def _append_note(text: str) -> None:
    """Add one line to the notes. Raises ``Refused`` if it is empty, or if there is no `./storage`."""
    line = " ".join(text.split())
    if not line:
        raise Refused(400, "The note is empty.")
    try:
        with NOTES.open("a", encoding="utf-8") as notes:
            notes.write(line + "\n")
            notes.flush()
            os.fsync(notes.fileno())
    except FileNotFoundError:
        raise Refused(500, f"There is no directory {NOTES.parent} in {Path.cwd()}.") from None


def main() -> int:
    """Serve until SIGTERM."""
    gallery = Gallery(int(os.environ.get("PORT", "8000")))
    print(f"gallery {VERSION} listens on 127.0.0.1:{gallery.server_port}, storage {STORAGE.resolve()}", flush=True)
    gallery.run()
    return 0


if __name__ == "__main__":
    sys.exit(main())
