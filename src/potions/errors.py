"""Every error a person can meet: a stable code, what happened, why, what to do, and the exit status.

An error is a class, so that a caller can catch exactly one and a reader finds all of them here. The first line of the
class's docstring is its entry in ``docs/errors.md``. Nothing in this module imports the rest of Potions.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar


class PotionsError(Exception):
    """Something Potions could not do, told so that a person can act on it."""

    code: ClassVar[str] = "error"
    http_status: ClassVar[int] = 400
    exit_status: ClassVar[int] = 1
    #: Whether the same call may be tried again, unchanged, with hope.
    retry: ClassVar[bool] = False

    def __init__(self, what: str, *, why: str = "", do: str = "") -> None:
        super().__init__(what)
        self.what = _sayable(what)
        self.why = _sayable(why)
        self.do = _sayable(do)

    def __str__(self) -> str:
        return "\n".join(part for part in (self.what, self.why, self.do) if part)


def _sayable(text: str) -> str:
    """``text`` with what UTF-8 cannot say as escapes: a name from the disk can be any bytes, an answer cannot."""
    return text.encode("utf-8", "backslashreplace").decode()


# What people type


class NameRefused(PotionsError):
    """A name that breaks the rule for its kind (an app, a variable)."""

    code = "name-refused"
    exit_status = 2

    def __init__(self, kind: str, name: str, rule: str) -> None:
        shown = name if len(name) <= 60 else name[:57] + "..."
        super().__init__(f"{shown!r} cannot be the name of {kind}.", why=rule)


class DomainRefused(PotionsError):
    """A domain that no app can answer at: not one, or one that the platform needs itself."""

    code = "domain-refused"
    exit_status = 2


class ReservedVariable(PotionsError):
    """A variable that the platform makes and nobody may set, change or remove: `STORAGE_DIR`, `PORT`, `POTIONS_*`."""

    code = "variable-reserved"
    exit_status = 2

    def __init__(self, name: str, source: str = "") -> None:
        where = f" ({source})" if source else ""
        reasons = {
            "STORAGE_DIR": "It always is the path of the app's persistent storage, the same for both slots.",
            "PORT": "Each slot has a port of its own, which the proxy knows.",
        }
        super().__init__(
            f"{name} is reserved{where}.",
            why=reasons.get(name, "Variables that begin with POTIONS_ belong to the platform."),
            do=f"Leave {name} out; nothing was changed." if name in reasons else "Take another name.",
        )


class VariableRefused(PotionsError):
    """A variable's value that no process environment can carry."""

    code = "variable-refused"
    exit_status = 2


class VariableUnknown(PotionsError):
    """A variable that the app does not have."""

    code = "variable-unknown"
    http_status = 404


class PreviewOutdated(PotionsError):
    """Variables that were changed between the preview of a change and the change itself; nothing was done."""

    code = "preview-outdated"
    http_status = 409

    def __init__(self, app: str) -> None:
        super().__init__(
            f"The variables of {app} were changed since the preview; nothing was done.",
            why=f"Who changed what: potions env history {app}",
            do="Run it again, and look at what it would do now.",
        )


class RollbackOutdated(PotionsError):
    """A rollback that was asked for from a page, after which something else was deployed."""

    code = "rollback-outdated"
    http_status = 409

    def __init__(self) -> None:
        super().__init__(
            "Nothing was done: something else serves since this page was shown.",
            why="A deployment came in between, so going back means something else now.",
            do="Look at what it would change now, then decide.",
        )


class OriginRefused(PotionsError):
    """A change that another web page than the dashboard's own asked for."""

    code = "origin-refused"
    http_status = 403

    def __init__(self, address: str) -> None:
        super().__init__(
            "This was asked for by another page than the dashboard; nothing was done.",
            why="A page elsewhere can send a browser's forms here, so only the dashboard's own are taken.",
            do=f"Do it from {address}",
        )


class FormTooLarge(PotionsError):
    """A form of the dashboard that is larger, or has more fields, than any of its pages sends."""

    code = "form-too-large"
    http_status = 413

    def __init__(self, most: int) -> None:
        super().__init__(
            "What was sent is too large for this page; nothing was done.",
            why=f"A form here has at most {most // 1024} kB.",
            do="For a large .env file: potions env import APP FILE",
        )


