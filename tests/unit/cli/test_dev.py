"""`potions dev`: the command runs as if it had been typed, with the storage of the project."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from potions.cli.dev import find_manifest, project_of
from support.command import Run

PRINT_ALL = "import json, os; print(json.dumps(dict(os.environ)))"

Dev = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def project(tmp_path: Path) -> Path:
    folder = tmp_path / "shop"
    folder.mkdir()
    return folder


@pytest.fixture
def dev(project: Path) -> Dev:
    """Runs `potions dev -- WORDS` in the project, or in ``cwd``, with nothing in its environment but ``env``."""

    def run(
        *words: str, cwd: Path = project, env: Mapping[str, str] | None = None, **more: object
    ) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "potions.cli.main", "dev", "--", *words]
        environment = {"PATH": os.environ["PATH"], "PORT": "1"} if env is None else env
        return subprocess.run(  # type: ignore[call-overload,no-any-return]
            command, cwd=cwd, env=environment, capture_output=True, text=True, check=False, **more
        )

    return run


def seen(done: subprocess.CompletedProcess[str]) -> dict[str, str]:
    """The environment that `PRINT_ALL` printed."""
    assert done.returncode == 0, done.stderr
    found: dict[str, str] = json.loads(done.stdout)
    # What the interpreter of the test adds to itself.
    return {name: value for name, value in found.items() if name != "LC_CTYPE"}


@pytest.mark.parametrize("given", [{}, {"A": "b", "LANG": "C", "POTIONS_HOME": "/x"}])
def test_the_command_finds_what_it_would_have_found(dev: Dev, project: Path, given: dict[str, str]) -> None:
    """STORAGE_DIR and a missing PORT are added; nothing else comes, goes or changes."""
    given = {"PATH": os.environ["PATH"], "PORT": "1234", **given}
    done = dev("/usr/bin/env", "-0", env=given)
    found = dict(entry.split("=", 1) for entry in done.stdout.split("\0") if entry)
    assert found == {**given, "STORAGE_DIR": str(project / "storage")}


def test_the_storage_is_made_and_told(dev: Dev, project: Path) -> None:
    """Once; with a word about .gitignore where Git would keep it."""
    first = dev("true")
    assert (project / "storage").is_dir()
    assert f"Made {project}/storage. Git should not keep it: /storage belongs into .gitignore." in first.stderr
    assert "Made" not in dev("true").stderr
    (project / "storage").rmdir()
    (project / ".gitignore").write_text("storage/\n")
    assert "Git" not in dev("true").stderr


def test_defaults_of_the_manifest_apply_below_the_shells_own(dev: Dev, project: Path) -> None:
    """As on the server, where saved variables win over them."""
    (project / "potions.toml").write_text('[env]\nA = "of the manifest"\nB = "ü\\n\\"$X"\nSTYLE = ""\n')
    found = seen(dev(sys.executable, "-c", PRINT_ALL, env={"PATH": os.environ["PATH"], "A": "of the shell"}))
    assert (found["A"], found["B"], found["STYLE"]) == ("of the shell", 'ü\n"$X', "")


def test_what_makes_a_server_of_it_does_not_hold_here(dev: Dev, project: Path) -> None:
    """The manifest's NODE_ENV is for where it is deployed; one that the shell sets is meant."""
    (project / "potions.toml").write_text('[env]\nNODE_ENV = "production"\nRAILS_ENV = "production"\n')
    found = seen(dev(sys.executable, "-c", PRINT_ALL, env={"PATH": os.environ["PATH"], "RAILS_ENV": "staging"}))
    assert (found.get("NODE_ENV"), found["RAILS_ENV"]) == (None, "staging")


def test_a_storage_dir_of_the_shell_does_not_count(dev: Dev, project: Path) -> None:
    """It could be left over from an app that serves: it is told, and ./storage is used."""
    done = dev("sh", "-c", 'echo "$STORAGE_DIR"', env={"PATH": os.environ["PATH"], "STORAGE_DIR": "/srv/live"})
    assert done.stdout == f"{project}/storage\n"
    assert (
        "STORAGE_DIR was /srv/live; here it is ./storage, so that nothing reaches an app's live files." in done.stderr
    )


def test_a_port_is_given_where_there_is_none(dev: Dev) -> None:
    """8000 or the next that is free, and it is told; one that the shell says stays, even if it is empty."""
    script = 'echo "$PORT"'
    path = {"PATH": os.environ["PATH"]}
    assert dev("sh", "-c", script, env={**path, "PORT": "4711"}).stdout == "4711\n"
    assert dev("sh", "-c", script, env={**path, "PORT": ""}).stdout == "\n"
    with socket.socket() as taken:
        taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            taken.bind(("127.0.0.1", 8000))
            taken.listen()
        except OSError:
            pass  # Somebody else has it, which is as good.
        done = dev("sh", "-c", script, env=path)
    assert 8000 < int(done.stdout) < 8100
    assert f"PORT={done.stdout}" in done.stderr


