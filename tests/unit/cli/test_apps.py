"""`potions apps` says what it did, with sizes and dates, and deletes nothing unasked."""

from __future__ import annotations

import os
import pty
from datetime import timedelta

import msgspec
import pytest

from potions.errors import AppTaken, TrashUnknown
from potions.schema import AppCreate, AppDetail, AppSummary, Removal, RestoreRequest, Status, TrashEntry
from support import answers
from support.canned_agent import CannedAgent
from support.command import Run, Spawn


def test_create_says_where_things_are(run: Run, agent: CannedAgent) -> None:
    """A new app's address and storage are named, and the next command."""
    agent.says("POST", "/apps", answers.detail(serves=None))
    outcome = run("apps", "create", "blog")
    assert outcome.status == 0
    assert "http://blog.localhost:8480" in outcome.out
    assert "/opt/potions/blog/storage" in outcome.out
    assert "potions deploy PATH --app blog" in outcome.out
    assert agent.asked[0].decoded(AppCreate) == AppCreate("blog")


def test_create_of_a_taken_name_fails(run: Run, agent: CannedAgent) -> None:
    """A refusal of the agent is printed with what to do."""
    agent.refuses("POST", "/apps", AppTaken("blog"))
    outcome = run("apps", "create", "blog")
    assert (outcome.status, outcome.out) == (1, "")
    assert "Error: There is an app called blog already." in outcome.err
    assert "potions apps show blog" in outcome.err


def test_list_shows_each_app_on_a_line(run: Run, agent: CannedAgent) -> None:
    """Name, state, release and address fit a line of a small terminal."""
    measured = msgspec.structs.replace(answers.summary(), storage_bytes=3_400_000)
    apps = [measured, answers.summary("blog2", "stopped", 1), answers.summary("new", "empty", None)]
    agent.says("GET", "/apps", apps)
    lines = run("apps", "list").out.splitlines()
    assert [line.split() for line in lines] == [
        ["APP", "STATE", "SERVES", "STORAGE", "ADDRESS"],
        ["blog", "running", "r2,", "3", "h", "ago", "3.4", "MB", "http://blog.localhost:8480"],
        ["blog2", "stopped", "r1,", "3", "h", "ago", "http://blog2.localhost:8480"],
        ["new", "empty", "nothing", "yet", "http://new.localhost:8480"],
    ]
    assert max(map(len, lines)) <= 80


def test_a_long_name_is_folded_not_cut(run: Run, agent: CannedAgent) -> None:
    """The longest name there can be stays readable in 80 columns."""
    name = "x" * 40
    agent.says("GET", "/apps", [answers.summary(name)])
    lines = run("apps", "list").out.splitlines()
    assert max(map(len, lines)) <= 80
    assert "".join(lines).count("x") == 80


def test_an_empty_list_says_what_to_do(run: Run, agent: CannedAgent) -> None:
    """Without an app the list says how to make one."""
    agent.says("GET", "/apps", [])
    assert "potions apps create NAME" in run("apps", "list").out


def test_list_in_json_is_the_agents_answer(run: Run, agent: CannedAgent) -> None:
    """`--json` prints what the API answered, and nothing else."""
    agent.says("GET", "/apps", [answers.summary()])
    outcome = run("apps", "list", "--json")
    assert msgspec.json.decode(outcome.out, type=list[AppSummary]) == [answers.summary()]
    assert outcome.err == ""


def test_deleted_apps_are_listed_with_their_time(run: Run, agent: CannedAgent) -> None:
    """What can be brought back is shown with its size, and with how to do it."""
    until = answers.NOW + timedelta(hours=72)
    agent.says("GET", "/trash", [TrashEntry("blog", answers.NOW, until, 45_000_000, 2400)])
    out = run("apps", "list", "--deleted").out
    assert "2,400 files, 45.0 MB" in out
    assert until.astimezone().strftime("%H:%M") in out
    assert "potions apps restore APP" in out


def test_no_deleted_app(run: Run, agent: CannedAgent) -> None:
    """An empty trash is said in words."""
    agent.says("GET", "/trash", [])
    assert run("apps", "list", "--deleted").out == "No deleted app is kept.\n"


def test_show_names_everything_and_what_can_be_done(run: Run, agent: CannedAgent) -> None:
    """Slots, storage, the release to roll back to, and variables that are not live."""
    running = answers.deployment(3, status=Status.BUILDING)
    agent.says("GET", "/apps/blog", answers.detail(unsaved=2, running=running))
    out = run("apps", "show", "blog").out
    for words in (
        "/opt/potions/blog/storage",
        "12 files, 3.4 MB",
        "green (live)",
        "130.0 MB",
        "potions rollback blog",
        "potions redeploy blog",
        "Deploy 3 is building: potions log blog 3 -f",
    ):
        assert words in out
    assert max(map(len, out.splitlines())) <= 80


