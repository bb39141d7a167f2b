"""Consoles and commands: a program in the live slot, as if it ran where its caller is."""

from __future__ import annotations

import hashlib
import os
import random
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from potions.host.processes import every_opened_process
from potions.schema.terminal import WINDOW, Open
from support.platform import Platform, wait_for
from support.terminal import in_terminal

#: Says what it is told, and goes on: a console is ended by a program's own end, not by Ctrl-C.
LISTENER = """\
import os, signal, sys
def say(*words):
    os.write(1, (" ".join(map(str, words)) + "\\n").encode())
signal.signal(signal.SIGINT, lambda *_: say("interrupted"))
signal.signal(signal.SIGWINCH, lambda *_: say("now", *os.get_terminal_size()))
print("ready", *os.get_terminal_size(), os.environ["TERM"], sys.stdin.isatty(), flush=True)
while (line := sys.stdin.readline().strip()) != "end":
    print("heard", line, flush=True)
sys.exit(7)
"""


@pytest.fixture(scope="module")
def blog(shared_platform: Platform, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Platform]:
    """A Potions with the app `blog`, which serves."""
    from support.releases import behave_release

    folder = tmp_path_factory.mktemp("releases")
    shared_platform.do("apps", "create", "blog")
    shared_platform.do("env", "set", "blog", "SECRET=of the app")
    release = behave_release(folder / "1", "1", files={"listener.py": LISTENER})
    shared_platform.do("deploy", str(release), "--app", "blog")
    yield shared_platform
    shared_platform.do("apps", "delete", "blog", "--yes", "--purge")


@pytest.fixture(autouse=True)
def nothing_is_left(shared_platform: Platform) -> Iterator[None]:
    """Whatever a story did, nothing that somebody opened runs on."""
    yield
    wait_for(lambda: not opened(shared_platform), "all that was opened has ended")
    wait_for(lambda: not list(shared_platform.home.run.glob("*.terminal.json")), "no spec of it is left")


def opened(potions: Platform) -> set[int]:
    return every_opened_process(potions.home.apps)


def shell(potions: Platform, text: str, stdin: bytes | str = "") -> tuple[int, str, str]:
    return tuple(potions.run("run", "blog", "--", "sh", "-c", text, stdin=stdin))  # type: ignore[return-value]


def in_blog(potions: Platform, *words: str, term: str = "dumb"):  # type: ignore[no-untyped-def]
    return in_terminal("potions", *words, environment=potions.environment, term=term)


# What comes back


@pytest.mark.contract("P15")
def test_output_errors_and_status_come_back_as_they_are(blog: Platform) -> None:
    """Both streams apart, and the exit status of the program; 128 and its number for a signal."""
    assert shell(blog, "echo out; echo err >&2; exit 3") == (3, "out\n", "err\n")
    assert shell(blog, "kill -KILL $$") == (137, "", "")
    assert shell(blog, "echo to my own > /dev/stdout; echo and > /dev/stderr") == (0, "to my own\n", "and\n")


def test_a_command_has_what_the_app_has(blog: Platform) -> None:
    """The variables of the live slot, its directory and its user; PORT is the app's own, and no terminal is there."""
    wanted = 'echo "$SECRET|$STORAGE_DIR|$POTIONS_SLOT|${PORT-none}|${TERM-none}|$(pwd)|$(id -un)"'
    tree = blog.tree("blog")
    live = blog.live("blog")
    user = shell(blog, "stat -c %U storage/.")[1].strip()
    told = f"of the app|{tree.storage}|{live}|none|none|{tree.slot(live)}|{user}\n"
    assert shell(blog, wanted) == (0, told, "")


def test_words_are_handed_on_as_they_are(blog: Platform) -> None:
    """There is no shell in between unless one is asked for, and whatever looks like an option is the program's."""
    outcome = blog.run("run", "blog", "printf", "%s|", "a b", "$HOME", "*", "--help", "--json", "é", "")
    assert (outcome.status, outcome.out) == (0, "a b|$HOME|*|--help|--json|é||")


