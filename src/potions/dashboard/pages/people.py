"""People: who may sign in and as what, and the links by which they come. For owners."""

from __future__ import annotations

from typing import Any

from litestar import Controller, get, post
from litestar.params import FromPath
from litestar.response import Redirect, Template

from potions.dashboard.forms import Form, text
from potions.dashboard.visit import Visit, Visited
from potions.errors import NotConfirmed, PersonUnknown, PotionsError, UsageRefused
from potions.schema import InvitationLink, Person, Role


class PeoplePages(Controller):
    """Everybody, and a page for each."""

    path = "/people"

    @get(sync_to_thread=True)
    def all(self, visit: Visited) -> Template:
        return _all(visit)

    @post(sync_to_thread=True)
    def invite(self, visit: Visited, data: Form) -> Template:
        name = text(data, "name")
        try:
            made = visit.agent.invite(name, _role(data))
        except PotionsError as problem:
            return _all(visit, problem, name=name, role=text(data, "role"))
        return _link(visit, made)

    @get("/{person:str}", sync_to_thread=True)
    def one(self, visit: Visited, person: FromPath[str]) -> Template:
        return _one(visit, person)

    @post("/{person:str}/role", sync_to_thread=True)
    def set_role(self, visit: Visited, person: FromPath[str], data: Form) -> Template | Redirect:
        try:
            changed = visit.agent.set_role(person, _role(data))
        except PotionsError as problem:
            return _one(visit, person, problem)
        return visit.go(_path(changed.name), f"{changed.name} is {changed.role} now.")

    @post("/{person:str}/link", sync_to_thread=True)
    def new_link(self, visit: Visited, person: FromPath[str]) -> Template:
        return _link(visit, visit.agent.invite_again(person))

    @get("/{person:str}/link", sync_to_thread=True)
    def link_again(self, visit: Visited, person: FromPath[str]) -> Redirect:
        """Where somebody comes who loads the page of a link anew: it was shown once."""
        return visit.go(_path(person))

    @post("/{person:str}/sessions/end", sync_to_thread=True)
    def end_sessions(self, visit: Visited, person: FromPath[str]) -> Redirect:
        ended = visit.agent.end_sessions(person).sessions
        return visit.go(_path(person), f"{ended} session{'' if ended == 1 else 's'} of {person} ended.")

    @post("/{person:str}/sessions/{which:int}/end", sync_to_thread=True)
    def end_session(self, visit: Visited, person: FromPath[str], which: FromPath[int]) -> Redirect:
        visit.agent.end_session(which)
        return visit.go(_path(person), "That session is ended.")

    @post("/{person:str}/codes/off", sync_to_thread=True)
    def codes_off(self, visit: Visited, person: FromPath[str]) -> Redirect:
        visit.agent.reset_codes(person)
        return visit.go(_path(person), f"{person} needs no code any more, and was signed out everywhere.")

    @get("/{person:str}/remove", sync_to_thread=True)
    def ask(self, visit: Visited, person: FromPath[str]) -> Template:
        return _remove(visit, person)

    @post("/{person:str}/remove", sync_to_thread=True)
    def remove(self, visit: Visited, person: FromPath[str], data: Form) -> Template | Redirect:
        try:
            if text(data, "name") != person:
                raise NotConfirmed("What you typed is not the name; nobody was removed.", do=f"Type {person}.")
            visit.agent.remove_person(person)
        except PotionsError as problem:
            return _remove(visit, person, problem)
        return visit.go("/people", f"{person} is removed.")


def _all(visit: Visit, problem: PotionsError | None = None, **typed: str) -> Template:
    typed = {"name": "", "role": Role.DEPLOYER, **typed}
    agent = visit.agent
    return visit.page("people.html", problem=problem, people=agent.people(), tokens=agent.tokens(), typed=typed)


def _one(visit: Visit, name: str, problem: PotionsError | None = None) -> Template:
    return visit.page("person.html", problem=problem, **_about(visit, name))


def _remove(visit: Visit, name: str, problem: PotionsError | None = None) -> Template:
    return visit.page("person_remove.html", problem=problem, **_about(visit, name))


def _about(visit: Visit, name: str) -> dict[str, Any]:
    person = _person(visit, name)
    tokens = [token for token in visit.agent.tokens() if token.person == person.name]
    return {"person": person, "sessions": visit.agent.sessions(person.name), "tokens": tokens}


def _person(visit: Visit, name: str) -> Person:
    found = next((person for person in visit.agent.people() if person.name == name), None)
    if found is None:
        raise PersonUnknown(name)
    return found


def _link(visit: Visit, made: InvitationLink) -> Template:
    """The page with a one-time link: the only time that anybody sees it."""
    return visit.page("person_link.html", link=f"{visit.place.address}/welcome/{made.token}", made=made)


def _role(form: dict[str, str]) -> Role:
    try:
        return Role(text(form, "role"))
    except ValueError:
        raise UsageRefused("Choose a role: owner, deployer or viewer.") from None


def _path(name: str) -> str:
    return f"/people/{name}"
