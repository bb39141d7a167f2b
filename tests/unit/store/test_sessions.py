"""What must hold of sessions and links in the store."""

from __future__ import annotations

from datetime import timedelta

import pytest

from potions.model.access import Role
from potions.names import PersonName
from potions.store import sessions, tables
from potions.store.records import PersonRecord
from potions.store.store import Store


@pytest.fixture
def anna(store: Store) -> PersonRecord:
    store.invite(PersonName("anna"), Role.OWNER, "link")
    return store.accept("link", PersonName("anna"), "hash of a password")


def test_a_session_begins_only_with_the_password_that_was_looked_at(store: Store, anna: PersonRecord) -> None:
    """Who was looked at while the password changed, or who was removed meanwhile, is not signed in."""
    assert store.create_session(anna, "one", "", "") is not None
    assert store.set_password(anna.id, "hash of a password", "another", None)
    assert store.create_session(anna, "two", "", "") is None
    assert not store.set_password(anna.id, "hash of a password", "a third", None)
    assert store.session("one") is None


def test_somebody_signed_in_too_often_loses_the_oldest(
    store: Store, anna: PersonRecord, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A program that signs in for every request fills nothing."""
    monkeypatch.setattr(sessions, "SESSIONS_MAX", 3)
    for number in range(5):
        assert store.create_session(anna, f"s{number}", "", "")
    assert [store.session(f"s{number}") is not None for number in range(5)] == [False, False, True, True, True]


def test_what_has_ended_is_forgotten(store: Store, anna: PersonRecord) -> None:
    """Sessions and links whose time is over leave nothing behind; the others stay."""
    store.create_session(anna, "one", "", "")
    store.invite_again("anna", "again")
    store.forget_ended(tables.now() + timedelta(hours=71))
    assert store.session("one") and store.invitation("again")
    store.forget_ended(tables.now() + timedelta(days=15))
    with store._database.reading() as connection:
        assert [
            connection.exec_driver_sql(f"SELECT count(*) FROM {name}").scalar() for name in ("sessions", "invitations")
        ] == [0, 0]


def test_the_secret_of_the_codes_is_sealed(store: Store, anna: PersonRecord) -> None:
    """For its person alone."""
    store.begin_totp(anna.id, "JBSWY3DPEHPK3PXP")
    again = store.person("anna")
    assert again.totp is not None and b"JBSWY3DPEHPK3PXP" not in again.totp
    assert store.totp_secret(again) == "JBSWY3DPEHPK3PXP"
    assert "password" not in repr(again)
