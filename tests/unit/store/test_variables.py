"""What must hold of saved variables in the store."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest
from msgspec.structs import replace

from potions.errors import PreviewOutdated, StoreFailed, UsageRefused, VariableUnknown
from potions.layout import Colour
from potions.model.app import App
from potions.model.variable import VariableAct
from potions.names import AppName
from potions.schema import VariablesChanged
from potions.secret import Sealer, new_key
from potions.store.records import ChoosePorts, StoredVariable
from potions.store.store import Store

AWKWARD = "two\nlines, \"quotes\", 'more', =, $HOME, %d, #, ünï \U0001f9ea, and a very long tail" + "x" * 100_000


def test_a_value_comes_back_byte_for_byte(store: Store, app: App) -> None:
    """Any text is kept, the empty one included."""
    store.change_variables(app.id, {"AWKWARD": AWKWARD, "EMPTY": ""}, [])
    saved = store.variables(app.id)
    assert saved["AWKWARD"] == StoredVariable(AWKWARD, auto=False)
    assert saved["EMPTY"].value == ""
    assert list(saved) == sorted(saved)


def test_a_change_says_what_it_did(store: Store, app: App) -> None:
    """Added, changed, removed and unchanged are told apart, by name."""
    store.change_variables(app.id, {"SAME": "1", "OTHER": "1", "GONE": "1"}, [])
    changed = store.change_variables(app.id, {"SAME": "1", "OTHER": "2", "B": "", "A": ""}, ["GONE", "GONE"])
    assert replace(changed, version="") == VariablesChanged(
        added=["A", "B"],
        changed=["OTHER"],
        removed=["GONE"],
        unchanged=["SAME"],
        kept=["PHX_HOST", "SECRET_KEY_BASE"],
    )
    assert {name: saved.value for name, saved in store.variables(app.id).items() if not saved.auto} == {
        "A": "",
        "B": "",
        "OTHER": "2",
        "SAME": "1",
    }


def test_an_automatic_variable_that_is_set_is_the_persons_own(store: Store, app: App) -> None:
    """Also where the value stays the same: the platform then leaves it alone."""
    changed = store.change_variables(app.id, {"PHX_HOST": "blog.localhost"}, [])
    assert changed.changed == ["PHX_HOST"]
    assert store.variables(app.id)["PHX_HOST"] == StoredVariable("blog.localhost", auto=False)


def test_an_automatic_variable_can_be_removed(store: Store, app: App) -> None:
    """It is gone, like any other."""
    assert store.change_variables(app.id, {}, ["PHX_HOST"]).removed == ["PHX_HOST"]
    assert list(store.variables(app.id)) == ["SECRET_KEY_BASE"]


def test_removing_an_unknown_variable_changes_nothing(store: Store, app: App) -> None:
    """What would have been set and removed beside it stays as it was, and a name like it is offered."""
    before = store.variables(app.id)
    with pytest.raises(VariableUnknown) as refused:
        store.change_variables(app.id, {"A": "1"}, ["PHX_HOST", "SECRET_KEY_BAES"])
    assert "SECRET_KEY_BAES" in refused.value.what
    assert "SECRET_KEY_BASE" in refused.value.why
    assert store.variables(app.id) == before


def test_one_name_is_not_set_and_removed_at_once(store: Store, app: App) -> None:
    """Which of the two was meant is not guessed."""
    before = store.variables(app.id)
    with pytest.raises(UsageRefused):
        store.change_variables(app.id, {"PHX_HOST": "other"}, ["PHX_HOST"])
    assert store.variables(app.id) == before


def test_an_import_of_the_same_value_leaves_it_automatic(store: Store, app: App) -> None:
    """A file with everything in it, of which one line was edited, makes nothing else the person's own."""
    wanted = {"PHX_HOST": "blog.localhost", "SECRET_KEY_BASE": "mine"}
    changed = store.change_variables(app.id, wanted, imported=True)
    assert (changed.changed, changed.unchanged) == (["SECRET_KEY_BASE"], ["PHX_HOST"])
    assert store.variables(app.id) == {
        "PHX_HOST": StoredVariable("blog.localhost", auto=True),
        "SECRET_KEY_BASE": StoredVariable("mine", auto=False),
    }


def test_a_replacement_removes_what_it_does_not_name(store: Store, app: App) -> None:
    """A person's own, but no automatic one: an export leaves those out."""
    store.change_variables(app.id, {"A": "1", "B": "1", "PHX_HOST": "mine"})
    changed = store.change_variables(app.id, {"A": "2"}, imported=True, replace=True)
    assert (changed.changed, changed.removed) == (["A"], ["B", "PHX_HOST"])
    assert changed.kept == ["SECRET_KEY_BASE"]
    assert list(store.variables(app.id)) == ["A", "SECRET_KEY_BASE"]


