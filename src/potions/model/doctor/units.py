"""systemd's units on a server: those of the platform, and of each app's slots and workers."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import msgspec

from potions.model.doctor.finding import Finding, Kind, Severity

_INSTALL = "sudo potions server install"

UNIT_DOWN = Kind(
    "unit-down",
    Severity.ERROR,
    "A unit of the platform does not run: the agent's sockets, the dashboard, the firewall.",
    "systemctl status UNIT; journalctl -u UNIT",
    "starts it",
)
UNIT_MISSING = Kind(
    "unit-missing", Severity.ERROR, "A unit of the platform is not there, or systemd cannot read it.", _INSTALL
)
UNIT_WRONG = Kind(
    "unit-wrong",
    Severity.WARNING,
    "A unit of the platform is not as the installed Potions writes it.",
    f"{_INSTALL}; what you want to add belongs into a drop-in: sudo systemctl edit UNIT",
)
UNIT_NOT_ENABLED = Kind(
    "unit-not-enabled",
    Severity.WARNING,
    "A unit does not start with the computer: after a reboot it is missing.",
    "sudo potions doctor --fix; or: sudo systemctl enable UNIT",
    "has it start with the computer",
)
UNIT_NOT_READ = Kind(
    "unit-not-read",
    Severity.WARNING,
    "A unit, or a drop-in of it, was changed on the disk, and systemd has not read it since.",
    "sudo systemctl daemon-reload",
    "has systemd read its units; what runs runs on as it is until it is started anew",
)
UNIT_DROP_IN = Kind(
    "unit-drop-in",
    Severity.INFO,
    "A person added something to a unit, which Potions leaves alone.",
    "Nothing, if it is meant; see it: systemctl cat UNIT",
)
APP_UNIT_MISSING = Kind(
    "app-unit-missing",
    Severity.ERROR,
    "The unit of an app's slot or worker is not there: after a reboot it would not run.",
    "sudo potions doctor APP --fix",
    "writes it anew; what runs runs on",
)
APP_UNIT_WRONG = Kind(
    "app-unit-wrong",
    Severity.WARNING,
    "The unit of an app's slot or worker is not as Potions writes it: it was changed by hand, or is older.",
    "sudo potions doctor APP --fix; what you want to add belongs into a drop-in: sudo systemctl edit UNIT",
    "writes it anew; what runs takes it up when it is started anew: potions restart APP",
)
SPEC_MISSING = Kind(
    "spec-missing",
    Severity.ERROR,
    "The file that says how a slot's program is run is gone: it could not be started again.",
    "potions restart APP",
)
STARTING_LEFT = Kind(
    "starting-left",
    Severity.WARNING,
    "A slot that neither serves nor runs may still be started: a crash left the file that lets it.",
    "sudo potions doctor --fix",
    "removes that file",
)
STOPPED_WRONG = Kind(
    "stopped-wrong",
    Severity.ERROR,
    "After a reboot an app would run that a person stopped, or would not run though nobody did.",
    "sudo potions doctor --fix",
    "has it be after a reboot as it is now",
)

KINDS = (
    UNIT_DOWN,
    UNIT_MISSING,
    UNIT_WRONG,
    UNIT_NOT_ENABLED,
    UNIT_NOT_READ,
    UNIT_DROP_IN,
    APP_UNIT_MISSING,
    APP_UNIT_WRONG,
    SPEC_MISSING,
    STARTING_LEFT,
    STOPPED_WRONG,
)

#: What a unit is doing that ended by itself and waits to be started again.
_AGAIN = frozenset({"auto-restart", "auto-restart-queued"})


class UnitSeen(msgspec.Struct, frozen=True):
    """A unit, as systemd tells of it."""

    name: str
    is_there: bool = True
    active: str = "active"
    sub: str = "running"
    is_enabled: bool = True
    has_changed: bool = False
    """On the disk, since systemd read it."""
    drop_ins: tuple[str, ...] = ()
    """The paths of what is added to it."""

    @property
    def is_crashing(self) -> bool:
        return self.sub in _AGAIN


def judge_platform_unit(seen: UnitSeen, last_lines: str = "") -> Iterator[Finding]:
    """It is there, runs, and starts with the computer."""
    if not seen.is_there:
        yield UNIT_MISSING.found(f"systemd knows no {seen.name}.", place=seen.name)
        return
    if seen.active != "active":
        doing = "ends again and again" if seen.is_crashing else f"does not run: {seen.active}"
        yield UNIT_DOWN.found(
            f"{seen.name} {doing}.",
            place=seen.name,
            expected="It runs.",
            why=last_lines,
            do=f"See why: systemctl status {seen.name}; start it: sudo systemctl start {seen.name}",
            fixable=not seen.is_crashing,
        )
    yield from _judge_kept(seen, "")


def judge_written(unit: str, difference: str) -> Finding:
    """``difference``: what is otherwise than the install writes it."""
    return UNIT_WRONG.found(difference, place=unit)


class AppUnitSeen(msgspec.Struct, frozen=True):
    """The unit of a slot that holds a release, or of one of its workers."""

    unit: UnitSeen
    as_written: bool | None
    """Whether its file is as Potions would write it; None where there is no file."""
    has_spec: bool
    """Whether what its launcher reads is there."""
    is_live: bool


def judge_app_unit(app: str, seen: AppUnitSeen) -> Iterator[Finding]:
    """It is there, as it is written, and starts with the computer where its slot is the live one."""
    name = seen.unit.name
    if seen.is_live and not seen.has_spec:
        yield SPEC_MISSING.found(
            f"It is not written down any more how {name} is run.", app=app, place=name, do=f"potions restart {app}"
        )
    if seen.as_written is None:
        # The idle slot's is written by whatever deploys or goes back to it.
        if seen.is_live:
            yield APP_UNIT_MISSING.found(
                f"{name} is not there.", app=app, place=name, do=f"sudo potions doctor {app} --fix"
            )
        return
    if not seen.as_written:
        yield APP_UNIT_WRONG.found(
            f"{name} is not as Potions writes it.", app=app, place=name, do=f"sudo potions doctor {app} --fix"
        )
    yield from _judge_kept(seen.unit, app)


def _judge_kept(seen: UnitSeen, app: str) -> Iterator[Finding]:
    if not seen.is_enabled:
        do = f"sudo systemctl enable {seen.name}"
        yield UNIT_NOT_ENABLED.found(f"{seen.name} does not start with the computer.", app=app, place=seen.name, do=do)
    if seen.has_changed:
        yield UNIT_NOT_READ.found(f"{seen.name} was changed, and systemd has not read it.", app=app, place=seen.name)
    if seen.drop_ins:
        yield UNIT_DROP_IN.found(
            f"Somebody added to {seen.name}: {', '.join(seen.drop_ins)}.",
            app=app,
            place=seen.name,
            do=f"Nothing, if it is meant; see it: systemctl cat {seen.name}",
        )


def judge_starting(markers: Iterable[tuple[str, str]], *, app: str = "") -> list[Finding]:
    """``markers``: the path of each that nothing runs by, and the unit that it lets start."""
    return [
        STARTING_LEFT.found(f"{unit} does not run, and {path} lets it be started.", app=app, place=path)
        for path, unit in markers
    ]


def judge_stopped(app: str, *, stopped: bool, stays_down: bool) -> Iterator[Finding]:
    """``stopped``: a person stopped it. ``stays_down``: it stays down when the computer starts."""
    if stopped != stays_down:
        now = "is stopped, and would run" if stopped else "is not stopped, and would not run"
        yield STOPPED_WRONG.found(f"{app} {now} after a reboot.", app=app, place="reboot")
