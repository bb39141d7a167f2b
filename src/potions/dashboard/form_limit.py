"""What a form may be large: refused before anything of it is read into fields, because that holds everybody else up."""

from __future__ import annotations

from litestar.datastructures import Headers
from litestar.enums import ScopeType
from litestar.types import ASGIApp, HTTPReceiveMessage, HTTPRequestEvent, Receive, Scope, Send

from potions.errors import FormTooLarge, RequestRefused

#: What no form of the dashboard has more of.
FIELDS_MAX = 100
BYTES_MAX = 64 * 1024
#: For handlers with ``large_form=True``: a whole .env file, or a value of 100 kB with every byte encoded.
LARGE_BYTES_MAX = 12 * 1024 * 1024

_URLENCODED = "application/x-www-form-urlencoded"


class FormLimit:
    """Litestar reads a form into fields before it knows who sent it: 12 MB of ``a=1&`` took it 7 s of computing."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        kind = Headers.from_scope(scope).get("Content-Type", "") if scope["type"] == ScopeType.HTTP else ""
        if kind.startswith("multipart/"):
            raise RequestRefused("The request does not fit the page: files are sent as they are, in no form.")
        if kind.startswith(_URLENCODED):
            is_large = scope["route_handler"].opt.get("large_form", False)
            receive = _again(await _read(receive, LARGE_BYTES_MAX if is_large else BYTES_MAX), receive)
        await self._app(scope, receive, send)


async def _read(receive: Receive, most: int) -> bytes:
    """A whole form. Raises FormTooLarge at the first byte, or field, too many."""
    form = bytearray()
    fields = 1
    more = True
    while more:
        message = await receive()
        if message["type"] != "http.request":
            break
        form += message["body"]
        fields += message["body"].count(b"&")
        if len(form) > most or fields > FIELDS_MAX:
            raise FormTooLarge(most)
        more = message["more_body"]
    return bytes(form)


def _again(form: bytes, receive: Receive) -> Receive:
    """Gives what was read once more, and then what comes."""
    whole: list[HTTPReceiveMessage] = [HTTPRequestEvent(type="http.request", body=form, more_body=False)]

    async def give() -> HTTPReceiveMessage:
        return whole.pop() if whole else await receive()  # type: ignore[return-value]

    return give
