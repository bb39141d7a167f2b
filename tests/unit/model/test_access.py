"""Roles, tokens, and what is refused in which words."""

from __future__ import annotations

import pytest

from potions.errors import PotionsError, RoleNeeded, TokenLimited
from potions.model.access import Needs, Principal, Role, TokenAccess, Way, refuse


def person(role: Role) -> Principal:
    return Principal("anna", Way.DASHBOARD, role)


def token(role: Role, app: str | None = None, *, one_app: bool = False) -> Principal:
    return Principal("token ci (anna)", Way.TOKEN, role, one_app=one_app, app=app)


def test_each_role_includes_those_before_it() -> None:
    """And none after it."""
    order = [Role.VIEWER, Role.DEPLOYER, Role.OWNER]
    for place, role in enumerate(order):
        assert [role.includes(other) for other in order] == [other <= place for other in range(3)]
    assert (TokenAccess.READ.role, TokenAccess.WRITE.role) == (Role.VIEWER, Role.DEPLOYER)


def test_a_refusal_says_which_role_it_needs() -> None:
    """Which one there is, and who can give it."""
    with pytest.raises(RoleNeeded) as caught:
        refuse(person(Role.VIEWER), Needs.DEPLOYER, "deploy", "blog")
    assert "needs the role deployer: deploy" in caught.value.what
    assert "viewer" in caught.value.why
    assert "potions users role" in caught.value.do
    assert caught.value.http_status == 403


@pytest.mark.parametrize("app", [None, "shop", "blo", "blog2", "BLOG", "blog/", ""])
def test_a_token_for_one_app_is_for_that_app(app: str | None) -> None:
    """And for nothing that is about no app, or about more."""
    one = token(Role.DEPLOYER, "blog", one_app=True)
    refuse(one, Needs.DEPLOYER, "deploy", "blog")
    with pytest.raises(TokenLimited, match="blog alone"):
        refuse(one, Needs.VIEWER, "look", app)


@pytest.mark.parametrize("app", [None, "", "blog"])
def test_a_token_of_a_deleted_app_opens_nothing(app: str | None) -> None:
    """Not what is about no app either."""
    with pytest.raises(TokenLimited, match="was deleted"):
        refuse(token(Role.DEPLOYER, None, one_app=True), Needs.VIEWER, "look", app)


@pytest.mark.parametrize("needs", [Needs.PERSON, Needs.OWNER])
@pytest.mark.parametrize("role", Role)
def test_no_token_does_what_people_decide(needs: Needs, role: Role) -> None:
    """Whatever it may besides."""
    with pytest.raises(TokenLimited, match="No token may"):
        refuse(token(role), needs, "remove person", None)


def test_every_need_has_somebody_who_meets_it() -> None:
    """An owner, signed in, meets them all."""
    for needs in Needs:
        refuse(person(Role.OWNER), needs, "anything", "blog")
    met = [needs for needs in Needs if _meets(person(Role.VIEWER), needs)]
    assert met == [Needs.NOBODY, Needs.ANYBODY, Needs.PERSON, Needs.VIEWER]


def _meets(asker: Principal, needs: Needs) -> bool:
    try:
        refuse(asker, needs, "anything", None)
    except PotionsError:
        return False
    return True
