"""The ways in: signing in, and the one-time link that somebody was invited with."""

from __future__ import annotations

from typing import Annotated

from litestar import Controller, get, post
from litestar.params import FromPath, QueryParameter
from litestar.response import Redirect, Template

from potions.dashboard.forms import Form, text
from potions.dashboard.visit import Opened, own_path
from potions.errors import CodeNeeded, CodeRefused, PotionsError
from potions.schema import InvitationAccept, SignIn


class SignInPages(Controller):
    """For those who are not signed in yet, and the way out."""

    @get("/sign-in", sync_to_thread=True)
    def form(self, door: Opened, next_page: Annotated[str, QueryParameter(name="next")] = "") -> Template:
        anybody = door.agent_for_strangers.anybody().exists
        return door.page("sign_in.html", anybody=anybody, next=own_path(next_page), name="", asks_code=False)

    @post("/sign-in", sync_to_thread=True)
    def sign_in(self, door: Opened, data: Form) -> Template | Redirect:
        name, password, code = text(data, "name"), data.get("password", ""), text(data, "code")
        try:
            session = door.agent_for_strangers.sign_in(SignIn(name, password, code or None))
        except PotionsError as problem:
            return door.page(
                "sign_in.html",
                problem=problem,
                anybody=True,
                next=own_path(text(data, "next")),
                name=name,
                asks_code=isinstance(problem, CodeNeeded | CodeRefused),
            )
        return door.signed_in(session.credential, own_path(text(data, "next")))

    @post("/sign-out", sync_to_thread=True)
    def sign_out(self, door: Opened) -> Redirect:
        if door.behalf.credential:
            door.agent.sign_out()
        answer = door.go("/sign-in", "You are signed out.")
        door.forget(answer)
        return answer

    @get("/welcome/{token:str}", sync_to_thread=True)
    def welcome(self, door: Opened, token: FromPath[str]) -> Template:
        return door.page("welcome.html", invitation=door.agent_for_strangers.invitation(token), name="")

    @post("/welcome/{token:str}", sync_to_thread=True)
    def accept(self, door: Opened, token: FromPath[str], data: Form) -> Template | Redirect:
        asked = InvitationAccept(data.get("password", ""), text(data, "name") or None, text(data, "code") or None)
        try:
            session = door.agent_for_strangers.accept_invitation(token, asked)
        except PotionsError as problem:
            invitation = door.agent_for_strangers.invitation(token)
            return door.page("welcome.html", problem=problem, invitation=invitation, name=text(data, "name"))
        return door.signed_in(session.credential, "/", f"Welcome, {session.person.name}.")