def test_a_preview_says_what_a_change_then_does(store: Store, app: App) -> None:
    """And does nothing itself, to the variables or to the history."""
    store.change_variables(app.id, {"A": "1", "B": "1"})
    before = (store.variables(app.id), store.variable_history(app.id, 10))
    preview = store.preview_variables(app.id, {"A": "2", "C": "1"}, ["B"])
    assert (store.variables(app.id), store.variable_history(app.id, 10)) == before
    changed = store.change_variables(app.id, {"A": "2", "C": "1"}, ["B"], version=preview.version)
    assert replace(changed, version="") == replace(preview, version="")
    assert changed.version == store.preview_variables(app.id, {}).version != preview.version


@pytest.mark.parametrize(
    ("set", "unset"),
    [({"NEW": "1"}, []), ({"A": "2"}, []), ({}, ["A"]), ({"PHX_HOST": "blog.localhost"}, [])],
    ids=["added", "changed", "removed", "no longer automatic"],
)
def test_a_change_since_the_preview_refuses_the_whole(
    store: Store, app: App, set: dict[str, str], unset: list[str]
) -> None:
    """Whatever somebody else did in between, also where it was taken back; nothing is half done."""
    store.change_variables(app.id, {"A": "1"})
    preview = store.preview_variables(app.id, {"B": "1"}, ["SECRET_KEY_BASE"])
    store.change_variables(app.id, set, unset)
    if "A" in set:
        store.change_variables(app.id, {"A": "1"})
    before = store.variables(app.id)
    with pytest.raises(PreviewOutdated):
        store.change_variables(app.id, {"B": "1"}, ["SECRET_KEY_BASE"], version=preview.version)
    assert store.variables(app.id) == before


def test_a_look_and_another_app_do_not_outdate_a_preview(store: Store, app: App, choose: ChoosePorts) -> None:
    """Only what would change what the preview said does."""
    other = store.create_app(AppName("blog2"), choose, {})
    preview = store.preview_variables(app.id, {"A": "1"})
    store.record_look(app.id, "ann", VariableAct.REVEALED, ["PHX_HOST"])
    store.change_variables(other.id, {"A": "1"})
    assert store.change_variables(app.id, {"A": "1"}, version=preview.version).added == ["A"]


def test_a_version_tells_nothing_about_a_value(store: Store, app: App, choose: ChoosePorts) -> None:
    """Two states with the same values have different ones, so no value can be found by trying."""
    versions = [store.change_variables(app.id, {"A": value}).version for value in ("1", "2", "1", "2")]
    assert len({*versions}) == 4


def test_apps_do_not_see_each_others_variables(store: Store, app: App, choose: ChoosePorts) -> None:
    """blog and blog2 may have variables of one name."""
    other = store.create_app(AppName("blog2"), choose, {})
    store.change_variables(other.id, {"PHX_HOST": "other"}, [])
    store.change_variables(other.id, {}, ["PHX_HOST"])
    assert store.variables(other.id) == {}
    assert store.variables(app.id)["PHX_HOST"].value == "blog.localhost"


def test_no_plain_value_reaches_the_disk(store: Store, app: App, database: Path, choose: ChoosePorts, deploy) -> None:
    """Neither the file nor its write-ahead log holds a value, wherever it came in."""
    store.create_app(AppName("shop"), choose, {"KEY": "needle-automatic"})
    store.change_variables(app.id, {"KEY": "needle-variable"}, [])
    deployment = deploy()
    store.begin(deployment.id, Colour.BLUE, None, {"KEY": "needle-environment"}, [])
    store.create_deployment(app.id, deployment.kind, deployment.release.id, "ana", 1, {"KEY": "needle-rollback"}, [])
    on_disk = {path.name: path.read_bytes() for path in database.parent.iterdir()}
    # The name is looked for as well: it shows that the search would find a value.
    assert b"KEY" in on_disk["agent.db-wal"]
    assert not [name for name, content in on_disk.items() if b"needle" in content]
    store.close()
    assert b"needle" not in database.read_bytes()
    assert b"KEY" in database.read_bytes()


def test_a_value_opens_only_where_it_was_put(store: Store, app: App, database: Path) -> None:
    """Moving one variable's sealed value to another, as who can write the file might, is noticed."""
    with sqlite3.connect(database) as connection:
        connection.execute(
            "UPDATE variables SET sealed = (SELECT sealed FROM variables WHERE name = 'SECRET_KEY_BASE')"
        )
    connection.close()
    with pytest.raises(StoreFailed):
        store.variables(app.id)


def test_another_key_is_refused(store: Store, app: App, database: Path) -> None:
    """A database with the wrong secret.key says so instead of giving out nonsense."""
    other = Store.open(database, Sealer(new_key()))
    with pytest.raises(StoreFailed):
        other.variables(app.id)
    other.close()


def test_a_stored_variable_does_not_print_its_value() -> None:
    """A traceback or a log that shows it shows no secret."""
    assert "hush" not in repr({"KEY": StoredVariable("hush", auto=False)})
