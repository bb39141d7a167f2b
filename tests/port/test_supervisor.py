"""What every process supervisor has to hold, over the real one: the port ``Supervisor`` of ``flows.ports``."""

from __future__ import annotations

import shlex
import time
from concurrent.futures import ThreadPoolExecutor

import msgspec
import psutil
import pytest

from potions.model.service import NOT_HANDED_OVER, Phase, Service, ServiceState
from support.platform import wait_for
from support.supervised import DEAF, SLOW_END, Stage

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
    stage.supervisor.stop([service.name], 5)
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


def test_renewing_leaves_what_runs_and_makes_nothing_known(stage: Stage) -> None:
    """Not even where it is written otherwise now: it keeps its process, and is stopped and started as before."""
    service = stage.started("touch ready; exec sleep 1000")
    pid = stage.supervisor.state(service.name).pid
    unknown = stage.service("exec sleep 1000")
    stage.supervisor.renew([msgspec.structs.replace(service, stop_timeout=30.0), unknown])
    assert stage.supervisor.state(service.name).pid == pid
    assert stage.phase(unknown) is Phase.ABSENT
    stage.supervisor.stop([service.name], 5)
    assert not psutil.pid_exists(pid)
    stage.supervisor.start(service.name)
    wait_for(lambda: stage.phase(service) is Phase.RUNNING, "it runs again")


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
    stage.supervisor.stop(["nobody.blue"], 5)
    stage.supervisor.remove("nobody.blue")
    assert stage.supervisor.state("nobody.blue") == ServiceState(Phase.ABSENT)


def test_a_stopped_service_is_fine_to_stop(stage: Stage) -> None:
    """Whether it was stopped before or has ended by itself."""
    service = stage.service("exit 4", restart=False)
    stage.supervisor.install(service)
    stage.supervisor.stop([service.name], 5)
    assert stage.ended(service).exit_status == 4
    stage.supervisor.stop([service.name], 5)


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
    stage.supervisor.stop(["blog.blue"], 5)
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
    nowhere.env_file.rename(nowhere.directory.with_name("env"))
    nowhere = msgspec.structs.replace(nowhere, env_file=nowhere.directory.with_name("env"))
    nowhere.directory.rmdir()
    assert stage.ended(nowhere).exit_status == 126
    assert "could not be prepared" in stage.output(nowhere)
    mistyped = stage.service("no-such-command", restart=False)
    assert stage.ended(mistyped).exit_status == 127
    assert "no-such-command" in stage.output(mistyped)


def test_a_program_without_its_variables_is_not_started(stage: Stage) -> None:
    """With other ones, or none, it might do damage. The launcher refuses, or already systemd."""
    service = stage.service("touch ran", restart=False)
    service.env_file.unlink()
    assert stage.ended(service).exit_status in {126, NOT_HANDED_OVER}
    assert not (service.directory / "ran").exists()


def test_a_crash_loop_is_seen_and_can_be_stopped(stage: Stage) -> None:
    """What ends at once again and again is crashing; after a stop it is not started any more."""
    service = stage.service("echo run >> runs; exit 3")
    stage.supervisor.install(service)
    stage.supervisor.start(service.name)
    wait_for(lambda: stage.phase(service) is Phase.CRASHING, "it crashes")
    stage.supervisor.stop([service.name], 5)
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
    stage.supervisor.stop([service.name], 5)
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
    stage.supervisor.stop([service.name], 0.5)
    assert 0.5 <= time.monotonic() - began < 5
    assert not stage.running(service)
    assert stage.phase(service) is Phase.STOPPED


def test_a_stop_that_has_to_be_short_kills(stage: Stage) -> None:
    """Whoever waits does not wait for the whole grace: a word from outside ends it."""
    service = stage.started(DEAF)
    began = time.monotonic()
    stage.supervisor.stop([service.name], 60, cut_short=lambda: time.monotonic() - began > 0.3)
    assert 0.3 <= time.monotonic() - began < 5
    assert not stage.running(service)


def test_a_program_gets_its_time_to_end(stage: Stage) -> None:
    """It is told once, and stop returns when it has ended."""
    service = stage.started(SLOW_END)
    stage.supervisor.stop([service.name], 10)
    assert not stage.running(service)
    assert (service.directory / "clean").exists()
    assert (service.directory / "told").read_text() == "told\n"


def test_a_child_whose_shell_is_gone_gets_its_time_to_end(stage: Stage) -> None:
    """The shell ends at once; what it had started is told once, too, and has ended when stop returns."""
    service = stage.started(f"sh -c {shlex.quote(SLOW_END)}; true")
    assert len(stage.running(service)) >= 2
    stage.supervisor.stop([service.name], 10)
    assert not stage.running(service)
    assert (service.directory / "clean").exists()
    assert (service.directory / "told").read_text() == "told\n"


def test_a_deaf_child_whose_shell_is_gone_is_killed_after_its_grace(stage: Stage) -> None:
    """SIGKILL goes to the whole group as well."""
    service = stage.started(f"sh -c {shlex.quote(DEAF)}; true")
    began = time.monotonic()
    stage.supervisor.stop([service.name], 0.5)
    assert 0.5 <= time.monotonic() - began < 5
    assert not stage.running(service)
