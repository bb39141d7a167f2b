"""Servers elsewhere, and the way to them."""

from __future__ import annotations

from collections.abc import Iterable

from potions.errors.error import PotionsError


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
