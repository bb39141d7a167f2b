"""The Storage tab: how much there is, a folder of it or a file, and changing names, making folders and removing."""

from __future__ import annotations

from typing import Annotated

from litestar import Controller, get, post
from litestar.di import Provide
from litestar.params import FromPath, FromQuery, QueryParameter
from litestar.response import Redirect, Template

from potions.dashboard.chart import time_chart
from potions.dashboard.forms import Form, text
from potions.dashboard.frameworks import FRAMEWORKS, framework_called
from potions.dashboard.stored_place import (
    Stored,
    crumbs,
    may_be_picture,
    page_of,
    provide_stored,
    renamed,
    typed,
)
from potions.dashboard.text_preview import PREVIEW_BYTES, TextPreview, text_preview
from potions.dashboard.visit import Visit, Visited
from potions.errors import PotionsError, RequestRefused
from potions.names import StoredPath, parse_stored_path
from potions.schema import Order, Role, StorageSample, StoredEntry, StoredKind, Use

#: Entries on one page.
_PAGE = 200
#: Size of the chart's drawing, in its own units.
_CHART = (960.0, 160.0)
_DAYS = 30
#: How many moments the table beside the chart has at most.
_ROWS = 31
#: How deep the largest folders are looked for, and how many are told.
_DEPTH, _TOP = 3, 10

_Days = Annotated[int, QueryParameter(ge=1, le=731)]
_PageNumber = Annotated[int, QueryParameter(ge=1, le=10**9)]


class StoragePages(Controller):
    """The files of one app."""

    path = "/apps/{name:str}/storage"
    dependencies = {"stored": Provide(provide_stored, sync_to_thread=False)}  # noqa: RUF012 - a controller declares them so

    @get(sync_to_thread=True)
    def show(
        self,
        visit: Visited,
        name: FromPath[str],
        stored: Stored,
        order: FromQuery[Order] = Order.NAME,
        page: _PageNumber = 1,
        days: _Days = _DAYS,
        framework: FromQuery[str] = "",
    ) -> Template:
        entry = visit.agent.stored(name, _as_text(stored)) if stored.parts else None
        if entry is not None and entry.kind is not StoredKind.FOLDER:
            return _entry_page(visit, name, stored, entry)
        return _folder_page(visit, name, stored, order, page, _use_of(visit, name, stored, days, framework))

    @post("/measure", sync_to_thread=True)
    def measure(self, visit: Visited, name: FromPath[str]) -> Redirect:
        created = visit.agent.app(name).summary.created
        for line in visit.agent.storage_use(name, depth=_DEPTH, top=_TOP):
            if line.result:
                visit.measured.keep(name, created, line.result)
        return visit.go(page_of(name, StoredPath()), "Measured.")

    @post("/folders", sync_to_thread=True)
    def make_folder(self, visit: Visited, name: FromPath[str], stored: Stored, data: Form) -> Template | Redirect:
        called = text(data, "name")
        try:
            made = _inside(stored, called)
            visit.agent.make_stored_folder(name, _as_text(made))
        except PotionsError as problem:
            use = _use_of(visit, name, stored)
            return _folder_page(visit, name, stored, Order.NAME, 1, use, problem=problem, folder_name=called)
        return visit.go(page_of(name, stored), f"The folder {made} is there.")

    @get("/move", sync_to_thread=True, needs=Role.DEPLOYER)
    def move_form(self, visit: Visited, name: FromPath[str], stored: Stored) -> Template:
        return _move_page(visit, name, stored, typed(stored.parent), typed(StoredPath(stored.parts[-1:])))

    @post("/move", sync_to_thread=True)
    def move(self, visit: Visited, name: FromPath[str], stored: Stored, data: Form) -> Template | Redirect:
        # What a name begins and ends with is part of it.
        folder, called = data.get("folder", ""), data.get("name", "")
        try:
            target = renamed(stored, folder, called)
            visit.agent.move_stored(name, _as_text(stored), _as_text(target))
        except PotionsError as problem:
            return _move_page(visit, name, stored, folder, called, problem=problem)
        return visit.go(page_of(name, target.parent), f"{stored} is now {target}.")

    @get("/remove", sync_to_thread=True, needs=Role.DEPLOYER)
    def remove_form(self, visit: Visited, name: FromPath[str], stored: Stored) -> Template:
        return _remove_page(visit, name, stored)

    @post("/remove", sync_to_thread=True)
    def remove(self, visit: Visited, name: FromPath[str], stored: Stored) -> Template | Redirect:
        try:
            gone = visit.agent.remove_stored(name, _as_text(stored), recursive=True)
        except PotionsError as problem:
            return _remove_page(visit, name, stored, problem=problem)
        inside = f", and {gone.files:,} {'file' if gone.files == 1 else 'files'} in it"
        return visit.go(
            page_of(name, stored.parent), f"{stored} is removed{inside if gone.kind is StoredKind.FOLDER else ''}."
        )


