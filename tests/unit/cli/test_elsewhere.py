"""`--server`: where it may stand, what refuses it, and that suggestions carry it on."""

from __future__ import annotations

import pytest

from potions.cli.elsewhere import addressed, server_word, take_server
from potions.errors import UsageRefused
from support.command import Run


@pytest.mark.parametrize(
    ("words", "left", "word"),
    [
        (["--server", "shop", "status"], ["status"], "shop"),
        (["status", "--server=shop"], ["status"], "shop"),
        (["log", "blog", "--server", "a@b:22", "3"], ["log", "blog", "3"], "a@b:22"),
        (["run", "blog", "--", "x", "--server", "y"], ["run", "blog", "--", "x", "--server", "y"], ""),
        (["--server", "shop", "run", "--", "--server"], ["run", "--", "--server"], "shop"),
        (["status"], ["status"], ""),
        ([], [], ""),
    ],
)
def test_it_may_stand_anywhere_before_two_dashes(
    words: list[str], left: list[str], word: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Behind them, words belong to another program."""
    monkeypatch.delenv("POTIONS_SERVER", raising=False)
    assert take_server(words) == left
    assert server_word() == word


@pytest.mark.parametrize(
    "words",
    [["status", "--server"], ["--server", "", "status"], ["--server=", "status"], ["--server", "--json", "status"]],
)
def test_it_wants_a_server(words: list[str]) -> None:
    """A word that is missing is told with an example."""
    with pytest.raises(UsageRefused, match=r"anna@example\.org"):
        take_server(words)


def test_only_one_server_can_be_meant() -> None:
    """Twice is once too often."""
    with pytest.raises(UsageRefused, match="twice"):
        take_server(["--server", "a", "status", "--server", "b"])


@pytest.mark.parametrize("command", ["up", "down", "dev", "init", "agent", "server"])
def test_what_only_makes_sense_here_refuses_it(run: Run, command: str) -> None:
    """In words that say why; `here` is no contradiction."""
    outcome = run("--server", "root@example.invalid", command)
    assert outcome.status == 2
    assert f"potions {command} is not for another computer." in outcome.err
    assert take_server(["--server", "here", command]) == [command]


def test_the_environment_means_it_less(monkeypatch: pytest.MonkeyPatch) -> None:
    """POTIONS_SERVER is for the commands that can be for a server, and what is typed wins over it."""
    monkeypatch.setenv("POTIONS_SERVER", "shop")
    take_server(["status"])
    assert server_word() == "shop"
    take_server(["up"])
    assert server_word() == "here"
    take_server(["--server", "here", "status"])
    assert server_word() == "here"


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("Look: potions log blog 3 -f", "Look: potions --server a@b log blog 3 -f"),
        ("potions down, then potions up", "potions down, then potions up"),
        ("potions server add a@b", "potions server add a@b"),
        (
            "(potions apps list) or potions logs APP",
            "(potions --server a@b apps list) or potions --server a@b logs APP",
        ),
        ("/srv/potions env, mypotions log, potions logbook", "/srv/potions env, mypotions log, potions logbook"),
    ],
)
def test_what_is_suggested_can_be_copied(text: str, told: str) -> None:
    """Each command that is for the server says so; what is for this computer stays as it is."""
    take_server(["--server", "a@b", "status"])
    assert addressed(text) == told
    take_server(["--server", "here", "status"])
    assert addressed(text) == text
    take_server(["status"])
    assert addressed(text) == text


def test_a_server_with_a_difficult_name_is_quoted() -> None:
    """What is copied goes through a shell."""
    take_server(["--server", "a b", "status"])
    assert addressed("potions status") == "potions --server 'a b' status"
    take_server([])
