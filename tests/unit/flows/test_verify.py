"""When a slot counts as healthy, and what is said when it does not get there."""

from __future__ import annotations

import time

import pytest

from potions.errors import AppExited, DeployCancelled, ListensElsewhere, NotListening, PortBusy, Unhealthy
from potions.flows.ports import Answer
from potions.flows.verify import check_warm_slot, is_good, verify_slot
from potions.model.plan import Health
from potions.model.service import Phase, ServiceState
from support.scripted_world import RUNNING, Script

SOON = '[health]\ntimeout = "100ms"\n'
EXITED = ServiceState(Phase.EXITED, exit_status=3)
OUTPUT = {"web": b"starting\nport is taken\n"}


_WITHOUT_A_PATH = [(200, True), (302, True), (404, True), (499, True), (500, False), (503, False)]
_WITH_A_PATH = [(200, True), (399, True), (404, False), (199, False), (500, False)]


@pytest.mark.parametrize(
    ("path", "status", "good"),
    [*((None, *case) for case in _WITHOUT_A_PATH), *(("/up", *case) for case in _WITH_A_PATH)],
)
def test_which_answers_count(path: str | None, status: int, good: bool) -> None:
    """Without a path any answer below 500: the app speaks HTTP. With one, only what it names."""
    assert is_good(Answer(status), Health(path=path)) is good


def test_no_answer_is_not_good() -> None:
    """And a range of the app's own is held to."""
    assert not is_good(None, Health())
    assert is_good(Answer(204), Health(path="/up", lowest=204, highest=204))
    assert not is_good(Answer(200), Health(path="/up", lowest=204, highest=204))


def test_two_good_answers_in_a_row_are_wanted() -> None:
    """A bad one in between begins anew, as with a framework that answers 500 once while it boots."""
    script = Script(answers=[None, None, Answer(500), Answer(200), Answer(500), Answer(200), Answer(200), Answer(500)])
    verify_slot(script.run())
    assert script.remembered.told.count("get /") == 7
    assert script.lines == []


def test_the_health_path_is_asked() -> None:
    """And where none is set, the log says what counts then."""
    script = Script(manifest='[health]\npath = "/up?full=1"\n')
    verify_slot(script.run())
    assert script.remembered.told == ["get /up?full=1"] * 2
    script = Script()
    verify_slot(script.run())
    assert "any answer below 500" in script.notes[0]


@pytest.mark.parametrize("looks", [1, 2, 4])
def test_an_end_is_the_end_at_once(looks: int) -> None:
    """Whenever it comes, with its status and the last lines; nothing is waited for."""
    script = Script(states=[RUNNING] * looks + [EXITED], answers=[None], output=OUTPUT)
    began = time.monotonic()
    with pytest.raises(AppExited, match="exit status 3") as failed:
        verify_slot(script.run())
    assert time.monotonic() - began < 5
    assert "serve" in failed.value.why
    assert script.lines == ["starting", "port is taken"]


@pytest.mark.parametrize(
    "state",
    [ServiceState(Phase.RUNNING, pid=101), ServiceState(Phase.CRASHING), ServiceState(Phase.STOPPED), EXITED],
    ids=["another process", "crashing", "stopped", "exited"],
)
def test_what_does_not_stay_up_is_not_healthy(state: ServiceState) -> None:
    """A restart is an end, too; one that ended before the first look is seen as well."""
    for states in ([RUNNING, RUNNING, state], [state]):
        with pytest.raises(AppExited):
            verify_slot(Script(states=states, answers=[None]).run())
        if state.phase is Phase.RUNNING:
            break


def test_an_app_that_never_listens_is_told() -> None:
    """Its port is named, and the variable that has it."""
    script = Script(manifest=SOON, answers=[None], listening={}, output=OUTPUT)
    with pytest.raises(NotListening, match=r"did not listen on port 4000 within 0\.1 s") as failed:
        verify_slot(script.run())
    assert "$PORT" in failed.value.do
    assert script.lines == ["starting", "port is taken"]


