"""What is asked about variables: values only for those who stand in the history for it, changes whole or not at all."""

from __future__ import annotations

import logging
import shutil

import pytest

from potions.dotenv import parse_dotenv
from potions.errors import (
    AppDirectoryGone,
    AppUnknown,
    NoRoom,
    PreviewOutdated,
    ReservedVariable,
    UsageRefused,
    VariableUnknown,
)
from potions.layout import AppTree
from potions.model.app import App
from potions.schema import VariableAct, VariablesChange
from potions.service import Service
from potions.service.variables import VariableService

SECRET = "wolpertinger '4711' $HOME"


@pytest.fixture
def variables(service: Service, app: App) -> VariableService:
    """Of an app with a variable of its own."""
    service.variables.change("blog", VariablesChange(set={"KEY": SECRET}), "ann")
    return service.variables


def looks(variables: VariableService) -> list[tuple[str, VariableAct, list[str]]]:
    return [(event.by, event.act, event.seen) for event in variables.history("blog", 100, None) if event.seen]


def test_a_list_without_values_is_no_look(variables: VariableService) -> None:
    """Nobody saw anything but what is no secret: the locked ones."""
    found = {variable.name: variable.value for variable in variables.hidden("blog")}
    assert {name for name, value in found.items() if value is not None} == {"STORAGE_DIR", "PORT"}
    assert looks(variables) == []


def test_every_way_to_a_value_is_remembered(variables: VariableService, caplog: pytest.LogCaptureFixture) -> None:
    """With who asked and which names, in the history and in the agent's log; no value is in either."""
    caplog.set_level(logging.INFO)
    assert variables.variable("blog", "KEY", "ann").value == SECRET
    revealed = {variable.name: variable.value for variable in variables.revealed("blog", "ben")}
    assert revealed["KEY"] == SECRET
    assert parse_dotenv(variables.export("blog", "eve", automatic=True).text)["KEY"] == SECRET
    assert looks(variables) == [
        ("eve", VariableAct.EXPORTED, ["KEY", "PHX_HOST"]),
        ("ben", VariableAct.REVEALED, ["KEY", "PHX_HOST"]),
        ("ann", VariableAct.REVEALED, ["KEY"]),
    ]
    assert [record.getMessage() for record in caplog.records] == [
        "ann revealed KEY of blog",
        "ben revealed KEY, PHX_HOST of blog",
        "eve exported KEY, PHX_HOST of blog",
    ]
    assert "wolpertinger" not in repr(variables.history("blog", 100, None)) + caplog.text