def test_a_program_that_is_not_there_is_told_as_by_a_shell(blog: Platform) -> None:
    """Status 127, and words; 126 for what is no program."""
    outcome = blog.run("run", "blog", "--", "no-such-program")
    assert outcome.status == 127
    assert "there is no program 'no-such-program'" in outcome.err
    assert blog.run("run", "blog", "--", "./behaviour.json").status == 126


def test_bytes_go_through_unchanged_both_ways(blog: Platform) -> None:
    """More than may be on its way at once, of every value, in and out, and their end arrives."""
    data = random.Random(5).randbytes(20 * WINDOW + 17)
    done = subprocess.run(
        ["potions", "run", "blog", "--", "cat"], input=data, capture_output=True, env=blog.environment, check=False
    )
    assert (done.returncode, done.stderr) == (0, b"")
    assert hashlib.sha256(done.stdout).digest() == hashlib.sha256(data).digest()


def test_input_that_nobody_reads_holds_nothing_up(blog: Platform) -> None:
    """The program ends when it ends, whatever its caller still had to say."""
    assert shell(blog, "exec <&-; exit 4", stdin=b"x" * 5 * WINDOW)[0] == 4
    assert shell(blog, "exit 5", stdin=b"x" * 5 * WINDOW)[0] == 5


def test_what_a_command_leaves_behind_ends_with_it(blog: Platform) -> None:
    """Whoever called it gets the status at once, and nothing of it runs on."""
    began = time.monotonic()
    assert shell(blog, "nohup sleep 3600 & setsid sleep 3601 & exit 6")[0] == 6
    assert time.monotonic() - began < 20
    assert not opened(blog)


def test_ctrl_c_reaches_a_command_without_a_terminal(blog: Platform) -> None:
    """It is for the program, which may go on; the command here ends when that ends."""
    script = "trap 'echo caught; exit 9' INT; echo ready; while :; do sleep 0.1; done"
    command = blog.start("run", "blog", "--", "sh", "-c", script)
    assert command.stdout is not None
    assert command.stdout.readline() == "ready\n"
    command.send_signal(signal.SIGINT)
    assert command.stdout.read() == "caught\n"
    assert command.wait(60) == 9


# In a terminal


def test_a_terminal_has_its_size_its_kind_and_its_keys(blog: Platform) -> None:
    """The program sees the size and each new one; Ctrl-C interrupts it and not the command here."""
    with in_blog(blog, "run", "blog", "--", "python3", "listener.py", term="xterm-256color") as command:
        command.resize(101, 33)
        told = command.until("True")
        assert told.endswith("xterm-256color True")
        if "ready 101 33" not in told:
            command.until("now 101 33")
        command.resize(77, 22)
        command.until("now 77 22")
        command.type("hello\r")
        command.until("heard hello")
        command.type("\x03")
        command.until("interrupted")
        command.type("end\r")
        command.rest()
        assert command.status() == 7


def test_the_local_terminal_is_afterwards_as_it_was(blog: Platform) -> None:
    """Also where the command here is ended from outside, and the program with it."""
    with in_blog(blog, "run", "blog", "--", "python3", "listener.py") as command:
        before = command.settings()
        command.until("ready")
        assert command.settings() != before
        command.send_signal(signal.SIGTERM)
        assert command.status() == 128 + signal.SIGTERM
        assert command.settings() == before
    wait_for(lambda: not opened(blog), "the program ends")


