"""Making another computer a server through SSH: this version is put there, and installs itself from there."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import msgspec
from packaging.version import InvalidVersion, Version

from potions.client.wire import error_from
from potions.errors import InstallFailed, PotionsError, RemoteCommandFailed, ServerUnreachable
from potions.layout import ADMIN_GROUP, SERVER
from potions.schema import ErrorBody
from potions.server.computer import Computer
from potions.server.refusals import refuse_system
from potions.server.scripts import INSTALL, LOOK, WORK
from potions.server.step import InstallReport
from potions.server.wheel import Wheel
from potions.ssh import Remote
from potions.ssh.remote import TellBytes, TellLine

#: Before a line that says why a program failed, and not how far it is.
_WHY = "! "
_GOES_ON = "What was begun there goes on to its end. Run this again: it waits for that end, and then does what is left."


@dataclass(frozen=True)
class There:
    """What is on the other computer."""

    installed: str = ""
    """The virtual environment in force, as ``0.1.0-1f2e3d4c5b6a``; empty where there is none."""
    is_whole: bool = False
    """Its install came to its end."""

    @property
    def version(self) -> str:
        return self.installed.rpartition("-")[0]

    def is_newer_than(self, version: str) -> bool:
        """Whether what is there is; something without a number that can be read never is."""
        with suppress(InvalidVersion):
            return bool(self.installed) and Version(self.version) > Version(version)
        return False


@dataclass(frozen=True)
class Sent:
    """What is handed over: the words of `potions server install`, and the file that one of them is about."""

    words: Sequence[str] = ()
    acme_root: Path | None = None


def look_there(remote: Remote) -> There:
    """Look, as anybody may. Raises what `Remote.run` raises."""
    told = remote.run(["sh", "-c", LOOK, "sh", str(SERVER.current), str(SERVER.finished)]).out.split("\n")
    return There(told[0], bool(told[0]) and told[0] == told[1])


def refuse_there(remote: Remote) -> None:
    """Raise ServerRefused for a system that cannot be a server: the words of the install, without a program there."""
    told = remote.os_release()
    has_systemd = remote.run(["test", "-d", "/run/systemd/system"], check=False).status == 0
    refuse_system(
        Computer(
            system=told.get("ID", ""),
            system_version=told.get("VERSION_ID", ""),
            system_name=told.get("PRETTY_NAME", ""),
            systemd=Computer.systemd if has_systemd else None,
        )
    )


def install_there(
    remote: Remote, wheel: Wheel | None, sent: Sent, tell: TellLine, tell_bytes: TellBytes
) -> InstallReport:
    """Have it installed there, as root: by that wheel, or (None) by the Potions that is there.

    ``tell`` gets what it says as it goes. Raises what `potions server install` there refuses or fails with,
    InstallFailed where it could not be started, and what `Remote` raises. Whatever happens, it either goes on there to
    its end or is over, and leaves nothing of its own.
    """
    waiting = remote.run(["mktemp", "-d"]).out.strip()
    try:
        words = [*sent.words, *_put(remote, waiting, wheel, sent, tell_bytes)]
        command = ["sh", "-c", INSTALL, "sh", WORK, waiting, wheel.path.name if wheel else "", *words]
        try:
            ran = remote.run(command, sudo=True, check=False, tell=lambda line: None if _is_ours(line) else tell(line))
        except ServerUnreachable as error:
            raise ServerUnreachable(error.what, why=error.why, do=_GOES_ON) from error
    finally:
        # What the install took with it is gone already. A connection that is lost has said so.
        with suppress(ServerUnreachable):
            remote.run(["rm", "-rf", waiting], check=False)
    if ran.status != 0:
        raise _failure(remote, ran.status, ran.err)
    return msgspec.json.decode(ran.out, type=InstallReport)


def join_admins(remote: Remote) -> bool:
    """Have who is signed in there be one who may command the agent, from the next login on; False where that was so."""
    if remote.user == "root" or ADMIN_GROUP in remote.run(["id", "-nG"]).out.split():
        return False
    remote.run(["usermod", "--append", "--groups", ADMIN_GROUP, remote.user], sudo=True)
    return True


def _put(remote: Remote, waiting: str, wheel: Wheel | None, sent: Sent, tell: TellBytes) -> list[str]:
    """Put the files there; the words that name them once the install has taken them to its own place."""
    if wheel is not None:
        remote.put(wheel.path, f"{waiting}/{wheel.path.name}", tell=tell)
    if sent.acme_root is None:
        return []
    remote.put(sent.acme_root, f"{waiting}/root.pem")
    return ["--acme-root", "root.pem"]


def _is_ours(line: str) -> bool:
    """What is read by `install_there` and not by a person: the report, an error, and the lines of why it failed."""
    return line.startswith(('{"', _WHY))


def _failure(remote: Remote, status: int, err: str) -> PotionsError:
    """As the install there told it, or with the last lines of the program that failed before it."""
    lines = err.splitlines()
    with suppress(msgspec.DecodeError, IndexError):
        return error_from(msgspec.json.decode(lines[-1], type=ErrorBody))
    why = [line.removeprefix(_WHY) for line in lines if line.startswith(_WHY)]
    if not why:
        return RemoteCommandFailed(
            f"The install on {remote.address} ended with status {status}.", why="\n".join(lines[-8:])
        )
    return InstallFailed(
        f"{why[0]} ({remote.address})",
        why="\n".join(why[1:]),
        do="See that packages can be got there and that its disk has room. Run this again: it goes on from there.",
    )
