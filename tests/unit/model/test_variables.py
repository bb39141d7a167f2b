"""What a slot runs with, what is saved and not live, and what a rollback brings back."""

from __future__ import annotations

import pytest

from potions.layout import Colour
from potions.model.variable import Liveness
from potions.model.variables import (
    AUTO_NAMES,
    AUTO_PLAIN,
    SlotPlace,
    automatic_of_then,
    differences,
    environment_of_then,
    is_plain,
    new_automatic_values,
    node_name,
    slot_environment,
)
from potions.names import LOCKED_VARIABLES


def _environment(
    colour: Colour = Colour.BLUE,
    *,
    defaults: dict[str, str] | None = None,
    variables: dict[str, str] | None = None,
    epmd_port: int | None = None,
) -> dict[str, str]:
    place = SlotPlace(
        app="blog-a",
        colour=colour,
        port=4001,
        directory="/srv/apps/blog-a",
        storage="/srv/apps/blog-a/storage",
        home="/srv/apps/blog-a/.home",
        account="deploy",
        search_path="/usr/bin:/bin",
        epmd_port=epmd_port,
    )
    return slot_environment(place, defaults=defaults or {}, variables=variables or {})


def test_a_slot_starts_from_these_variables_and_no_other() -> None:
    """Nothing of the platform's own environment reaches an app."""
    assert _environment() == {
        "PATH": "/usr/bin:/bin",
        "HOME": "/srv/apps/blog-a/.home",
        "LANG": "C.UTF-8",
        "USER": "deploy",
        "LOGNAME": "deploy",
        "SHELL": "/bin/sh",
        "PORT": "4001",
        "STORAGE_DIR": "/srv/apps/blog-a/storage",
        "POTIONS_APP": "blog-a",
        "POTIONS_SLOT": "blue",
        "POTIONS_DIR": "/srv/apps/blog-a",
    }


def test_a_saved_variable_wins_over_the_manifest_and_that_over_the_base() -> None:
    """The manifest holds defaults, and the server's values win."""
    defaults = {"MIX_ENV": "manifest", "LANG": "manifest"}
    assert _environment(defaults=defaults)["MIX_ENV"] == "manifest"
    assert _environment(defaults=defaults)["LANG"] == "manifest"
    saved = _environment(defaults=defaults, variables={"MIX_ENV": "saved", "PATH": "/x"})
    assert (saved["MIX_ENV"], saved["LANG"], saved["PATH"]) == ("saved", "manifest", "/x")


@pytest.mark.parametrize("layer", ["defaults", "variables"])
@pytest.mark.parametrize("name", ["STORAGE_DIR", "PORT", "POTIONS_APP", "POTIONS_SLOT", "POTIONS_DIR"])
def test_the_locked_ones_win_whatever_was_saved(name: str, layer: str) -> None:
    """Also if a reserved name got past every check."""
    assert _environment(**{layer: {name: "smuggled"}})[name] == _environment()[name]  # type: ignore[arg-type]


def test_an_erlang_release_has_a_node_of_its_own_in_each_slot() -> None:
    """Two nodes with one name end each other, and the platform's epmd knows both."""
    blue, green = (_environment(colour, epmd_port=4369, variables={"RELEASE_NODE": "x"}) for colour in Colour)
    assert blue["RELEASE_NODE"] == "blog-a_blue@127.0.0.1"
    assert green["RELEASE_NODE"] == "blog-a_green@127.0.0.1"
    assert blue["RELEASE_DISTRIBUTION"] == "name"
    assert (blue["ERL_EPMD_ADDRESS"], blue["ERL_EPMD_PORT"]) == ("127.0.0.1", "4369")
    assert blue["ERL_CRASH_DUMP"] == "/srv/apps/blog-a/.home/erl_crash.dump"


