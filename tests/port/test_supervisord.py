"""What holds of supervisord alone, beside what every supervisor has to hold."""

from __future__ import annotations

import os
import shutil
import signal
import threading
import time

from potions.flows.ports import Supervisor
from potions.model.service import Phase, Service
from support.supervised import SLOW_END, Stage


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
