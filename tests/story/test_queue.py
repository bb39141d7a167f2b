"""Several deploys and rollbacks at once: the queue, cancelling, and who has to wait for whom."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from potions.errors import AppBusy, NotCancellable, NothingToRollBackTo
from potions.packing import open_release
from potions.schema import Deployment
from support.platform import Outcome, Platform, wait_for

#: A command that says that it runs, and goes on when the test lets it.
WAITING = 'touch "$HOME/started"; while [ ! -e "$HOME/go" ]; do sleep 0.05; done; rm -f "$HOME/started" "$HOME/go"'
SLOW_BUILD = f"[build]\ncommand = '''{WAITING}'''\n"
SLOW_MIGRATION = f"[run]\nmigrate = '''{WAITING}'''\n"


class App:
    """An app whose deploys the test holds and lets go."""

    def __init__(self, potions: Platform, name: str) -> None:
        self.name = name
        self._potions = potions
        potions.client.create_app(name)

    def deploy(self, directory: Path) -> int:
        """Queue a deploy; its number."""
        source = open_release(directory)
        sent = self._potions.client.send_release(self.name, source.name, source.chunks())
        return self._potions.client.deploy(self.name, sent.id).number

    def follow(self, number: int) -> Deployment:
        for _ in self._potions.client.events(self.name, number, follow=True):
            pass
        return self.deployment(number)

    def deployment(self, number: int) -> Deployment:
        return self._potions.client.deployment(self.name, number)

    def wait_until_held(self) -> None:
        started = self._potions.tree(self.name).home / "started"
        wait_for(started.exists, f"the held command of {self.name} runs")

    def let_go(self) -> None:
        (self._potions.tree(self.name).home / "go").touch()


@pytest.fixture
def blog(potions: Platform) -> Iterator[App]:
    app = App(potions, "blog")
    yield app
    app.let_go()


@pytest.fixture
def blog2(potions: Platform) -> Iterator[App]:
    app = App(potions, "blog2")
    yield app
    app.let_go()


@pytest.mark.contract("P3")
def test_one_deploy_runs_and_the_others_wait_in_order(blog: App, blog2: App, release: Callable[..., Path]) -> None:
    """While one deploy runs, those of the same app and of others wait, and then run in the order they came."""
    first = blog.deploy(release("1", manifest=SLOW_BUILD))
    blog.wait_until_held()
    second = blog2.deploy(release("2"))
    third = blog.deploy(release("3"))
    assert blog.deployment(first).status == "building"
    assert blog2.deployment(second).status == "queued"
    assert blog.deployment(third).status == "queued"
    blog.let_go()
    ended = [blog.follow(first), blog2.follow(second), blog.follow(third)]
    assert [one.status for one in ended] == ["succeeded"] * 3
    began = [one.began for one in ended]
    assert began == sorted(began, key=str)


@pytest.mark.contract("P3")
def test_a_waiting_deploy_can_be_cancelled(
    blog: App, blog2: App, release: Callable[..., Path], potions: Platform
) -> None:
    """A deploy that waits in the queue is cancelled at once, never runs, and the others go on."""
    first = blog.deploy(release("1", manifest=SLOW_BUILD))
    blog.wait_until_held()
    second = blog2.deploy(release("2"))
    assert "cancelled" in potions.do("cancel", "blog2", str(second)).text
    assert blog2.deployment(second).status == "cancelled"
    blog.let_go()
    assert blog.follow(first).status == "succeeded"
    assert potions.version("blog2") == "503"


def test_a_build_can_be_cancelled_and_nothing_of_it_is_left(
    blog: App, release: Callable[..., Path], potions: Platform
) -> None:
    """Cancel stops a running build with all it started; what served serves on, and the slot is as before."""
    assert blog.follow(blog.deploy(release("1"))).status == "succeeded"
    number = blog.deploy(release("2", manifest=SLOW_BUILD))
    blog.wait_until_held()
    potions.client.cancel("blog", number)
    assert blog.follow(number).status == "cancelled"
    assert potions.version("blog") == "1"
    assert not potions.tree("blog").slot(potions.live("blog").other).exists()
    building = [process for process in potions.processes() if "started" in " ".join(process.cmdline())]
    assert building == []


def test_a_migration_is_not_interrupted(blog: App, release: Callable[..., Path], potions: Platform) -> None:
    """Cancelling while a migration runs is refused: half a migration helps nobody. The deploy goes on."""
    number = blog.deploy(release("1", manifest=SLOW_MIGRATION))
    blog.wait_until_held()
    with pytest.raises(NotCancellable):
        potions.client.cancel("blog", number)
    blog.let_go()
    assert blog.follow(number).status == "succeeded"
    with pytest.raises(NotCancellable):
        potions.client.cancel("blog", number)


def test_ctrl_c_leaves_the_deploy_running(potions: Platform, blog: App, release: Callable[..., Path]) -> None:
    """Ctrl-C ends the watching, not the deploy, and says how to look again."""
    watching = potions.start("deploy", str(release("1", manifest=SLOW_BUILD)), "--app", "blog")
    blog.wait_until_held()
    watching.send_signal(signal.SIGINT)
    said, _ = watching.communicate(timeout=30)
    assert watching.returncode == 130
    assert "potions log blog 1" in said
    assert blog.deployment(1).status == "building"
    blog.let_go()
    assert blog.follow(1).status == "succeeded"


@pytest.mark.contract("P5")
def test_a_rollback_waits_for_no_other_app(
    blog: App, blog2: App, release: Callable[..., Path], potions: Platform
) -> None:
    """A rollback runs while another app's deploy does, makes its own entry with its kind, and rebuilds nothing."""
    manifest = '[build]\ncommand = "echo built >> $HOME/builds.txt"\n'
    for version in ("1", "2"):
        assert blog.follow(blog.deploy(release(version, manifest=manifest))).status == "succeeded"
    held = blog2.deploy(release("other", manifest=SLOW_BUILD))
    blog2.wait_until_held()
    waiting = blog.deploy(release("3"))
    done = potions.json("rollback", "blog")
    assert (done["kind"], done["status"], done["release"]["label"]) == ("rollback", "succeeded", "r1")
    assert potions.version("blog") == "1"
    assert blog2.deployment(held).status == "building", "the other deploy was to run on"
    assert (potions.tree("blog").home / "builds.txt").read_text().count("built") == 2
    assert potions.statuses("blog")[:3] == ["succeeded", "queued", "rolled back"]
    assert "rollback" in potions.do("deployments", "blog").out
    blog2.let_go()
    assert blog.follow(waiting).status == "succeeded"