def test_what_cannot_be_remembered_is_not_told(
    variables: VariableService, service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On a full disk nobody sees a value in secret."""

    def fill(*_args: object) -> None:
        raise NoRoom("The disk is full.")

    monkeypatch.setattr(service.context.store, "record_look", fill)
    for ask in (
        lambda: variables.variable("blog", "KEY", "ann"),
        lambda: variables.revealed("blog", "ann"),
        lambda: variables.export("blog", "ann", automatic=False),
    ):
        with pytest.raises(NoRoom):
            ask()


def test_one_variable_is_the_saved_one(variables: VariableService) -> None:
    """A locked one is no secret and no look; one that is not there is refused, with a name like it."""
    assert variables.variable("blog", "STORAGE_DIR", "ann").value
    assert looks(variables) == []
    with pytest.raises(VariableUnknown) as refused:
        variables.variable("blog", "KEYS", "ann")
    assert "KEY" in refused.value.why
    for name in ("", "x" * 5000, "\x1b[31m", "POTIONS_DIR"):
        with pytest.raises(VariableUnknown):
            variables.variable("blog", name, "ann")


# Exporting


def test_an_export_leaves_out_what_another_app_has_of_its_own(variables: VariableService) -> None:
    """And says so in a comment; with everything only the locked ones are missing, which an import refuses."""
    found = variables.export("blog", "ann", automatic=False)
    assert parse_dotenv(found.text) == {"KEY": SECRET}
    assert (found.names, found.left_out) == (["KEY"], ["PHX_HOST", "STORAGE_DIR", "PORT"])
    assert "PHX_HOST (with --all" in found.text
    everything = variables.export("blog", "ann", automatic=True)
    assert parse_dotenv(everything.text) == {"KEY": SECRET, "PHX_HOST": "blog.localhost"}
    assert everything.left_out == ["STORAGE_DIR", "PORT"]


def test_an_export_names_what_other_programs_take_for_something_else(variables: VariableService) -> None:
    """By name, and only where there is one."""
    assert "some other programs do not: KEY\n" in variables.export("blog", "ann", automatic=False).text
    variables.change("blog", VariablesChange(set={"KEY": "plain"}), "ann")
    assert "some other programs" not in variables.export("blog", "ann", automatic=False).text


def test_an_export_of_nothing_is_no_look(variables: VariableService) -> None:
    """Nobody saw a value."""
    variables.change("blog", VariablesChange(unset=["KEY"]), "ann")
    assert variables.export("blog", "ann", automatic=False).names == []
    assert looks(variables) == []


def test_what_was_exported_changes_nothing_when_it_comes_back(variables: VariableService) -> None:
    """Wholly as it was, also as a replacement, and what was automatic still is."""
    before = variables.revealed("blog", "ann")
    for automatic in (False, True):
        text = variables.export("blog", "ann", automatic=automatic).text
        changed = variables.change("blog", VariablesChange(dotenv=text, replace=True), "ann")
        assert changed.is_empty
    assert variables.revealed("blog", "ann") == before


def test_a_directory_that_is_gone_does_not_take_the_variables_along(variables: VariableService, tree: AppTree) -> None:
    """They can still be exported; to change them would be in vain."""
    moved = tree.root.with_name("moved-by-hand")
    tree.root.rename(moved)
    try:
        assert variables.export("blog", "ann", automatic=False).names == ["KEY"]
        for act in (
            lambda: variables.preview("blog", VariablesChange(dotenv="A=1")),
            lambda: variables.change("blog", VariablesChange(dotenv="A=1"), "ann"),
        ):
            with pytest.raises(AppDirectoryGone):
                act()
    finally:
        shutil.move(moved, tree.root)


# Changing


def test_a_preview_is_what_is_done_then(variables: VariableService) -> None:
    """With what no change reaches: what the file does not name, and the locked ones."""
    change = VariablesChange(dotenv="A=1\n", replace=True)
    preview = variables.preview("blog", change)
    assert (preview.added, preview.removed) == (["A"], ["KEY"])
    assert preview.kept == ["PHX_HOST", "STORAGE_DIR", "PORT"]
    assert [variable.name for variable in variables.hidden("blog")][2:] == ["KEY", "PHX_HOST"]
    agreed = VariablesChange(dotenv="A=1\n", replace=True, version=preview.version)
    assert variables.change("blog", agreed, "ann").removed == ["KEY"]
    with pytest.raises(PreviewOutdated, match="changed since"):
        variables.change("blog", agreed, "ann")
    assert [variable.name for variable in variables.hidden("blog")][2:] == ["A", "PHX_HOST"]


@pytest.mark.parametrize("name", ["STORAGE_DIR", "PORT", "POTIONS_APP"])
def test_a_replacement_with_a_reserved_name_is_refused(variables: VariableService, name: str) -> None:
    """In the preview as in the change; nothing was replaced."""
    before = variables.revealed("blog", "ann")
    change = VariablesChange(dotenv=f"A=1\n{name}=wolpertinger\n", replace=True)
    for act in (lambda: variables.preview("blog", change), lambda: variables.change("blog", change, "ann")):
        with pytest.raises(ReservedVariable) as refused:
            act()
        assert "wolpertinger" not in str(refused.value)
    assert variables.revealed("blog", "ann") == before


def test_only_a_file_can_replace(variables: VariableService) -> None:
    """And one with a variable in it: a pipe whose first half failed would remove everything."""
    for change in (
        VariablesChange(replace=True),
        VariablesChange(set={"A": "1"}, replace=True),
        VariablesChange(dotenv="", replace=True),
        VariablesChange(dotenv="# A=1\n", replace=True),
    ):
        with pytest.raises(UsageRefused):
            variables.change("blog", change, "ann")
    assert "KEY" in [variable.name for variable in variables.hidden("blog")]


def test_an_app_that_is_not_there_has_no_history(variables: VariableService) -> None:
    """It is said, and not an empty list."""
    with pytest.raises(AppUnknown):
        variables.history("nobody", 1, None)


def test_no_value_is_in_what_a_traceback_prints(variables: VariableService) -> None:
    """Requests, answers and variables print names alone."""
    shown = [
        VariablesChange(set={"A": SECRET}, dotenv=f"A={SECRET}"),
        variables.variable("blog", "KEY", "ann"),
        variables.export("blog", "ann", automatic=True),
    ]
    assert "wolpertinger" not in repr(shown)