def test_show_in_json(run: Run, agent: CannedAgent) -> None:
    """`--json` prints the whole page as the API answers it."""
    agent.says("GET", "/apps/blog", answers.detail())
    assert msgspec.json.decode(run("apps", "show", "blog", "--json").out, type=AppDetail) == answers.detail()


# Deleting


def test_delete_asks_for_the_name_where_it_can(agent: CannedAgent, spawn: Spawn) -> None:
    """In a terminal the sizes are shown, and the app goes once its name was typed."""
    status, seen = _delete_in_terminal(agent, spawn, b"blog\n")
    assert status == 0
    assert seen.index("3.4 MB") < seen.index("Type its name (blog)") < seen.index("blog is deleted")
    assert seen.count("45.0 MB") == 2
    assert "potions apps restore blog" in seen
    assert agent.paths() == ["GET /apps/blog/removal", "DELETE /apps/blog"]


@pytest.mark.parametrize("typed", [b"blog2\n", b"y\n", b"\n", b"\x04"])
def test_delete_does_nothing_for_any_other_word(agent: CannedAgent, spawn: Spawn, typed: bytes) -> None:
    """Another word than the name changes nothing."""
    status, seen = _delete_in_terminal(agent, spawn, typed)
    assert status == 2
    assert "nothing was changed" in seen
    assert agent.paths() == ["GET /apps/blog/removal"]


def _delete_in_terminal(agent: CannedAgent, spawn: Spawn, typed: bytes) -> tuple[int, str]:
    agent.says("GET", "/apps/blog/removal", answers.removal())
    agent.says("DELETE", "/apps/blog", answers.removal())
    ours, theirs = pty.openpty()
    process = spawn("apps", "delete", "blog", stdin=theirs, stdout=theirs, stderr=theirs, start_new_session=True)
    os.close(theirs)
    seen = b""
    answered = False
    while piece := _read(ours):
        seen += piece
        if b"to go on: " in seen and not answered:
            os.write(ours, typed)
            answered = True
    os.close(ours)
    return process.wait(), seen.decode()


def _read(terminal: int) -> bytes:
    try:
        return os.read(terminal, 65_536)
    except OSError:
        # Linux says EIO once nobody holds the other end.
        return b""


def test_delete_in_a_script_needs_yes(run: Run, agent: CannedAgent) -> None:
    """Where nobody can be asked nothing is deleted, and the way to mean it is named."""
    agent.says("GET", "/apps/blog/removal", answers.removal())
    outcome = run("apps", "delete", "blog")
    assert outcome.status == 2
    assert "--yes" in outcome.err
    assert agent.paths() == ["GET /apps/blog/removal"]


def test_delete_with_yes_says_until_when_it_can_be_undone(run: Run, agent: CannedAgent) -> None:
    """The answer has the sizes, and the command that brings the app back."""
    agent.says("DELETE", "/apps/blog", answers.removal())
    outcome = run("apps", "delete", "blog", "--yes")
    assert outcome.status == 0
    assert "2,400 files, 45.0 MB" in outcome.out
    assert "potions apps restore blog" in outcome.out
    assert agent.asked[0].query == {"purge": "false"}


def test_a_purge_says_that_there_is_no_way_back(run: Run, agent: CannedAgent) -> None:
    """`--purge` is sent on, and its finality is said."""
    agent.says("DELETE", "/apps/blog", answers.removal(restorable_until=None))
    outcome = run("apps", "delete", "blog", "--purge", "--yes")
    assert "cannot be brought back" in outcome.out
    assert agent.asked[0].query == {"purge": "true"}


def test_delete_in_json(run: Run, agent: CannedAgent) -> None:
    """`--json` prints the removal alone."""
    agent.says("DELETE", "/apps/blog", answers.removal())
    assert msgspec.json.decode(run("apps", "delete", "blog", "--yes", "--json").out, type=Removal) == answers.removal()


def test_restore_under_another_name(run: Run, agent: CannedAgent) -> None:
    """`--as` gives the app a new name."""
    agent.says("POST", "/trash/blog/restore", answers.detail("blog-old"))
    outcome = run("apps", "restore", "blog", "--as", "blog-old")
    assert outcome.out.startswith("blog-old is back.")
    assert agent.asked[0].decoded(RestoreRequest) == RestoreRequest("blog-old")


def test_restore_of_what_is_not_there(run: Run, agent: CannedAgent) -> None:
    """A name that is not in the trash is told, with where to look."""
    agent.refuses("POST", "/trash/blog/restore", TrashUnknown("blog"))
    outcome = run("apps", "restore", "blog")
    assert outcome.status == 1
    assert "potions apps list --deleted" in outcome.err