# Looking


def _folder_page(
    visit: Visit,
    name: str,
    place: StoredPath,
    order: Order,
    page: int,
    use: dict[str, object],
    *,
    problem: PotionsError | None = None,
    folder_name: str = "",
) -> Template:
    """``use`` is what `_use_of` has found; ``folder_name`` was typed for a new folder."""
    folder = visit.agent.stored_folder(name, _as_text(place), order=order, offset=(page - 1) * _PAGE, limit=_PAGE)
    shown = {
        "place": place,
        "crumbs": crumbs(place),
        "folder": folder,
        "order": order,
        "number": page,
        "pages": max(1, -(-folder.total // _PAGE)),
        "folder_name": folder_name,
        "is_top": not place.parts,
    }
    return _template(visit, name, "app/storage.html", problem, {**shown, **use})


def _template(
    visit: Visit, name: str, template: str, problem: PotionsError | None, context: dict[str, object]
) -> Template:
    return visit.tab("storage", name, template, problem=problem, **context)


def _use_of(visit: Visit, name: str, place: StoredPath, days: int = _DAYS, framework: str = "") -> dict[str, object]:
    """What stands around the files of the whole storage; nothing around those of a folder in it."""
    if place.parts:
        return {}
    app = visit.agent.app(name)
    samples = visit.agent.storage_history(name, days=days)
    return {
        "app": app,
        "days": days,
        "chart": time_chart([(sample.at, sample.bytes) for sample in samples], *_CHART),
        "chart_size": _CHART,
        "samples": _thinned(samples),
        "frameworks": FRAMEWORKS,
        "framework": framework_called(framework),
        "measurement": visit.measured.last(name, app.summary.created),
    }


def _thinned(samples: list[StorageSample]) -> list[StorageSample]:
    """The newest first, and of many the last of each stretch, and the oldest."""
    step = max(1, -(-len(samples) // _ROWS))
    few = samples[::-1][::step]
    return few if not few or few[-1] is samples[0] else [*few, samples[0]]


def _entry_page(visit: Visit, name: str, place: StoredPath, entry: StoredEntry) -> Template:
    is_file = entry.kind is StoredKind.FILE
    picture = visit.may_deploy and may_be_picture(entry)
    begin = None
    problem = None
    if visit.may_deploy and is_file and not picture:
        try:
            begin = _begin_of(visit, name, place)
        except PotionsError as refused:
            problem = refused
    shown = {
        "place": place,
        "crumbs": crumbs(place),
        "entry": entry,
        "picture": picture,
        "looked_into": begin is not None,
        "preview": None if begin is None else _preview(begin, entry),
    }
    return _template(visit, name, "app/stored.html", problem, shown)


def _begin_of(visit: Visit, name: str, place: StoredPath) -> bytes:
    begin = b""
    with visit.agent.get_stored_file(name, _as_text(place)) as incoming:
        for piece in incoming.pieces:
            begin += piece
            if len(begin) >= PREVIEW_BYTES:
                break
    return begin[:PREVIEW_BYTES]


def _preview(begin: bytes, entry: StoredEntry) -> TextPreview | None:
    return text_preview(begin, max(entry.bytes, len(begin)))


# Changing


def _inside(folder: StoredPath, called: str) -> StoredPath:
    """A new folder, or several in one another, below ``folder``."""
    if not called.strip("/"):
        raise RequestRefused("The folder needs a name.")
    return folder.inside(*parse_stored_path(called).parts)


def _move_page(
    visit: Visit, name: str, place: StoredPath, folder: str, called: str, problem: PotionsError | None = None
) -> Template:
    _refuse_top(place)
    shown = {"place": place, "crumbs": crumbs(place), "in_folder": folder, "called": called}
    return _template(visit, name, "app/stored_move.html", problem, shown)


def _remove_page(visit: Visit, name: str, place: StoredPath, problem: PotionsError | None = None) -> Template:
    """What goes, counted; where it cannot be counted any more, that is told."""
    _refuse_top(place)
    entry = visit.agent.stored(name, _as_text(place))
    shown = {
        "place": place,
        "crumbs": crumbs(place),
        "entry": entry,
        "use": _counted(visit, name, place) if entry.kind is StoredKind.FOLDER else None,
    }
    return _template(visit, name, "app/stored_remove.html", problem, shown)


def _counted(visit: Visit, name: str, place: StoredPath) -> Use | None:
    use = None
    for line in visit.agent.storage_use(name, _as_text(place), depth=0, top=0):
        use = line.result.use if line.result else use
    return use


def _refuse_top(place: StoredPath) -> None:
    if not place.parts:
        raise RequestRefused("The storage itself keeps its name and place.", do="Choose something in it.")


def _as_text(place: StoredPath) -> str:
    """A place as the client takes it."""
    return "/".join(place.parts)