class FormExpired(PotionsError):
    """A form of the dashboard that was sent without a valid token: an old page, or one without its cookie."""

    code = "form-expired"
    http_status = 403

    def __init__(self) -> None:
        super().__init__(
            "This page was open for too long, or its cookie is gone; nothing was done.",
            why="Every form carries a token, so that no other page can send it.",
            do="Go back, load the page again, and do it once more.",
        )


class PageUnknown(PotionsError):
    """An address of the dashboard where there is no page."""

    code = "page-unknown"
    http_status = 404

    def __init__(self) -> None:
        super().__init__("There is no page at this address.", do="Begin at the list of apps.")


class DotenvBroken(PotionsError):
    """A `.env` file with a line that cannot be read."""

    code = "dotenv-broken"
    exit_status = 2


class FileNotWritten(PotionsError):
    """A file on this computer that a command was to write: something is there already, or its folder refuses it."""

    code = "file-not-written"


class UsageRefused(PotionsError):
    """Words on the command line that do not fit together."""

    code = "usage"
    exit_status = 2


class NotConfirmed(PotionsError):
    """A destructive command whose confirmation was not given, or was not the app's name."""

    code = "not-confirmed"
    exit_status = 2


# Projects on a developer's computer


class ProjectRefused(PotionsError):
    """A directory that `potions init` cannot set up, or a file in it that cannot be written."""

    code = "project-refused"
    exit_status = 2


class CommandNotStarted(PotionsError):
    """A command that cannot be started: there is none of that name, or it may not be run, or no room for it."""

    code = "command-not-started"
    exit_status = 127


# Apps


class AppTaken(PotionsError):
    """An app of that name exists."""

    code = "app-taken"
    http_status = 409

    def __init__(self, name: str) -> None:
        super().__init__(
            f"There is an app called {name} already.",
            do=f"Take another name, or look at it with: potions apps show {name}",
        )


class AppUnknown(PotionsError):
    """No app of that name exists."""

    code = "app-unknown"
    http_status = 404

    def __init__(self, name: str, known: Iterable[str] = ()) -> None:
        close = ", ".join(known)
        super().__init__(
            f"There is no app called {name}.",
            why=f"Did you mean {close}?" if close else "",
            do=f"See them with: potions apps list; make it with: potions apps create {name}",
        )


class AppDirectoryGone(PotionsError):
    """The app's directory was removed or replaced by hand, so there is nothing to act on."""

    code = "app-directory-gone"
    http_status = 409

    def __init__(self, name: str, directory: str) -> None:
        super().__init__(
            f"The directory of {name} is gone.",
            why=f"{directory} was removed, emptied or replaced by hand.",
            do=f"Make it anew with: potions apps create {name}; or forget it with: potions apps delete {name}. "
            "What is left of it goes into the trash.",
        )


class AppDamaged(PotionsError):
    """One of the files by which Potions knows an app's slots was removed or broken by hand."""

    code = "app-damaged"
    http_status = 409

    def __init__(self, path: str, why: str) -> None:
        super().__init__(
            f"{path} cannot be read.",
            why=why,
            do="Have it mended from Potions' own records: potions down, then potions up; on a server: "
            "sudo systemctl restart potions-agent. No stored file is touched.",
        )


class SlotGone(PotionsError):
    """The directory of the release that serves was removed by hand."""

    code = "slot-gone"
    http_status = 409

    def __init__(self, app: str, path: str) -> None:
        super().__init__(
            f"{path}, the live slot of {app}, is not there any more.",
            do=f"Unpack its release again: potions redeploy {app}. Storage is not touched.",
        )


class DomainTaken(PotionsError):
    """A domain that an app has already."""

    code = "domain-taken"
    http_status = 409

    def __init__(self, name: str, owner: str, app: str) -> None:
        if owner == app:
            super().__init__(f"{app} has the domain {name} already.", do=f"See: potions domains list {app}")
        else:
            super().__init__(
                f"{name} is a domain of another app, {owner}.",
                why="A domain leads to one app.",
                do=f"Take it from there first: potions domains remove {owner} {name}",
            )


class DomainUnknown(PotionsError):
    """A domain that the app does not have."""

    code = "domain-unknown"
    http_status = 404

    def __init__(self, name: str, app: str, close: Iterable[str] = ()) -> None:
        super().__init__(
            f"{app} has no domain {name}.",
            why=f"Did you mean {', '.join(close)}?" if close else "",
            do=f"See them with: potions domains list {app}",
        )


