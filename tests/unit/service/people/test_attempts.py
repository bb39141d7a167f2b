"""Waits for whoever fails to sign in, with a clock that is moved by hand."""

from __future__ import annotations

import pytest

from potions.errors import CodeNeeded, NoRoom, SignInRefused, TooManyAttempts
from potions.service.people import attempts
from potions.service.people.attempts import Attempts


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def tried(clock: Clock) -> Attempts:
    return Attempts(clock)


def fail(tried: Attempts, name: str = "anna", address: str = "") -> None:
    with pytest.raises(SignInRefused), tried.one(name, address):
        raise SignInRefused


def wait_of(tried: Attempts, name: str = "anna", address: str = "") -> int:
    with pytest.raises(TooManyAttempts) as caught, tried.one(name, address):
        pass
    return caught.value.seconds


def test_five_are_free_then_waits_grow(tried: Attempts, clock: Clock) -> None:
    """A minute, then twice as long each time, up to a quarter of an hour."""
    for _ in range(5):
        fail(tried)
    waits = []
    for _ in range(6):
        waits.append(wait_of(tried))
        clock.now += waits[-1]
        fail(tried)
    assert waits == [60, 120, 240, 480, 900, 900]


def test_a_wait_gets_shorter_while_it_lasts(tried: Attempts, clock: Clock) -> None:
    """And asking meanwhile does not make it longer."""
    for _ in range(5):
        fail(tried)
    assert wait_of(tried) == 60
    clock.now += 45
    assert [wait_of(tried) for _ in range(10)] == [15] * 10


def test_success_forgives_the_name_and_not_the_address(tried: Attempts) -> None:
    """Whoever has one password cannot try others for ever by signing in in between."""
    for name in ("ben", "cid", "dan", "eve"):
        fail(tried, name, "192.0.2.1")
        with tried.one("anna", "192.0.2.1"):
            pass
    fail(tried, "fay", "192.0.2.1")
    assert wait_of(tried, "anna", "192.0.2.1") == 60
    for _ in range(4):
        fail(tried, "gil")
    with tried.one("gil", ""):
        pass
    for _ in range(4):
        fail(tried, "gil")


def test_what_is_no_failure_does_not_count(tried: Attempts) -> None:
    """A right password whose code is still to come, a full disk; but neither forgives anything."""
    for _ in range(4):
        fail(tried)
    for error in (CodeNeeded(), NoRoom("full")) * 5:
        with pytest.raises(type(error)), tried.one("anna", ""):
            raise error
    fail(tried)
    assert wait_of(tried) == 60


def test_attempts_count_from_their_beginning(tried: Attempts) -> None:
    """Six at once are one too many, whatever becomes of the others."""
    begun = [tried.one("anna", "") for _ in range(5)]
    for one in begun:
        one.__enter__()
    assert wait_of(tried) == 60
    for one in begun:
        one.__exit__(None, None, None)
    fail(tried)


def test_all_is_forgotten_after_an_hour(tried: Attempts, clock: Clock) -> None:
    """Without an attempt."""
    for _ in range(5):
        fail(tried)
    clock.now += 3601
    for _ in range(5):
        fail(tried)
    assert wait_of(tried) == 60


def test_it_takes_only_so_much_memory(tried: Attempts) -> None:
    """Many names push out the oldest."""
    for number in range(attempts.KNOWN + 500):
        fail(tried, f"n{number}")
    assert len(tried._known) == attempts.KNOWN


def test_who_has_to_wait_washes_nobodys_wait_away(tried: Attempts) -> None:
    """Neither by tries that are refused, nor by more names than are known."""
    for _ in range(attempts.FREE):
        fail(tried, "owner", "1.1.1.1")
    for number in range(attempts.KNOWN + 10):
        wait_of(tried, f"name-{number}", "1.1.1.1")
    for number in range(attempts.KNOWN + 10):
        fail(tried, f"other-{number}", f"10.{number // 250}.0.{number % 250}")
    assert wait_of(tried, "owner", "2.2.2.2") > 0