def test_colours_come_through_and_job_control_works(blog: Platform) -> None:
    """A shell in it stops a program by Ctrl-Z and goes on with it: the terminal is its controlling one."""
    with in_blog(blog, "run", "blog", "--", "sh", "-i", term="xterm") as command:
        command.type("printf '\\033[31mred\\033[0m\\n'; tty\r")
        command.until("\x1b[31mred\x1b[0m")
        command.until("/dev/pts/")
        command.type("set -m; sleep 1000\r")
        wait_for(lambda: _runs(blog, "sleep"), "it sleeps")
        command.type("\x1a")
        command.until("Stopped")
        command.type("exit 8\r")
        command.until("You have stopped jobs.")
        command.type("exit 8\r")
        command.rest()
        assert command.status() == 8


def _runs(potions: Platform, name: str) -> bool:
    return any(psutil.Process(pid).name() == name for pid in opened(potions) if psutil.pid_exists(pid))


def test_a_connection_that_hangs_can_be_left(blog: Platform) -> None:
    """At the beginning of a line ~. ends it, whatever the program does; ~~ is one ~, and elsewhere ~ is itself."""
    with in_blog(blog, "run", "blog", "--", "python3", "listener.py") as command:
        command.until("ready")
        command.type("~~x ~.\r")
        command.until("heard ~x ~.")
        command.type("~.")
        assert "left" in command.rest()
        assert command.status() == 130
    wait_for(lambda: not opened(blog), "the program ends")


@pytest.mark.contract("P15")
def test_a_console_is_opened_by_what_the_app_is(blog: Platform, release: Callable[..., Path]) -> None:
    """Without a hint it is a shell, and the first lines say so; what [run] console says counts before all else."""
    with in_blog(blog, "console", "blog") as command:
        assert "shell: /bin/sh, in" in command.until("~.")
        command.type("echo it is $((6*7))\r")
        command.until("it is 42")
        command.type("exit\r")
        command.rest()
        assert command.status() == 0
    manifest = '[run]\nconsole = "echo $((6*7)) from the manifest; exec cat"\n'
    blog.do("deploy", str(release("2", manifest=manifest, files={"listener.py": LISTENER})), "--app", "blog")
    with in_blog(blog, "console", "blog") as command:
        command.until("42 from the manifest")
        command.type("\x04")
        command.rest()
        assert command.status() == 0


# What ends it


def test_a_client_that_is_killed_takes_its_program_along(blog: Platform) -> None:
    """No terminal is there any more, so nothing runs in it; also what ignores that."""
    with in_blog(blog, "run", "blog", "--", "sh", "-c", "trap '' HUP TERM; echo ready; sleep 3600") as command:
        command.until("ready")
        assert opened(blog)
        command.send_signal(signal.SIGKILL)
        wait_for(lambda: not opened(blog), "the program ends")


@pytest.mark.contract("P15")
def test_a_deploy_that_retires_the_slot_ends_what_is_open_there(blog: Platform, release: Callable[..., Path]) -> None:
    """With a word in the terminal; one that is opened then is in the new slot."""
    live = blog.live("blog")
    with in_blog(blog, "run", "blog", "--", "sh", "-i") as command:
        command.type("echo in $POTIONS_SLOT\r")
        command.until(f"in {live}")
        blog.do("deploy", str(release("3", files={"listener.py": LISTENER})), "--app", "blog")
        assert "another one serves" in command.rest()
        assert command.status() == 128 + signal.SIGHUP
    assert shell(blog, "echo $POTIONS_SLOT") == (0, f"{live.other}\n", "")


def test_stopping_the_app_ends_it_too_and_a_stopped_app_has_one(blog: Platform) -> None:
    """What is to be mended in an app that does not run is mended in its slot."""
    with in_blog(blog, "run", "blog", "--", "sh", "-i") as command:
        command.type("echo it is $((6*7))\r")
        command.until("it is 42")
        blog.do("stop", "blog")
        assert "app was stopped" in command.rest()
    assert shell(blog, "echo mended") == (0, "mended\n", "")
    assert "stopped-runs" not in blog.run("doctor", "blog", "--json").out
    blog.do("start", "blog")


