"""A web app that uses its storage in every way an app may use a directory, and says what it found.

``GET /`` tells who answers. ``POST /try/NAME`` does one thing that is listed in ``TRIES`` and answers 200 with what
came of it, or 500 with the error. Only the standard library is used.
"""

from __future__ import annotations

import fcntl
import json
import mmap
import os
import socket
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

STORAGE = Path(os.environ["STORAGE_DIR"])
NAMES = [
    b"plain.txt",
    b"with space",
    "\u00fcml\u00e4ut-\u65e5\u672c\u8a9e-\U0001f600".encode(),
    b"caf\xe9-\xff\xfe",
    b"line\nfeed",
    b"\x1b[31mred",
    b"-rf",
    b"*?[x]$(y)`z`\\",
    b"...",
    b"x" * 255,
    *(bytes([number]) for number in range(1, 256) if number not in (0x2E, 0x2F)),
]


def any_names() -> object:
    """A folder and a file of each name; what the directory lists is exactly these."""
    top = os.fsencode(STORAGE) + b"/names"
    for kind in (b"files", b"folders"):
        os.makedirs(top + b"/" + kind, exist_ok=True)
    for name in NAMES:
        Path(os.fsdecode(top + b"/files/" + name)).write_bytes(name)
        os.makedirs(top + b"/folders/" + name, exist_ok=True)
    for kind in (b"files", b"folders"):
        assert sorted(os.listdir(top + b"/" + kind)) == sorted(NAMES)
    assert all(Path(os.fsdecode(top + b"/files/" + name)).read_bytes() == name for name in NAMES)
    return len(NAMES)


def deep_folders() -> object:
    """A hundred folders in each other."""
    folder = STORAGE / "deep" / "/".join(["d"] * 100)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "f").write_text("deep down")
    return (folder / "f").read_text()


_LOCK = """
import fcntl, sys
file = open(sys.argv[1], "r+b")
lock = fcntl.flock if sys.argv[2] == "flock" else fcntl.lockf
try:
    lock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
except OSError:
    print("held")
else:
    print("free")
"""


def locks() -> object:
    """flock and fcntl locks keep another process out as long as they are held."""
    path = STORAGE / "lock"
    path.touch()
    found = {}
    for name, lock in (("flock", fcntl.flock), ("lockf", fcntl.lockf)):

        def other(name: str = name) -> str:
            words = [sys.executable, "-c", _LOCK, str(path), name]
            return subprocess.run(words, check=True, capture_output=True, text=True).stdout.strip()

        with path.open("r+b") as held:
            lock(held, fcntl.LOCK_EX)
            during = other()
        found[name] = [during, other()]
    return found


def hold_lock() -> object:
    """Take a lock for as long as this process runs, as programs do that want to be alone."""
    held = (STORAGE / "alone").open("w")
    try:
        fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return "held by another"
    _KEPT.append(held)
    return "mine"


_KEPT: list[object] = []


def durable_write() -> object:
    """Write beside, fsync, rename over, fsync the folder."""
    new = STORAGE / "durable.new"
    with new.open("wb") as file:
        file.write(b"durable")
        os.fsync(file.fileno())
        os.fdatasync(file.fileno())
    new.replace(STORAGE / "durable")
    folder = os.open(STORAGE, os.O_RDONLY)
    os.fsync(folder)
    os.close(folder)
    return (STORAGE / "durable").read_text()


def memory_map() -> object:
    """A shared map writes through to the file, and a read of the file sees it."""
    path = STORAGE / "mapped"
    path.write_bytes(bytes(mmap.PAGESIZE * 2))
    with path.open("r+b") as file, mmap.mmap(file.fileno(), 0) as mapped:
        mapped[mmap.PAGESIZE : mmap.PAGESIZE + 6] = b"mapped"
        mapped.flush()
        file.seek(mmap.PAGESIZE)
        return file.read(6).decode()


def sqlite_wal() -> object:
    """Two connections, one that reads while the other writes, in WAL mode; rows of earlier runs are there."""
    path = STORAGE / "data.sqlite3"
    with sqlite3.connect(path, timeout=20) as writer:
        mode = writer.execute("PRAGMA journal_mode=WAL").fetchone()[0]
        writer.execute("CREATE TABLE IF NOT EXISTS rows (slot TEXT)")
        writer.commit()
        before = writer.execute("SELECT count(*) FROM rows").fetchone()[0]
        writer.execute("BEGIN IMMEDIATE")
        writer.execute("INSERT INTO rows VALUES (?)", (os.environ.get("POTIONS_SLOT", ""),))
        reader = sqlite3.connect(path, timeout=20)
        during = reader.execute("SELECT count(*) FROM rows").fetchone()[0]
        writer.commit()
        after = reader.execute("SELECT count(*) FROM rows").fetchone()[0]
        reader.close()
    assert Path(f"{path}-wal").exists()
    check = writer.execute("PRAGMA integrity_check").fetchone()[0]
    writer.close()
    return {"mode": mode, "rows": [before, during - before, after - before], "check": check}


def special_files() -> object:
    """Hard links, symbolic links, named pipes, sockets, sparse files, unnamed files, and modes of one's own."""
    folder = STORAGE / "special"
    folder.mkdir(exist_ok=True)
    for name in ("hard", "soft", "pipe", "socket"):
        (folder / name).unlink(missing_ok=True)
    (folder / "file").write_text("file")
    os.link(folder / "file", folder / "hard")
    (folder / "soft").symlink_to("file")
    os.mkfifo(folder / "pipe")
    with socket.socket(socket.AF_UNIX) as listener:
        os.chdir(folder)  # a socket's path may not be long
        listener.bind("socket")
        os.chdir(Path(__file__).parent)
    with (folder / "sparse").open("wb") as file:
        file.truncate(10**10)
    unnamed = os.open(folder, os.O_TMPFILE | os.O_RDWR, 0o600)
    os.write(unnamed, b"unnamed")
    os.close(unnamed)
    (folder / "own").touch(mode=0o600)
    (folder / "own").chmod(0o640)
    return [(folder / "soft").read_text(), (folder / "hard").stat().st_nlink, (folder / "sparse").stat().st_size]


def relative_path() -> object:
    """./storage is the same directory."""
    here = Path("storage")
    (here / "relative").write_text("relative")
    return [(STORAGE / "relative").read_text(), here.samefile(STORAGE), here.is_symlink()]


TRIES: dict[str, Callable[[], object]] = {
    function.__name__: function
    for function in (
        any_names,
        deep_folders,
        locks,
        hold_lock,
        durable_write,
        memory_map,
        sqlite_wal,
        special_files,
        relative_path,
    )
}


class Handler(BaseHTTPRequestHandler):
    """Answers with JSON."""

    def do_GET(self) -> None:
        self._say(200, {"pid": os.getpid(), "slot": os.environ.get("POTIONS_SLOT", "")})

    def do_POST(self) -> None:
        try:
            self._say(200, TRIES[self.path.removeprefix("/try/")]())
        except (AssertionError, KeyError, OSError, sqlite3.Error) as error:
            self._say(500, repr(error))

    def _say(self, status: int, content: object) -> None:
        body = json.dumps(content).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        """Nobody reads it."""


if __name__ == "__main__":
    server = ThreadingHTTPServer(("127.0.0.1", int(os.environ["PORT"])), Handler)
    server.serve_forever()
