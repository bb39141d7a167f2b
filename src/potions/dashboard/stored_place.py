"""A place in a storage as a page's address names it, and as people read it."""

from __future__ import annotations

import re
from typing import NamedTuple
from urllib.parse import parse_qs, quote

from litestar.di import NamedDependency

from potions.dashboard.visit import BrowserRequest
from potions.errors import RequestRefused
from potions.names import StoredPath, parse_stored_path, shown_name
from potions.schema import StoredEntry, StoredKind

#: The place that a page's address names with ``path``; the storage itself where it names none.
Stored = NamedDependency[StoredPath]

_PICTURES = (".png", ".jpg", ".jpeg", ".gif", ".webp")
_LINE_ENDS = re.compile(r"[\r\n]")


def provide_stored(request: BrowserRequest) -> StoredPath:
    """The place, byte for byte: what is no UTF-8 as lone surrogates, which a parameter would have lost.

    Raises StoredPathRefused, and RequestRefused for two of them.
    """
    query = request.scope["query_string"].decode("utf-8", "surrogateescape")
    given = parse_qs(query, keep_blank_values=True, errors="surrogateescape").get("path", [""])
    if len(given) > 1:
        raise RequestRefused("The address names more than one path.")
    return parse_stored_path(given[0])


class Crumb(NamedTuple):
    """A folder on the way to a place."""

    name: str
    path: str
    """As it stands in an address."""


def crumbs(place: StoredPath) -> list[Crumb]:
    """The folders that lead to a place, and the place; none for the storage itself."""
    steps = (StoredPath(place.parts[:length]) for length in range(1, len(place.parts) + 1))
    return [Crumb(shown_name(step.name), step.encoded) for step in steps]


def page_of(app: str, place: StoredPath) -> str:
    """The address of the page that shows a place."""
    return f"/apps/{quote(app, safe='')}/storage" + (f"?path={place.encoded}" if place.parts else "")


def renamed(place: StoredPath, folder: str, name: str) -> StoredPath:
    """Where something is to be, by the folder and the name that were typed into its form.

    What was left as the form showed it is kept byte for byte: a form shows some bytes as escapes. Raises
    StoredPathRefused, and RequestRefused for a name that is none.
    """
    if not name or "/" in name or name in {".", ".."}:
        raise RequestRefused(
            "A name is needed that names one thing.", why="It cannot be empty, . or .., and has no slash in it."
        )
    into = place.parent if folder == typed(place.parent) else parse_stored_path(folder.strip("/"))
    last = place.name if name == typed(StoredPath((place.name,))) else name
    return parse_stored_path("/".join((*into.parts, last)))


def typed(place: StoredPath) -> str:
    """How a place stands in an input of a form; empty for the storage itself."""
    return _LINE_ENDS.sub("", shown_name("/".join(place.parts)))


def may_be_picture(entry: StoredEntry) -> bool:
    """Whether a file's name is that of a picture. What it really is shows when it is drawn."""
    return entry.kind is StoredKind.FILE and entry.name.lower().endswith(_PICTURES)
