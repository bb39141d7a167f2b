"""How the agent is asked: HTTP over its unix socket, and what goes wrong on the way told as errors.

An error answer becomes the same ``PotionsError`` subclass that the agent raised. Nothing is sent twice: after a lost
answer it is not known whether a write was done, and ``AgentLost`` says so.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TypeVar
from urllib.parse import quote

import httpx
import msgspec

from potions import errors
from potions.client.versions import Elsewhere, is_of_another_version, not_known, not_understood
from potions.errors import AgentLost, AgentUnreachable, CredentialRefused, NotAllowed, PotionsError, RequestRefused
from potions.layout import home_of_socket
from potions.names import parse_app_name
from potions.schema import ErrorBody

CONNECT_SECONDS = 5.0
#: How long a plain look may take. Measuring a million files on a cold disk takes 11 s.
READ_SECONDS = 120.0

_LOOK = httpx.Timeout(READ_SECONDS, connect=CONNECT_SECONDS)
_PATIENT = httpx.Timeout(None, connect=CONNECT_SECONDS)
_LOOK_AGAIN = "Look with: potions status"
#: What an agent says to what it has no route for.
_UNKNOWN_ROUTE = {404, 405}

BASE_URL = "http://potions"

T = TypeVar("T")

# It tells the path of every request, and in one of them stands the token of a one-time link.
logging.getLogger("httpx").setLevel(logging.WARNING)

_BY_CODE: dict[str, type[PotionsError]] = {
    found.code: found for found in vars(errors).values() if isinstance(found, type) and issubclass(found, PotionsError)
}


def error_from(body: ErrorBody) -> PotionsError:
    """The error an answer tells of. A code of a newer agent gives an error that carries all of its fields."""
    kind = _BY_CODE.get(body.code) or _kind_of_unknown_code(body)
    # The subclasses make their words from arguments of their own; here the words are made already.
    error = kind.__new__(kind)
    PotionsError.__init__(error, body.what, why=body.why, do=body.do)
    return error


def _kind_of_unknown_code(body: ErrorBody) -> type[PotionsError]:
    class UnknownCodeError(PotionsError):
        code = body.code
        exit_status = body.exit_status
        retry = body.retry

    return UnknownCodeError


@dataclass(frozen=True)
class Behalf:
    """On whose behalf a request is made. Without a credential: nobody's, and on the agent's own socket one's own."""

    credential: str | None = field(default=None, repr=False)
    """What ``sign_in`` answered with, or an API token."""
    address: str = ""
    """Where the browser is: for the audit log, and to slow down who guesses passwords."""
    agent: str = ""
    """What the browser calls itself."""

    @property
    def headers(self) -> dict[str, str]:
        """Raises CredentialRefused for a credential that no header can carry."""
        found = {}
        if self.credential is not None:
            if not (self.credential.isascii() and self.credential.isprintable()):
                raise CredentialRefused("It has characters in it that no credential has.")
            found["Authorization"] = f"Bearer {self.credential}"
        if self.address:
            found["Potions-From"] = _plain(self.address)
        if self.agent:
            found["User-Agent"] = _plain(self.agent)
        return found


class _Borrowed(httpx.BaseTransport):
    """Somebody else's connections."""

    def __init__(self, lender: httpx.BaseTransport) -> None:
        self._lender = lender

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        return self._lender.handle_request(request)


def _http(transport: httpx.BaseTransport, behalf: Behalf | None) -> httpx.Client:
    headers = behalf.headers if behalf else {}
    # trust_env: a proxy in the environment has no business between this and a unix socket.
    return httpx.Client(transport=transport, base_url=BASE_URL, timeout=_LOOK, trust_env=False, headers=headers)


def _plain(text: str) -> str:
    """As a header can carry it."""
    return "".join(one if one.isascii() and one.isprintable() else "?" for one in text)[:200]


class Wire:
    """A connection to one agent. Use it as a context manager, or call ``close``.

    Every call raises AgentUnreachable (nothing listens), NotAllowed (the socket may not be opened), AgentLost (the
    answer broke off) and whatever the agent refuses with.
    """

    def __init__(self, socket: Path, behalf: Behalf | None = None, elsewhere: Elsewhere | None = None) -> None:
        self.socket = socket
        self.elsewhere = elsewhere
        """Set where the socket leads to another computer."""
        self._transport: httpx.BaseTransport = httpx.HTTPTransport(uds=str(socket), verify=False)
        self._http = _http(self._transport, behalf)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        self.close()

    def speaking_for(self, behalf: Behalf) -> Self:
        """A client that asks on somebody's behalf, over the connections of this one; closing it leaves those open."""
        other = type(self).__new__(type(self))
        other.socket = self.socket
        other.elsewhere = self.elsewhere
        other._transport = _Borrowed(self._transport)
        other._http = _http(other._transport, behalf)
        return other

    def close(self) -> None:
        self._http.close()

    def _get(self, path: str, kind: type[T], **query: Any) -> T:
        with told(self.socket, self.elsewhere):
            answer = self._http.get(path, params=words(query))
        return decode(answer, kind, self.elsewhere)

    def _write(self, method: str, path: str, kind: type[T], body: msgspec.Struct | None = None, **query: Any) -> T:
        content = None if body is None else msgspec.json.encode(body)
        headers = {} if body is None else {"Content-Type": "application/json"}
        with told(self.socket, self.elsewhere):
            answer = self._http.request(
                method, path, params=words(query), content=content, headers=headers, timeout=_PATIENT
            )
        return decode(answer, kind, self.elsewhere)

    def _send(
        self, method: str, path: str, kind: type[T], chunks: Iterable[bytes], headers: dict[str, str], **query: Any
    ) -> T:
        """Stream a body to the agent."""
        headers = {"Content-Type": "application/octet-stream", **headers}
        with told(self.socket, self.elsewhere):
            answer = self._http.request(
                method, path, params=words(query), content=iter(chunks), headers=headers, timeout=_PATIENT
            )
        return decode(answer, kind, self.elsewhere)

    def _stream(self, path: str, kind: type[T], **query: Any) -> Iterator[T]:
        decoder = msgspec.json.Decoder(kind)
        with (
            told(self.socket, self.elsewhere),
            self._http.stream("GET", path, params=words(query), timeout=_PATIENT) as answer,
        ):
            if not answer.is_success:
                answer.read()
                raise refusal(answer, self.elsewhere)
            for line in _lines(answer.iter_bytes()):
                yield line_of(decoder, line, answer, self.elsewhere)

    @contextmanager
    def _download(self, path: str) -> Iterator[httpx.Response]:
        """An answer whose body is read as it comes."""
        with told(self.socket, self.elsewhere), self._http.stream("GET", path, timeout=_PATIENT) as answer:
            if not answer.is_success:
                answer.read()
                raise refusal(answer, self.elsewhere)
            yield answer


