"""The runner of flows: what it does in which order, and what is left when anything on the way fails."""

from __future__ import annotations

import errno
from collections.abc import Callable
from dataclasses import dataclass, field

import pytest

from potions.errors import (
    BuildFailed,
    DeployCancelled,
    NoRoom,
    PotionsError,
    StepInterrupted,
    StillRunning,
    StoreFailed,
)
from potions.flows.step import Flow, PointOfNoReturn, Run, Step, finish, perform, resume, undo_crashed
from potions.model.deployment import Status
from potions.service.control import Control
from support.remembering import DEPLOYMENT, Log, Records, Remembered

FULL = OSError(errno.ENOSPC, "No space left on device")


@dataclass
class Story:
    """A flow with and without undos, the point of no return and what comes behind it; and what became of it."""

    remembered: Remembered = field(default_factory=Remembered)
    control: Control = field(default_factory=Control)
    #: What an act does beside being remembered: ``"build"`` is a step's do, ``"undo build"`` its undo.
    acts: dict[str, Callable[[], None]] = field(default_factory=dict)
    left_out: set[str] = field(default_factory=set)

    def act(self, name: str) -> Callable[[Run], None]:
        def do(_run: Run) -> None:
            self.remembered.tell("do", name)
            self.acts.get(name, lambda: None)()

        return do

    def step(self, name: str, *, undo: bool = True, **more: object) -> Step[Run]:
        undoing = self.act(f"undo {name}") if undo else None
        return Step(name, self.act(name), undo=undoing, when=lambda _run: name not in self.left_out, **more)  # type: ignore[arg-type]

    @property
    def flow(self) -> Flow[Run]:
        return Flow(
            steps=(
                self.step("unpack", status=Status.DEPLOYING),
                self.step("check", undo=False),
                self.step("migrate", status=Status.MIGRATING, cancellable=False),
                self.step("start", status=Status.VERIFYING),
                PointOfNoReturn("switch", self.act("switch"), undo=self.act("undo switch"), cancellable=False),
                self.step("confirm", undo=False, cancellable=False),
            ),
            after=(self.step("drain"), self.step("retire")),
        )

    @property
    def run(self) -> Run:
        return Tidy(
            deployment=DEPLOYMENT,
            log=Log(self.remembered),
            records=Records(self.remembered),
            cancelled=self.control.is_cancelled,
            forbid_cancel=self.control.forbid,
            checkpoint=lambda name: self.remembered.tell("point", name),
            story=self,
        )

    def fail(self, act: str, error: Exception) -> None:
        self.remembered.fails[act] = error

    def perform(self) -> bool:
        return perform(self.flow, self.run)

    @property
    def done(self) -> list[str]:
        """What was acted, in order."""
        return self.remembered.of("do")

    @property
    def end(self) -> str:
        """The last word to the record."""
        return self.remembered.of("record")[-1]


@dataclass
class Tidy(Run):
    """A run that remembers that it was tidied up."""

    story: Story = field(kw_only=True)

    def tidied(self) -> None:
        self.story.remembered.tell("do", "tidied")


@pytest.fixture
def story() -> Story:
    return Story()


EVERY = ["unpack", "check", "migrate", "start", "switch", "confirm"]
UNDOS = ["undo switch", "undo start", "undo migrate", "undo unpack"]


# Success


def test_steps_run_in_order_and_are_journaled_before_they_begin(story: Story) -> None:
    """The journal has a step before its first effect, and its end before the next begins; the status goes along."""
    assert story.perform()
    assert story.done == EVERY
    assert story.remembered.of("record") == [
        "began unpack deploying",
        "ended unpack began check",
        "ended check began migrate migrating",
        "ended migrate began start verifying",
        "ended start began switch",
        "ended switch began confirm",
        "succeeded",
    ]
    told = story.remembered.told
    for step in EVERY:
        journaled = next(at for at, said in enumerate(told) if said.startswith("record") and f"began {step}" in said)
        assert journaled < told.index(f"log began {step}") < told.index(f"do {step}") < told.index(f"log ended {step}")


def test_the_log_is_whole_when_the_record_says_that_it_is_over(story: Story) -> None:
    """Whoever follows the log leaves then."""
    story.perform()
    assert story.remembered.told[-1] == "record succeeded"
    assert story.remembered.told[-2] == "log status succeeded"
    for error, last in ((BuildFailed("no"), "failed"), (DeployCancelled("no"), "cancelled")):
        failing = Story()
        failing.fail("do start", error)
        failing.perform()
        assert failing.remembered.told[-2] == f"log status {last}"
        assert failing.remembered.told[-1].startswith(f"record {last}")


def test_a_step_that_is_not_wanted_is_left_out(story: Story) -> None:
    """It is not journaled, not told and not undone."""
    story.left_out = {"migrate"}
    story.fail("do confirm", BuildFailed("no"))
    assert not story.perform()
    assert not [said for said in story.remembered.told if "migrate" in said]


