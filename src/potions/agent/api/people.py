"""People, and the links by which they come."""

from __future__ import annotations

from functools import partial

from litestar import Controller, delete, get, patch, post
from litestar.params import FromPath, JSONBody

from potions.agent.api.handed import AgentRequest, Asked, hashing, origin
from potions.agent.audit import noted
from potions.model.access import Needs
from potions.schema import (
    Anybody,
    Invitation,
    InvitationAccept,
    InvitationLink,
    Person,
    PersonCreate,
    RoleChange,
    SignedIn,
)


class PeopleController(Controller):
    """Who may sign in, and as what."""

    path = "/people"
    tags = ("people",)

    @get(sync_to_thread=True, needs=Needs.OWNER, summary="Everybody")
    def all(self, service: Asked) -> list[Person]:
        return service.people.people()

    @post(sync_to_thread=True, needs=Needs.OWNER, act="invite", summary="Invite somebody, by a one-time link")
    def invite(self, request: AgentRequest, service: Asked, data: JSONBody[PersonCreate]) -> InvitationLink:
        noted(request).detail = f"{data.name[:60]} as {data.role}"
        return service.people.invite(data)

    @patch("/{person:str}", sync_to_thread=True, needs=Needs.OWNER, act="role", summary="Give somebody another role")
    def set_role(
        self, request: AgentRequest, service: Asked, person: FromPath[str], data: JSONBody[RoleChange]
    ) -> Person:
        noted(request).detail = data.role.value
        return service.people.set_role(person, data.role)

    @delete(
        "/{person:str}",
        sync_to_thread=True,
        status_code=200,
        needs=Needs.OWNER,
        act="remove person",
        summary="Remove somebody, with their sessions and tokens",
    )
    def remove(self, service: Asked, person: FromPath[str]) -> Person:
        return service.people.remove(person)

    @post(
        "/{person:str}/invitation",
        sync_to_thread=True,
        needs=Needs.OWNER,
        act="new link",
        summary="A new one-time link, also for a lost password",
    )
    def invite_again(self, service: Asked, person: FromPath[str]) -> InvitationLink:
        return service.people.invite_again(person)

    @delete(
        "/{person:str}/totp",
        sync_to_thread=True,
        status_code=204,
        needs=Needs.OWNER,
        act="codes off",
        summary="Need no code of somebody who lost the device",
    )
    def reset_codes(self, service: Asked, person: FromPath[str]) -> None:
        service.codes.reset(person)


class InvitationController(Controller):
    """One-time links. Whoever has one needs nothing else."""

    tags = ("people",)

    @get("/anybody", sync_to_thread=True, needs=Needs.NOBODY, summary="Whether there is anybody who can sign in")
    def anybody(self, service: Asked) -> Anybody:
        return service.signing_in.anybody()

    @post(
        "/invitations",
        sync_to_thread=True,
        needs=Needs.OWNER,
        act="first link",
        summary="A link for the first owner; null where there is one",
    )
    def first(self, service: Asked) -> InvitationLink | None:
        return service.people.invite_first()

    @get("/invitations/{token:str}", sync_to_thread=True, needs=Needs.NOBODY, summary="What a one-time link leads to")
    def look(self, service: Asked, token: FromPath[str]) -> Invitation:
        return service.signing_in.invitation(token)

    @post("/invitations/{token:str}", needs=Needs.NOBODY, act="use link", summary="Set a password, and be signed in")
    async def accept(
        self, request: AgentRequest, service: Asked, token: FromPath[str], data: JSONBody[InvitationAccept]
    ) -> SignedIn:
        signed_in = await hashing(partial(service.signing_in.accept, token, data, origin(request)))
        noted(request).who = signed_in.person.name
        return signed_in
