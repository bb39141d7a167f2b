"""What must hold of the history of variables."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from potions.errors import AppUnknown, PotionsError
from potions.model.app import App
from potions.model.variable import VariableAct, VariableEvent
from potions.names import AppName
from potions.store import tables, variable_events
from potions.store.records import ChoosePorts, TrashRecord
from potions.store.store import Store

REVEALED, EXPORTED = VariableAct.REVEALED, VariableAct.EXPORTED
Clock = Callable[[timedelta], None]


@pytest.fixture
def wait(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """A clock that stands still, until it is told to go on (or back)."""
    moment = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
    monkeypatch.setattr(tables, "now", lambda: moment)

    def go_on(by: timedelta) -> None:
        nonlocal moment
        moment += by

    return go_on


def acts(store: Store, app: App) -> list[VariableAct]:
    return [event.act for event in store.variable_history(app.id, 10_000)]


def trash_of(app: App) -> TrashRecord:
    return TrashRecord(app.id, app.name, "blog.1", app.created, app.created + timedelta(hours=72), 0, 0)


def test_every_change_is_written_with_who_and_what(store: Store, choose: ChoosePorts, wait: Clock) -> None:
    """Names in their order, the newest entry first; at the moment it was done."""
    app = store.create_app(AppName("shop"), choose, {"PHX_HOST": "shop.localhost", "MIX_ENV": "prod"}, "ann")
    store.change_variables(app.id, {"B": "1", "A": "1"}, by="ben")
    wait(timedelta(minutes=5))
    store.change_variables(app.id, {"A": "2", "C": "1", "MIX_ENV": "prod"}, by="ann", imported=True, replace=True)
    store.change_variables(app.id, {}, ["C"], by="eve")
    began = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
    later = began + timedelta(minutes=5)
    assert store.variable_history(app.id, 10) == [
        VariableEvent(later, "eve", VariableAct.UNSET, removed=["C"]),
        VariableEvent(later, "ann", VariableAct.IMPORTED, added=["C"], changed=["A"], removed=["B"]),
        VariableEvent(began, "ben", VariableAct.SET, added=["A", "B"]),
        VariableEvent(began, "ann", VariableAct.CREATED, added=["MIX_ENV", "PHX_HOST"]),
    ]


def test_what_changes_nothing_is_no_entry(store: Store, app: App) -> None:
    """A deploy script that sets the same values each time fills no history; what was refused does not either."""
    store.change_variables(app.id, {"A": "1"})
    before = store.variable_history(app.id, 10)
    store.change_variables(app.id, {"A": "1"})
    for set, unset, version in (({"B": "1"}, ["NONE"], ""), ({"A": "2"}, ["A"], ""), ({"B": "1"}, [], "another")):
        with pytest.raises(PotionsError):
            store.change_variables(app.id, set, unset, version=version)
    assert store.variable_history(app.id, 10) == before


def test_a_change_and_its_entry_come_together(store: Store, app: App, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the entry cannot be written, nothing was changed."""
    before = store.variables(app.id)

    def fail(*_args: object) -> None:
        raise OSError("full")

    monkeypatch.setattr("potions.store.variables.record", fail)
    with pytest.raises(OSError, match="full"):
        store.change_variables(app.id, {"A": "1"})
    assert store.variables(app.id) == before


def test_a_look_is_written(store: Store, app: App) -> None:
    """With the names that were seen."""
    assert store.record_look(app.id, "ann", REVEALED, ["B", "A"])
    assert store.variable_history(app.id, 1)[0].seen == ["A", "B"]


def test_a_look_like_one_before_is_written_once(store: Store, app: App, wait: Clock) -> None:
    """Two pages that ask for values all day leave an entry each an hour."""
    written = 0
    for _minute in range(240):
        written += store.record_look(app.id, "ann", REVEALED, ["A"])
        written += store.record_look(app.id, "ben", REVEALED, ["A", "B"])
        wait(timedelta(minutes=1))
    assert written == len(acts(store, app)) - 1 == 8


def test_another_look_is_another_entry(store: Store, app: App, wait: Clock) -> None:
    """By somebody else, of other names, or as an export."""
    looks = [("ann", REVEALED, ["A"]), ("ben", REVEALED, ["A"]), ("ann", REVEALED, ["B"]), ("ann", EXPORTED, ["A"])]
    assert all(store.record_look(app.id, *look) for look in looks)
    assert not any(store.record_look(app.id, *look) for look in looks)


def test_a_look_after_a_change_is_written(store: Store, app: App, wait: Clock) -> None:
    """What is seen then is another value."""
    assert store.record_look(app.id, "ann", REVEALED, ["A"])
    store.change_variables(app.id, {"A": "1"})
    assert store.record_look(app.id, "ann", REVEALED, ["A"])