def test_checkpoints_name_every_point_that_is_passed(story: Story) -> None:
    """What the crash tests enumerate is what really comes."""
    points = story.flow.checkpoints()
    assert len(points) == len(set(points))
    story.perform()
    finish(story.flow, story.run)
    passed = story.remembered.of("point")
    failing = Story()
    failing.fail("do confirm", BuildFailed("no"))
    failing.perform()
    undone = [point for point in failing.remembered.of("point") if point.endswith(":undone")]
    assert [*passed, *undone] == points


# Failure


@pytest.mark.parametrize("at", range(len(EVERY)))
def test_a_failure_is_undone_last_first(story: Story, at: int) -> None:
    """The step that failed is undone too, and those before it; those after it never began."""
    story.fail(f"do {EVERY[at]}", BuildFailed("It broke.", why="because", do="mend it"))
    assert not story.perform()
    wanted = [undo for undo in UNDOS if undo.removeprefix("undo ") in EVERY[: at + 1]]
    assert story.done == [*EVERY[:at], *wanted]
    assert story.remembered.of("record")[-1] == "failed build-failed"
    assert f"failed {EVERY[at]} build-failed" in story.remembered.of("log")
    assert (story.remembered.failures[0].what, story.remembered.failures[0].do) == ("It broke.", "mend it")
    assert [said for said in story.remembered.of("record") if said.startswith("undone")] == [
        undo.replace("undo", "undone") for undo in wanted
    ]


@pytest.mark.parametrize("error", [StillRunning("It does not end."), ValueError("nobody thought of this"), FULL])
def test_an_undo_that_fails_does_not_keep_the_others(story: Story, error: Exception) -> None:
    """Whatever it fails with: the others are undone, the failure is recorded, and both are told."""
    story.fail("do confirm", BuildFailed("no"))
    story.fail("do undo start", error)
    if isinstance(error, ValueError):
        with pytest.raises(ValueError, match="nobody"):
            story.perform()
    else:
        assert not story.perform()
    assert story.done == [*EVERY[:-1], "undo switch", "undo migrate", "undo unpack"]
    assert story.end == "failed build-failed"
    assert [said.split()[0:2] for said in story.remembered.of("log") if said.startswith("failed")] == [
        ["failed", "confirm"],
        ["failed", "start"],
    ]
    assert "undone start" not in story.remembered.of("record")


def test_a_journal_that_cannot_be_written_does_not_keep_the_undos(story: Story) -> None:
    """As on a full disk, which the undo of another step may be about to empty."""
    story.fail("do start", NoRoom("The disk is full."))
    story.fail("record undone start", StoreFailed("The disk is full."))
    story.fail("record undone migrate", StoreFailed("The disk is full."))
    assert not story.perform()
    assert story.done[-3:] == ["undo start", "undo migrate", "undo unpack"]
    assert story.end == "failed no-room"


def test_a_mistake_is_undone_and_raised(story: Story) -> None:
    """Somebody has to see its trace; the app is as it was, and the deployment ends as failed."""
    story.fail("do start", KeyError("nobody thought of this"))
    with pytest.raises(KeyError):
        story.perform()
    assert story.done[-3:] == ["undo start", "undo migrate", "undo unpack"]
    assert story.end == "failed internal"
    assert "KeyError" in story.remembered.failures[0].why


def test_a_full_disk_is_no_mistake(story: Story) -> None:
    """It is told as what it is, and undone like any failure."""
    story.fail("do start", FULL)
    assert not story.perform()
    assert story.end == "failed no-room"


@pytest.mark.parametrize("word", ["began unpack deploying", "ended check began migrate migrating", "succeeded"])
def test_a_record_that_cannot_be_written_is_a_failure(story: Story, word: str) -> None:
    """What is not journaled does not begin, and what cannot be recorded as done is undone."""
    story.fail(f"record {word}", StoreFailed("The store is broken."))
    assert not story.perform()
    assert story.end == "failed store-failed"
    acted = [act for act in story.done if not act.startswith("undo")]
    undone = [act.removeprefix("undo ") for act in story.done if act.startswith("undo")]
    assert set(acted) - {"check", "confirm"} <= set(undone)


def test_whether_a_step_is_wanted_can_fail(story: Story) -> None:
    """A manifest that is only read then may be broken: what began before is undone."""
    flow = story.flow

    def refuse(_run: Run) -> bool:
        raise BuildFailed("broken")

    steps = (*flow.steps[:2], Step("build", story.act("build"), undo=story.act("undo build"), when=refuse))
    assert not perform(Flow(steps=steps), story.run)
    assert story.done == ["unpack", "check", "undo unpack"]
    assert story.end == "failed build-failed"


# Cancelling


@pytest.mark.parametrize("during", ["unpack", "check"])
def test_a_cancel_takes_effect_at_the_next_step(story: Story, during: str) -> None:
    """What began is undone, and the deployment ends as cancelled, not as failed."""
    story.acts[during] = lambda: _assert_cancels(story.control)
    assert not story.perform()
    assert story.done[-1] == "undo unpack"
    assert "migrate" not in story.done
    assert story.end == "cancelled"