class DomainElsewhere(PotionsError):
    """A domain whose DNS records do not lead to this server, or could not be asked for; nothing was changed."""

    code = "domain-elsewhere"
    http_status = 409


class NoDomain(PotionsError):
    """The address of an app that has none yet: on a server an app is found by its domains."""

    code = "no-domain"
    http_status = 409

    def __init__(self, app: str) -> None:
        super().__init__(
            f"{app} has no address yet.",
            why="On a server an app is found by its domains, and it has none.",
            do=f"Give it one: potions domains add {app} DOMAIN",
        )


class ServerNeeded(PotionsError):
    """Something that only a server has, asked for where Potions runs on somebody's own computer."""

    code = "server-needed"
    http_status = 409


class TrashUnknown(PotionsError):
    """No deleted app of that name is in the trash."""

    code = "trash-unknown"
    http_status = 404

    def __init__(self, name: str) -> None:
        super().__init__(
            f"No deleted app called {name} is in the trash.",
            why="It was purged, its 72 hours have passed, or it never was.",
            do="See what is there with: potions apps list --deleted",
        )


class PortsExhausted(PotionsError):
    """No free pair of ports is left for another app."""

    code = "ports-exhausted"
    http_status = 409


# Archives and releases


class ReleaseRefused(PotionsError):
    """A path that is not a release: it does not exist, or is neither a directory nor an archive Potions reads."""

    code = "release-refused"
    exit_status = 2


class ArchiveBroken(PotionsError):
    """An archive that is truncated, damaged or empty."""

    code = "archive-broken"


class ArchiveUnsafe(PotionsError):
    """An archive with a member that would leave the release's directory, or is no file, directory or link."""

    code = "archive-unsafe"


class ArchiveUnreadable(PotionsError):
    """An archive that may be whole and cannot be read: encrypted, split, or packed by an uncommon method."""

    code = "archive-unreadable"


class ArchiveTooLarge(PotionsError):
    """An archive with more members, more bytes or a higher ratio than a release may have, or than memory can take."""

    code = "archive-too-large"


class NoRoom(PotionsError):
    """The disk would not hold what was asked for, or ran full."""

    code = "no-room"
    http_status = 507


class ReleaseUnknown(PotionsError):
    """A release that this app never had, or that was pruned."""

    code = "release-unknown"
    http_status = 404


class ShippedStorage(PotionsError):
    """A release that brings its own `storage`, where the persistent one has to be."""

    code = "shipped-storage"


class ManifestRefused(PotionsError):
    """A `potions.toml` with a mistake in it."""

    code = "manifest-refused"
    exit_status = 2


class ProcfileRefused(PotionsError):
    """A Procfile with a line that Potions does not run."""

    code = "procfile-refused"
    exit_status = 2


class NoStartCommand(PotionsError):
    """A release that does not say how it is started."""

    code = "no-start-command"

    def __init__(self, lookalikes: Iterable[str] = ()) -> None:
        similar = ", ".join(lookalikes)
        super().__init__(
            "The release does not say how to start it.",
            why="It has no potions.toml with [run] start, no Procfile with a web: line, and is no Mix release."
            + (f" There is {similar}: names are case-sensitive." if similar else ""),
            do='Put a Procfile with "web: COMMAND" into it; the command has to listen on $PORT.',
        )


# A deploy on its way


class BuildFailed(PotionsError):
    """The build command ended with an error."""

    code = "build-failed"


class MigrationFailed(PotionsError):
    """The migration ended with an error."""

    code = "migration-failed"


class AppExited(PotionsError):
    """The new release ended before it answered."""

    code = "app-exited"


class WorkerExited(PotionsError):
    """A worker process of the new release did not stay up."""

    code = "worker-exited"


class WorkerUnknown(PotionsError):
    """A worker process that the app does not have."""

    code = "worker-unknown"
    http_status = 404

    def __init__(self, app: str, name: str, known: Iterable[str]) -> None:
        super().__init__(
            f"{app} has no process called {name}.",
            why=f"It has: {', '.join(known)}.",
            do=f"See what runs: potions apps show {app}",
        )


