"""Judging the parts, the home, room, the database, ports and sites."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from potions.errors import HomeRefused
from potions.layout import Colour
from potions.model.doctor import database, home, parts, ports, room, sites
from potions.model.doctor.finding import Finding
from potions.model.service import Phase

NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
KEPT = 64 * 1024 * 1024


def codes(found: object) -> list[str]:
    return [one.code for one in list(found)]  # type: ignore[call-overload]


# Parts


def part(phase: Phase = Phase.RUNNING, *, answers: bool = False, replaced: bool = False) -> parts.PartSeen:
    return parts.PartSeen(phase, answers, "/h/logs/agent.log", "the last line", replaced)


@pytest.mark.parametrize(
    ("seen", "expected", "mended"),
    [
        (part(Phase.STOPPED), "proxy-down", True),
        (part(Phase.EXITED), "proxy-down", True),
        (part(Phase.CRASHING), "proxy-down", True),
        (part(Phase.RUNNING), "proxy-down", False),
        (part(answers=True, replaced=True), "proxy-outdated", False),
    ],
)
def test_a_proxy_that_is_not_well(seen: parts.PartSeen, expected: str, mended: bool) -> None:
    """One that does not run is started; one that runs and does not answer is left to a person."""
    (found,) = parts.judge_proxy(seen)
    assert (found.code, bool(found.fix)) == (expected, mended)


def test_a_proxy_that_answers() -> None:
    """Nothing to say."""
    assert codes(parts.judge_proxy(part(answers=True))) == []


@pytest.mark.parametrize(
    ("phase", "expected", "mended"),
    [
        (Phase.RUNNING, "agent-silent", False),
        (Phase.EXITED, "agent-down", True),
        (Phase.CRASHING, "agent-down", False),
    ],
)
def test_an_agent_that_does_not_answer(phase: Phase, expected: str, mended: bool) -> None:
    """Its last lines stand beside it. Starting again what ends again and again would help nobody."""
    (found,) = parts.judge_agent(part(phase))
    assert (found.code, bool(found.fix), found.why) == (expected, mended, "the last line")


def test_an_agent_that_takes_long_to_fail() -> None:
    """It seems to run whenever it is looked at, and has ended several times of late: it is not just silent."""
    slow = parts.PartSeen(Phase.RUNNING, False, "/h/logs/agent.log", "the last line", ends=3)
    (found,) = parts.judge_agent(slow)
    assert (found.code, found.fix) == ("agent-down", "")


# The home


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("/usr/local/bin:/usr/bin:/bin", []),
        ("/usr/bin/", []),
        ("/bin", ["path-poor"]),
        ("", ["path-poor"]),
        ("/opt/usr/bin", ["path-poor"]),
    ],
)
def test_the_path_of_the_apps(path: str, expected: list[str]) -> None:
    """Without /usr/bin a build finds next to nothing."""
    assert codes(home.judge_search_path(path)) == expected


def test_limits_that_are_too_low() -> None:
    """Few files, small files, and processes that the kernel ended; without limits there is nothing to say."""
    assert codes(home.judge_limits(home.LimitsSeen())) == []
    assert codes(home.judge_limits(home.LimitsSeen(open_files=4096))) == []
    low = list(home.judge_limits(home.LimitsSeen(open_files=256, file_bytes=1000, killed_for_memory=2)))
    assert codes(low) == ["limit-low", "limit-low", "memory-short"]
    assert len({one.key for one in low}) == 3


def test_an_error_that_potions_knows_becomes_a_finding() -> None:
    """With all of its words."""
    error = HomeRefused("It cannot be.", why="It is too long.", do="Choose a shorter one.")
    found = home.told(home.HOME_REFUSED, error, place="/h")
    assert (found.what, found.why, found.do) == ("It cannot be.", "It is too long.", "Choose a shorter one.")


# Room


def disk(free: int = 10**12, inodes: int = 10**6, free_inodes: int = 10**6, **more: object) -> room.DiskSeen:
    return room.DiskSeen("/h", free, 2 * 10**12, free_inodes, inodes, **more)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("seen", "expected"),
    [
        (disk(), []),
        (disk(free=KEPT - 1), ["disk-full"]),
        (disk(free=KEPT), ["disk-low"]),
        (disk(free=16 * KEPT), []),
        (disk(free_inodes=1000), ["inodes-low"]),
        (disk(inodes=0, free_inodes=0), []),
        (disk(read_only=True), ["disk-read-only"]),
        (disk(kind="tmpfs"), ["in-memory"]),
    ],
)
def test_room(seen: room.DiskSeen, expected: list[str]) -> None:
    """Below what a deploy leaves free is an error, somewhat above it a warning; some file systems count no inodes."""
    assert codes(room.judge_room(seen, KEPT)) == expected


def test_sizes_in_words() -> None:
    """As the rest of Potions says them."""
    assert [room.size_words(size) for size in (12, 1200, 34_000_000, 5 * 10**9)] == [
        "12 bytes",
        "1.2 kB",
        "34.0 MB",
        "5.0 GB",
    ]


# The database


def db(**more: object) -> database.DatabaseSeen:
    fields: dict[str, object] = {"path": "/h/agent.db", "complaints": [], "revision": "0002", "newest": NOW} | more
    return database.DatabaseSeen(**fields)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("seen", "expected"),
    [
        (db(), []),
        (db(newest=None), []),
        (db(complaints=["Tree 3 page 7: btreeInitPage() returns error code 11"]), ["database-damaged"]),
        (db(revision="0001"), ["database-revision"]),
        (db(newest=NOW + timedelta(minutes=4)), []),
        (db(newest=NOW + timedelta(days=1)), ["clock-back"]),
    ],
)
def test_the_database(seen: database.DatabaseSeen, expected: list[str]) -> None:
    """Damaged, of another version, or from the future."""
    assert codes(database.judge_database(seen, "0002", NOW)) == expected


# Ports


def port(
    *, live: bool = True, own: bool = False, strangers: tuple[str, ...] = ("nginx (process 5)",)
) -> ports.PortSeen:
    return ports.PortSeen("blog", Colour.BLUE, 4000, live, live, own, strangers)


@pytest.mark.parametrize(
    ("seen", "expected"),
    [
        (port(), ["stranger-answers"]),
        (port(live=False), ["port-taken"]),
        (port(own=True), []),
        (port(strangers=()), []),
    ],
)
def test_strangers_on_ports(seen: ports.PortSeen, expected: list[str]) -> None:
    """On the live slot's they answer visitors, on the idle one's they are in the way of the next deploy."""
    found = list(ports.judge_port(seen))
    assert codes(found) == expected
    assert all("nginx (process 5)" in one.what and not one.fix for one in found)


def test_the_port_of_the_proxy() -> None:
    """Caddy's own processes do not count."""
    assert codes(ports.judge_http_port(8480, [])) == []
    assert codes(ports.judge_http_port(8480, ["nginx (process 5)"])) == ["http-port-taken"]


