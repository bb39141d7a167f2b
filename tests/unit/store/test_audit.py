"""The log of who did what never grows beyond what is kept, and loses nothing that was done to what was refused."""

from __future__ import annotations

import pytest

from potions.model.access import Way
from potions.store import audit
from potions.store.store import Store


def write(store: Store, count: int, outcome: str = "ok") -> None:
    for number in range(count):
        store.write_audit(
            who="anna", way=Way.CLI, address="", act="deploy", app="blog", detail=str(number), outcome=outcome
        )


def test_refusals_push_out_nothing_that_was_done(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each kind has a number of its own, and its newest stay."""
    monkeypatch.setattr(audit, "KEPT_DONE", 5)
    monkeypatch.setattr(audit, "KEPT_REFUSED", 3)
    write(store, 7)
    write(store, 20, "role-needed")
    store.prune_audit()
    found = store.audit(100)
    assert [one.detail for one in found if one.outcome == "ok"] == ["6", "5", "4", "3", "2"]
    assert [one.detail for one in found if one.outcome != "ok"] == ["19", "18", "17"]
    store.prune_audit()
    assert store.audit(100) == found


def test_it_prunes_itself_as_it_grows(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also in the hour between two rounds of the housekeeping."""
    monkeypatch.setattr(audit, "KEPT_REFUSED", 10)
    monkeypatch.setattr(audit, "_PRUNED_EVERY", 25)
    write(store, 60, "sign-in-refused")
    assert len(store.audit(1000)) <= 10 + 25


def test_a_person_is_asked_for_by_the_whole_name(store: Store) -> None:
    """Signs that mean something to SQL mean themselves."""
    for who in ("a_b", "axb", "token t (a_b)", "token t (axb)", "token t (x.a_b)"):
        store.write_audit(who=who, way=Way.TOKEN, address="", act="stop", app="", detail="", outcome="ok")
    assert [one.who for one in store.audit(10, person="a_b")] == ["token t (a_b)", "a_b"]
    assert store.audit(10, person="%") == []