class NotListening(PotionsError):
    """The new release runs, but never listened on its port."""

    code = "not-listening"


class ListensElsewhere(PotionsError):
    """The new release listens, but not on `$PORT`."""

    code = "listens-elsewhere"


class Unhealthy(PotionsError):
    """The new release listens, but its answers were not good in time."""

    code = "unhealthy"


class PortBusy(PotionsError):
    """Somebody else listens on the port that a slot or Potions itself needs."""

    code = "port-busy"
    http_status = 409
    retry = True


class ConfirmFailed(PotionsError):
    """The new slot did not answer through the proxy, so traffic was switched back."""

    code = "confirm-failed"


class StillRunning(PotionsError):
    """A process of the app could not be stopped, not even with SIGKILL."""

    code = "still-running"


class StepInterrupted(PotionsError):
    """The platform itself was stopped in the middle of a step; the deployment was undone."""

    code = "interrupted"
    retry = True


class DeployCancelled(PotionsError):
    """Somebody cancelled the deployment."""

    code = "cancelled"


class DeploymentUnknown(PotionsError):
    """A deployment that this app does not have."""

    code = "deployment-unknown"
    http_status = 404


class NothingDeployed(PotionsError):
    """The app has no release yet, so there is nothing to act on."""

    code = "nothing-deployed"
    http_status = 409

    def __init__(self, app: str) -> None:
        super().__init__(
            f"Nothing is deployed to {app} yet.",
            do=f"Deploy a release first: potions deploy PATH --app {app}",
        )


class NothingToRollBackTo(PotionsError):
    """There is no earlier release that served before the one that serves now."""

    code = "nothing-to-roll-back-to"
    http_status = 409

    def __init__(self, app: str) -> None:
        super().__init__(
            f"{app} has nothing to roll back to.",
            why="Only one release has ever served, or none.",
            do=f"See its history with: potions deployments {app}",
        )


class NothingToCompare(PotionsError):
    """Two releases were to be compared, and there is only one."""

    code = "nothing-to-compare"
    http_status = 409

    def __init__(self, app: str) -> None:
        super().__init__(
            f"{app} has nothing to compare with what serves.",
            why="Only one release has ever served.",
            do=f"Name two: potions diff {app} r1 r2. See them with: potions releases {app}",
        )


class NeverServed(PotionsError):
    """A release or a deployment that a rollback cannot go to, because it never served."""

    code = "never-served"
    http_status = 409


class ServesAlready(PotionsError):
    """A rollback to what serves already."""

    code = "serves-already"
    http_status = 409


class AppBusy(PotionsError):
    """A deploy or a rollback of this app runs right now."""

    code = "app-busy"
    http_status = 409
    retry = True


class NotCancellable(PotionsError):
    """A deployment that has ended, or is past the step until which it can be cancelled."""

    code = "not-cancellable"
    http_status = 409


# Consoles


class TooManyTerminals(PotionsError):
    """As many consoles and commands are open as may be at once."""

    code = "too-many-terminals"
    http_status = 429
    retry = True

    def __init__(self, whose: str, most: int) -> None:
        super().__init__(
            f"{most} consoles and commands {whose} are open already, and no more than that may be.",
            why="Each is a program beside the app itself.",
            do="Close one of them. Who opened what: potions audit",
        )


class NoTerminal(PotionsError):
    """A console needs a terminal to type in, and there is none."""

    code = "no-terminal"
    exit_status = 2

    def __init__(self, app: str) -> None:
        super().__init__(
            "A console needs a terminal, and here is none.",
            why="Standard input or output is a file or a pipe.",
            do=f"For a command in a script: potions run {app} -- COMMAND",
        )


# Storage


class StoredPathRefused(PotionsError):
    """A path that cannot be one of a file in an app's storage: absolute, with `..` or a NUL in it, or too long."""

    code = "stored-path-refused"
    exit_status = 2


class StoredUnknown(PotionsError):
    """Nothing of that name is in the app's storage."""

    code = "stored-unknown"
    http_status = 404


class StoredTaken(PotionsError):
    """Something of that name is in the app's storage already, and replacing it was not asked for."""

    code = "stored-taken"
    http_status = 409


class StoredLink(PotionsError):
    """A symbolic link in the app's storage, where a file or a folder is needed: Potions follows none."""

    code = "stored-link"
    http_status = 409