@pytest.mark.contract("P5")
def test_a_rollback_after_a_failed_deploy_needs_no_rebuild(
    blog: App, release: Callable[..., Path], potions: Platform
) -> None:
    """A deploy that fails in between costs nothing: the release before is still in its slot. Twice toggles."""
    manifest = '[build]\ncommand = "echo built >> $HOME/builds.txt"\n'
    for version in ("1", "2"):
        assert blog.follow(blog.deploy(release(version, manifest=manifest))).status == "succeeded"
    failed = blog.follow(blog.deploy(release("3", exit_at_once={"status": 3, "lines": ["no"]})))
    assert failed.status == "failed"
    for version in ("1", "2", "1"):
        potions.do("rollback", "blog")
        assert potions.version("blog") == version
    assert (potions.tree("blog").home / "builds.txt").read_text().count("built") == 2


@pytest.mark.contract("P5")
def test_a_rollback_is_there_only_when_there_is_something_to_go_back_to(
    blog: App, release: Callable[..., Path], potions: Platform
) -> None:
    """Without an earlier release it is refused, and so it is while a deploy of the same app runs."""
    with pytest.raises(NothingToRollBackTo):
        potions.client.rollback("blog")
    blog.follow(blog.deploy(release("1")))
    with pytest.raises(NothingToRollBackTo):
        potions.client.rollback("blog")
    blog.follow(blog.deploy(release("2")))
    number = blog.deploy(release("3", manifest=SLOW_BUILD))
    blog.wait_until_held()
    with pytest.raises(AppBusy):
        potions.client.rollback("blog")
    assert "potions cancel blog" in potions.refused("rollback", "blog").text
    blog.let_go()
    assert blog.follow(number).status == "succeeded"


def test_two_rollbacks_at_once_end_well(blog: App, release: Callable[..., Path], potions: Platform) -> None:
    """Two at the same moment: each is done in turn or told that the app is busy, and one slot serves in the end."""
    for version in ("1", "2"):
        assert blog.follow(blog.deploy(release(version))).status == "succeeded"
    outcomes: list[Outcome] = []
    threads = [threading.Thread(target=lambda: outcomes.append(potions.run("rollback", "blog"))) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    done = [outcome for outcome in outcomes if outcome.status == 0]
    told = [outcome for outcome in outcomes if "is busy" in outcome.text]
    assert len(done) >= 1 and len(done) + len(told) == 2, outcomes
    assert potions.version("blog") == ("1" if len(done) == 1 else "2")
    assert potions.client.status().running == []


def test_an_app_is_not_deleted_while_it_deploys(blog: App, release: Callable[..., Path], potions: Platform) -> None:
    """Deleting an app whose deploy runs is refused, and the deploy goes on."""
    number = blog.deploy(release("1", manifest=SLOW_BUILD))
    blog.wait_until_held()
    said = potions.refused("apps", "delete", "blog", "--yes").text
    assert "potions cancel blog" in said
    blog.let_go()
    assert blog.follow(number).status == "succeeded"
    assert potions.version("blog") == "1"


def test_stop_start_and_restart(blog: App, release: Callable[..., Path], potions: Platform) -> None:
    """A stopped app says so to visitors and stays stopped; start and restart bring the same deployment back."""
    blog.follow(blog.deploy(release("1")))
    pid = potions.get("blog").json()["pid"]
    potions.do("stop", "blog")
    assert potions.get("blog").status_code == 503
    assert potions.client.app("blog").summary.state == "stopped"
    potions.do("start", "blog")
    started = potions.get("blog").json()["pid"]
    assert started != pid
    potions.do("restart", "blog")
    assert potions.get("blog").json()["pid"] not in {pid, started}
    potions.do("stop", "blog")
    assert blog.follow(blog.deploy(release("2"))).status == "succeeded"
    assert potions.version("blog") == "2", "a deploy starts a stopped app"
    assert potions.client.app("blog").summary.state == "running"


def test_output_is_followed_while_it_comes(blog: App, release: Callable[..., Path], potions: Platform) -> None:
    """`potions logs -f` shows the last lines of the live slot, and then each line as it comes."""
    blog.follow(blog.deploy(release("1", big_output=5)))
    following = potions.start("logs", "blog", "-f", "--lines", "2")
    try:
        assert following.stdout is not None
        assert following.stdout.readline()
        with potions.tree("blog").output_log(potions.live("blog")).open("a") as log:
            log.write("a line that came later\n")
        wait_for(lambda: "a line that came later" in following.stdout.readline(), "the new line is shown")  # type: ignore[union-attr]
    finally:
        following.send_signal(signal.SIGINT)
        following.communicate(timeout=30)