def test_a_step_notices_a_cancel_itself(story: Story) -> None:
    """A long one asks on its way."""
    run = story.run

    def cancelled_meanwhile() -> None:
        story.control.cancel()
        run.stop_if_cancelled()

    story.acts["unpack"] = cancelled_meanwhile
    assert not perform(story.flow, run)
    assert story.done == ["unpack", "undo unpack"]
    assert story.end == "cancelled"


@pytest.mark.parametrize("during", ["migrate", "switch", "confirm"])
def test_a_cancel_is_refused_where_nothing_may_be_half_done(story: Story, during: str) -> None:
    """The deployment goes on and succeeds."""
    story.acts[during] = lambda: _assert_refused(story.control)
    assert story.perform()


def test_a_cancel_is_taken_again_after_a_step_that_forbade_it(story: Story) -> None:
    """Between the migration and the switch."""
    story.acts["start"] = lambda: _assert_cancels(story.control)
    assert not story.perform()
    assert story.done == ["unpack", "check", "migrate", "start", "undo start", "undo migrate", "undo unpack"]
    assert story.end == "cancelled"


def test_what_was_cancelled_before_its_turn_does_nothing(story: Story) -> None:
    """Not even its first step."""
    story.control.cancel()
    assert not story.perform()
    assert (story.done, story.end) == ([], "cancelled")


def _assert_cancels(control: Control) -> None:
    assert control.cancel()


def _assert_refused(control: Control) -> None:
    assert not control.cancel()


# After a crash


INTERRUPTED = StepInterrupted("Potions was stopped.")


def test_a_crash_before_the_point_of_no_return_is_undone(story: Story) -> None:
    """Only what began, last first, and the reason is recorded."""
    undo_crashed(story.flow, story.run, ["unpack", "check", "migrate"], INTERRUPTED)
    assert story.done == ["undo migrate", "undo unpack"]
    assert story.end == "failed interrupted"
    log = story.remembered.of("log")
    assert "failed migrate interrupted" in log
    assert log[-1] == "status failed"


def test_a_crash_in_the_middle_of_an_undo_is_undone_to_the_end(story: Story) -> None:
    """A step whose undo fails now is told, and does not keep the others."""
    story.fail("do undo start", StillRunning("no"))
    undo_crashed(story.flow, story.run, ["unpack", "check", "migrate", "start"], INTERRUPTED)
    assert story.done == ["undo migrate", "undo unpack"]
    assert story.end == "failed interrupted"


def test_a_crash_behind_the_point_of_no_return_goes_on_from_there(story: Story) -> None:
    """The switch is done again, which changes nothing, and what follows it."""
    assert resume(story.flow, story.run, ["unpack", "check", "migrate", "start", "switch"])
    assert story.done == ["switch", "confirm"]
    assert story.end == "succeeded"


def test_a_resumed_deployment_that_fails_is_undone_whole(story: Story) -> None:
    """Also what began before the crash; what was left out then is left out now."""
    story.fail("do confirm", BuildFailed("no"))
    assert not resume(story.flow, story.run, ["unpack", "check", "start", "switch"])
    assert story.done == ["switch", "undo switch", "undo start", "undo unpack"]
    assert story.end == "failed build-failed"


# Behind a success


def test_what_comes_behind_a_success_is_told_and_not_journaled(story: Story) -> None:
    """The record has its end already; that all is tidied up comes last."""
    finish(story.flow, story.run)
    assert story.done == ["drain", "retire", "tidied"]
    assert story.remembered.of("record") == []
    assert story.remembered.of("log") == ["began drain", "ended drain", "began retire", "ended retire"]


def test_a_failure_behind_a_success_undoes_nothing(story: Story) -> None:
    """It is told, the rest goes on, and it does not count as tidied up."""
    story.fail("do drain", StillRunning("It does not end."))
    finish(story.flow, story.run)
    assert story.done == ["retire"]
    assert "failed drain still-running" in story.remembered.of("log")


def test_a_mistake_behind_a_success_does_not_keep_the_rest(story: Story) -> None:
    """It is told, the rest goes on, and then it is raised."""
    story.fail("do drain", KeyError("nobody thought of this"))
    with pytest.raises(KeyError):
        finish(story.flow, story.run)
    assert story.done == ["retire"]
    assert "failed drain internal" in story.remembered.of("log")


def test_an_error_keeps_all_that_it_says(story: Story) -> None:
    """Also in an answer: a name from the disk that is no text is shown as escapes."""
    story.fail("do unpack", PotionsError("What \udcff.", why="Why \udc00", do="Do"))
    story.perform()
    (failure,) = story.remembered.failures
    assert (failure.what, failure.why, failure.do) == ("What \\udcff.", "Why \\udc00", "Do")
