"""Who asks, what a request needs, and whether the one may do the other."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from potions.errors import RoleNeeded, TokenLimited
from potions.names import PersonName


class Role(StrEnum):
    """What a person is. Each includes what those before it may."""

    VIEWER = "viewer"
    """Sees everything but values of variables and contents of stored files; changes nothing."""
    DEPLOYER = "deployer"
    """Also deploys, goes back, starts and stops, and works with variables and stored files."""
    OWNER = "owner"
    """Also makes and deletes apps, and decides who may what."""

    def includes(self, other: Role) -> bool:
        return _ROLES.index(self) >= _ROLES.index(other)


_ROLES = tuple(Role)


class TokenAccess(StrEnum):
    """What a token was made for. It never may more than its person may now."""

    READ = "read"
    """What a viewer may."""
    WRITE = "write"
    """What a deployer may."""

    @property
    def role(self) -> Role:
        return Role.DEPLOYER if self is TokenAccess.WRITE else Role.VIEWER


class Way(StrEnum):
    """How somebody asks."""

    CLI = "cli"
    """A system user who may open the agent's own socket."""
    DASHBOARD = "dashboard"
    """A signed-in person."""
    TOKEN = "token"  # noqa: S105 - the word
    """An API token."""


class Needs(StrEnum):
    """What a route demands of whoever asks."""

    NOBODY = "nobody"
    """Nothing at all: signing in has to be possible for those who have not."""
    ANYBODY = "anybody"
    """Any credential that is good."""
    PERSON = "person"
    """A person, about what is their own. No token."""
    VIEWER = "viewer"
    DEPLOYER = "deployer"
    OWNER = "owner"
    """No token."""

    @property
    def role(self) -> Role:
        """The least role that will do."""
        return Role(self.value) if self.value in set(Role) else Role.VIEWER


@dataclass(frozen=True)
class Principal:
    """Who asks. ``name`` is what stands in histories: ``anna``, ``token deploy-ci (anna)``, a system user's name."""

    name: str
    way: Way
    role: Role
    """What they may now; of a token, what its person and its access allow together."""
    person: PersonName | None = None
    person_id: int | None = None
    """None for a system user."""
    session_id: int | None = None
    token_id: int | None = None
    one_app: bool = False
    """Whether it is a token for one app alone."""
    app: str | None = None
    """That app's name now; None where it is deleted."""
    expires: datetime | None = None
    address: str = ""
    """Where the request came from, as the dashboard says; for people to read."""


def refuse(asker: Principal, needs: Needs, act: str, app: str | None) -> None:
    """Raise RoleNeeded or TokenLimited unless ``asker`` may do ``act``, which is about ``app`` (None: about no app)."""
    if asker.way is Way.TOKEN and needs not in {Needs.NOBODY, Needs.ANYBODY}:
        _refuse_token(asker, needs, act, app)
    elif not asker.role.includes(needs.role):
        raise RoleNeeded(act, needs.role.value, asker.role.value)


def _refuse_token(asker: Principal, needs: Needs, act: str, app: str | None) -> None:
    if needs in {Needs.PERSON, Needs.OWNER}:
        raise TokenLimited(
            f"No token may do this: {act}.", why="Only people may, signed in.", do="Do it on the dashboard."
        )
    if asker.one_app and (app is None or app != asker.app):
        whose = f"the app {asker.app}" if asker.app else "an app that was deleted"
        raise TokenLimited(
            f"This token is for {whose} alone.",
            why=f"Asked for: {act}" + (f", {app}." if app else ", which is about more than that app."),
            do="An owner, or its person, can make another one: potions tokens create NAME",
        )
    if not asker.role.includes(needs.role):
        raise TokenLimited(
            f"This token does not allow it: {act}.",
            why=f"It may what a {asker.role} may, and this needs a {needs.role}.",
            do="Its person can make one that may write (potions tokens create NAME --write), if their role allows it.",
        )
