"""The photos: files in one directory, written whole or not at all, and known by their first bytes, not their names."""

from __future__ import annotations

import os
import secrets
import unicodedata
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, NamedTuple

MAX_BYTES = 20 * 1024 * 1024
MAX_NAME_BYTES = 100
HEAD_BYTES = 16

SUFFIXES = {
    "image/png": (".png",),
    "image/jpeg": (".jpg", ".jpeg"),
    "image/gif": (".gif",),
    "image/webp": (".webp",),
}
ALL_SUFFIXES = tuple(suffix for suffixes in SUFFIXES.values() for suffix in suffixes)


class Refused(Exception):
    """Something the gallery does not do; ``status`` is the HTTP status that says so."""

    def __init__(self, status: int, why: str) -> None:
        super().__init__(why)
        self.status = status
        self.why = why


class Photo(NamedTuple):
    """One stored photo."""

    name: str
    kind: str
    """``image/png``, ``image/jpeg``, ``image/gif`` or ``image/webp``."""
    size: int
    """Bytes."""
    added_ns: int
    """When it was written, in nanoseconds since 1970."""

    @property
    def title(self) -> str:
        """The name in words: ``evening-at-the-lake.png`` is ``Evening at the lake``."""
        words = " ".join(self.name.rpartition(".")[0].replace("-", " ").replace("_", " ").split())
        return words[:1].upper() + words[1:]

    @property
    def tag(self) -> str:
        """Changes whenever the content may have changed."""
        return f'"{self.added_ns:x}-{self.size:x}"'


def kind_of(head: bytes) -> str | None:
    """The kind of image that begins with these (at least 12) bytes; None if it is none that browsers show."""
    if head.startswith(b"\x89PNG\r\n\x1a\n"):
        return "image/png"
    if head.startswith(b"\xff\xd8\xff"):
        return "image/jpeg"
    if head.startswith((b"GIF87a", b"GIF89a")):
        return "image/gif"
    if head.startswith(b"RIFF") and head[8:12] == b"WEBP":
        return "image/webp"
    return None


def clean_stem(name: str) -> str:
    """A file name without directories, suffix and anything but letters, digits, ``-`` and ``_``; never empty."""
    last = unicodedata.normalize("NFC", name).replace("\\", "/").rpartition("/")[2]
    stem = last[: -len(suffix)] if (suffix := _suffix(last)) else last
    words = "".join(letter if letter.isalnum() or letter == "_" else " " for letter in stem).split()
    short = "-".join(words).encode()[: MAX_NAME_BYTES - 10]
    return short.decode(errors="ignore").strip("-") or "photo"


def is_clean(name: str) -> bool:
    """Whether a name can be stored as it is: a clean stem and the suffix of an image."""
    suffix = _suffix(name)
    return bool(suffix) and clean_stem(name) + suffix == name


def _suffix(name: str) -> str:
    return next((name[-len(suffix) :] for suffix in ALL_SUFFIXES if name.lower().endswith(suffix)), "")


class Photos:
    """The directory of photos."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)

    def newest_first(self) -> list[Photo]:
        """All photos."""
        names = [name for name in os.listdir(self.folder) if is_clean(name)]
        found = [photo for name in names if (photo := self.find(name)) is not None]
        return sorted(found, key=lambda photo: (photo.added_ns, photo.name), reverse=True)

    def find(self, name: str) -> Photo | None:
        """The photo of that name; None if there is none."""
        with suppress(FileNotFoundError), self.opened(name) as (photo, _):
            return photo
        return None

    @contextmanager
    def opened(self, name: str) -> Iterator[tuple[Photo, IO[bytes]]]:
        """The photo and its content. Raises ``FileNotFoundError``, also for what is no photo."""
        if not is_clean(name):
            raise FileNotFoundError(name)
        with self._open(name) as content:
            kind = kind_of(content.read(HEAD_BYTES))
            if kind is None:
                raise FileNotFoundError(name)
            content.seek(0)
            seen = os.fstat(content.fileno())
            yield Photo(name, kind, seen.st_size, seen.st_mtime_ns), content

    def add(self, wanted: str, pieces: Iterable[bytes]) -> Photo:
        """Store a photo under a name like the wanted one that is still free. Raises ``Refused``."""
        with self._received(pieces) as (arrived, kind):
            name = self._reserve(clean_stem(wanted), SUFFIXES[kind][0])
            return self._keep(arrived, name)

    def put(self, name: str, pieces: Iterable[bytes]) -> tuple[Photo, bool]:
        """Store a photo under exactly that name; it, and whether it is new. Raises ``Refused``."""
        if not is_clean(name):
            raise Refused(400, "A name has letters, digits, - and _ and ends like an image: lake-2.png")
        with self._received(pieces) as (arrived, _):
            is_new = self.find(name) is None
            return self._keep(arrived, name), is_new

    def remove(self, name: str) -> bool:
        """Remove a photo; whether there was one."""
        if self.find(name) is None:
            return False
        (self.folder / name).unlink(missing_ok=True)
        self._sync_folder()
        return True

    def _open(self, name: str) -> IO[bytes]:
        flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK
        try:
            return os.fdopen(os.open(self.folder / name, flags), "rb")
        except OSError as error:  # a link, a directory, a file of somebody else: no photo
            raise FileNotFoundError(name) from error

    @contextmanager
    def _received(self, pieces: Iterable[bytes]) -> Iterator[tuple[Path, str]]:
        """The pieces in a file on the disk, beside the photos, and their kind. Raises ``Refused``."""
        arrived = self.folder / f".upload-{secrets.token_hex(8)}"
        try:
            with arrived.open("xb") as target:
                kind = kind_of(_copy(pieces, target))
                if kind is None:
                    raise Refused(415, "This is not a photo: PNG, JPEG, GIF and WebP are welcome.")
                target.flush()
                os.fsync(target.fileno())
            yield arrived, kind
        finally:
            arrived.unlink(missing_ok=True)

    def _reserve(self, stem: str, suffix: str) -> str:
        """A free name, taken by an empty file, which is not shown until the photo replaces it."""
        number = 1
        while True:
            name = f"{stem}{suffix}" if number == 1 else f"{stem}-{number}{suffix}"
            try:
                (self.folder / name).open("xb").close()
            except FileExistsError:
                number += 1
            else:
                return name

    def _keep(self, arrived: Path, name: str) -> Photo:
        arrived.replace(self.folder / name)
        self._sync_folder()
        photo = self.find(name)
        if photo is None:
            raise Refused(409, f"{name} was removed while it arrived.")
        return photo

    def _sync_folder(self) -> None:
        descriptor = os.open(self.folder, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def _copy(pieces: Iterable[bytes], target: IO[bytes]) -> bytes:
    """Write the pieces, and give back the first bytes. Raises ``Refused`` beyond the limit."""
    head = b""
    size = 0
    for piece in pieces:
        size += len(piece)
        if size > MAX_BYTES:
            raise Refused(413, f"A photo may have {MAX_BYTES // 1024**2} MB.")
        if len(head) < HEAD_BYTES:
            head += piece[:HEAD_BYTES]
        target.write(piece)
    return head
