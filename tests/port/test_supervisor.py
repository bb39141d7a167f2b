"""What every process supervisor has to hold, over the real one: the port ``Supervisor`` of ``flows.ports``."""

from __future__ import annotations

import os
import shlex
import shutil
import signal
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path

import psutil
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from potions.flows.ports import Supervisor
from potions.layout import Home
from potions.model.service import Account, Phase, Service, ServiceState
from potions.names import ENV_VALUE_MAX_BYTES
from potions.render.envfile import render_environment
from support.bare_home import app_account, bare_home, running_supervisord
from support.platform import wait_for

#: Every implementation of the port, by name: what has it run in a home.
IMPLEMENTATIONS: dict[str, Callable[[Home], AbstractContextManager[Supervisor]]] = {
    "supervisord": running_supervisord,
}

#: Waits for ever without starting anything: a shell that is just starting a program may miss a signal.
_WAIT = "mkfifo never; touch ready; while :; do read -r _ <> never; done"
#: Ends on SIGTERM only after a while, and says how often it was told to.
SLOW_END = f"trap 'echo told >> told; sleep 0.4; touch clean; exit' TERM; {_WAIT}"
DEAF = f"trap '' TERM; {_WAIT}"


@dataclass
class Stage:
    """A supervisor, and what services need around them: a working directory, variables, a log."""

    supervisor: Supervisor
    home: Home
    account: Account
    numbers: Iterator[int] = field(default_factory=lambda: count(1))

    def service(self, command: str, *, restart: bool = True, name: str = "", **variables: str) -> Service:
        """A service of its own directory, which its user may write to."""
        number = next(self.numbers)
        name = name or f"app{number}.blue"
        logs = self.home.app(name.partition(".")[0]).logs
        logs.mkdir(parents=True, exist_ok=True)
        folder = self.home.root / "work" / str(number)
        folder.mkdir(parents=True)
        os.chown(folder, self.account.uid, self.account.gid)
        variables = {"PATH": os.defpath, **variables}
        (folder / "env").write_bytes(render_environment(variables))
        (folder / "env").chmod(0o600)
        return Service(
            name=name,
            command=command,
            directory=folder,
            env_file=folder / "env",
            log_file=logs / f"{number}.log",
            account=self.account,
            stop_timeout=20.0,
            restart=restart,
        )

    def started(self, command: str, *, restart: bool = True, name: str = "") -> Service:
        """A service that was installed and started, and says by a file ``ready`` that it is up."""
        service = self.service(command, restart=restart, name=name)
        self.supervisor.install(service)
        self.supervisor.start(service.name)
        wait_for((service.directory / "ready").exists, f"{command} is ready\n{self.output(service)}")
        return service

    def ended(self, service: Service) -> ServiceState:
        """Run a one-shot to its end."""
        self.supervisor.install(service)
        self.supervisor.start(service.name)
        wait_for(lambda: self.phase(service) is not Phase.RUNNING, f"{service.command} ends")
        return self.supervisor.state(service.name)

    def phase(self, service: Service) -> Phase:
        return self.supervisor.state(service.name).phase

    def output(self, service: Service) -> str:
        return service.log_file.read_text() if service.log_file.exists() else ""

    def running(self, service: Service) -> list[psutil.Process]:
        """Every process that works in the service's directory, however it got there."""
        return [process for process in psutil.process_iter() if _works_in(process, service.directory)]


def _works_in(process: psutil.Process, folder: Path) -> bool:
    try:
        return process.cwd() == str(folder)
    except psutil.Error:
        return False


@pytest.fixture(scope="module", params=IMPLEMENTATIONS)
def shared(request: pytest.FixtureRequest) -> Iterator[Stage]:
    with bare_home() as home, IMPLEMENTATIONS[request.param](home) as supervisor:
        yield Stage(supervisor, home, app_account())


@pytest.fixture
def stage(shared: Stage) -> Iterator[Stage]:
    """The shared supervisor, without a service of this test's afterwards."""
    before = set(shared.supervisor.states())
    yield shared
    for name in set(shared.supervisor.states()) - before:
        shared.supervisor.remove(name)


# Known, started, stopped, forgotten


