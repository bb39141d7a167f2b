"""Sizes and times in the words people read."""

from __future__ import annotations

from datetime import UTC, datetime

from rich.filesize import decimal

_MINUTE, _HOUR, _DAY = 60, 3600, 86_400


def size(count: int) -> str:
    """Bytes as ``18.0 MB`` (powers of 1000)."""
    return decimal(count)


def contents(files: int, count: int) -> str:
    """``3 files, 18.0 MB``."""
    return f"{files:,} {'file' if files == 1 else 'files'}, {size(count)}"


def duration(seconds: float) -> str:
    """``0.3 s``, ``42 s``, ``2 min 5 s``, ``1 h 3 min``."""
    if seconds < 10:
        return f"{max(seconds, 0.0):.1f} s"
    whole = round(seconds)
    if whole < _MINUTE:
        return f"{whole} s"
    if whole < _HOUR:
        return f"{whole // _MINUTE} min {whole % _MINUTE} s"
    return f"{whole // _HOUR} h {whole % _HOUR // _MINUTE} min"


def age(moment: datetime, now: datetime | None = None) -> str:
    """How long ago it was; from a month on the date."""
    seconds = ((now or datetime.now(UTC)) - moment).total_seconds()
    if seconds < 10:
        return "just now"
    for unit, name, most in (
        (1, "s", _MINUTE),
        (_MINUTE, "min", _HOUR),
        (_HOUR, "h", 2 * _DAY),
        (_DAY, "days", 30 * _DAY),
    ):
        if seconds < most:
            return f"{int(seconds // unit)} {name} ago"
    return moment.astimezone().strftime("%Y-%m-%d")


def left(moment: datetime, now: datetime | None = None) -> str:
    """How long until a moment: ``9 min 30 s left``."""
    return f"{duration(max(0.0, (moment - (now or datetime.now(UTC))).total_seconds()))} left"


def until(moment: datetime) -> str:
    """A moment to come, in local time: ``Thu 26 Nov 14:05``."""
    return moment.astimezone().strftime("%a %d %b %H:%M")


def minute(moment: datetime) -> str:
    """``2026-11-23 14:05``, local: a moment to be compared with others."""
    return moment.astimezone().strftime("%Y-%m-%d %H:%M")


def clock(moment: datetime) -> str:
    """``14:05:01``, local."""
    return moment.astimezone().strftime("%H:%M:%S")


def took(began: datetime | None, ended: datetime | None) -> str:
    """The time between two moments; empty while one is missing."""
    return duration((ended - began).total_seconds()) if began and ended else ""
