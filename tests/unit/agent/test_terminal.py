"""Who may open a terminal over the agent's sockets, and what is refused before anything runs."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from potions.client import Client
from potions.errors import AppUnknown, NothingDeployed, PotionsError, RoleNeeded, SignInNeeded, TokenLimited
from potions.model.access import Role
from potions.schema import TokenAccess
from potions.schema.terminal import Open
from support.doors import Doors, open_doors

PLAIN = Open(["true"])


@pytest.fixture(scope="module")
def doors() -> Iterator[Doors]:
    with open_doors() as found:
        found.app("blog")
        yield found


def refusal(client: Client, app: str = "blog", opening: Open = PLAIN) -> type[PotionsError]:
    """The error that an attempt ends with."""
    with pytest.raises(PotionsError) as refused, client.terminal(app, opening):
        pass
    assert refused.value.what
    return type(refused.value)


def test_only_owners_open_one(doors: Doors) -> None:
    """Everybody else is refused in words, before they could say what; a token is in any case."""
    _, owner = doors.person(Role.OWNER)
    _, deployer = doors.person(Role.DEPLOYER)
    _, viewer = doors.person(Role.VIEWER)
    assert refusal(doors.web) is SignInNeeded
    assert refusal(viewer) is refusal(deployer) is RoleNeeded
    assert refusal(doors.token(owner, TokenAccess.WRITE)) is TokenLimited
    assert refusal(doors.token(owner, TokenAccess.WRITE, "blog"), "other") is TokenLimited
    assert refusal(owner) is refusal(doors.own) is NothingDeployed


def test_a_refusal_stands_in_the_log(doors: Doors) -> None:
    """Who was refused what; of an owner the program, without its words."""
    name, viewer = doors.person(Role.VIEWER)
    refusal(viewer)
    refusal(doors.own, opening=Open(["mysql", "--password=hidden"]))
    newest, before = doors.service.audit.entries(2, None, None, None)
    assert (before.who, before.act, before.app, before.outcome) == (name, "open console", "blog", "role-needed")
    assert (newest.act, newest.app, newest.outcome) == ("open run", "blog", "nothing-deployed")
    assert newest.detail == "mysql and 1 word"


def test_an_app_that_is_not_there_is_told(doors: Doors) -> None:
    """As by every other route."""
    assert refusal(doors.own, "ghost") is AppUnknown
