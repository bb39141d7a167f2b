"""The environment of an app as files and as a history, through the real command: what goes out comes back in."""

from __future__ import annotations

import os
import pwd
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from potions.schema import Variable, VariableAct, VariablesChange
from support.platform import Platform
from support.seen_by_app import command_lines_with, files_with, value_of
from support.terminal import in_terminal

#: Nothing in it may come out where nobody asked for a value.
SECRET = "wolpertinger '4711' $HOME"
VALUES = {
    "SECRET": SECRET,
    "TLS_KEY": "-----BEGIN KEY-----\nabc+/=\n-----END KEY-----\n",
    "SPACES": "  both ends  ",
    "SHELL": "'; touch /tmp/owned; echo \"$(id)` #",
    "LINES": "one\r\ntwo\rthree\n\n",
    "SMUGGLER": "1\nSTORAGE_DIR=/elsewhere\nexport PORT='1",
    "BACKSLASHES": "C:\\new\\\\x\\'\\",
    "UNICODE": "zürich 日本語 🧪\u2028",
    "EMPTY": "",
}


@pytest.fixture
def own_files(potions: Platform) -> Iterator[Callable[[str], Path]]:
    """Paths of files beside the home, which are gone afterwards: they have values in them."""
    made: list[Path] = []

    def path(name: str) -> Path:
        made.append(potions.folder / name)
        return made[-1]

    yield path
    for file in made:
        file.unlink(missing_ok=True)


def saved(potions: Platform, app: str) -> dict[str, Variable]:
    with potions.client as client:
        return {variable.name: variable for variable in client.variables(app, reveal=True)}


def values(potions: Platform, app: str) -> dict[str, str | None]:
    return {name: variable.value for name, variable in saved(potions, app).items() if not variable.auto}


def put(potions: Platform, app: str, wanted: dict[str, str]) -> None:
    with potions.client as client:
        client.change_variables(app, VariablesChange(set=wanted))


@pytest.mark.contract("S16")
def test_an_environment_moves_to_another_app(
    potions: Platform, release: Callable[..., Path], own_files: Callable[[str], Path]
) -> None:
    """Exported, imported as a replacement and deployed: the other app's process has it byte for byte.

    The locked variables are in no file, no file brings them in, and a replacement does not take them away.
    """
    for app in ("from", "into"):
        potions.do("apps", "create", app)
    put(potions, "from", VALUES)
    put(potions, "into", {"OLD": "1"})
    before = saved(potions, "into")
    file = own_files("from.env")
    potions.do("env", "export", "from", "-o", str(file))
    assert file.stat().st_mode & 0o777 == 0o600
    for name in ("STORAGE_DIR", "PORT", "POTIONS_APP"):
        crafted = own_files("crafted.env")
        crafted.write_text(f"{file.read_bytes().decode()}\n{name}=/elsewhere\n")
        for words in (("--replace", "--yes"), ("--replace", "--dry-run"), ("--replace",)):
            outcome = potions.refused("env", "import", "into", str(crafted), *words)
            assert f"{name} is reserved" in outcome.err
            assert "wolpertinger" not in outcome.text
    assert saved(potions, "into") == before
    assert "Removing OLD" in potions.refused("env", "import", "into", str(file), "--replace").err
    plan = potions.do("env", "import", "into", str(file), "--replace", "--dry-run").out
    assert saved(potions, "into") == before
    done = potions.do("env", "import", "into", str(file), "--replace", "--yes").out
    assert "removed   OLD" in plan and "removed   OLD" in done
    assert values(potions, "into") == VALUES
    potions.do("deploy", str(release("1")), "--app", "into")
    assert {name: value_of(potions, "into", name) for name in VALUES} == {
        name: value.encode() for name, value in VALUES.items()
    }
    assert value_of(potions, "into", "STORAGE_DIR") == str(potions.tree("into").storage).encode()
    assert value_of(potions, "into", "PORT") == str(potions.get("into").json()["port"]).encode()
    assert value_of(potions, "into", "OLD") is None
    assert saved(potions, "into")["SECRET_KEY_BASE"].value == before["SECRET_KEY_BASE"].value
    # The whole of it comes back as it was, through a pipe as well, and nothing that was automatic ceases to be.
    was = saved(potions, "into")
    everything = potions.do("env", "export", "into", "--all").out
    assert "Nothing to change." in potions.do("env", "import", "into", "--replace", stdin=everything).out
    assert saved(potions, "into") == was
    for name, value in VALUES.items():
        assert potions.do("env", "get", "into", name).out.encode() == f"{value}\n".encode()
    assert not Path("/tmp/owned").exists()


