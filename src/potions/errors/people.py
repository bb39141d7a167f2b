"""People, and what they may."""

from __future__ import annotations

from potions.errors.error import PotionsError


class SignInNeeded(PotionsError):
    """A request through the web's door that does not say who asks."""

    code = "sign-in-needed"
    http_status = 401

    def __init__(self) -> None:
        super().__init__("Nobody is signed in.", do="Sign in first.")


class CredentialRefused(PotionsError):
    """An `Authorization` header that is none: empty, there twice, or not of the form `Bearer ps_…` or `Bearer pt_…`."""

    code = "credential-refused"
    http_status = 401

    def __init__(self, why: str) -> None:
        super().__init__("The Authorization header cannot be used.", why=why, do="Send it once, as: Bearer TOKEN")


class SessionEnded(PotionsError):
    """A session that was signed out, was not used for 14 days, or never was."""

    code = "session-ended"
    http_status = 401

    def __init__(self) -> None:
        super().__init__("This session has ended.", do="Sign in again.")


class TokenUnknown(PotionsError):
    """An API token that was revoked, has expired, or never was."""

    code = "token-unknown"
    http_status = 401

    def __init__(self) -> None:
        super().__init__(
            "There is no such token.",
            why="It was revoked, it has expired, or it was not copied whole.",
            do="Make another one: potions tokens create NAME",
        )


class SignInRefused(PotionsError):
    """A name and a password that do not belong together."""

    code = "sign-in-refused"
    http_status = 401

    def __init__(self) -> None:
        # The same for a name that nobody has: who is there is nobody's business.
        super().__init__(
            "Name and password do not belong together.",
            do="Try again. Who has lost the password asks an owner for a new link: potions users link NAME",
        )


class CodeNeeded(PotionsError):
    """The right password, of a person who also needs a code of their authenticator app, or a recovery code."""

    code = "code-needed"
    http_status = 401

    def __init__(self) -> None:
        super().__init__("A code is needed as well.", do="Type the six digits of the app, or one recovery code.")


class CodeRefused(PotionsError):
    """A code of an authenticator app that is wrong, too old or used already, or a recovery code that is."""

    code = "code-refused"
    http_status = 401

    def __init__(self) -> None:
        super().__init__(
            "The code does not fit.",
            why="It is wrong, too old, or was used already: each is good once.",
            do="Wait for the next one. The clocks of both devices have to agree to half a minute.",
        )


class TooManyAttempts(PotionsError):
    """Too many failed attempts to sign in, with one name or from one address; the answer says how long to wait."""

    code = "too-many-attempts"
    http_status = 429
    retry = True
    #: How long to wait; also in the header ``Retry-After``.
    seconds = 0

    def __init__(self, seconds: int, why: str = "Too many attempts failed.") -> None:
        super().__init__(f"Wait {seconds} s before the next attempt.", why=why)
        self.seconds = seconds


class RoleNeeded(PotionsError):
    """Something that the person's role does not include."""

    code = "role-needed"
    http_status = 403

    def __init__(self, act: str, needed: str, has: str) -> None:
        super().__init__(
            f"This needs the role {needed}: {act}.",
            why=f"Yours is {has}.",
            do=f"An owner can give it to you: potions users role NAME {needed}",
        )


class TokenLimited(PotionsError):
    """Something that an API token was not made for: another app, or what only a person may."""

    code = "token-limited"
    http_status = 403


class PersonNeeded(PotionsError):
    """Something that only a signed-in person can do, about themselves."""

    code = "person-needed"
    http_status = 403

    def __init__(self, do: str) -> None:
        super().__init__("This is about a person, and none asks.", do=do)


class PersonUnknown(PotionsError):
    """No person of that name is known."""

    code = "person-unknown"
    http_status = 404

    def __init__(self, name: str) -> None:
        super().__init__(f"There is nobody called {name}.", do="See who there is: potions users list")


class PersonTaken(PotionsError):
    """A person of that name is known already."""

    code = "person-taken"
    http_status = 409

    def __init__(self, name: str) -> None:
        super().__init__(f"There is a {name} already.", do="Take another name.")


class LastOwner(PotionsError):
    """The last owner who can sign in, who was to be removed or to become something less."""

    code = "last-owner"
    http_status = 409

    def __init__(self, name: str) -> None:
        super().__init__(
            f"{name} is the last owner who can sign in.",
            do="Make another one first: potions users invite NAME --role owner",
        )


class InvitationUnknown(PotionsError):
    """A one-time link that was used, was replaced by a newer one, or is older than 72 hours."""

    code = "invitation-unknown"
    http_status = 404

    def __init__(self) -> None:
        super().__init__(
            "This link does not lead anywhere any more.",
            why="It was used, a newer one took its place, or its 72 hours have passed.",
            do="Ask an owner for a new one: potions users link NAME",
        )


class PasswordRefused(PotionsError):
    """A password that is too short, too long, or the person's own name."""

    code = "password-refused"
    exit_status = 2


class CodesAlreadyOn(PotionsError):
    """Codes of an authenticator app that were to be turned on and are, or whose setting up was not begun."""

    code = "codes-state"
    http_status = 409


class SessionUnknown(PotionsError):
    """A session that this person does not have."""

    code = "session-unknown"
    http_status = 404

    def __init__(self) -> None:
        super().__init__("There is no such session.", why="It has ended, or it is somebody else's.")


class TokenTaken(PotionsError):
    """An API token of that name belongs to this person already."""

    code = "token-taken"
    http_status = 409

    def __init__(self, name: str) -> None:
        super().__init__(
            f"There is a token {name} already.", do="Take another name, or revoke that one: potions tokens revoke ID"
        )


class TokenNotFound(PotionsError):
    """An API token that was to be revoked, and is not there or is somebody else's."""

    code = "token-not-found"
    http_status = 404

    def __init__(self) -> None:
        super().__init__("There is no such token.", do="See them: potions tokens list")
