"""What must hold of apps in the store."""

from __future__ import annotations

import sqlite3
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from threading import Barrier

import pytest

from potions.errors import AppTaken, AppUnknown, InternalError, PortsExhausted
from potions.model.app import App, Ports
from potions.names import AppName
from potions.store.records import ChoosePorts, StoredVariable
from potions.store.store import Store


def test_a_created_app_is_found_by_its_name(store: Store, choose: ChoosePorts) -> None:
    """What create_app returns is what app and apps return."""
    made = store.create_app(AppName("blog"), choose, {})
    assert made.ports == Ports(4000)
    assert not made.stopped
    assert abs((datetime.now(UTC) - made.created).total_seconds()) < 60
    assert store.app("blog") == made
    assert store.apps() == [made]


def test_apps_are_listed_by_name(store: Store, choose: ChoosePorts) -> None:
    """The order of the list is that of the names, whatever was made first."""
    for name in ("shop", "blog", "blog2"):
        store.create_app(AppName(name), choose, {})
    assert [app.name for app in store.apps()] == ["blog", "blog2", "shop"]


def test_every_app_has_its_own_ports(store: Store, choose: ChoosePorts) -> None:
    """The choice is told which pairs are taken."""
    seen: list[set[int]] = []

    def watch(taken: set[int]) -> Ports | None:
        seen.append(taken)
        return choose(taken)

    firsts = [store.create_app(AppName(name), watch, {}).ports.first for name in ("a", "b", "c")]
    assert firsts == [4000, 4002, 4004]
    assert seen == [set(), {4000}, {4000, 4002}]


def test_freed_ports_are_used_again(store: Store, choose: ChoosePorts) -> None:
    """A deleted app lets go of its pair."""
    first = store.create_app(AppName("a"), choose, {})
    store.create_app(AppName("b"), choose, {})
    store.delete_app(first.id, None)
    assert store.create_app(AppName("c"), choose, {}).ports == first.ports


def test_automatic_variables_come_with_the_app(store: Store, app: App) -> None:
    """They are there as soon as the app is, and marked as made by the platform."""
    assert store.variables(app.id) == {
        "PHX_HOST": StoredVariable("blog.localhost", auto=True),
        "SECRET_KEY_BASE": StoredVariable("made-for-blog", auto=True),
    }


def test_a_name_can_be_taken_once(store: Store, app: App, choose: ChoosePorts) -> None:
    """The second app of a name is refused, and nothing of it is kept."""
    with pytest.raises(AppTaken):
        store.create_app(app.name, choose, {"PHX_HOST": "other"})
    assert store.apps() == [app]
    assert store.variables(app.id)["PHX_HOST"].value == "blog.localhost"


def test_no_ports_no_app(store: Store) -> None:
    """Where no pair is left the app is refused, and its name stays free."""
    with pytest.raises(PortsExhausted) as refused:
        store.create_app(AppName("blog"), lambda _taken: None, {})
    assert "blog" in refused.value.what
    assert store.apps() == []


def test_a_choice_that_is_taken_is_a_mistake_of_ours(store: Store, app: App) -> None:
    """The database itself refuses to give one pair to two apps."""
    with pytest.raises(InternalError):
        store.create_app(AppName("shop"), lambda _taken: app.ports, {})
    assert store.apps() == [app]


def test_an_error_while_choosing_changes_nothing(store: Store) -> None:
    """Whatever the choice raises comes out, and the store goes on working."""

    def fail(_taken: set[int]) -> Ports:
        raise OSError("no network")

    with pytest.raises(OSError, match="no network"):
        store.create_app(AppName("blog"), fail, {})
    assert store.apps() == []


def test_an_unknown_app_is_told_with_names_like_it(store: Store, app: App) -> None:
    """A slip of the finger is answered with the right name; a different word is not."""
    with pytest.raises(AppUnknown) as close:
        store.app("blgo")
    assert close.value.why == "Did you mean blog?"
    with pytest.raises(AppUnknown) as far:
        store.app("warehouse")
    assert far.value.why == ""


def test_stopped_is_remembered(store: Store, app: App) -> None:
    """A person's stop and start are kept."""
    store.set_stopped(app.id, True)
    assert store.app("blog").stopped
    store.set_stopped(app.id, False)
    assert not store.app("blog").stopped


def test_a_forgotten_app_leaves_no_row(store: Store, app: App, database: Path, deploy) -> None:
    """Every table that names an app lets go of it."""
    store.step_began(deploy().id, "receive")
    store.forget_app(app.id)
    store.forget_app(app.id)
    with sqlite3.connect(database) as connection:
        for table in ("apps", "variables", "releases", "deployments", "steps", "trash"):
            assert connection.execute(f"SELECT count(*) FROM {table}").fetchone() == (0,), table
    connection.close()


def test_an_id_never_comes_back(store: Store, app: App, choose: ChoosePorts) -> None:
    """A new app of an old name has another id, also when the old one had the highest."""
    store.forget_app(app.id)
    assert store.create_app(app.name, choose, {}).id > app.id


def test_a_purged_app_cannot_be_changed(store: Store, app: App) -> None:
    """Who still holds an app that is gone hears of it."""
    store.forget_app(app.id)
    with pytest.raises(InternalError):
        store.set_stopped(app.id, True)


def test_of_many_threads_one_gets_the_name(store: Store, choose: ChoosePorts) -> None:
    """Twelve threads create the same app at once: one wins, and the others are told that it is taken."""
    together = Barrier(12)

    def create(_turn: int) -> App | None:
        together.wait()
        try:
            return store.create_app(AppName("blog"), choose, {"A": "1"})
        except AppTaken:
            return None

    with ThreadPoolExecutor(12) as threads:
        made = [app for app in threads.map(create, range(12)) if app]
    assert made == store.apps()
    assert len(made) == 1


def test_many_threads_get_ports_of_their_own(store: Store, choose: ChoosePorts) -> None:
    """Twelve threads create different apps at once: no pair is given twice, and none is left out."""
    together = Barrier(12)

    def create(turn: int) -> int:
        together.wait()
        return store.create_app(AppName(f"app{turn}"), choose, {}).ports.first

    with ThreadPoolExecutor(12) as threads:
        firsts = list(threads.map(create, range(12)))
    assert sorted(firsts) == [4000 + 2 * turn for turn in range(12)]