def test_an_erlang_node_neither_starts_an_epmd_nor_listens_to_the_world() -> None:
    """Unless a person says otherwise, with flags of their own."""
    assert _environment(epmd_port=4369)["ERL_AFLAGS"] == (
        "-start_epmd false -kernel inet_dist_use_interface {127,0,0,1}"
    )
    assert _environment(epmd_port=4369, variables={"ERL_AFLAGS": "-smp"})["ERL_AFLAGS"] == "-smp"


def test_no_other_app_gets_a_word_about_erlang() -> None:
    """An inherited RELEASE_ variable breaks the start of a release that an app itself runs."""
    assert not [name for name in _environment() if name.startswith(("RELEASE_", "ERL_"))]


def test_nodes_of_apps_whose_names_are_close_differ() -> None:
    """No app's name can complete another one's to the same node."""
    names = [node_name(app, colour) for app in ("a", "a-blue", "a-b", "ab", "blog", "blog2") for colour in Colour]
    assert len(set(names)) == len(names)


def test_the_automatic_variables_are_the_saved_and_the_locked_ones() -> None:
    """Every automatic name is either saved with the app or made for the slot."""
    saved = new_automatic_values("k" * 86, "blog.localhost")
    assert saved == {
        "SECRET_KEY_BASE": "k" * 86,
        "PHX_HOST": "blog.localhost",
        "PHX_SERVER": "true",
        "MIX_ENV": "prod",
    }
    assert {*saved} | LOCKED_VARIABLES == AUTO_NAMES
    assert sorted(AUTO_NAMES - AUTO_PLAIN) == ["SECRET_KEY_BASE"]


def test_everything_the_platform_adds_by_itself_may_be_seen() -> None:
    """Paths and names of the platform stay readable in logs; a person's values and the key do not.

    Flags for Erlang count as a person's: theirs may hold a cookie.
    """
    assert [name for name in _environment(epmd_port=4369) if not is_plain(name)] == ["ERL_AFLAGS"]
    assert not is_plain("SECRET_KEY_BASE")
    assert not is_plain("DATABASE_URL")


def test_what_is_saved_is_compared_with_what_runs() -> None:
    """A change, an addition and a removal are each told."""
    saved = {"SAME": "1", "CHANGED": "new", "ADDED": "1"}
    live = {"SAME": "1", "CHANGED": "old", "REMOVED": "1"}
    assert differences(saved, live) == {
        "ADDED": Liveness.SAVED,
        "CHANGED": Liveness.SAVED,
        "REMOVED": Liveness.REMOVED,
        "SAME": Liveness.LIVE,
    }


def test_an_empty_value_is_a_value() -> None:
    """A variable that became empty is not one that was removed."""
    assert differences({"A": ""}, {"A": "1"}) == {"A": Liveness.SAVED}
    assert differences({"A": ""}, {}) == {"A": Liveness.SAVED}
    assert differences({}, {"A": ""}) == {"A": Liveness.REMOVED}
    assert differences({"A": ""}, {"A": ""}) == {"A": Liveness.LIVE}


@pytest.mark.parametrize(
    ("then", "today", "runs_with"),
    [
        (("then", True), ("today", True), "today"),
        (("then", True), ("today", False), "then"),
        (("then", True), None, "then"),
        (("then", False), ("today", True), "then"),
        (("then", False), ("today", False), "then"),
        (("then", False), None, "then"),
        (None, ("today", True), "today"),
        (None, ("today", False), None),
    ],
)
def test_a_rollback_brings_back_the_variables_of_then_with_the_automatic_ones_of_today(
    then: tuple[str, bool] | None, today: tuple[str, bool] | None, runs_with: str | None
) -> None:
    """Only what is automatic on both sides, or did not exist then, is as of today."""
    sides = [({"A": side[0]}, {"A"} if side[1] else set()) if side else ({}, set()) for side in (then, today)]
    (then_values, then_automatic), (today_values, today_automatic) = sides
    found = environment_of_then(then_values, then_automatic, today_values, today_automatic)
    assert found.get("A") == runs_with
    still = automatic_of_then(then_values, then_automatic, today_automatic)
    assert still == ({"A"} if runs_with == "today" else set())
