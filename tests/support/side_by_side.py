"""Two apps whose names begin alike, `blog` and `blog2`: what happens to one, the other must not notice."""

from __future__ import annotations

import base64
import itertools
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from potions.host.processes import slot_processes
from potions.layout import Colour
from potions.packing import open_release
from potions.schema import Deployment, Event, EventKind, Status
from support.archives import tree as content_of
from support.platform import Platform
from support.releases import behave_release

BLOG, BLOG2 = "blog", "blog2"
#: Errors of archives that are not kept, because no deploy could ever use them.
USELESS = frozenset({"archive-broken", "archive-unreadable", "archive-unsafe"})


class Seen(NamedTuple):
    """Everything about an app that somebody else's bad luck, or its own failed deploy, has to leave as it was."""

    app: str
    answer: dict[str, object]
    """What a visitor gets: version, slot, pid and port of who answers."""
    live: Colour
    slots: dict[str, object]
    """The directory of each slot (its inode: the very same one), what it holds, and its environment file."""
    processes: dict[str, set[int]]
    storage: dict[str, str | bytes]
    archives: set[str]
    entries: list[str]
    """The names in the app's directory and in ``.slots``."""


class SideBySide:
    """Both apps, each deployed, with a file in storage; `blog` twice, so that its idle slot has something to lose."""

    def __init__(self, potions: Platform) -> None:
        self.potions = potions
        self.client = potions.client
        self._folder = Path(tempfile.mkdtemp(prefix="releases-", dir=potions.folder))
        self._numbers = itertools.count(1)

    def set_up(self) -> SideBySide:
        for app in (BLOG, BLOG2):
            self.client.create_app(app)
        for app, version in ((BLOG, "1"), (BLOG2, "a"), (BLOG, "2")):
            self.works(self.release(version), app)
        for app in (BLOG, BLOG2):
            assert self.potions.request("PUT", app, "/file?path=storage/kept.txt", content=app.encode()).is_success
        return self

    def close(self) -> None:
        for app in self.client.apps():
            self.client.delete_app(app.name, purge=True)
        self.client.close()

    # Deploying

    def release(self, version: str, **options: object) -> Path:
        """A release of the behave app, as a directory."""
        return behave_release(self._folder / str(next(self._numbers)), version, **options)  # type: ignore[arg-type]

    def send(self, release: Path | bytes, app: str = BLOG) -> Deployment:
        """Send a release (a directory, an archive, or the bytes of one) and ask for its deployment."""
        if isinstance(release, bytes):
            kept = self.client.send_release(app, "bytes", [release], packed_bytes=len(release))
        else:
            source = open_release(release)
            kept = self.client.send_release(app, source.name, source.chunks(), packed_bytes=source.packed_bytes)
        return self.client.deploy(app, kept.id)

    def end_of(self, deployment: Deployment) -> Deployment:
        """Wait until it ended, and what served before it is retired; the deployment as it ended."""
        for _ in self.client.events(deployment.app, deployment.number, follow=True, drain=True):
            pass
        return self.client.deployment(deployment.app, deployment.number)

    def works(self, release: Path | bytes, app: str = BLOG) -> Deployment:
        """A deploy that has to succeed."""
        ended = self.end_of(self.send(release, app))
        assert ended.status is Status.SUCCEEDED, f"{ended.failure}\n{self.words(ended)}\n{self.potions.report()}"
        return ended

    def fails(self, release: Path | bytes, *codes: str) -> Deployment:
        """A deploy of `blog` that has to fail with one of these errors, and to leave both apps as they were.

        Only the archive is kept, for another try, unless nothing could ever be done with it.
        """
        blog, blog2 = self.look(BLOG), self.look(BLOG2)
        ended = self.end_of(self.send(release))
        kept = set() if USELESS.issuperset(codes) else {f"{ended.release.id}.{ended.release.suffix}"}
        _compare(blog._replace(archives={*blog.archives, *kept}), self.look(BLOG))
        _compare(blog2, self.look(BLOG2))
        assert ended.status is Status.FAILED, self.words(ended)
        assert ended.failure is not None
        assert ended.failure.code in codes, f"{ended.failure}\n{self.words(ended)}"
        return ended

    # Looking

    def log(self, deployment: Deployment) -> list[Event]:
        return list(self.client.events(deployment.app, deployment.number))

    def output(self, deployment: Deployment) -> list[str]:
        """What the app, its build or its migration printed, as the deployment's log keeps it."""
        return [event.text for event in self.log(deployment) if event.kind is EventKind.OUTPUT]

    def words(self, deployment: Deployment) -> str:
        """The whole log as text."""
        return "\n".join(f"{event.kind.value:<8} {event.step:<12} {event.text}" for event in self.log(deployment))

    def idle(self, app: str = BLOG) -> Colour:
        """The slot that the next deploy goes to."""
        return self.potions.live(app).other

    def port(self, app: str, colour: Colour) -> int:
        return next(slot.port for slot in self.client.app(app).slots if slot.colour is colour)

    def processes(self, app: str, colour: Colour) -> set[int]:
        return slot_processes(self.potions.tree(app).root, colour)

    def environment(self, app: str) -> dict[str, str]:
        """The variables that the app itself sees."""
        seen = self.potions.get(app, "/env").json()
        return {name: base64.b64decode(value).decode() for name, value in seen.items()}

    def look(self, app: str) -> Seen:
        tree = self.potions.tree(app)
        return Seen(
            app=app,
            answer=self.potions.get(app).json(),
            live=self.potions.live(app),
            slots={colour.value: self._slot(app, colour) for colour in Colour},
            processes={colour.value: self.processes(app, colour) for colour in Colour},
            storage=content_of(tree.storage),
            archives=set(os.listdir(tree.releases)),
            entries=[*sorted(os.listdir(tree.root)), *sorted(os.listdir(tree.slots))],
        )

    @contextmanager
    def unchanged(self, *apps: str) -> Iterator[None]:
        """What a block leaves exactly as it was."""
        before = [self.look(app) for app in apps]
        yield
        for was in before:
            _compare(was, self.look(was.app))

    def _slot(self, app: str, colour: Colour) -> tuple[object, ...]:
        tree = self.potions.tree(app)
        if not tree.slot(colour).exists():
            return ()
        return tree.slot(colour).stat().st_ino, content_of(tree.slot(colour)), tree.holds(colour).read_bytes()


def _compare(was: Seen, now: Seen) -> None:
    """One thing at a time, so that a failure names it."""
    for field in Seen._fields:
        assert getattr(now, field) == getattr(was, field), f"{field} of {was.app} changed"