def test_a_clock_that_was_set_back_hides_no_look(store: Store, app: App, wait: Clock) -> None:
    """An entry from what is the future now is none to compare with."""
    assert store.record_look(app.id, "ann", REVEALED, ["A"])
    wait(timedelta(days=-30))
    assert store.record_look(app.id, "ann", REVEALED, ["A"])


def test_the_history_does_not_grow_for_ever(store: Store, app: App, monkeypatch: pytest.MonkeyPatch) -> None:
    """So many changes and so many looks are kept, the newest; the one kind pushes nothing of the other out."""
    monkeypatch.setattr(variable_events, "KEPT", 5)
    for number in range(20):
        store.record_look(app.id, "ann", REVEALED, [f"SEEN_{number}"])
    assert acts(store, app) == [REVEALED] * 5 + [VariableAct.CREATED]
    for number in range(20):
        store.change_variables(app.id, {"A": str(number)})
    found = store.variable_history(app.id, 100)
    assert [event.act for event in found] == [VariableAct.SET] * 5 + [REVEALED] * 5
    assert found[5].seen == ["SEEN_19"]


def test_the_history_of_one_app_is_its_own(store: Store, app: App, choose: ChoosePorts) -> None:
    """Neither its entries nor their number touch another app's."""
    other = store.create_app(AppName("blog2"), choose, {})
    store.change_variables(other.id, {"A": "1"}, by="ann")
    store.record_look(other.id, "ann", REVEALED, ["A"])
    assert acts(store, app) == [VariableAct.CREATED]
    assert acts(store, other) == [REVEALED, VariableAct.SET, VariableAct.CREATED]


def test_the_history_can_be_asked_about_one_variable(store: Store, app: App) -> None:
    """Whatever was done to it, and no name that only looks like it."""
    store.change_variables(app.id, {"A": "1", "AB": "1"})
    store.change_variables(app.id, {"AB": "2"})
    store.record_look(app.id, "ann", REVEALED, ["A"])
    store.change_variables(app.id, {}, ["A"])
    found = [event.act for event in store.variable_history(app.id, 10, "A")]
    assert found == [VariableAct.UNSET, REVEALED, VariableAct.SET]
    assert [event.act for event in store.variable_history(app.id, 1, "A")] == [VariableAct.UNSET]
    assert store.variable_history(app.id, 10, "B") == []


def test_the_history_goes_into_the_trash_and_comes_back(store: Store, app: App, choose: ChoosePorts) -> None:
    """With its app; while it is there, nobody writes into it."""
    store.change_variables(app.id, {"A": "1"}, by="ann")
    before = store.variable_history(app.id, 10)
    store.delete_app(app.id, trash_of(app))
    with pytest.raises(AppUnknown):
        store.record_look(app.id, "ann", REVEALED, ["A"])
    store.restore_app(app.id, app.name, choose, {"PHX_HOST": "blog.localhost"}, "ben")
    assert store.variable_history(app.id, 10) == before


def test_a_restore_under_another_name_is_an_entry(store: Store, app: App, choose: ChoosePorts) -> None:
    """It makes the values that hold the name anew."""
    store.delete_app(app.id, trash_of(app))
    anew = {"PHX_HOST": "news.localhost", "SECRET_KEY_BASE": "made-for-blog", "NONE": "x"}
    store.restore_app(app.id, AppName("news"), choose, anew, "ben")
    newest = store.variable_history(app.id, 1)[0]
    assert (newest.act, newest.by, newest.changed) == (VariableAct.REMADE, "ben", ["PHX_HOST"])


def test_a_purged_app_leaves_no_history(store: Store, app: App, choose: ChoosePorts) -> None:
    """Nor does its successor of the same name have it."""
    store.change_variables(app.id, {"A": "1"})
    store.delete_app(app.id, None)
    assert store.variable_history(app.id, 10) == []
    assert acts(store, store.create_app(app.name, choose, {})) == [VariableAct.CREATED]


def test_no_value_is_in_the_history(store: Store, app: App, database: Path) -> None:
    """Neither an old one nor a new one, sealed or not: an entry is names alone."""
    store.change_variables(app.id, {"A": "needle"}, by="ann")
    store.change_variables(app.id, {"A": "needle-2", "PHX_HOST": "needle-3"}, by="ann", imported=True)
    assert "needle" not in repr(store.variable_history(app.id, 10))
    assert not [path.name for path in database.parent.iterdir() if b"needle" in path.read_bytes()]
