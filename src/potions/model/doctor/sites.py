"""What Caddy knows: a site for each app, as it should be, and loaded; nobody waiting for nothing."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from potions.layout import Colour
from potions.model.doctor.finding import Finding, Kind, Severity

SITE_MISSING = Kind(
    "site-missing",
    Severity.ERROR,
    "The proxy has no site for an app: visitors are told that no app has that name.",
    "potions doctor --fix",
    "writes the site and loads it",
)
SITE_WRONG = Kind(
    "site-wrong",
    Severity.ERROR,
    "The site of an app is not as Potions writes it: its file was changed by hand, or by another version.",
    "potions doctor --fix",
    "writes the site anew and loads it",
)
SITE_STRAY = Kind(
    "site-stray",
    Severity.WARNING,
    "There is a site of an app that does not exist, or another file where only sites are.",
    "potions doctor --fix",
    "takes the site of no app out of the proxy",
)
CADDYFILE_WRONG = Kind(
    "caddyfile-wrong",
    Severity.ERROR,
    "Caddy's main file is not as Potions writes it, or missing.",
    "potions doctor --fix",
    "writes it anew and loads it",
)
SITES_NOT_LOADED = Kind(
    "sites-not-loaded",
    Severity.ERROR,
    "Caddy runs with another configuration than the one on disk.",
    "potions doctor --fix",
    "loads what is on disk",
)
HOLD_LEFT = Kind(
    "hold-left",
    Severity.ERROR,
    "Visitors of an app are held, and no deploy runs that they could be waiting for.",
    "potions doctor APP --fix",
    "lets them go to the live slot",
)

KINDS = (SITE_MISSING, SITE_WRONG, SITE_STRAY, CADDYFILE_WRONG, SITES_NOT_LOADED, HOLD_LEFT)


def judge_site(app: str, place: str, wanted: bytes, there: bytes | None) -> Iterator[Finding]:
    """The site of an app, as it is on disk and as it should be."""
    if there is None:
        yield SITE_MISSING.found(f"{place} is missing.", app=app, place=place)
    elif there != wanted:
        yield SITE_WRONG.found(f"{place} is not as Potions writes it.", app=app, place=place)


def judge_strays(sites: Mapping[str, str], apps: Iterable[str]) -> list[Finding]:
    """``sites``: the file of each app that has one."""
    known = set(apps)
    return [
        SITE_STRAY.found(f"{place} is there, and there is no app called {app}.", place=place)
        for app, place in sites.items()
        if app not in known
    ]


def judge_caddyfile(place: str, wanted: bytes, there: bytes | None) -> Iterator[Finding]:
    """The main file, on disk and as it should be."""
    if there != wanted:
        what = "missing" if there is None else "not as Potions writes it"
        yield CADDYFILE_WRONG.found(f"{place} is {what}.", place=place)


def judge_loaded(difference: str | None) -> Iterator[Finding]:
    """``difference``: how what Caddy runs with and what is on disk differ, in words."""
    if difference is not None:
        yield SITES_NOT_LOADED.found(
            "Caddy runs with another configuration than the one on disk.", place="caddy", why=difference
        )


def judge_hold(app: str, live: Colour, *, held: bool) -> Iterator[Finding]:
    """Asked while no deploy and no restart of the app runs."""
    if held:
        yield HOLD_LEFT.found(
            f"Visitors of {app} wait for the {live} slot, and nothing is under way.",
            app=app,
            place=live,
            do=f"potions doctor {app} --fix",
        )
