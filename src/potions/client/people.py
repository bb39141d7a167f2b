"""What the agent is asked about people, signing in, tokens, and who did what."""

from __future__ import annotations

from typing import Any

from potions.client.wire import Wire, segment
from potions.schema import (
    Anybody,
    AuditEntry,
    Caller,
    Ended,
    Invitation,
    InvitationAccept,
    InvitationLink,
    PasswordChange,
    PasswordProof,
    Person,
    PersonCreate,
    RecoveryCodes,
    Role,
    RoleChange,
    Session,
    SignedIn,
    SignIn,
    Token,
    TokenCreate,
    TokenMade,
    TotpCode,
    TotpStart,
)


class PeopleCalls(Wire):
    """People, sessions and tokens. What tells a secret tells it once."""

    # Without being signed in

    def anybody(self) -> Anybody:
        """Whether there is anybody who can sign in."""
        return self._get("/anybody", Anybody)

    def sign_in(self, wanted: SignIn) -> SignedIn:
        """Begin a session. Raises SignInRefused, CodeNeeded, CodeRefused, TooManyAttempts."""
        return self._write("POST", "/sessions", SignedIn, wanted)

    def invitation(self, token: str) -> Invitation:
        """What a one-time link leads to. Raises InvitationUnknown."""
        return self._get(f"/invitations/{segment(token)}", Invitation)

    def accept_invitation(self, token: str, wanted: InvitationAccept) -> SignedIn:
        """Set a password, and begin a session."""
        return self._write("POST", f"/invitations/{segment(token)}", SignedIn, wanted)

    # Sessions

    def caller(self) -> Caller:
        """Who asks, and what they may."""
        return self._get("/session", Caller)

    def sign_out(self) -> Ended:
        return self._write("DELETE", "/session", Ended)

    def sessions(self, person: str | None = None) -> list[Session]:
        """One's own; of ``person``, for owners."""
        return self._get("/sessions", list[Session], **_given(person=person))

    def end_session(self, which: int) -> Session:
        return self._write("DELETE", f"/sessions/{which}", Session)

    def end_sessions(self, person: str | None = None) -> Ended:
        """All one's others; all of ``person``, for owners."""
        return self._write("DELETE", "/sessions", Ended, **_given(person=person))

    # Oneself

    def change_password(self, old: str, new: str) -> None:
        self._write("POST", "/person/password", type(None), PasswordChange(old, new))

    def begin_codes(self) -> TotpStart:
        return self._write("POST", "/person/totp", TotpStart)

    def confirm_codes(self, code: str) -> RecoveryCodes:
        return self._write("POST", "/person/totp/confirm", RecoveryCodes, TotpCode(code))

    def end_codes(self, password: str) -> None:
        self._write("DELETE", "/person/totp", type(None), PasswordProof(password))

    # Others

    def people(self) -> list[Person]:
        return self._get("/people", list[Person])

    def invite(self, name: str, role: Role) -> InvitationLink:
        return self._write("POST", "/people", InvitationLink, PersonCreate(name, role))

    def invite_again(self, name: str) -> InvitationLink:
        """A new link, also for who lost the password."""
        return self._write("POST", f"/people/{segment(name)}/invitation", InvitationLink)

    def invite_first(self) -> InvitationLink | None:
        """A link for the first owner; None where there is one."""
        kind: Any = InvitationLink | None
        made: InvitationLink | None = self._write("POST", "/invitations", kind)
        return made

    def set_role(self, name: str, role: Role) -> Person:
        return self._write("PATCH", f"/people/{segment(name)}", Person, RoleChange(role))

    def remove_person(self, name: str) -> Person:
        return self._write("DELETE", f"/people/{segment(name)}", Person)

    def reset_codes(self, name: str) -> None:
        """Need no code of somebody who lost the device."""
        self._write("DELETE", f"/people/{segment(name)}/totp", type(None))

    # Tokens

    def tokens(self) -> list[Token]:
        return self._get("/tokens", list[Token])

    def create_token(self, wanted: TokenCreate) -> TokenMade:
        return self._write("POST", "/tokens", TokenMade, wanted)

    def revoke_token(self, which: int) -> Token:
        return self._write("DELETE", f"/tokens/{which}", Token)

    # The log

    def audit(
        self, limit: int = 100, before: int | None = None, app: str | None = None, person: str | None = None
    ) -> list[AuditEntry]:
        """Who did what, the newest first; ``before`` is the id of the entry to go on after."""
        return self._get("/audit", list[AuditEntry], limit=limit, **_given(before=before, app=app, person=person))


def _given(**query: str | int | None) -> dict[str, Any]:
    return {name: value for name, value in query.items() if value is not None}
