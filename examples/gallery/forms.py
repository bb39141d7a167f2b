"""What browsers and scripts send, read as a stream: bodies with a length or in chunks, and multipart forms."""

from __future__ import annotations

import email
from collections.abc import Callable, Iterator
from io import BufferedIOBase

from photos import Refused

PIECE = 64 * 1024
MAX_LINE = 1024
MAX_PART_HEAD = 8 * 1024
MAX_PARTS = 100


class Body:
    """The body of one request; ``read`` gives ``b""`` at its end and never reads beyond it."""

    def __init__(self, stream: BufferedIOBase, length: str | None, encoding: str | None) -> None:
        self._stream = stream
        self._chunked = (encoding or "").strip().lower() == "chunked"
        if encoding and not self._chunked:
            raise Refused(501, "Only Transfer-Encoding: chunked is understood.")
        if length is not None and not (length.isascii() and length.isdigit()):
            raise Refused(400, "The Content-Length is no number.")
        self._left = 0 if self._chunked else int(length or 0)
        self.ended = not self._chunked and not self._left

    def read(self, most: int = PIECE) -> bytes:
        """The next bytes. Raises ``Refused`` if the sender goes away before the end."""
        if self._chunked and not self._left and not self.ended:
            self._begin_chunk()
        if self.ended or not self._left:
            return b""
        piece = self._stream.read(min(most, self._left))
        if not piece:
            raise Refused(400, "The request ended early.")
        self._left -= len(piece)
        if not self._left:
            self._end_piece()
        return piece

    def pieces(self) -> Iterator[bytes]:
        """The whole body, piece by piece."""
        while piece := self.read():
            yield piece

    def text(self, most: int) -> str:
        """The whole body as UTF-8 text. Raises ``Refused`` if it has more than ``most`` bytes or is something else."""
        content = b""
        for piece in self.pieces():
            content += piece
            if len(content) > most:
                raise Refused(413, f"At most {most} bytes, please.")
        try:
            return content.decode()
        except UnicodeDecodeError:
            raise Refused(400, "This is not UTF-8 text.") from None

    def _begin_chunk(self) -> None:
        size = self._line().partition(b";")[0].strip()
        if not size or not all(digit in b"0123456789abcdefABCDEF" for digit in size):
            raise Refused(400, "A chunk has no size.")
        self._left = int(size, 16)
        if not self._left:
            while self._line():
                pass
            self.ended = True

    def _end_piece(self) -> None:
        if not self._chunked:
            self.ended = True
        elif self._line():
            raise Refused(400, "A chunk is longer than its size.")

    def _line(self) -> bytes:
        line = self._stream.readline(MAX_LINE)
        if not line.endswith(b"\n"):
            raise Refused(400, "The request ended early.")
        return line.rstrip(b"\r\n")


class Part:
    """One field of a multipart form. Read its pieces before going on to the next part."""

    def __init__(self, head: bytes, pieces: Iterator[bytes]) -> None:
        fields = email.message_from_string(head.decode(errors="replace"))
        self.name = str(fields.get_param("name", "", header="content-disposition"))
        filename = fields.get_filename()
        self.filename = filename.replace("%22", "'") if filename else filename
        """As the browser sent it, perhaps with directories; empty or None for a field without a file."""
        self.pieces = pieces


class Multipart:
    """A ``multipart/form-data`` body, part by part; nothing of it is held but a piece."""

    def __init__(self, content_type: str, read: Callable[[], bytes]) -> None:
        kind = email.message_from_string(f"Content-Type: {content_type}\n\n")
        boundary = kind.get_boundary()
        if kind.get_content_type() != "multipart/form-data" or not boundary or len(boundary) > 70:
            raise Refused(415, "A form has to come as multipart/form-data.")
        self._mark = b"\r\n--" + boundary.encode("latin-1", "replace")
        self._read = read
        self._held = b"\r\n"  # so that the first boundary looks like all others

    def parts(self) -> Iterator[Part]:
        """The parts in order; what is left unread of one is skipped. Raises ``Refused`` for a broken form."""
        _exhaust(self._until(self._mark))
        for _ in range(MAX_PARTS):
            ending = self._take_line()
            if ending.startswith(b"--"):
                return
            pieces = self._until(self._mark)
            yield Part(ending, pieces)
            _exhaust(pieces)
        raise Refused(413, f"A form may have {MAX_PARTS} fields.")

    def _take_line(self) -> bytes:
        """What follows a boundary: ``--`` at the end of the form, else the head of a part."""
        while len(self._held) < 2:
            self._more()
        if self._held.startswith(b"--"):
            return b"--"
        head = b""
        for piece in self._until(b"\r\n\r\n"):
            head += piece
            if len(head) > MAX_PART_HEAD:
                raise Refused(400, "A field of the form has no end to its head.")
        return head.lstrip(b" \t\r\n")

    def _until(self, mark: bytes) -> Iterator[bytes]:
        """What comes before the mark; the mark itself is consumed."""
        while (found := self._held.find(mark)) < 0:
            ready = len(self._held) - len(mark) + 1
            if ready > 0:
                piece, self._held = self._held[:ready], self._held[ready:]
                yield piece
            self._more()
        piece, self._held = self._held[:found], self._held[found + len(mark) :]
        if piece:
            yield piece

    def _more(self) -> None:
        piece = self._read()
        if not piece:
            raise Refused(400, "The form ended early.")
        self._held += piece


def _exhaust(pieces: Iterator[bytes]) -> None:
    for _ in pieces:
        pass
