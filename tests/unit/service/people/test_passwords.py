"""Passwords as they are kept, and how they are looked at."""

from __future__ import annotations

from potions.service.people.passwords import fits, hash_password


def test_a_password_fits_its_hash_alone() -> None:
    """By argon2id, with a salt of its own each time."""
    one, other = hash_password("correct horse"), hash_password("correct horse")
    assert one != other and one.startswith("$argon2id$")
    assert fits(one, "correct horse")
    assert not fits(one, "correct horse ")
    assert not fits(one, "")


def test_nobody_has_no_password() -> None:
    """Not even the one that is looked at in its place."""
    assert not fits(None, "a password that nobody has")
    assert not fits(None, "")


def test_what_no_password_is_does_not_fit() -> None:
    """Too long, no text, or a hash that is none: no accident."""
    kept = hash_password("x" * 200)
    assert fits(kept, "x" * 200)
    assert not fits(kept, "x" * 201)
    assert not fits(hash_password(""), "x" * 100_000)
    assert not fits(kept, "\ud800" * 20)
    assert not fits("no hash", "no hash")