@pytest.mark.contract("P8")
def test_who_did_what_is_known_and_no_value_is(potions: Platform) -> None:
    """Every change and every look stands in the history, under the name of the system's user, with names alone.

    The agent's log has the looks. No value is in either, nor in the platform's files or a command line.
    """
    potions.do("apps", "create", "diary")
    potions.do("env", "set", "diary", "SECRET", stdin=SECRET)
    potions.do("env", "set", "diary", "SECRET", stdin=SECRET)
    potions.do("env", "import", "diary", stdin=f'A=1\nB=2\nSECRET="{SECRET}"\n')
    potions.do("env", "unset", "diary", "A", "MIX_ENV")
    potions.do("env", "list", "diary")
    assert potions.do("env", "get", "diary", "SECRET").out == f"{SECRET}\n"
    assert potions.do("env", "get", "diary", "SECRET").out == f"{SECRET}\n"
    assert SECRET in potions.do("env", "list", "diary", "--reveal").out
    potions.do("env", "export", "diary")
    me = pwd.getpwuid(os.geteuid()).pw_name
    history = potions.json("env", "history", "diary")
    rest = ["PHX_HOST", "PHX_SERVER", "SECRET", "SECRET_KEY_BASE"]
    assert {event["by"] for event in history} == {me}
    assert [(event["act"], event["added"], event["changed"], event["removed"], event["seen"]) for event in history] == [
        ("exported", [], [], [], ["B", "SECRET"]),
        ("revealed", [], [], [], ["B", *rest]),
        ("revealed", [], [], [], ["SECRET"]),
        ("unset", [], [], ["A", "MIX_ENV"], []),
        ("imported", ["A", "B"], [], [], []),
        ("set", ["SECRET"], [], [], []),
        ("created", ["MIX_ENV", *[name for name in rest if name != "SECRET"]], [], [], []),
    ]
    told = potions.do("env", "history", "diary", "SECRET").out
    assert [line.split()[3] for line in told.splitlines()[1:]] == ["exported", "revealed", "revealed", "set"]
    log = (potions.home.logs / "agent.log").read_text()
    assert f"{me} revealed SECRET of diary" in log
    assert f"{me} exported B, SECRET of diary" in log
    assert files_with(potions.home.root, b"wolpertinger") == {}
    assert command_lines_with("wolpertinger") == []
    potions.do("apps", "delete", "diary", "--yes")
    potions.do("apps", "restore", "diary", "--as", "journal")
    newest = potions.json("env", "history", "journal", "--limit", "1")[0]
    assert (newest["act"], newest["by"], newest["changed"]) == ("remade", me, ["PHX_HOST"])


def test_an_import_does_what_was_shown_or_nothing(potions: Platform, own_files: Callable[[str], Path]) -> None:
    """Somebody changes a variable while another looks at the preview: the yes is refused, and nothing is half done."""
    potions.do("apps", "create", "blog")
    put(potions, "blog", {"KEPT": "1"})
    file = own_files("blog.env")
    file.write_text("NEW=1\nKEPT=2\n")
    words = ("potions", "env", "import", "blog", str(file), "--replace")

    def in_between() -> None:
        put(potions, "blog", {"LATER": "1"})

    for act, said, wanted in (
        (in_between, "changed since the preview", {"KEPT": "1", "LATER": "1"}),
        (lambda: None, "potions redeploy blog", {"NEW": "1", "KEPT": "2"}),
    ):
        with in_terminal(*words, environment=potions.environment, folder=potions.folder) as command:
            shown = command.until("[y/N]")
            assert "added     NEW" in shown and "changed   KEPT" in shown
            act()
            command.type("y\n")
            assert said in command.rest()
        assert values(potions, "blog") == wanted
    acts = [event["act"] for event in potions.json("env", "history", "blog") if event["act"] != VariableAct.REVEALED]
    assert acts == ["imported", "set", "set", "created"]
    assert "removed   LATER" in shown