@pytest.mark.parametrize("where", [("127.0.0.1", 3000), ("::1", 4000), ("192.168.0.1", 4000)])
def test_an_app_that_listens_elsewhere_is_told_where(where: tuple[str, int]) -> None:
    """Another port, or an address at which the proxy does not ask."""
    script = Script(manifest=SOON, answers=[None], listening={100: [where]})
    with pytest.raises(ListensElsewhere) as failed:
        verify_slot(script.run())
    assert str(where[1]) in failed.value.what
    assert where[0] in failed.value.what
    assert "127.0.0.1:4000" in failed.value.what


@pytest.mark.parametrize("address", ["127.0.0.1", "0.0.0.0", "::"])
def test_an_app_that_listens_and_does_not_answer_is_unhealthy(address: str) -> None:
    """It is not told to listen where it listens."""
    script = Script(manifest=SOON, answers=[None], listening={100: [(address, 4000)]})
    with pytest.raises(Unhealthy) as failed:
        verify_slot(script.run())
    assert "no answer" in failed.value.why


def test_an_app_that_answers_badly_is_unhealthy() -> None:
    """The last answer is told, and what was wanted; one that came before and none since still counts as said."""
    script = Script(
        manifest='[health]\npath = "/up"\ntimeout = "100ms"\nstatus = "200-299"\n', answers=[Answer(302), None]
    )
    with pytest.raises(Unhealthy) as failed:
        verify_slot(script.run())
    assert failed.value.why == "GET /up gave 302; wanted is 200 to 299."


def test_a_stranger_that_answers_well_does_not_count() -> None:
    """The listener has to be one of the slot's own processes; who it is stands in the error."""
    with pytest.raises(PortBusy) as failed:
        verify_slot(Script(listening={55: [("127.0.0.1", 4000)]}).run())
    assert "nginx (process 55)" in failed.value.why


def test_an_app_that_answered_well_and_closed_its_port_is_told() -> None:
    """Nobody else is to blame."""
    with pytest.raises(NotListening, match="any more"):
        verify_slot(Script(listening={}, holder="").run())
    with pytest.raises(AppExited):
        verify_slot(Script(states=[RUNNING] * 4 + [EXITED], listening={}).run())


def test_a_process_that_hid_its_environment_is_still_the_slots_own() -> None:
    """What shows a title in ps writes over the mark that it is known by; it is known by its parent then."""
    verify_slot(Script(marked=set()).run())


def test_a_listener_in_another_process_of_the_slot_counts() -> None:
    """A worker that began a session of its own is known by its mark."""
    verify_slot(Script(marked={100, 200}, listening={200: [("0.0.0.0", 4000)]}).run())


def test_a_cancel_ends_the_wait() -> None:
    """At the next look."""
    cancelled = iter([False, False, True])
    script = Script(answers=[None])
    with pytest.raises(DeployCancelled):
        verify_slot(script.run(cancelled=lambda: next(cancelled)))
    assert script.remembered.told.count("get /") == 2


def test_an_app_that_is_slow_to_start_is_waited_for() -> None:
    """A port that opens late is no failure before the time is over."""
    script = Script(answers=[None] * 6 + [Answer(200)])
    verify_slot(script.run())


def test_an_app_that_printed_nothing_is_told_so() -> None:
    """So that nobody looks for lines that are not there."""
    script = Script(states=[EXITED])
    with pytest.raises(AppExited):
        verify_slot(script.run())
    assert script.lines == []
    assert "it printed nothing" in script.notes


def test_one_good_answer_of_a_slot_that_runs_already_is_enough() -> None:
    """It was healthy when it served."""
    script = Script()
    check_warm_slot(script.run(is_warm=True))
    assert script.remembered.told == ["get /"]


def test_a_slot_that_stood_by_and_answers_badly_is_verified_as_a_new_one() -> None:
    """It gets its time, and two good answers in a row are wanted."""
    script = Script(answers=[None, Answer(200), Answer(200)])
    check_warm_slot(script.run(is_warm=True))
    assert script.remembered.told.count("get /") == 3