class StoredKindRefused(PotionsError):
    """A folder where a file is needed, or a file where a folder is; or a device, a socket or a named pipe."""

    code = "stored-kind"
    http_status = 409


class StoredNotEmpty(PotionsError):
    """A folder that has something in it, and was to be removed as if it had not."""

    code = "stored-not-empty"
    http_status = 409


class StoredForbidden(PotionsError):
    """A file or a folder in the app's storage that its owner or its mode keeps even the app's own user away from."""

    code = "stored-forbidden"
    http_status = 403


class StoredChanged(PotionsError):
    """A file or a folder that the app changed, moved or removed while Potions worked on it."""

    code = "stored-changed"
    http_status = 409
    retry = True


class UploadBroken(PotionsError):
    """Files on their way into a storage that did not arrive whole, or cannot be kept there; none of them was kept."""

    code = "upload-broken"


class RangeRefused(PotionsError):
    """A part of a file that it does not have."""

    code = "range-refused"
    http_status = 416


class PictureRefused(PotionsError):
    """A stored file of which the dashboard draws no picture: no picture, a damaged one, or one that is too large."""

    code = "picture-refused"
    http_status = 422


class LocalFileRefused(PotionsError):
    """A file or a folder of this computer that cannot be sent to a storage, or not be written."""

    code = "local-file-refused"
    exit_status = 2


# People, and what they may


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


# Servers elsewhere


class ServerAddressRefused(PotionsError):
    """A server's address that has not the form USER@HOST or USER@HOST:PORT."""

    code = "server-address-refused"
    exit_status = 2

    def __init__(self, text: str, rule: str) -> None:
        super().__init__(f"{text!r} is not the address of a server.", why=rule, do="For example: anna@example.org")


class ServerUnknown(PotionsError):
    """The name of a server that is not remembered on this computer."""

    code = "server-unknown"
    exit_status = 2

    def __init__(self, name: str, others: Iterable[str]) -> None:
        named = ", ".join(others)
        super().__init__(
            f"No server called {name} is remembered here.",
            why=f"There are: {named}" if named else "None is yet.",
            do=f"Name it as USER@HOST, as root@{name}; or add it: potions server add root@{name}",
        )


class ServerTaken(PotionsError):
    """A name under which another server is remembered."""

    code = "server-taken"

    def __init__(self, name: str, address: str) -> None:
        super().__init__(
            f"{name} is the name of another server already: {address}.",
            do=f"Take another one with --name, or forget that one: potions server remove {name}",
        )


class ServersUnreadable(PotionsError):
    """The file of remembered servers, which cannot be read or is not what Potions writes."""

    code = "servers-unreadable"


class ServerUnreachable(PotionsError):
    """A server that SSH does not reach: no such computer, nothing listens, no answer."""

    code = "server-unreachable"
    http_status = 503
    retry = True


class SshNotAccepted(PotionsError):
    """A server that accepts none of the keys (or passwords) it was offered."""

    code = "ssh-not-accepted"
    http_status = 403

    def __init__(self, where: str, copy_id: str) -> None:
        super().__init__(
            f"{where} does not accept any key from here.",
            why="Tried were those of the SSH agent, and those that ~/.ssh has or ~/.ssh/config names.",
            do=f"Put one there: {copy_id}; or load one into the agent: ssh-add",
        )


class SshSetupBroken(PotionsError):
    """Something in ~/.ssh that cannot be read or used."""

    code = "ssh-setup-broken"


class HostKeyUnknown(PotionsError):
    """A server that was never met before, and whose key nobody has accepted."""

    code = "host-key-unknown"
    http_status = 403

    def __init__(self, where: str, kind: str, fingerprint: str) -> None:
        super().__init__(
            f"{where} was never met before, and its key was not accepted.",
            why=f"Its {kind} key has the fingerprint {fingerprint}",
            do=f"If that is right: potions server add {where} --host-key {fingerprint}",
        )


class HostKeyMismatch(PotionsError):
    """A server that shows another key than the one that was named for it."""

    code = "host-key-mismatch"
    http_status = 403

    def __init__(self, where: str, kind: str, fingerprint: str, named: str) -> None:
        super().__init__(
            f"{where} has another key than the one that was named; nothing was sent.",
            why=f"Its {kind} key has the fingerprint {fingerprint}\nNamed was {named}",
            do="Ask whoever runs it which one is right. They see it by: ssh-keygen -lf /etc/ssh/ssh_host_KIND_key.pub",
        )