def test_install_makes_known_and_does_not_start(stage: Stage) -> None:
    """A service that was installed is there and stopped; start runs it, stop ends it, remove forgets it."""
    service = stage.service("touch ready; exec sleep 1000")
    assert stage.supervisor.state(service.name) == ServiceState(Phase.ABSENT)
    stage.supervisor.install(service)
    assert stage.phase(service) is Phase.STOPPED
    before = time.time()
    stage.supervisor.start(service.name)
    state = stage.supervisor.state(service.name)
    assert (state.phase, state.exit_status) == (Phase.RUNNING, None)
    assert psutil.pid_exists(state.pid)
    assert before - 1 <= state.since <= time.time() + 1
    wait_for((service.directory / "ready").exists, "it is ready")
    stage.supervisor.stop(service.name, 5)
    assert stage.phase(service) is Phase.STOPPED
    assert not psutil.pid_exists(state.pid)
    stage.supervisor.remove(service.name)
    assert stage.phase(service) is Phase.ABSENT


def test_a_running_service_stays_as_it_is(stage: Stage) -> None:
    """Installing it as it is and starting it again do not touch its process."""
    service = stage.started("touch ready; exec sleep 1000")
    pid = stage.supervisor.state(service.name).pid
    stage.supervisor.install(service)
    stage.supervisor.start(service.name)
    assert stage.supervisor.state(service.name).pid == pid


def test_install_changes_a_stopped_service(stage: Stage) -> None:
    """The next start runs the new command, in the new directory, with the new variables, into the new log."""
    old = stage.service("echo old; exit 1", restart=False)
    stage.ended(old)
    new = stage.service('echo "$WORD"; pwd; exit 5', restart=False, name=old.name, WORD="new")
    assert stage.ended(new).exit_status == 5
    assert stage.output(new) == f"new\n{new.directory}\n"
    assert stage.output(old) == "old\n"


def test_a_one_shot_becomes_a_service_that_is_kept_running(stage: Stage) -> None:
    """Whether it is started again changes too."""
    once = stage.service("exit 1", restart=False)
    assert stage.ended(once).phase is Phase.EXITED
    kept = stage.service("exit 1", restart=True, name=once.name)
    stage.supervisor.install(kept)
    stage.supervisor.start(kept.name)
    wait_for(lambda: stage.phase(kept) is Phase.CRASHING, "it is started again")


def test_an_unknown_service_is_fine_to_stop_and_to_remove(stage: Stage) -> None:
    """Who cleans up need not know what is there."""
    stage.supervisor.stop("nobody.blue", 5)
    stage.supervisor.remove("nobody.blue")
    assert stage.supervisor.state("nobody.blue") == ServiceState(Phase.ABSENT)


def test_a_stopped_service_is_fine_to_stop(stage: Stage) -> None:
    """Whether it was stopped before or has ended by itself."""
    service = stage.service("exit 4", restart=False)
    stage.supervisor.install(service)
    stage.supervisor.stop(service.name, 5)
    assert stage.ended(service).exit_status == 4
    stage.supervisor.stop(service.name, 5)


def test_a_removed_service_can_be_made_anew(stage: Stage) -> None:
    """Nothing of the one before is left to get in the way."""
    service = stage.service("exit 1", restart=False)
    stage.ended(service)
    stage.supervisor.remove(service.name)
    assert stage.ended(stage.service("exit 2", restart=False, name=service.name)).exit_status == 2


def test_a_running_service_is_stopped_by_remove(stage: Stage) -> None:
    """At once, also where it does not listen to SIGTERM."""
    service = stage.started(DEAF)
    began = time.monotonic()
    stage.supervisor.remove(service.name)
    assert time.monotonic() - began < 5
    assert not stage.running(service)


def test_all_states_in_one_call(stage: Stage) -> None:
    """Every service is there under its own name, as ``state`` tells it."""
    running = stage.started("touch ready; exec sleep 1000")
    ended = stage.service("exit 3", restart=False)
    stage.ended(ended)
    known = stage.service("exit 0")
    stage.supervisor.install(known)
    states = stage.supervisor.states()
    for service in (running, ended, known):
        assert states[service.name] == stage.supervisor.state(service.name)
    assert (states[ended.name].phase, states[ended.name].exit_status) == (Phase.EXITED, 3)


def test_names_that_begin_alike_are_not_mixed_up(stage: Stage) -> None:
    """``blog`` and ``blog2``, and a slot and its migration, are different services."""
    names = ("blog.blue", "blog2.blue", "blog.blue.migrate", "blog.green")
    services = [stage.started("touch ready; exec sleep 1000", name=name) for name in names]
    stage.supervisor.stop("blog.blue", 5)
    stage.supervisor.remove("blog.blue")
    assert [stage.phase(service) for service in services] == [Phase.ABSENT, *[Phase.RUNNING] * 3]


