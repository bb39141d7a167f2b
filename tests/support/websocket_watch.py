"""A WebSocket held open beside a switch: what came, how long it was silent, and when and how it ended."""

from __future__ import annotations

import ssl
import threading
import time
from contextlib import ExitStack
from itertools import pairwise
from types import TracebackType
from typing import Self

from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection, connect

OPEN_SECONDS = 10
ABNORMAL = 1006


class WebSocketWatch:
    """Connects to ``address`` and says that it wants ``host``; counts what it hears until somebody closes.

    Messages that begin with ``tick`` are ticks, all others echoes. Open after the constructor; use it in a ``with``
    block, or ``close()`` it. All instants are ``time.monotonic()``.
    """

    def __init__(
        self, address: tuple[str, int], host: str, path: str = "/ws", tls: ssl.SSLContext | None = None
    ) -> None:
        self._heard: list[tuple[float, str]] = []
        self._change = threading.Condition()
        self._ended: float | None = None
        self._code: int | None = None
        self._reason = ""
        self._opened = ExitStack()
        # The address wins over the one in the URI, which makes the Host header.
        opening = connect(
            f"{'wss' if tls else 'ws'}://{host}{path}",
            address=address,
            ssl=tls,
            proxy=None,
            open_timeout=OPEN_SECONDS,
            ping_interval=None,
        )
        self._socket: ClientConnection = self._opened.enter_context(opening)
        self._thread = threading.Thread(target=self._listen, name=f"watch {host}{path}", daemon=True)
        self._thread.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @property
    def messages(self) -> list[str]:
        """Every message so far, in order."""
        with self._change:
            return [message for _, message in self._heard]

    @property
    def ticks(self) -> int:
        """How many ticks came."""
        return sum(message.startswith("tick") for message in self.messages)

    @property
    def echoes(self) -> list[str]:
        """What came back of what was sent, in order."""
        return [message for message in self.messages if not message.startswith("tick")]

    @property
    def is_open(self) -> bool:
        """Whether it has not ended."""
        with self._change:
            return self._ended is None

    @property
    def ended(self) -> float | None:
        """The instant of its end; None while it is open."""
        with self._change:
            return self._ended

    @property
    def close_code(self) -> int | None:
        """The code of the close frame that came, 1006 if it was cut without one; None while it is open."""
        with self._change:
            return self._code

    @property
    def close_reason(self) -> str:
        """The text of the close frame."""
        with self._change:
            return self._reason

    @property
    def longest_silence(self) -> float:
        """The longest time in seconds between two messages."""
        with self._change:
            instants = [instant for instant, _ in self._heard]
        return max((after - before for before, after in pairwise(instants)), default=0.0)

    def send(self, text: str) -> None:
        """Send a text that the server echoes. Raises ``ConnectionClosed`` once it has ended."""
        self._socket.send(text)

    def wait_for(self, messages: int, seconds: float = 10) -> bool:
        """Wait until so many messages came in all; whether they came in time, before the end."""
        with self._change:
            self._change.wait_for(lambda: len(self._heard) >= messages or self._ended is not None, seconds)
            return len(self._heard) >= messages

    def wait_for_more(self, messages: int = 1, seconds: float = 10) -> bool:
        """Wait until so many more messages came than now; whether they did: it still lives."""
        return self.wait_for(len(self.messages) + messages, seconds)

    def wait_ended(self, seconds: float = 10) -> bool:
        """Wait until it has ended; whether it has."""
        with self._change:
            return self._change.wait_for(lambda: self._ended is not None, seconds)

    def close(self) -> None:
        """End it from this side."""
        self._opened.close()
        self._thread.join(OPEN_SECONDS)

    def _listen(self) -> None:
        try:
            while True:
                message = self._socket.recv()
                self._hear(message if isinstance(message, str) else message.decode())
        except ConnectionClosed as closed:
            self._end(closed)

    def _hear(self, message: str) -> None:
        with self._change:
            self._heard.append((time.monotonic(), message))
            self._change.notify_all()

    def _end(self, closed: ConnectionClosed) -> None:
        with self._change:
            self._ended = time.monotonic()
            self._code = closed.rcvd.code if closed.rcvd is not None else ABNORMAL
            self._reason = closed.rcvd.reason if closed.rcvd is not None else ""
            self._change.notify_all()
