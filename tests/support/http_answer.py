"""An HTTP/1.1 answer read piece by piece, without I/O: by length, in chunks, or until the connection ends."""

from __future__ import annotations

from typing import NamedTuple

MAX_HEAD = 64 * 1024
_NO_BODY = (204, 304)


class AnswerBroken(ValueError):
    """Bytes that are no HTTP/1.1 answer, an answer that ended early, or more bytes than the answer has."""


class Answer(NamedTuple):
    """One complete answer. ``headers`` have lower-case names; of a repeated one, the last."""

    status: int
    headers: dict[str, str]
    body: bytes
    closes: bool
    """Whether the server said that this connection takes no further request."""


class AnswerReader:
    """Reads one answer: feed it bytes until it gives the answer."""

    def __init__(self) -> None:
        self._buffer = bytearray()
        self._head: Answer | None = None
        self._length: int | None = 0
        self._chunked = False
        self._body = bytearray()

    @property
    def began(self) -> bool:
        """Whether any byte of an answer has come."""
        return self._head is not None or bool(self._buffer)

    def feed(self, data: bytes) -> Answer | None:
        """Take what arrived; the answer once it is complete. Raises ``AnswerBroken``."""
        self._buffer += data
        while self._head is None:
            end = self._buffer.find(b"\r\n\r\n")
            if end < 0:
                if len(self._buffer) > MAX_HEAD:
                    raise AnswerBroken("the head of the answer does not end")
                return None
            self._take_head(end)
        return self._take_chunks() if self._chunked else self._take_length()

    def end(self) -> Answer:
        """The connection ended: the answer, if its end was to be told like that. Raises ``AnswerBroken`` otherwise."""
        if self._head is not None and self._length is None and not self._chunked:
            return self._head._replace(body=bytes(self._buffer))
        raise AnswerBroken("short body" if self._head is not None else "connection closed before an answer")

    def _take_head(self, end: int) -> None:
        status_line, *lines = bytes(self._buffer[:end]).decode("latin-1").split("\r\n")
        del self._buffer[: end + 4]
        protocol, _, rest = status_line.partition(" ")
        if not protocol.startswith("HTTP/1.") or not rest[:3].isdigit():
            raise AnswerBroken(f"no HTTP answer: {status_line[:60]!r}")
        status = int(rest[:3])
        if 100 <= status < 200:
            return
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
        self._chunked = headers.get("transfer-encoding", "").lower() == "chunked"
        self._length = 0 if status in _NO_BODY else _length(headers)
        closes = "close" in headers.get("connection", "").lower() or protocol == "HTTP/1.0"
        self._head = Answer(status, headers, b"", closes or (self._length is None and not self._chunked))

    def _take_length(self) -> Answer | None:
        if self._length is None or len(self._buffer) < self._length:
            return None
        if len(self._buffer) > self._length:
            raise AnswerBroken(f"{len(self._buffer) - self._length} bytes more than the answer has")
        return self._done(bytes(self._buffer))

    def _take_chunks(self) -> Answer | None:
        while True:
            end = self._buffer.find(b"\r\n")
            if end < 0:
                return None
            size = _chunk_size(bytes(self._buffer[:end]))
            if size == 0:
                return self._take_trailer(end + 2)
            if len(self._buffer) < end + 2 + size + 2:
                return None
            self._body += self._buffer[end + 2 : end + 2 + size]
            del self._buffer[: end + 2 + size + 2]

    def _take_trailer(self, start: int) -> Answer | None:
        if self._buffer[start : start + 2] == b"\r\n":
            end = start
        elif (end := self._buffer.find(b"\r\n\r\n", start)) >= 0:
            end += 2
        else:
            return None
        if len(self._buffer) > end + 2:
            raise AnswerBroken(f"{len(self._buffer) - end - 2} bytes more than the answer has")
        return self._done(bytes(self._body))

    def _done(self, body: bytes) -> Answer:
        if self._head is None:
            raise AnswerBroken("a body without a head")
        return self._head._replace(body=body)


def _length(headers: dict[str, str]) -> int | None:
    length = headers.get("content-length")
    if length is None:
        return None
    if not length.isdigit():
        raise AnswerBroken(f"a Content-Length of {length[:20]!r}")
    return int(length)


def _chunk_size(line: bytes) -> int:
    try:
        return int(line.partition(b";")[0], 16)
    except ValueError:
        raise AnswerBroken(f"a chunk of size {line[:20]!r}") from None
