"""An app with something to lose: in its environment, its memory, its files, its sockets and its shared memory."""

import ctypes
import http.server
import os
import signal
import socket
import threading
import time
from pathlib import Path

SECRET = os.environ["SECRET"]
in_memory = bytearray(SECRET.encode() * 1000)
storage = Path(os.environ["STORAGE_DIR"])
(storage / "letter.txt").write_text(SECRET)
(storage / "letter.txt").chmod(0o666)
Path("/tmp/letter.txt").write_text(SECRET)
Path("/dev/shm/letter").write_text(SECRET)
Path("/dev/shm/letter").chmod(0o666)


def answer(listener: socket.socket) -> None:
    while True:
        connection, _ = listener.accept()
        connection.sendall(SECRET.encode())
        connection.close()


def listen(address: str) -> None:
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(address)
    listener.listen()
    threading.Thread(target=answer, args=(listener,), daemon=True).start()


os.umask(0)
listen(str(storage / "app.sock"))
listen("\0victim")
libc = ctypes.CDLL(None, use_errno=True)
queue = libc.shmget(4711, 4096, 0o1666)
if queue >= 0:
    libc.shmat.restype = ctypes.c_void_p
    ctypes.memmove(libc.shmat(queue, None, 0), SECRET.encode(), len(SECRET))
signal.signal(signal.SIGUSR1, lambda *_: (storage / "hit").write_text("a signal came"))
child = os.fork()
if child == 0:
    # The one that a signal to everybody would end.
    signal.signal(signal.SIGUSR1, signal.SIG_DFL)
    while True:
        time.sleep(1000)


class Page(http.server.BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b"victim")


http.server.ThreadingHTTPServer(("127.0.0.1", int(os.environ["PORT"])), Page).serve_forever()