@contextmanager
def told(socket: Path, elsewhere: Elsewhere | None = None) -> Iterator[None]:
    """Turn what goes wrong below HTTP into errors that say what to do."""
    began = time.monotonic()
    try:
        yield
    except (httpx.ConnectError, httpx.ConnectTimeout) as error:
        raise unreachable(socket, error, elsewhere) from error
    except httpx.TransportError as error:
        raise _lost(error, time.monotonic() - began, elsewhere) from error


def unreachable(socket: Path, error: Exception, elsewhere: Elsewhere | None) -> PotionsError:
    """What a socket that cannot be opened means."""
    if elsewhere is not None:
        # The socket is there from before the first request on, and goes with the connection.
        return AgentLost(f"The connection to {elsewhere.name} is lost.", do=_LOOK_AGAIN)
    home = home_of_socket(socket)
    if "Permission denied" in str(error):
        return NotAllowed(
            "This user may not command Potions here.",
            why=f"{socket} belongs to somebody else.",
            do=home.how_to_be_allowed,
        )
    return AgentUnreachable(
        "Potions does not run here.", why=f"Nothing listens on {socket}.", do=f"Start it with: {home.how_to_start}"
    )


def app_path(app: str) -> str:
    return f"/apps/{parse_app_name(app)}"


def segment(text: str) -> str:
    """``text`` as one piece of a path, also when it is ``..``."""
    return quote(text, safe="").replace(".", "%2E")


def words(query: dict[str, Any]) -> dict[str, str] | None:
    """The query as text; None for none, because an empty one would take away what stands in the path."""
    return {name: word(value) for name, value in query.items()} or None


def word(value: object) -> str:
    """A value as it stands in a query."""
    return str(value).lower() if isinstance(value, bool) else str(value)


def _lines(pieces: Iterable[bytes]) -> Iterator[bytes]:
    """Split at line feeds only: text in JSON may hold any other character that Unicode calls a line's end."""
    rest = b""
    for piece in pieces:
        *whole, rest = (rest + piece).split(b"\n")
        yield from (line for line in whole if line.strip())
    if rest.strip():
        yield rest


def line_of(
    decoder: msgspec.json.Decoder[T], line: bytes, answer: httpx.Response, elsewhere: Elsewhere | None = None
) -> T:
    try:
        return decoder.decode(line)
    except msgspec.DecodeError as error:
        raise not_understood(answer, error, elsewhere) from error


def decode(answer: httpx.Response, kind: type[T], elsewhere: Elsewhere | None = None) -> T:
    if not answer.is_success:
        raise refusal(answer, elsewhere)
    try:
        # An answer without a body says that it was done, and nothing else.
        return msgspec.json.decode(answer.content or b"null", type=kind)
    except msgspec.DecodeError as error:
        raise not_understood(answer, error, elsewhere) from error


def refusal(answer: httpx.Response, elsewhere: Elsewhere | None = None) -> PotionsError:
    try:
        body = msgspec.json.decode(answer.content, type=ErrorBody)
    except msgspec.DecodeError:
        asked = f"{answer.request.method} {answer.request.url.path}"
        return not_understood(answer, f"Status {answer.status_code} for {asked}.", elsewhere)
    if body.code == RequestRefused.code and (answer.status_code in _UNKNOWN_ROUTE or is_of_another_version(answer)):
        return not_known(answer, body.why or body.what, elsewhere)
    return error_from(body)


def _lost(error: httpx.TransportError, seconds: float, elsewhere: Elsewhere | None) -> AgentLost:
    if isinstance(error, httpx.TimeoutException):
        what = f"The agent did not answer within {seconds:.0f} s."
    elif elsewhere is not None:
        what = f"The connection to {elsewhere.name} broke before the answer was whole."
    else:
        what = "The connection to the agent broke before the answer was whole."
    return AgentLost(
        what,
        why="What was asked for last may have been done or not; nothing is sent twice.",
        do=_LOOK_AGAIN,
    )
