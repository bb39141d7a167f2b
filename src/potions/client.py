"""The agent's API as a typed Python object: one method a route, over the agent's unix socket.

An error answer becomes the same ``PotionsError`` subclass that the agent raised. Nothing is sent twice: after a lost
answer it is not known whether a write was done, and ``AgentLost`` says so.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TypeVar
from urllib.parse import quote

import httpx
import msgspec

from potions import errors
from potions.errors import AgentLost, AgentUnreachable, InternalError, NotAllowed, PotionsError
from potions.names import parse_app_name
from potions.schema import (
    AppCreate,
    AppDetail,
    AppSummary,
    Colour,
    Deployment,
    DeploymentCreate,
    ErrorBody,
    Event,
    LogLine,
    PlatformStatus,
    Release,
    Removal,
    RestoreRequest,
    TrashEntry,
    Variable,
    VariablesChange,
    VariablesChanged,
)

#: Headers of an upload: sizes in bytes, sent where they are known beforehand.
PACKED_BYTES = "Potions-Packed-Bytes"
UNPACKED_BYTES = "Potions-Unpacked-Bytes"

CONNECT_SECONDS = 5.0
#: How long a plain look may take. Measuring a million files on a cold disk takes 11 s.
READ_SECONDS = 120.0

_LOOK = httpx.Timeout(READ_SECONDS, connect=CONNECT_SECONDS)
_PATIENT = httpx.Timeout(None, connect=CONNECT_SECONDS)
_START = "Start it with: potions up"

T = TypeVar("T")

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


class Client:
    """A connection to one agent. Use it as a context manager, or call ``close``.

    Every method raises AgentUnreachable (nothing listens), NotAllowed (the socket may not be opened), AgentLost (the
    answer broke off) and whatever the agent refuses with.
    """

    def __init__(self, socket: Path) -> None:
        self.socket = socket
        transport = httpx.HTTPTransport(uds=str(socket), verify=False)
        # trust_env: a proxy in the environment has no business between this and a unix socket.
        self._http = httpx.Client(transport=transport, base_url="http://potions", timeout=_LOOK, trust_env=False)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        self._http.close()

    # The platform

    def status(self) -> PlatformStatus:
        return self._get("/status", PlatformStatus)

    # Apps

    def apps(self) -> list[AppSummary]:
        return self._get("/apps", list[AppSummary])

    def app(self, app: str) -> AppDetail:
        return self._get(_app(app), AppDetail)

    def create_app(self, name: str) -> AppDetail:
        return self._write("POST", "/apps", AppDetail, AppCreate(name))

    def removal(self, app: str, *, purge: bool = False) -> Removal:
        """What deleting the app would take away."""
        return self._get(f"{_app(app)}/removal", Removal, purge=purge)

    def delete_app(self, app: str, *, purge: bool = False) -> Removal:
        return self._write("DELETE", _app(app), Removal, purge=purge)

    def trash(self) -> list[TrashEntry]:
        return self._get("/trash", list[TrashEntry])

    def restore_app(self, old: str, new: str | None = None) -> AppDetail:
        return self._write("POST", f"/trash/{_segment(old)}/restore", AppDetail, RestoreRequest(new))

    def stop(self, app: str) -> AppDetail:
        return self._write("POST", f"{_app(app)}/stop", AppDetail)

    def start(self, app: str) -> AppDetail:
        return self._write("POST", f"{_app(app)}/start", AppDetail)

    def restart(self, app: str) -> AppDetail:
        return self._write("POST", f"{_app(app)}/restart", AppDetail)

    # Releases and deployments

    def send_release(
        self,
        app: str,
        source: str,
        chunks: Iterable[bytes],
        *,
        packed_bytes: int | None = None,
        unpacked_bytes: int | None = None,
    ) -> Release:
        """Stream an archive to the agent. ``source`` is what people call it; the sizes are in bytes."""
        sizes = {PACKED_BYTES: packed_bytes, UNPACKED_BYTES: unpacked_bytes}
        headers = {name: str(size) for name, size in sizes.items() if size is not None}
        headers["Content-Type"] = "application/octet-stream"
        # A file's name can hold bytes that are no text.
        query = {"source": source.encode(errors="replace").decode()}
        with self._told():
            answer = self._http.post(
                f"{_app(app)}/releases", params=query, content=iter(chunks), headers=headers, timeout=_PATIENT
            )
        return _decode(answer, Release)

    def deploy(self, app: str, release: str | None = None) -> Deployment:
        """Ask for a deployment of a release that was sent; without one, of what serves, with today's variables."""
        return self._write("POST", f"{_app(app)}/deployments", Deployment, DeploymentCreate(release))

    def rollback(self, app: str) -> Deployment:
        return self._write("POST", f"{_app(app)}/rollback", Deployment)

    def deployments(self, app: str, limit: int = 50) -> list[Deployment]:
        """The app's history, newest first."""
        return self._get(f"{_app(app)}/deployments", list[Deployment], limit=limit)

    def deployment(self, app: str, number: int) -> Deployment:
        return self._get(f"{_app(app)}/deployments/{number}", Deployment)

    def cancel(self, app: str, number: int) -> Deployment:
        return self._write("POST", f"{_app(app)}/deployments/{number}/cancel", Deployment)

    def events(self, app: str, number: int, *, follow: bool = False, drain: bool = False) -> Iterator[Event]:
        """A deployment's log. ``follow`` stays until it ended, with ``drain`` until the old slot is retired."""
        path = f"{_app(app)}/deployments/{number}/events"
        return self._stream(path, Event, follow=follow, drain=drain)

    # Variables and logs

    def variables(self, app: str, *, reveal: bool = False) -> list[Variable]:
        return self._get(f"{_app(app)}/variables", list[Variable], reveal=reveal)

    def change_variables(self, app: str, change: VariablesChange) -> VariablesChanged:
        return self._write("PATCH", f"{_app(app)}/variables", VariablesChanged, change)

    def logs(
        self, app: str, *, follow: bool = False, lines: int = 100, slot: Colour | None = None
    ) -> Iterator[LogLine]:
        """What the app printed: the last ``lines`` of each slot, or of one slot; ``follow`` stays for more."""
        which = {} if slot is None else {"slot": slot.value}
        return self._stream(f"{_app(app)}/logs", LogLine, follow=follow, lines=lines, **which)

    # How requests are made

    def _get(self, path: str, kind: type[T], **query: Any) -> T:
        with self._told():
            answer = self._http.get(path, params=_words(query))
        return _decode(answer, kind)

    def _write(self, method: str, path: str, kind: type[T], body: msgspec.Struct | None = None, **query: Any) -> T:
        content = None if body is None else msgspec.json.encode(body)
        headers = {} if body is None else {"Content-Type": "application/json"}
        with self._told():
            answer = self._http.request(
                method, path, params=_words(query), content=content, headers=headers, timeout=_PATIENT
            )
        return _decode(answer, kind)

    def _stream(self, path: str, kind: type[T], **query: Any) -> Iterator[T]:
        decoder = msgspec.json.Decoder(kind)
        with self._told(), self._http.stream("GET", path, params=_words(query), timeout=_PATIENT) as answer:
            if not answer.is_success:
                answer.read()
                raise _refusal(answer)
            for line in _lines(answer.iter_bytes()):
                yield _line(decoder, line)

    @contextmanager
    def _told(self) -> Iterator[None]:
        """Turn what goes wrong below HTTP into errors that say what to do."""
        began = time.monotonic()
        try:
            yield
        except (httpx.ConnectError, httpx.ConnectTimeout) as error:
            raise self._unreachable(error) from error
        except httpx.TransportError as error:
            raise _lost(error, time.monotonic() - began) from error

    def _unreachable(self, error: httpx.TransportError) -> PotionsError:
        if "Permission denied" in str(error):
            return NotAllowed(
                "This user may not command Potions here.",
                why=f"{self.socket} belongs to somebody else.",
                do="Become the user who started it, or ask for the right to open that socket.",
            )
        return AgentUnreachable("Potions does not run here.", why=f"Nothing listens on {self.socket}.", do=_START)