def test_many_at_once_do_not_disturb_each_other(stage: Stage) -> None:
    """Services are installed, run, changed and removed from several threads at the same time."""
    pairs = [(stage.service("exit 1", restart=False), number) for number in range(6)]

    def work(pair: tuple[Service, int]) -> list[object]:
        service, number = pair
        statuses: list[object] = []
        for status in (number, number + 10):
            changed = stage.service(f"exit {status}", restart=False, name=service.name)
            statuses.append(stage.ended(changed).exit_status)
        stage.supervisor.remove(service.name)
        return [*statuses, stage.phase(service)]

    with ThreadPoolExecutor(6) as pool:
        seen = list(pool.map(work, pairs))
    assert seen == [[number, number + 10, Phase.ABSENT] for _, number in pairs]


# Ends


@pytest.mark.parametrize("status", [0, 7, 255])
def test_the_end_of_a_one_shot_is_seen_with_its_status(stage: Stage, status: int) -> None:
    """However fast it ended, and it is not started again."""
    service = stage.service(f"echo run >> runs; exit {status}", restart=False)
    ended = stage.ended(service)
    assert (ended.phase, ended.exit_status, ended.pid) == (Phase.EXITED, status, 0)
    assert (service.directory / "runs").read_text() == "run\n"


def test_a_one_shot_that_a_signal_ends_did_not_succeed(stage: Stage) -> None:
    """Its status is there, and is not 0."""
    ended = stage.ended(stage.service("kill -9 $$", restart=False))
    assert ended.phase is Phase.EXITED
    assert ended.exit_status not in {0, None}


def test_what_cannot_be_started_says_why(stage: Stage) -> None:
    """A missing directory and a missing command end with a status and words in the log."""
    nowhere = stage.service("exit 0", restart=False)
    nowhere.env_file.rename(stage.home.root / f"{nowhere.name}.env")
    nowhere.directory.rmdir()
    assert stage.ended(nowhere).exit_status == 126
    assert "could not be prepared" in stage.output(nowhere)
    mistyped = stage.service("no-such-command", restart=False)
    assert stage.ended(mistyped).exit_status == 127
    assert "no-such-command" in stage.output(mistyped)


def test_a_crash_loop_is_seen_and_can_be_stopped(stage: Stage) -> None:
    """What ends at once again and again is crashing; after a stop it is not started any more."""
    service = stage.service("echo run >> runs; exit 3")
    stage.supervisor.install(service)
    stage.supervisor.start(service.name)
    wait_for(lambda: stage.phase(service) is Phase.CRASHING, "it crashes")
    stage.supervisor.stop(service.name, 5)
    assert stage.phase(service) is Phase.STOPPED


def test_what_ended_is_started_again(stage: Stage) -> None:
    """A service that was up and ends by itself, even with status 0, runs again as another process."""
    service = stage.started("touch ready; while [ ! -e go ]; do sleep 0.05; done; rm go ready; exit 0")
    first = stage.supervisor.state(service.name)
    wait_for(lambda: time.time() > first.since + 1.3, "it is up for long enough not to count as a crash")
    (service.directory / "go").touch()
    wait_for(lambda: stage.supervisor.state(service.name).pid not in {0, first.pid}, "it runs again")


def test_what_has_just_ended_stays_stopped(stage: Stage) -> None:
    """A stop holds also in the moment between an end and the start after it, and takes no time then."""
    command = "echo run >> runs; touch ready; while [ ! -e go ]; do sleep 0.05; done; rm go; exit 1"
    service = stage.started(command)
    state = stage.supervisor.state(service.name)
    wait_for(lambda: time.time() > state.since + 1.3, "it is up for long enough not to count as a crash")
    (service.directory / "go").touch()
    wait_for(lambda: not psutil.pid_exists(state.pid), "it ended")
    began = time.monotonic()
    stage.supervisor.stop(service.name, 5)
    assert time.monotonic() - began < 3
    # Each look gives the supervisor its turn to start it again.
    phases = {stage.phase(service) for _ in range(5)}
    assert phases <= {Phase.STOPPED, Phase.EXITED}, phases
    assert not stage.running(service)


# Stop


def test_a_program_that_ignores_sigterm_is_killed_after_its_grace(stage: Stage) -> None:
    """Not before, and not long after."""
    service = stage.started(DEAF)
    began = time.monotonic()
    stage.supervisor.stop(service.name, 0.5)
    assert 0.5 <= time.monotonic() - began < 5
    assert not stage.running(service)
    assert stage.phase(service) is Phase.STOPPED


