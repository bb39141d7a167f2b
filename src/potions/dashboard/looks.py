"""How values look on a page: templates, and the words for sizes, moments and durations."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime
from functools import cache
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from litestar.plugins.jinja import JinjaTemplateEngine

from potions.dashboard.browsers import browser_name
from potions.dashboard.chart import sparkline
from potions.dashboard.tabs import TABS
from potions.harmless import sanitise
from potions.names import decode_stored_path, shown_name

_HERE = Path(__file__).parent
STATIC = _HERE / "static"

_UNITS = ("kB", "MB", "GB", "TB", "PB")


def make_engine() -> JinjaTemplateEngine:
    """The templates. Everything in them is escaped, and a name that is missing is an error."""
    environment = Environment(
        loader=FileSystemLoader(_HERE / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {
        "size": size,
        "ago": ago,
        "moment": moment,
        "seconds": seconds,
        "count": count,
        "shown": shown_name,
        "stored_name": stored_name,
        "browser": browser_name,
        "plain": sanitise,
    }
    environment.globals |= {"asset": asset, "tabs": TABS, "sparkline": sparkline, "now": lambda: datetime.now(UTC)}
    return JinjaTemplateEngine.from_environment(environment)


def size(number: int | None) -> str:
    """Bytes for people: ``812 bytes``, ``1.4 MB``. Units of a thousand, as disks are sold."""
    if number is None:
        return "not measured yet"
    if number < 1000:
        return f"{number} byte" + ("" if number == 1 else "s")
    value, unit = number / 1000, 0
    while value >= 999.5 and unit < len(_UNITS) - 1:
        value, unit = value / 1000, unit + 1
    return f"{value:.1f} {_UNITS[unit]}" if value < 99.95 else f"{value:.0f} {_UNITS[unit]}"


def stored_name(encoded: str) -> str:
    """A stored path for people, from how it stands in an address."""
    return str(decode_stored_path(encoded))


def count(number: int, one: str, many: str = "") -> str:
    """``1 file``, ``1,200 files``."""
    return f"{number:,} {one if number == 1 else many or one + 's'}"


def seconds(value: float | None) -> str:
    """A duration: ``0.4 s``, ``12 s``, ``3 min 5 s``, ``2 h 10 min``."""
    if value is None:
        return "–"
    if value < 9.95:
        return f"{value:.1f} s"
    whole = round(value)
    if whole < 60:
        return f"{whole} s"
    minutes, rest = divmod(whole, 60)
    if minutes < 60:
        return f"{minutes} min {rest} s" if rest else f"{minutes} min"
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min" if minutes else f"{hours} h"


def ago(at: datetime | None) -> str:
    """How long a moment is past: ``just now``, ``5 min ago``, ``3 days ago``; one to come: ``in 2 h``."""
    if at is None:
        return "never"
    distance = (datetime.now(UTC) - at).total_seconds()
    words = _distance(abs(distance))
    if words == "now":
        return "just now"
    return f"{words} ago" if distance > 0 else f"in {words}"


def _distance(distance: float) -> str:
    for limit, length, one, many in (
        (3600, 60, "min", "min"),
        (36 * 3600, 3600, "h", "h"),
        (60 * 86400, 86400, "day", "days"),
        (730 * 86400, 30.44 * 86400, "month", "months"),
    ):
        if distance < 60:
            return "now"
        if distance < limit:
            number = max(1, round(distance / length))
            return f"{number} {one if number == 1 else many}"
    return f"{int(distance // (365.25 * 86400))} years"


def moment(at: datetime) -> str:
    """A moment in full, in UTC, as a title says it: ``2026-11-27 14:03:12 UTC``."""
    return at.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S UTC")


@cache
def asset(name: str) -> str:
    """The address of a file of ``static``. It changes with the file, so that browsers may keep it for good."""
    digest = hashlib.sha256((STATIC / name).read_bytes()).hexdigest()[:12]
    return f"/static/{name}?v={digest}"
