"""Workers: installed with their slot, started when they should be, watched, and ended before it."""

from __future__ import annotations

import time

import pytest

from potions.errors import WorkerExited
from potions.flows import workers
from potions.model.service import Phase, ServiceState
from support.scripted_world import Script

PROCFILE = "web: serve\nmails: send\nclock: tick\n"
WITH_WEB = '[processes.clock]\nstart = "with-web"\n'
MAILS, CLOCK = "blog.blue.worker.mails", "blog.blue.worker.clock"


def up(pid: int = 7, seconds: float = 60) -> ServiceState:
    """Runs for so long already."""
    return ServiceState(Phase.RUNNING, pid, since=time.time() - seconds)


def test_each_worker_of_the_release_is_made_known_and_no_other() -> None:
    """What the slot held before may have had others; those of the other slot and of other apps are not touched."""
    others = {"blog.blue.worker.old": up(), "blog.green.worker.old": up(), "blog2.blue.worker.old": up()}
    script = Script(procfile=PROCFILE, every_state=[others])
    workers.install_workers(script.run(), None)
    assert script.remembered.told == ["remove blog.blue.worker.old", f"install {MAILS}", f"install {CLOCK}"]


def test_a_worker_knows_its_name_and_not_the_port() -> None:
    """The port is web's alone: a worker that took it would be taken for the release."""
    run = Script(procfile=PROCFILE).run()
    service = run.worker(run.plan.workers[0], None)
    assert service.own_variables == {"POTIONS_PROCESS": "worker.mails", "PORT": None}
    assert str(service.log_file).endswith("/logs/blue.mails.log")
    assert service.restart


def test_a_worker_of_an_erlang_release_is_a_node_of_its_own() -> None:
    """Two nodes of one name end each other."""
    run = Script(procfile=PROCFILE).run()
    own = run.worker(run.plan.workers[0], 4369).own_variables
    assert own["RELEASE_NODE"] == "blog_blue_mails@127.0.0.1"


def test_workers_wait_for_the_switch_unless_they_start_with_web() -> None:
    """``[processes.NAME] start`` decides."""
    script = Script(procfile=PROCFILE, manifest=WITH_WEB, every_state=[{MAILS: up(), CLOCK: up()}])
    run = script.run()
    workers.start_with_web(run)
    assert script.remembered.told == [f"start {CLOCK}"]
    workers.start_workers(run)
    assert script.remembered.told == [f"start {CLOCK}", f"start {MAILS}"]


@pytest.mark.parametrize(
    "states",
    [
        [{MAILS: ServiceState(Phase.EXITED, exit_status=3)}],
        [{MAILS: ServiceState(Phase.CRASHING)}],
        [{}],
        [{MAILS: up(7, seconds=-600)}, {MAILS: up(8, seconds=-600)}],
    ],
)
def test_a_worker_that_does_not_stay_up_fails_the_deploy(states: list[dict[str, ServiceState]]) -> None:
    """It ended, or it was started again behind our back; its last lines are told."""
    script = Script(procfile="web: serve\nmails: send\n", every_state=states, output={"mails": b""})
    with pytest.raises(WorkerExited, match="mails") as failed:
        workers.start_workers(script.run())
    assert "The command was: send" in failed.value.why
    assert "it printed nothing" in script.notes


def test_a_worker_that_may_be_down_does_not_fail_the_deploy() -> None:
    """The log says so; the others are watched on."""
    manifest = "[processes.mails]\noptional = true\n"
    script = Script(
        procfile=PROCFILE, manifest=manifest, every_state=[{MAILS: ServiceState(Phase.EXITED), CLOCK: up()}]
    )
    workers.start_workers(script.run())
    assert any("mails ended" in note and "optional" in note for note in script.notes)


def test_a_release_whose_worker_ended_beside_web_is_not_switched_to() -> None:
    """Those that start with web have to run before the switch; those that wait for it are not looked at."""
    script = Script(procfile=PROCFILE, manifest=WITH_WEB, every_state=[{CLOCK: ServiceState(Phase.EXITED)}])
    with pytest.raises(WorkerExited, match="clock"):
        workers.refuse_an_ended_worker(script.run())
    workers.refuse_an_ended_worker(Script(procfile=PROCFILE, manifest=WITH_WEB, every_state=[{CLOCK: up()}]).run())


def test_the_old_workers_end_all_at_once_and_no_others() -> None:
    """In the time that their own manifest asks for."""
    names = ["blog.green", "blog.green.worker.a", "blog.green.worker.b", MAILS, "blog2.green.worker.a"]
    script = Script(every_state=[dict.fromkeys(names, up())], manifest='[deploy]\nstop_timeout = "4s"\n')
    workers.stop_old_workers(script.run())
    assert script.remembered.told == ["stop blog.green.worker.a,blog.green.worker.b 4 in its time"]