def test_a_stop_that_has_to_be_short_kills(stage: Stage) -> None:
    """Whoever waits does not wait for the whole grace: a word from outside ends it."""
    service = stage.started(DEAF)
    began = time.monotonic()
    stage.supervisor.stop(service.name, 60, cut_short=lambda: time.monotonic() - began > 0.3)
    assert 0.3 <= time.monotonic() - began < 5
    assert not stage.running(service)


def test_a_program_gets_its_time_to_end(stage: Stage) -> None:
    """It is told once, and stop returns when it has ended."""
    service = stage.started(SLOW_END)
    stage.supervisor.stop(service.name, 10)
    assert not stage.running(service)
    assert (service.directory / "clean").exists()
    assert (service.directory / "told").read_text() == "told\n"


def test_a_child_whose_shell_is_gone_gets_its_time_to_end(stage: Stage) -> None:
    """The shell ends at once; what it had started is told once, too, and has ended when stop returns."""
    service = stage.started(f"sh -c {shlex.quote(SLOW_END)}; true")
    assert len(stage.running(service)) >= 2
    stage.supervisor.stop(service.name, 10)
    assert not stage.running(service)
    assert (service.directory / "clean").exists()
    assert (service.directory / "told").read_text() == "told\n"


def test_a_deaf_child_whose_shell_is_gone_is_killed_after_its_grace(stage: Stage) -> None:
    """SIGKILL goes to the whole group as well."""
    service = stage.started(f"sh -c {shlex.quote(DEAF)}; true")
    began = time.monotonic()
    stage.supervisor.stop(service.name, 0.5)
    assert 0.5 <= time.monotonic() - began < 5
    assert not stage.running(service)


# What a program finds when it starts


def test_a_program_is_who_it_should_be(stage: Stage) -> None:
    """Its user and no other rights, its directory, umask 022, no open files but the three, no signal ignored."""
    service = stage.started("umask > umask; touch ready; exec sleep 1000")
    process = Path(f"/proc/{stage.supervisor.state(service.name).pid}")
    seen = dict(line.split(":", 1) for line in (process / "status").read_text().splitlines())
    assert seen["Uid"].split() == [str(stage.account.uid)] * 4
    assert seen["Gid"].split() == [str(stage.account.gid)] * 4
    assert not stage.account.switch or seen["Groups"].split() == []
    assert (process / "cwd").readlink() == service.directory
    assert int((service.directory / "umask").read_text(), 8) == 0o022
    assert sorted(os.listdir(process / "fd")) == ["0", "1", "2"]
    # SIGPIPE above all: a program that ignores it never notices that its reader is gone.
    # 32 and 33 are the C library's own; no program can set them, nor get rid of what it inherits.
    assert [int(seen[name], 16) & ~(0b11 << 31) for name in ("SigIgn", "SigBlk")] == [0, 0]


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root: the program has to become another user")
def test_a_program_cannot_become_root_again(stage: Stage) -> None:
    """There is no saved user id to return to."""
    service = stage.service("cat /proc/$$/status > status; exec 2> /dev/null; : > /proc/1/comm", restart=False)
    assert stage.ended(service).exit_status != 0
    assert service.directory.joinpath("status").stat().st_uid == stage.account.uid


def test_all_it_prints_is_in_its_log(stage: Stage) -> None:
    """Both streams, in order, byte for byte."""
    service = stage.service(r"echo one; echo two >&2; printf '\377\000three'", restart=False)
    stage.ended(service)
    assert service.log_file.read_bytes() == b"one\ntwo\n\xff\x00three"


_PIECES = ["\n", "\r\n", '"', "'", "`", "$(id)", "${HOME}", "%", "%(here)s", "%%", ";", " ;x", " #", "\\", "\\n", "="]
_PIECES += [
    ",",
    "export A=1",
    "\x7f",
    "\x01",
    "\x1b[0m",
    "\t",
    " ",
    "  ",
    "é",
    "😀",
    "\u2028",
    "{}",
    "[x]",
    "~",
    "*",
    "&",
]
_VALUES = st.one_of(
    st.text(st.characters(codec="utf-8", exclude_characters="\0")), st.lists(st.sampled_from(_PIECES)).map("".join)
)
_NAMES = st.from_regex(r"[A-Za-z_][A-Za-z0-9_]{0,12}", fullmatch=True)