def _app(app: str) -> str:
    return f"/apps/{parse_app_name(app)}"


def _segment(text: str) -> str:
    """``text`` as one piece of a path, also when it is ``..``."""
    return quote(text, safe="").replace(".", "%2E")


def _words(query: dict[str, Any]) -> dict[str, str]:
    return {name: str(value).lower() if isinstance(value, bool) else str(value) for name, value in query.items()}


def _lines(pieces: Iterable[bytes]) -> Iterator[bytes]:
    """Split at line feeds only: text in JSON may hold any other character that Unicode calls a line's end."""
    rest = b""
    for piece in pieces:
        *whole, rest = (rest + piece).split(b"\n")
        yield from (line for line in whole if line.strip())
    if rest.strip():
        yield rest


def _line(decoder: msgspec.json.Decoder[T], line: bytes) -> T:
    try:
        return decoder.decode(line)
    except msgspec.DecodeError as error:
        raise _not_understood(error) from error


def _decode(answer: httpx.Response, kind: type[T]) -> T:
    if not answer.is_success:
        raise _refusal(answer)
    try:
        return msgspec.json.decode(answer.content, type=kind)
    except msgspec.DecodeError as error:
        raise _not_understood(error) from error


def _refusal(answer: httpx.Response) -> PotionsError:
    try:
        return error_from(msgspec.json.decode(answer.content, type=ErrorBody))
    except msgspec.DecodeError:
        return _not_understood(f"Status {answer.status_code} for {answer.request.method} {answer.request.url.path}.")


def _not_understood(reason: object) -> InternalError:
    return InternalError(
        "The agent's answer was not understood.",
        why=f"The agent may be of another version. ({reason})",
        do="Start the agent of this version: potions down, then potions up",
    )


def _lost(error: httpx.TransportError, seconds: float) -> AgentLost:
    if isinstance(error, httpx.TimeoutException):
        what = f"The agent did not answer within {seconds:.0f} s."
    else:
        what = "The connection to the agent broke before the answer was whole."
    return AgentLost(
        what,
        why="What was asked for last may have been done or not; nothing is sent twice.",
        do="Look with: potions status",
    )