def test_two_homes_that_begin_at_the_same_port() -> None:
    """Each such home is told once; others are left alone."""
    assert [one.place for one in ports.judge_homes(4000, [("/a", 4000), ("/b", 5000)])] == ["/a"]


# Sites


def test_the_site_of_an_app() -> None:
    """Missing, changed by hand, or as it should be."""
    assert codes(sites.judge_site("blog", "/s/blog.caddy", b"x", b"x")) == []
    assert codes(sites.judge_site("blog", "/s/blog.caddy", b"x", None)) == ["site-missing"]
    assert codes(sites.judge_site("blog", "/s/blog.caddy", b"x", b"y")) == ["site-wrong"]


def test_sites_of_no_app() -> None:
    """A name that only begins like an app's is no app."""
    found = sites.judge_strays({"blog": "/s/blog.caddy", "blog2": "/s/blog2.caddy"}, ["blog"])
    assert [one.place for one in found] == ["/s/blog2.caddy"]


@pytest.mark.parametrize(("difference", "expected"), [(None, 0), ("It was changed.", 1)])
def test_what_caddy_has_loaded(difference: str | None, expected: int) -> None:
    """What it runs with counts, and not whether a load was ever refused: it reads everything when it starts."""
    assert codes(sites.judge_loaded(difference)) == ["sites-not-loaded"] * expected


def test_the_main_file_of_caddy() -> None:
    """Missing or changed."""
    assert codes(sites.judge_caddyfile("/c", b"x", b"x")) == []
    assert [one.what for one in sites.judge_caddyfile("/c", b"x", None)] == ["/c is missing."]
    assert codes(sites.judge_caddyfile("/c", b"x", b"y")) == ["caddyfile-wrong"]


def test_visitors_who_wait_for_nothing() -> None:
    """Held while nothing is under way."""
    assert codes(sites.judge_hold("blog", Colour.BLUE, held=False)) == []
    found: list[Finding] = list(sites.judge_hold("blog", Colour.BLUE, held=True))
    assert (codes(found), bool(found[0].fix)) == (["hold-left"], True)