def test_further_down_the_projects_own_storage_is_used(dev: Dev, project: Path) -> None:
    """The directory with potions.toml counts, it is told, and the command runs where it was typed."""
    (project / "potions.toml").write_text("")
    below = project / "a" / "b"
    below.mkdir(parents=True)
    done = dev("sh", "-c", 'pwd; echo "$STORAGE_DIR"', cwd=below)
    assert done.stdout == f"{below}\n{project}/storage\n"
    assert f"The project is in {project}" in done.stderr
    assert not (below / "storage").exists()


def test_a_manifest_is_looked_for_no_further_than_the_checkout(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Another project's above it, or one in a home directory, is not meant; a Mix project has it as an overlay."""
    below = project / "a" / "b"
    below.mkdir(parents=True)
    assert find_manifest(below) is None
    (project / "potions.toml").write_text("")
    assert find_manifest(below) == project / "potions.toml"
    monkeypatch.setenv("HOME", str(project))
    assert find_manifest(below) is None
    assert find_manifest(project) == project / "potions.toml"
    (project / "a" / ".git").mkdir()
    assert find_manifest(below) is None
    overlay = project / "a" / "rel" / "overlays" / "potions.toml"
    overlay.parent.mkdir(parents=True)
    overlay.write_text("")
    assert find_manifest(below) == overlay
    assert (project_of(overlay), project_of(project / "potions.toml")) == (project / "a", project)


def test_output_input_and_the_exit_status_are_the_commands_own(dev: Dev) -> None:
    """What is said beside goes to standard error."""
    done = dev("sh", "-c", "cat; exit 7", input="typed")
    assert (done.returncode, done.stdout) == (7, "typed")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_signals_reach_the_command_itself(project: Path, number: signal.Signals) -> None:
    """It is the same process: whoever stops `potions dev` stops the command, and sees how it ended."""
    command = [sys.executable, "-m", "potions.cli.main", "dev", "--", "sh", "-c", "echo $$; exec sleep 60"]
    with subprocess.Popen(
        command, cwd=project, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ) as started:
        assert started.stdout is not None
        assert int(started.stdout.readline()) == started.pid
        started.send_signal(number)
        assert started.wait(timeout=30) == -number


def test_a_closed_pipe_ends_the_command_as_it_would_have(dev: Dev) -> None:
    """Python ignores SIGPIPE; the command is not started with that."""
    script = 'for n in $(grep SigIgn /proc/self/status | cut -f 2); do echo "$n"; done'
    assert int(dev("sh", "-c", script).stdout, 16) & (1 << (signal.SIGPIPE - 1) | 1 << (signal.SIGXFSZ - 1)) == 0


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["no-such-command"], "There is no command 'no-such-command'."),
        (["./no/such"], "There is no command './no/such'."),
        (["/etc"], "'/etc' cannot be started."),
        (["./text"], "'./text' cannot be started."),
    ],
    ids=lambda value: value[0] if isinstance(value, list) else "",
)
def test_a_command_that_cannot_be_started_is_told(dev: Dev, project: Path, words: list[str], said: str) -> None:
    """With the exit status that a shell has for it."""
    (project / "text").write_text("neither a program nor a script")
    (project / "text").chmod(0o755)
    done = dev(*words)
    assert (done.returncode, done.stdout) == (127, "")
    assert said in done.stderr


def test_what_is_wrong_before_is_told(run: Run, project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No command, a manifest with a mistake, and something else in the storage's place: nothing is started."""
    monkeypatch.chdir(project)
    assert "Which command?" in run("dev").err
    (project / "potions.toml").write_text("[env]\nSTORAGE_DIR = '/x'\n")
    refused = run("dev", "--json", "--", "touch", "ran")
    assert (refused.status, json.loads(refused.err)["code"]) == (2, "variable-reserved")
    (project / "potions.toml").write_text("")
    for make, why in (
        (lambda path: path.write_text(""), "It is a file."),
        (lambda path: path.symlink_to("nowhere"), "It is a link that leads nowhere."),
    ):
        make(project / "storage")
        refused = run("dev", "--", "touch", "ran")
        assert refused.status == 2
        assert why in refused.err
        (project / "storage").unlink()
    assert not (project / "ran").exists()


def test_a_link_to_another_directory_is_a_persons_own_choice(dev: Dev, project: Path, tmp_path: Path) -> None:
    """A developer may keep the files on another disk."""
    (tmp_path / "elsewhere").mkdir()
    (project / "storage").symlink_to(tmp_path / "elsewhere")
    assert dev("sh", "-c", 'touch "$STORAGE_DIR/a"').returncode == 0
    assert (tmp_path / "elsewhere" / "a").exists()