@settings(max_examples=12, deadline=None, suppress_health_check=list(HealthCheck))
@given(variables=st.dictionaries(_NAMES, _VALUES, min_size=5, max_size=30))
def test_every_value_arrives_byte_for_byte(stage: Stage, variables: dict[str, str]) -> None:
    """Whatever is in it, up to the longest; and nothing else is in the environment."""
    variables |= {"PATH": os.defpath, "LONGEST": "\n%;" + "é" * ((ENV_VALUE_MAX_BYTES - 3) // 2), "NONE": "", "_": "1"}
    service = stage.service("exec cat /proc/self/environ > seen", restart=False, name="echo.blue", **variables)
    assert stage.ended(service).exit_status == 0, stage.output(service)
    seen = (service.directory / "seen").read_bytes().removesuffix(b"\0").split(b"\0")
    # The shell that runs the command adds where it is.
    told = [entry for entry in seen if not entry.startswith((b"PWD=", b"OLDPWD=", b"_="))]
    wanted = [
        entry
        for entry in render_environment(variables).split(b"\0")
        if entry and not entry.startswith((b"PWD=", b"OLDPWD=", b"_="))
    ]
    assert sorted(told) == sorted(wanted)


def test_no_value_is_where_others_can_see_it(stage: Stage) -> None:
    """Neither in what the supervisor keeps nor in a process's words."""
    secret = "a-value-nobody-may-see"
    service = stage.service("touch ready; exec sleep 1000", SECRET=secret)
    stage.supervisor.install(service)
    stage.supervisor.start(service.name)
    wait_for((service.directory / "ready").exists, "it is ready")
    for path in (path for path in stage.home.run.rglob("*") if path.is_file()):
        assert secret.encode() not in path.read_bytes()
    for process in stage.running(service):
        assert secret not in " ".join(process.cmdline())


# Of supervisord alone


def test_an_install_that_was_killed_is_completed_by_the_next(stage: Stage) -> None:
    """At whichever call to supervisord the agent dies: what runs after the next install is what that one asked for."""
    for step in range(4):
        name = f"killed{step}.blue"
        stage.ended(stage.service("echo old", restart=False, name=name))
        new = stage.service("echo new", restart=False, name=name)
        if _install_and_die(stage.supervisor, new, step):
            assert stage.ended(new).exit_status == 0
            assert stage.output(new) == "new\n"


def _install_and_die(supervisor: Supervisor, service: Service, step: int) -> bool:
    """Install in a child that is killed at its call ``step`` to the supervisor; False if it made fewer calls."""
    child = os.fork()
    if child == 0:
        call, calls = supervisor._call, iter(range(100))  # type: ignore[attr-defined]

        def counted(*words: object, **more: object) -> object:
            if next(calls) == step:
                os.kill(os.getpid(), signal.SIGKILL)
            return call(*words, **more)

        supervisor._call = counted  # type: ignore[attr-defined]
        try:
            supervisor.install(service)
        finally:
            os._exit(0)
    _, status = os.waitpid(child, 0)
    return os.WIFSIGNALED(status)


def test_an_app_whose_directory_is_gone_does_not_keep_the_others(stage: Stage) -> None:
    """supervisord would refuse its whole configuration for one missing folder; what runs of it can still be stopped."""
    gone = stage.started("touch ready; exec sleep 1000", name="gone.blue")
    shutil.rmtree(stage.home.app("gone").root)
    assert stage.ended(stage.service("exit 3", restart=False)).exit_status == 3
    assert stage.phase(gone) is Phase.RUNNING
    stage.supervisor.remove(gone.name)
    assert not stage.running(gone)
    assert stage.phase(gone) is Phase.ABSENT


def test_stopping_many_waits_for_the_slowest_only(stage: Stage) -> None:
    """Each gets its time, side by side."""
    services = [stage.started(SLOW_END) for _ in range(3)]
    began = time.monotonic()
    stage.supervisor.stop_all([service.name for service in services])  # type: ignore[attr-defined]
    assert time.monotonic() - began < 3 * 0.4 + 1
    assert [(service.directory / "clean").exists() for service in services] == [True] * 3


def test_calls_from_many_threads_get_their_own_answers(stage: Stage) -> None:
    """A connection is never shared: nobody gets the state of another's service."""
    services = [stage.service(f"exit {number}", restart=False) for number in range(4)]
    for service in services:
        stage.ended(service)
    wrong: list[object] = []

    def look(number: int) -> None:
        for _ in range(25):
            seen = stage.supervisor.state(services[number].name).exit_status
            wrong.extend([seen] if seen != number else [])

    threads = [threading.Thread(target=look, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []
