"""A visitor's way: a request through the proxy is answered, by the live slot, and well."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from potions.layout import Colour
from potions.model.doctor.finding import Finding, Kind, Severity

NOT_ANSWERED = Kind(
    "not-answered",
    Severity.ERROR,
    "The live slot of an app runs, and a request through the proxy gets no answer from it.",
    "potions restart APP; what it prints: potions logs APP",
)
OTHER_SLOT_ANSWERS = Kind(
    "other-slot-answers",
    Severity.ERROR,
    "A request through the proxy is answered by a slot that is not the live one.",
    "potions doctor --fix mends sites and links; then look again",
)
UNHEALTHY = Kind(
    "unhealthy",
    Severity.WARNING,
    "The app answers, and not as its health check wants it: the same answer would fail a deploy.",
    "See why: potions logs APP; the release before it: potions rollback APP",
)

KINDS = (NOT_ANSWERED, OTHER_SLOT_ANSWERS, UNHEALTHY)


class VisitSeen(msgspec.Struct, frozen=True):
    """One request through the proxy."""

    app: str
    path: str
    live: Colour
    status: int | None
    """None where no answer came."""
    slot: str = ""
    """Which slot answered; empty for an answer of the proxy's own."""
    good: bool = False
    """By the app's own ``[health]``."""


def judge_visit(seen: VisitSeen) -> Iterator[Finding]:
    """Answered at all, by whom, and how."""
    asked = f"GET {seen.path} of {seen.app}, through the proxy,"
    if seen.status is None or not seen.slot:
        got = "gets no answer" if seen.status is None else f"gets {seen.status} from the proxy itself"
        yield NOT_ANSWERED.found(
            f"{asked} {got}.",
            app=seen.app,
            place=seen.path,
            do=f"potions restart {seen.app}; what it prints: potions logs {seen.app}",
        )
    elif seen.slot != seen.live:
        yield OTHER_SLOT_ANSWERS.found(
            f"{asked} is answered by {seen.slot}.",
            app=seen.app,
            place=seen.path,
            expected=f"{seen.live}, the live slot, answers.",
        )
    elif not seen.good:
        yield UNHEALTHY.found(
            f"{asked} gets {seen.status}.",
            app=seen.app,
            place=seen.path,
            expected="An answer that its health check takes.",
            do=f"See why: potions logs {seen.app}",
        )
