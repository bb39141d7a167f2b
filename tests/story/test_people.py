"""People come by the link that `potions up` prints, and ask through the web's own socket."""

from __future__ import annotations

import re

import pytest

from potions.client import Behalf, Client
from potions.errors import RoleNeeded, SessionEnded, SignInNeeded, TokenLimited
from potions.schema import InvitationAccept, SignIn
from support.platform import Platform

PASSWORD = "correct horse battery"


def test_from_the_first_link_to_a_revoked_token(potions: Platform) -> None:
    """The whole way: the first user, an invited one, a token; and nothing of it is in any log."""
    up = potions.do("up").out
    link = re.search(rf"http://potions\.localhost:{potions.http_port}/welcome/(\S+)", up)
    assert link, up
    with Client(potions.home.web_socket) as web:
        with pytest.raises(SignInNeeded):
            web.apps()
        first = web.accept_invitation(link[1], InvitationAccept(PASSWORD, "anna"))
        anna = web.speaking_for(Behalf(first.credential, "192.0.2.1", "Mozilla/5.0"))
        assert anna.create_app("people").summary.name == "people"
        assert "The dashboard: http://potions.localhost" in potions.do("up").out

        invited = potions.json("users", "invite", "ben", "--role", "viewer")
        second = web.accept_invitation(invited["token"], InvitationAccept(PASSWORD))
        ben = web.speaking_for(Behalf(second.credential))
        assert [app.name for app in ben.apps() if app.name == "people"] == ["people"]
        with pytest.raises(RoleNeeded):
            ben.delete_app("people")

        made = potions.do("tokens", "create", "ci", "--app", "people", "--write", "--person", "anna").out.strip()
        token = web.speaking_for(Behalf(made))
        assert token.app("people").summary.state == "empty"
        with pytest.raises(TokenLimited):
            token.apps()

        potions.do("users", "sign-out", "ben")
        with pytest.raises(SessionEnded):
            ben.apps()
        assert web.sign_in(SignIn("ben", PASSWORD)).person.name == "ben"
        potions.do("users", "remove", "ben", "--yes")

        potions.do("apps", "delete", "people", "--purge", "--yes")
        secrets = (link[1], first.credential, invited["token"], second.credential, made, PASSWORD)
    written = {(one["who"], one["act"], one["app"]) for one in potions.json("audit", "-n", "100")}
    assert {("anna", "create app", "people"), ("ben", "delete app", "people"), ("anna", "use link", "")} <= written
    logs = "".join(path.read_text(errors="replace") for path in potions.home.logs.iterdir())
    assert [secret for secret in secrets if secret in logs] == []
    assert "Traceback" not in logs


def test_the_platforms_own_name_is_no_apps(potions: Platform) -> None:
    """Its address is the dashboard's, also for an app that comes back from the trash."""
    assert "platform itself" in potions.refused("apps", "create", "potions").err
    potions.do("apps", "create", "mine")
    potions.do("apps", "delete", "mine", "--yes")
    assert "platform itself" in potions.refused("apps", "restore", "mine", "--as", "potions").err
    potions.do("apps", "delete", "mine", "--purge", "--yes")
