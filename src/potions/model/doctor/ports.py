"""Ports: that nobody else listens where visitors are sent, or where the next deploy has to start its release."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import msgspec

from potions.layout import Colour
from potions.model.doctor.cures import EMBEDDED, Cures
from potions.model.doctor.finding import Finding, Kind, Severity

STRANGER_ANSWERS = Kind(
    "stranger-answers",
    Severity.ERROR,
    "Another program listens on the port of an app's live slot: visitors of the app get its answers.",
    "End that program; then potions restart APP",
)
PORT_TAKEN = Kind(
    "port-taken",
    Severity.WARNING,
    "Another program listens on the port of an app's idle slot: the next deploy of the app will fail.",
    "End that program",
)
HTTP_PORT_TAKEN = Kind(
    "http-port-taken",
    Severity.ERROR,
    "Another program listens on the port on which Caddy answers visitors.",
    "End that program; or, but on a server: potions down, then potions up --http-port PORT",
)
HOMES_OVERLAP = Kind(
    "homes-overlap",
    Severity.INFO,
    "Another Potions of this computer gives its apps ports from the same number on: a stopped app's can be taken.",
    "Give one of them other ports for its next apps: potions down; potions up --first-port PORT",
)

KINDS = (STRANGER_ANSWERS, PORT_TAKEN, HTTP_PORT_TAKEN, HOMES_OVERLAP)


class PortSeen(msgspec.Struct, frozen=True):
    """The port of a slot, and who else than the app listens on it, in words for people."""

    app: str
    colour: Colour
    port: int
    live: bool
    wanted: bool
    """Whether the app should be listening there now."""
    own: bool
    """Whether the slot's own processes listen on it."""
    strangers: tuple[str, ...] = ()


def judge_port(seen: PortSeen) -> Iterator[Finding]:
    """Nobody but the slot's own processes listens there."""
    if seen.strangers and not seen.own:
        yield (STRANGER_ANSWERS if seen.live else PORT_TAKEN).found(
            f"{', '.join(seen.strangers)} listens on port {seen.port}, which is {_whose(seen)}.",
            app=seen.app,
            place=seen.port,
            expected="Only the app listens there.",
            do="End that program" + (f"; then potions restart {seen.app}" if seen.wanted else "."),
        )


def _whose(seen: PortSeen) -> str:
    return f"the {'live' if seen.live else 'idle'} slot's of {seen.app}"


def judge_http_port(port: int, strangers: Iterable[str], cures: Cures = EMBEDDED) -> Iterator[Finding]:
    """Only Caddy listens where visitors come."""
    names = ", ".join(strangers)
    if names:
        yield HTTP_PORT_TAKEN.found(
            f"{names} listens on port {port}.",
            place=port,
            expected="Caddy listens there, and nobody else.",
            do=cures.http_port,
        )


def judge_homes(first_port: int, others: Iterable[tuple[str, int]]) -> list[Finding]:
    """``others`` are the other homes that run here, and where the ports of their apps begin."""
    return [
        HOMES_OVERLAP.found(
            f"The Potions at home in {home} gives its apps ports from {first_port} on too.",
            place=home,
            do="Before the next app is made: potions down; potions up --first-port PORT",
        )
        for home, other in others
        if other == first_port
    ]
