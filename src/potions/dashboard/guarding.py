"""What keeps other pages out: headers for every answer, and a look at where a change comes from."""

from __future__ import annotations

from typing import Any

from litestar import Request
from litestar.datastructures import MutableScopeHeaders
from litestar.types import Message, Scope

from potions.dashboard.place import Place
from potions.errors import OriginRefused

#: No inline script and no inline style anywhere: what a stored file, a log line or a variable smuggles into a page
#: stays text.
CONTENT_SECURITY_POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self' data:",
        "connect-src 'self'",
        "form-action 'self'",
        "frame-ancestors 'none'",
        "base-uri 'none'",
    )
)


def policy_with_nonce(nonce: str) -> str:
    """The same for a page whose script makes styles of its own, which carry this nonce."""
    return CONTENT_SECURITY_POLICY.replace("style-src 'self'", f"style-src 'self' 'nonce-{nonce}'")


SECURITY_HEADERS = {
    "Content-Security-Policy": CONTENT_SECURITY_POLICY,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=()",
}

_SAFE = {"GET", "HEAD", "OPTIONS"}


async def add_security_headers(message: Message, _scope: Scope) -> None:
    """Have every answer carry them, refusals too. An answer with a stricter one of its own keeps that."""
    if message["type"] == "http.response.start":
        headers = MutableScopeHeaders.from_message(message)
        for name, value in SECURITY_HEADERS.items():
            headers.setdefault(name, value)


def refuse_other_origins(request: Request[Any, Any, Any]) -> None:
    """Raise OriginRefused for a change that another page asks for, also where it got hold of a good token.

    A browser says in ``Origin`` which page a form or a script belongs to, and no page can change that. The apps of a
    server are neighbours of its dashboard: what they may do with cookies must not be enough.
    """
    if request.method in _SAFE:
        return
    place: Place = request.app.state.place
    origin = request.headers.get("Origin")
    site = request.headers.get("Sec-Fetch-Site", "same-origin")
    if (origin is not None and origin != place.address) or site not in {"same-origin", "none"}:
        raise OriginRefused(place.address)
