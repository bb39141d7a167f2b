"""No history of deploys, failures and rollbacks prunes an archive that serves or that a rollback needs next."""

from __future__ import annotations

import itertools
import shutil
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from potions.errors import PotionsError
from potions.host.files import provision
from potions.layout import Home
from potions.model.app import App, Ports
from potions.model.deployment import Deployment
from potions.names import AppName, ReleaseId
from potions.service.context import Context
from potions.service.pruning import releases_to_prune
from potions.service.targets import Targets
from support.app_trees import folder_in_memory
from support.bare_home import app_account
from support.histories import Past
from support.still_service import still_service

_numbers = itertools.count(1)


@pytest.fixture(scope="module")
def in_memory() -> Iterator[Context]:
    """A service whose home is in memory: every act of a history waits for the disk."""
    with folder_in_memory() as folder:
        home = Home(folder / "h")
        provision(home.entries(), app_account())
        with still_service(home) as service:
            yield service.context


def new_app(context: Context) -> App:
    number = next(_numbers)
    app = context.store.create_app(AppName(f"app{number}"), lambda _taken: Ports(4000 + 2 * number), {})
    context.trees.create(context.tree(app))
    return app


class Story:
    """A past that is told act by act, and what a person would expect to serve after each."""

    def __init__(self, context: Context, keep: int) -> None:
        self.past = Past(context, new_app(context), keep)
        self.context = context
        self.keep = keep
        self.serves: ReleaseId | None = None
        self.before: ReleaseId | None = None
        self.waiting: list[Deployment] = []

    def act(self, act: str, which: int) -> None:
        getattr(self, act)(which)
        self.assert_kept()

    def deploy(self, which: int) -> None:
        self._serve(self.past.deploy(str(which)))

    def fail(self, which: int) -> None:
        self.past.fail(self.past.queue(self.past.send(str(which))))

    def send(self, which: int) -> None:
        self.past.send(str(which))

    def queue(self, which: int) -> None:
        self.waiting.append(self.past.queue(self.past.send(str(which))))

    def run_waiting(self, which: int) -> None:
        if self.waiting:
            self._serve(self.past.succeed(self.waiting.pop(0)))

    def cancel_waiting(self, which: int) -> None:
        if self.waiting:
            self.past.cancel(self.waiting.pop())

    def redeploy(self, which: int) -> None:
        if self.serves is not None:
            self._serve(self.past.redeploy())

    def rollback(self, which: int) -> None:
        target = self.context.rollback_target(self.past.app)
        if target is not None:
            self._serve(self.past.go_back(target))

    def rollback_to(self, which: int) -> None:
        """To a label or to a number, where there is something of that name to go back to."""
        try:
            target = Targets(self.context, self.past.app).deployment(f"r{which}" if which % 2 else str(which))
        except PotionsError:
            return
        if self.serves is not None:
            self._serve(self.past.go_back(target))

    def lose_idle_slot(self, which: int) -> None:
        """Somebody removes it by hand."""
        idle = self.past.tree.slot(self.context.trees.live(self.past.tree).other)
        if idle.exists():
            shutil.rmtree(idle)

    def _serve(self, deployment: Deployment) -> None:
        self.serves, self.before = deployment.release.id, self.serves

    def assert_kept(self) -> None:
        live, target = self.context.live_deployment(self.past.app), self.context.rollback_target(self.past.app)
        assert (live.release.id if live else None) == self.serves
        assert (target.release.id if target else None) == self.before
        needed = {self.serves, self.before, *(one.release.id for one in self.waiting)} - {None}
        kept = self.context.store.releases(self.past.app.id)
        assert needed <= {one.id for one in kept}
        for one in kept:
            self.context.trees.check_archive(self.past.tree, one)
        assert len(list(self.past.tree.releases.iterdir())) == len(kept)


ACTS = st.sampled_from(
    [
        *("deploy", "deploy", "deploy", "fail", "send", "queue", "run_waiting", "cancel_waiting", "redeploy"),
        *("rollback", "rollback", "rollback_to", "rollback_to", "lose_idle_slot"),
    ]
)


@settings(max_examples=30, deadline=None, suppress_health_check=list(HealthCheck))
@given(acts=st.lists(st.tuples(ACTS, st.integers(1, 9)), min_size=5, max_size=25), keep=st.integers(1, 3))
def test_what_serves_and_what_a_rollback_needs_is_always_kept(
    in_memory: Context, acts: list[tuple[str, int]], keep: int
) -> None:
    """After any acts in any order both have their archive, and so has whatever waits in the queue."""
    story = Story(in_memory, keep)
    for act, which in acts:
        story.act(act, which)


@pytest.fixture
def past(in_memory: Context) -> Past:
    return Past(in_memory, new_app(in_memory), keep=2)


def labels(past: Past) -> list[str]:
    return [one.label for one in past.context.store.releases(past.app.id)]


def test_only_so_many_are_kept(past: Past) -> None:
    """The last that served; the oldest go first."""
    for content in "abcd":
        past.deploy(content)
    assert labels(past) == ["r4", "r3"]


def test_a_rollback_prunes_nothing(in_memory: Context) -> None:
    """What an old release says about `keep` is no reason to remove those that came after it."""
    past = Past(in_memory, new_app(in_memory), keep=10)
    first, _, _, last = [past.deploy(content) for content in "abcd"]
    back = past.go_back(first)
    assert [one.label for one in releases_to_prune(in_memory, past.app, last, 1)] == ["r3", "r2"]
    assert releases_to_prune(in_memory, past.app, back, 1) == []


def test_what_is_sent_again_while_another_deploys_stays(past: Past) -> None:
    """Between its arrival and its deploy nothing else says that it is wanted."""
    for content in "abc":
        past.deploy(content)
    running = past.queue(past.send("d"))
    past.begin(running)
    past.send("a")
    past.succeed(running)
    assert labels(past) == ["r4", "r3", "r1"]
    past.deploy("e")
    assert labels(past) == ["r5", "r4"]


def test_a_pruned_release_keeps_its_label(past: Past) -> None:
    """Sent again, it is kept again, and the oldest of the others makes room."""
    for content in "abc":
        past.deploy(content)
    assert past.deploy("a").release.label == "r1"
    assert labels(past) == ["r3", "r1"]
