"""A storage of a test's own, beside something that must stay as it is, and what is sent into it."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Thread
from typing import Any

from potions.host.storage_get import send_file, send_folder
from potions.host.storage_put import Room, framed, put_file
from potions.host.storage_put_folder import put_folder
from potions.model.stored import Existing, FolderPut, SentFile, SentFolder, StoredEntry
from potions.names import StoredPath, parse_stored_path
from support.archives import tree

TOKEN = "0" * 32
TEMPORARY = f".potions-put-{TOKEN}"
ROOM = Room(kept=0, announced=None)


class Storage:
    """A storage, and functions as its child would call them."""

    def __init__(self, folder: Path) -> None:
        self.root = folder / "storage"
        self.root.mkdir()
        self.puts = folder / "puts"
        self.puts.mkdir()
        self.outside = folder / "outside"
        self.outside.mkdir()
        (self.outside / "secret").write_text("as it was")

    def content(self) -> dict[str, str | bytes]:
        return tree(self.root)

    def is_untouched_outside(self) -> bool:
        return tree(self.outside) == {"secret": b"as it was"}

    def fill(self, **files: str) -> None:
        """Files by their paths, with ``__`` for a slash."""
        for name, text in files.items():
            path = self.root / name.replace("__", "/")
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)

    # Getting

    def get(self, path: str, **more: Any) -> bytes:
        """A file's bytes, through a pipe."""
        return self.get_part(path, None)[1]

    def get_part(self, path: str, part: Any) -> tuple[SentFile, bytes]:
        heads: list[SentFile] = []
        data = drained(lambda sink: send_file(self.root, at(path), part, sink=sink, begin=heads.append))
        return heads[0], data

    def get_folder(self, path: str) -> tuple[SentFolder, bytes]:
        """What was counted, and the tar."""
        heads: list[SentFolder] = []
        data = drained(lambda sink: send_folder(self.root, at(path), self.puts, sink=sink, begin=heads.append))
        return heads[0], data

    # Putting

    def put(
        self,
        path: str,
        *pieces: bytes,
        cut: bool = False,
        replace: bool = False,
        executable: bool = False,
        room: Room = ROOM,
        begun: Callable[[], None] = lambda: None,
    ) -> StoredEntry:
        """Put a file of these pieces; ``cut`` leaves out what says that this was all of it."""
        sent = b"".join(framed(piece) for piece in pieces) + (b"" if cut else framed(b""))
        with source_of(sent) as source:
            return put_file(
                self.root,
                at(path),
                TOKEN,
                room,
                replace=replace,
                executable=executable,
                source=source,
                begin=lambda _: begun(),
            )

    def put_folder(
        self,
        path: str,
        tar: bytes,
        existing: Existing = Existing.REFUSE,
        room: Room = ROOM,
        begun: Callable[[], None] = lambda: None,
    ) -> FolderPut:
        with source_of(tar) as source:
            return put_folder(self.root, at(path), TOKEN, room, existing, source=source, begin=lambda _: begun())


def at(path: str) -> StoredPath:
    return parse_stored_path(path)


def drained(write: Callable[[int], object]) -> bytes:
    """What ``write`` writes into the pipe that it is given; its error is raised here."""
    reading, writing = os.pipe()
    got: list[bytes] = []

    def read() -> None:
        with os.fdopen(reading, "rb") as file:
            got.append(file.read())

    reader = Thread(target=read)
    reader.start()
    try:
        write(writing)
    finally:
        os.close(writing)
        reader.join()
    return got[0]


@contextmanager
def source_of(data: bytes) -> Iterator[int]:
    """The reading end of a pipe out of which ``data`` comes."""
    reading, writing = os.pipe()

    def write() -> None:
        try:
            with os.fdopen(writing, "wb") as file:
                file.write(data)
        except BrokenPipeError:
            pass  # whoever reads has seen enough

    writer = Thread(target=write)
    writer.start()
    try:
        yield reading
    finally:
        os.close(reading)
        writer.join()
