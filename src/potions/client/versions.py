"""When agent and client are of different versions: which of the two has to be brought up to date, and how."""

from __future__ import annotations

from dataclasses import dataclass

import httpx

from potions import API_LEVEL, __version__
from potions.errors import AgentOlder, InternalError, PotionsError, PotionsOlder

#: What the agent says of itself with every answer.
VERSION_HEADER = "Potions-Version"
LEVEL_HEADER = "Potions-Api-Level"

START_THIS_VERSION = (
    "Start the agent of this version: potions down, then potions up; on a server: sudo potions server install"
)


@dataclass(frozen=True)
class Elsewhere:
    """That the agent is on another computer."""

    name: str
    """As people call it here."""
    address: str
    """``anna@example.org:22``"""


def not_known(answer: httpx.Response, told: str, elsewhere: Elsewhere | None) -> PotionsError:
    """The error for an agent that has no such route, or does not take what it was sent."""
    return _misfit(answer, f"{answer.request.method} {answer.request.url.path}: {told}", elsewhere)


def is_of_another_version(answer: httpx.Response) -> bool:
    """Whether the agent says so of itself."""
    return VERSION_HEADER in answer.headers and _rank(answer) != _own_rank()


def not_understood(answer: httpx.Response, reason: object, elsewhere: Elsewhere | None) -> PotionsError:
    """The error for an answer that nobody here can read."""
    if VERSION_HEADER in answer.headers:
        return _misfit(answer, reason, elsewhere)
    return InternalError(
        "The agent's answer was not understood.",
        why=f"The agent may be of another version. ({reason})",
        do=_bring_agent_up_to_date(elsewhere),
    )


def _misfit(answer: httpx.Response, reason: object, elsewhere: Elsewhere | None) -> PotionsError:
    version = answer.headers.get(VERSION_HEADER, "")
    theirs, ours = _rank(answer), _own_rank()
    if theirs < ours:
        return AgentOlder(
            f"The agent {_where(elsewhere)} is older ({version or 'it does not say its version'}) "
            f"than this potions ({__version__}).",
            why=str(reason),
            do=_bring_agent_up_to_date(elsewhere),
        )
    if theirs > ours:
        return PotionsOlder(
            f"This potions ({__version__}) is older than the agent {_where(elsewhere)} ({version}).",
            why=str(reason),
            do="Bring it up to date: pip install -U potions",
        )
    return InternalError("The agent's answer was not understood.", why=str(reason))


def _where(elsewhere: Elsewhere | None) -> str:
    return "here" if elsewhere is None else f"on {elsewhere.name}"


def _bring_agent_up_to_date(elsewhere: Elsewhere | None) -> str:
    if elsewhere is None:
        return START_THIS_VERSION
    return f"Upgrade it with: potions server add {elsewhere.address}"


_Rank = tuple[int, tuple[int, ...]]


def _rank(answer: httpx.Response) -> _Rank:
    """What can be compared. An agent that says nothing is from before they all did."""
    level = answer.headers.get(LEVEL_HEADER, "")
    return (int(level) if level.isdecimal() else 0, _numbers(answer.headers.get(VERSION_HEADER, "")))


def _own_rank() -> _Rank:
    return (API_LEVEL, _numbers(__version__))


def _numbers(version: str) -> tuple[int, ...]:
    """``0.2.1`` as it is compared; what stands behind the numbers is not."""
    numbers = []
    for part in version.split("."):
        digits = part[: len(part) - len(part.lstrip("0123456789"))]
        if not digits:
            break
        numbers.append(int(digits))
    return tuple(numbers)