def test_nothing_is_left_of_it_when_the_agent_is_killed(blog: Platform) -> None:
    """Whoever had it open is told; the next agent ends what was left."""
    pid = blog.agent_pid()
    with in_blog(blog, "run", "blog", "--", "sh", "-c", "trap '' HUP TERM; echo ready; sleep 3600") as command:
        command.until("ready")
        os.kill(pid, signal.SIGKILL)
        assert "The connection to the agent broke" in command.rest()
        assert command.status() == 1
    wait_for(lambda: blog.run("status").status == 0, "the agent is back")
    wait_for(lambda: not opened(blog), "the program ends")


# How much


def test_a_flood_is_held_back_and_stays_out_of_the_agents_memory(blog: Platform) -> None:
    """A program that prints without end waits for whoever reads; the agent holds nothing of it."""
    agent = psutil.Process(blog.agent_pid())
    shell(blog, "true")
    before = agent.memory_info().rss
    reader = subprocess.Popen(
        ["potions", "run", "blog", "--", "sh", "-c", "yes | head -c 300000000"],
        stdout=subprocess.PIPE,
        env=blog.environment,
    )
    assert reader.stdout is not None
    try:
        assert reader.stdout.read(4) == b"y\ny\n"
        # As long as nobody reads on, the program stands still.
        wait_for(lambda: _cpu_stands_still(blog), "the flood stands still")
        assert agent.memory_info().rss - before < 30_000_000
        count = 4
        while piece := reader.stdout.read(1_000_000):
            count += len(piece)
        assert count == 300_000_000
        assert agent.memory_info().rss - before < 30_000_000
    finally:
        reader.kill()
        reader.wait()


def _cpu_stands_still(potions: Platform) -> bool:
    found = [process for process in map(psutil.Process, opened(potions)) if process.name() == "yes"]
    if not found:
        return False
    first = found[0].cpu_times()
    time.sleep(0.2)
    return found[0].cpu_times() == first


def test_so_many_may_be_open_and_no_more(blog: Platform) -> None:
    """The next one is refused in words, and another may be opened once one has ended."""
    from contextlib import ExitStack

    from potions.errors import TooManyTerminals
    from potions.service.terminals import MOST_OF_APP

    with blog.client as client, ExitStack() as held:
        lines = [held.enter_context(client.terminal("blog", Open(["cat"]))) for _ in range(MOST_OF_APP)]
        wait_for(lambda: len(opened(blog)) == MOST_OF_APP, "all of them run")
        with pytest.raises(TooManyTerminals), client.terminal("blog", Open(["cat"])):
            pass
        lines[0].cut()
        wait_for(lambda: len(opened(blog)) < MOST_OF_APP, "one has ended")
        assert shell(blog, "echo more") == (0, "more\n", "")


# Refused


def test_what_cannot_be_opened_is_refused_in_words(blog: Platform) -> None:
    """An app that is not there, one without a release, a command without a name, a console without a terminal."""
    assert "no app" in blog.refused("run", "nobody", "--", "true").err.lower()
    blog.do("apps", "create", "empty")
    assert "Nothing is deployed to empty yet." in blog.refused("run", "empty", "--", "true").err
    assert blog.refused("run", "empty").status == 2
    assert "potions run empty -- COMMAND" in blog.refused("console", "empty").err
    assert '"code":"nothing-deployed"' in blog.refused("run", "empty", "--json", "--", "true").err
    blog.do("apps", "delete", "empty", "--yes", "--purge")


def test_who_opened_what_stands_in_the_log(blog: Platform) -> None:
    """Who, which program, how it ended; none of its words, which may be passwords."""
    shell(blog, "exit 3")
    entries = blog.json("audit", "--app", "blog")[:2]
    assert [(one["act"], one["detail"][:20]) for one in entries] == [
        ("end run", "sh and 2 words: stat"),
        ("open run", "sh and 2 words"),
    ]
    assert "status 3" in entries[0]["detail"]
    assert "exit 3" not in str(entries)