class HostKeyChanged(PotionsError):
    """A server whose key is another one than before: always refused."""

    code = "host-key-changed"
    http_status = 403

    def __init__(self, where: str, kind: str, fingerprint: str, places: list[str]) -> None:
        super().__init__(
            f"THE KEY OF {where} HAS CHANGED. Somebody may be listening in; nothing was sent.",
            why=f"Its {kind} key now has the fingerprint {fingerprint}\nThe one before is in {' and in '.join(places)}",
            do="Ask whoever runs it. Only if it was set up anew, and that fingerprint is its own: remove that line, "
            "then run the same again.",
        )


class NotInstalledThere(PotionsError):
    """A server on which Potions is not installed, or does not run."""

    code = "not-installed-there"
    http_status = 503


class ForwardingForbidden(PotionsError):
    """An sshd that does not let a unix socket be forwarded, which is how the agent is reached."""

    code = "forwarding-forbidden"
    http_status = 403

    def __init__(self, where: str, socket: str) -> None:
        super().__init__(
            f"The sshd of {where} does not let sockets be forwarded.",
            why=f"The agent is reached at {socket} there, through the SSH connection.",
            do="Allow it in its sshd_config (AllowStreamLocalForwarding yes, DisableForwarding no), then: "
            "sudo systemctl reload ssh",
        )


class RemoteCommandFailed(PotionsError):
    """A command on a server that did not do what it was to do."""

    code = "remote-command-failed"


class AgentOlder(PotionsError):
    """An agent that is older than this `potions`, and does not know what it was asked for."""

    code = "agent-older"
    http_status = 501


class PotionsOlder(PotionsError):
    """An agent that is newer than this `potions`, and says or wants what that does not know."""

    code = "potions-older"
    http_status = 501


# The platform itself


class AgentUnreachable(PotionsError):
    """Nothing answers on the agent's socket: Potions does not run here."""

    code = "agent-unreachable"
    http_status = 503
    retry = True


class AgentLost(PotionsError):
    """The agent stopped answering in the middle of an answer, so what it did last is not known."""

    code = "agent-lost"
    http_status = 503


class NotAllowed(PotionsError):
    """The caller may not command this agent."""

    code = "not-allowed"
    http_status = 403


class HomeRefused(PotionsError):
    """A directory that cannot be Potions' home."""

    code = "home-refused"
    exit_status = 2


class ServerRefused(PotionsError):
    """A computer that cannot be made a Potions server as it is; nothing on it was changed."""

    code = "server-refused"


class WheelRefused(PotionsError):
    """A wheel that a server cannot be made of."""

    code = "wheel-refused"
    exit_status = 2


class InstallFailed(PotionsError):
    """A step of installing or uninstalling a server did not succeed; what came before stays right."""

    code = "install-failed"


class HomeBusy(PotionsError):
    """Another process is working on this home right now."""

    code = "home-busy"
    retry = True


class StartFailed(PotionsError):
    """A part of Potions (supervisord, Caddy, the agent) did not come up."""

    code = "start-failed"


class ProxyRefused(PotionsError):
    """Caddy refused a configuration; the one before it is still in force."""

    code = "proxy-refused"
    http_status = 502


class SupervisorRefused(PotionsError):
    """The process supervisor refused or failed a call."""

    code = "supervisor-refused"
    http_status = 502


class OutputUnreadable(PotionsError):
    """What apps print could not be read back from the journal of systemd."""

    code = "output-unreadable"
    http_status = 502
    retry = True


class UnsafePath(PotionsError):
    """A path that Potions will not delete or replace: a link on the way, a mount inside, or outside its own tree."""

    code = "unsafe-path"
    http_status = 409


class StoreFailed(PotionsError):
    """The agent's own database cannot be opened or is newer than this version."""

    code = "store-failed"
    http_status = 500


class RequestRefused(PotionsError):
    """A request to the API that does not fit its schema."""

    code = "request-refused"


class InternalError(PotionsError):
    """A mistake in Potions itself; the agent's log has the details."""

    code = "internal"
    http_status = 500
