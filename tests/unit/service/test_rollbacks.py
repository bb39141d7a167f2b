"""What a rollback goes to, which variables it brings, and every reason for which it is refused. No app runs here."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from msgspec import structs

from potions.errors import (
    AppBusy,
    DeploymentUnknown,
    NameRefused,
    NeverServed,
    NothingDeployed,
    NothingToRollBackTo,
    PotionsError,
    ReleaseUnknown,
    ServesAlready,
)
from potions.layout import Home
from potions.model.app import App
from potions.model.deployment import Deployment, Kind
from potions.schema import RollbackRequest, RollbackVariables, RollbackWay
from potions.service import Service
from potions.service.context import Context
from potions.service.control import Control
from support.bare_home import running_supervisord
from support.histories import Past
from support.platform import wait_for
from support.still_service import still_service


@pytest.fixture(scope="module")
def service(home: Home) -> Iterator[Service]:
    """One whose supervisor runs, with no program of an app in it."""
    with running_supervisord(home), still_service(home) as made:
        yield made


@pytest.fixture
def past(context: Context, app: App) -> Past:
    return Past(context, app)


def previewed(service: Service, to: str | None = None, env: RollbackVariables = RollbackVariables.THEN) -> str:
    """The label and number that a rollback would go to."""
    target = service.rollbacks.preview("blog", RollbackRequest(to, env)).target
    return f"{target.release.label} {target.number}"


def refused(service: Service, error: type[PotionsError], to: str | None = None) -> PotionsError:
    """What both the preview and the rollback itself say; neither makes an entry."""
    before = service.deployments.deployments("blog", 100)
    with pytest.raises(error) as told:
        service.rollbacks.preview("blog", RollbackRequest(to))
    with pytest.raises(error) as done:
        service.rollbacks.rollback("blog", RollbackRequest(to), "ana")
    assert str(told.value) == str(done.value)
    assert service.deployments.deployments("blog", 100) == before
    service.jobs.take_app(service.context.app("blog"), "test").release()
    return told.value


def rolled_back(service: Service, to: str | None = None, env: RollbackVariables = RollbackVariables.THEN) -> Deployment:
    """A rollback as it was asked for. With nothing to run it, it fails."""
    made = service.rollbacks.rollback("blog", RollbackRequest(to, env), "ana")
    ended = wait_for(
        lambda: service.deployments.deployment("blog", made.number).status.ended and not service.jobs.is_known(made),
        "it ends",
    )
    assert ended
    return made


def change(context: Context, app: App, **variables: str) -> None:
    context.store.change_variables(app.id, variables, [])


# Where it goes


def test_a_release_is_gone_back_to_where_it_served_last(service: Service, past: Past) -> None:
    """Not to a deployment of it that failed, and not to the first one; a number is taken as it is."""
    past.deploy("a")
    past.redeploy()
    past.deploy("b")
    past.fail(past.queue(past.send("a")))
    past.deploy("c")
    assert previewed(service, "r1") == "r1 2"
    assert previewed(service, "1") == "r1 1"
    assert previewed(service, "r2") == "r2 3"


def test_without_a_target_it_is_what_served_directly_before(service: Service, past: Past) -> None:
    """Also after a rollback further back, and after a deploy that failed in between."""
    first, second, third = (past.deploy(content) for content in "abc")
    assert previewed(service) == f"r2 {second.number}"
    back = past.go_back(first)
    past.fail(past.queue(past.send("d")))
    assert previewed(service) == f"r3 {third.number}"
    past.go_back(third)
    assert previewed(service) == f"r1 {back.number}"


def test_it_makes_an_entry_of_its_own(service: Service, past: Past) -> None:
    """With its kind and its target, at once and not in the queue."""
    past.deploy("a")
    past.deploy("b")
    past.deploy("c")
    waiting = past.queue(past.send("d"))
    made = rolled_back(service, "r1")
    assert (made.number, made.kind, made.target, made.release.label, made.by) == (5, Kind.ROLLBACK, 1, "r1", "ana")
    assert service.deployments.deployment("blog", waiting.number).began is None


def test_what_is_in_no_slot_is_unpacked_again_and_says_how_long_that_took(
    service: Service, context: Context, past: Past
) -> None:
    """From the last time that it was unpacked and served; a later rollback to it, which was quick, says nothing."""
    first = past.deploy("a")
    for step in ("unpack", "build", "start"):
        context.store.step_began(first.id, step)
        context.store.step_ended(first.id, step)
    past.deploy("b")
    quick = past.go_back(first)
    context.store.step_began(quick.id, "claim")
    past.deploy("c")
    past.deploy("d")
    preview = service.rollbacks.preview("blog", RollbackRequest("r1"))
    assert (preview.way, preview.builds) == (RollbackWay.UNPACK, True)
    assert preview.seconds is not None and 0 <= preview.seconds < 60
    plain = service.rollbacks.preview("blog", RollbackRequest("r2"))
    assert (plain.way, plain.builds, plain.seconds) == (RollbackWay.UNPACK, False, None)


def test_what_the_other_slot_holds_is_only_started(service: Service, past: Past) -> None:
    """Nothing is unpacked, whichever deployment it is asked for as; a slot that was built elsewhere does not count."""
    past.deploy("a")
    past.redeploy()
    past.deploy("b")
    for target in (None, "r1", "1", "2"):
        assert service.rollbacks.preview("blog", RollbackRequest(target)).way is RollbackWay.HELD
    content = past.context.trees.holds(past.tree, past.context.trees.live(past.tree).other)
    assert content is not None
    past.context.trees.rewrite_holds(
        past.tree, past.context.trees.live(past.tree).other, structs.replace(content, directory="/elsewhere")
    )
    assert service.rollbacks.preview("blog", RollbackRequest()).way is RollbackWay.UNPACK


# Its variables


def test_the_variables_of_then_come_back(service: Service, context: Context, app: App, past: Past) -> None:
    """Automatic ones as they are now; what is saved stays saved, and shows as not live."""
    change(context, app, FEATURE="one", GONE="x")
    past.deploy("a")
    past.deploy("b")
    context.store.change_variables(app.id, {"FEATURE": "two", "NEW": "y"}, ["GONE"])
    past.deploy("c")
    saved = context.store.variables(app.id)
    preview = service.rollbacks.preview("blog", RollbackRequest("r1"))
    assert preview.variables == preview.not_live == ["FEATURE", "GONE", "NEW"]
    variables, automatic = context.store.environment_of(rolled_back(service, "r1").id)
    assert variables == {"FEATURE": "one", "GONE": "x", "PHX_HOST": "blog.localhost"}
    assert automatic == {"PHX_HOST"}
    assert context.store.variables(app.id) == saved


def test_todays_variables_go_back_with_it_on_request(service: Service, context: Context, app: App, past: Past) -> None:
    """Only the release is that of then."""
    change(context, app, FEATURE="one")
    past.deploy("a")
    past.deploy("b")
    past.deploy("c")
    change(context, app, FEATURE="two")
    preview = service.rollbacks.preview("blog", RollbackRequest("r1", RollbackVariables.CURRENT))
    assert (preview.variables, preview.not_live) == (["FEATURE"], [])
    made = rolled_back(service, "r1", RollbackVariables.CURRENT)
    assert context.store.environment_of(made.id) == ({"FEATURE": "two", "PHX_HOST": "blog.localhost"}, {"PHX_HOST"})


def test_an_automatic_variable_is_made_anew(service: Service, context: Context, app: App, past: Past) -> None:
    """What the deployment remembers of it is the value of today, so that it does not show as not live."""
    first = past.queue(past.send("a"))
    past.succeed(first, {"PHX_HOST": "an-old-name.example", "KEY": "1"})
    past.deploy("b")
    past.deploy("c")
    variables, _ = context.store.environment_of(rolled_back(service, "r1").id)
    assert variables == {"PHX_HOST": "blog.localhost", "KEY": "1"}


# What is refused


def test_an_app_with_nothing_deployed_has_nothing_to_go_back_to(service: Service, past: Past) -> None:
    """With and without a target, also while the only release failed."""
    refused(service, NothingToRollBackTo)
    refused(service, NothingDeployed, "r1")
    past.fail(past.queue(past.send("a")))
    refused(service, NothingToRollBackTo)
    refused(service, NothingDeployed, "1")


@pytest.mark.parametrize("text", ["", "latest", "R1", "r01", "0", "-1", "1.5", "r1 ", "../r1", "9" * 30])
def test_a_target_that_is_neither_label_nor_number_is_refused(service: Service, past: Past, text: str) -> None:
    """With both ways to say it."""
    past.deploy("a")
    past.deploy("b")
    assert "r12" in refused(service, NameRefused, text).why


def test_an_unknown_target_is_told_with_what_there_is(service: Service, past: Past) -> None:
    """The labels that are kept, or the newest number, and where to see them all."""
    past.deploy("a")
    past.deploy("b")
    unknown = refused(service, ReleaseUnknown, "r9")
    assert (unknown.what, unknown.why) == ("blog has no release r9.", "Kept are: r2, r1.")
    assert "potions releases blog" in unknown.do
    unknown_number = refused(service, DeploymentUnknown, "99")
    assert (unknown_number.what, unknown_number.why) == ("blog has no deployment 99.", "The newest is 2.")
    refused(service, DeploymentUnknown, str(10**17))


def test_what_serves_already_is_told(service: Service, context: Context, app: App, past: Past) -> None:
    """By its label, its number, or another deployment of it that ran with the same variables."""
    past.deploy("a")
    past.deploy("b")
    past.redeploy()
    for target in ("r2", "3", "2"):
        told = refused(service, ServesAlready, target)
        assert told.what == "r2 serves blog already."
        assert "Deployment 3 runs it" in told.why
        assert "potions redeploy blog" in told.do
    change(context, app, FEATURE="new")
    past.redeploy()
    assert previewed(service, "2") == "r2 2", "with other variables it is something to go back to"


def test_what_never_served_is_told_with_the_reason(service: Service, past: Past) -> None:
    """It failed, was cancelled, waits, or was only sent; what can be gone back to is named."""
    past.deploy("a")
    past.fail(past.queue(past.send("b")))
    past.cancel(past.queue(past.send("c")))
    past.send("d")
    for target, why in (
        ("r2", "Deployment 2 failed. The new release ended while it was checked."),
        ("2", "Deployment 2 failed. The new release ended while it was checked."),
        ("3", "Deployment 3 was cancelled."),
        ("r4", "It was sent, and never deployed."),
    ):
        told = refused(service, NeverServed, target)
        assert told.why == why
        assert "Kept are: r1." in told.do
    past.queue(past.send("d"))
    assert refused(service, NeverServed, "4").why == "Deployment 4 is queued."


def test_a_pruned_release_is_told_with_those_that_are_kept(service: Service, context: Context, app: App) -> None:
    """By its label and by the number of its deployment, with how to have it again."""
    past = Past(context, app, keep=2)
    for content in "abcd":
        past.deploy(content)
    for target in ("r1", "2"):
        told = refused(service, ReleaseUnknown, target)
        assert "is not kept any more" in told.what
        assert "Kept are: r4, r3." in told.why
        assert "potions deploy PATH --app blog" in told.do


def test_many_kept_releases_are_not_all_named(service: Service, context: Context, app: App) -> None:
    """An error stays readable."""
    past = Past(context, app, keep=100)
    for number in range(15):
        past.deploy(str(number))
    assert refused(service, ReleaseUnknown, "r99").why.endswith("r5, r4 and 3 more.")


def test_an_archive_that_somebody_removed_is_told(service: Service, past: Past) -> None:
    """Before anything begins, and only where the archive is needed."""
    first, second, _ = (past.deploy(content) for content in "abc")
    for release in (first.release, second.release):
        past.tree.archive(release.id, release.suffix).unlink()
    assert "archive of r1 is not there any more" in refused(service, ReleaseUnknown, "r1").what
    assert rolled_back(service).release == second.release


def test_a_busy_app_is_told(service: Service, context: Context, app: App, past: Past) -> None:
    """A rollback waits for nobody, and makes no entry then."""
    past.deploy("a")
    past.deploy("b")
    held = context.locks.take(f"app-{app.id}")
    assert held is not None
    running = past.queue(past.send("c"))
    service.jobs._by_app[app.id], service.jobs._controls[running.id] = running, Control()
    for request in (RollbackRequest(), RollbackRequest("1", RollbackVariables.CURRENT)):
        with pytest.raises(AppBusy):
            service.rollbacks.rollback("blog", request, "ana")
    service.jobs._done(running, held)
    assert [one.number for one in service.deployments.deployments("blog", 9)] == [3, 2, 1]
