"""Apps: made with everything they need, shown, deleted into the trash, brought back."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

from potions.errors import AppBusy, AppTaken, AppUnknown, ProxyRefused, TrashUnknown, UnsafePath
from potions.host.files import measure, move, remove_tree
from potions.layout import AppTree
from potions.model.app import App
from potions.model.deployment import Kind
from potions.names import AppName, parse_app_name, parse_new_app_name
from potions.schema import Removal, TrashEntry
from potions.service.context import Context
from potions.service.jobs import Jobs
from potions.service.lifecycle import LifecycleService
from potions.service.transcript import Transcript
from potions.store.records import TrashRecord

_log = logging.getLogger(__name__)

#: How long a deleted app can be brought back.
KEPT_FOR = timedelta(hours=72)

#: What a directory in the trash is called from the moment on from which nothing brings it back.
PURGE = ".purge"


class AppService:
    """What may be asked about which apps there are."""

    def __init__(self, context: Context, lifecycle: LifecycleService, jobs: Jobs) -> None:
        self._context = context
        self._lifecycle = lifecycle
        self._jobs = jobs
        self._changing_trash = threading.Lock()

    def create(self, text: str, by: str = "") -> App:
        """Make an app with its storage, its ports, its automatic variables and its site.

        An app whose directory was removed by hand is made anew; what is left of it goes into the trash. Raises
        NameRefused, AppTaken, PortsExhausted, DomainTaken or DomainRefused where its own name is somebody else's, and
        UnsafePath where something that no app has is in the way: its files are not ours to touch. Where the proxy does
        not take it (ProxyRefused) it is as if nothing had been asked for.
        """
        name = parse_new_app_name(text)
        tree = self._context.home.app(name)
        with self.alone_with(name):
            self._forget_if_gone(name, tree)
            if self._is_free(name):
                _refuse_what_is_there(tree)
            self._context.names.refuse_taken_own_name(name)
            automatic = self._context.automatic_values(name)
            app = self._context.store.create_app(name, self._context.choose_ports(), automatic, by)
            self._context.trees.create(tree)
            try:
                self.put_site(app)
            except ProxyRefused:
                # Whatever somebody may have put into it since goes the way of every deleted app.
                self._delete(app, purge=self._measure(app, None).storage_files == 0)
                raise
            return app

    def put_site(self, app: App) -> None:
        """Have the proxy know the app. Its site can hold requests where a release in one of its slots needs that."""
        context = self._context
        context.proxy.put_site(app.name, app.ports.both, context.tree(app), gated=context.needs_gate(app))

    def removal(self, name: str, *, purge: bool) -> Removal:
        """What deleting the app would take away, and until when it could be brought back."""
        app = self._context.app(name)
        return self._measure(app, self._until(app, purge=purge))

    def delete(self, name: str, *, purge: bool) -> Removal:
        """Stop the app, take it out of the proxy, and put its directory into the trash; ``purge`` removes it at once.

        Raises AppBusy while a deploy of it runs.
        """
        with self.alone_with(parse_app_name(name)):
            return self._delete(self._context.app(name), purge=purge)

    def trash(self) -> list[TrashEntry]:
        """What can be brought back."""
        return [_entry(record) for record in self._context.store.trash()]

    def purge_trash(self, old: str) -> TrashEntry:
        """Remove the app of that name that was deleted last for good, before its time. Raises TrashUnknown."""
        name = parse_app_name(old)
        with self.alone_with(name):
            with self._changing_trash:
                record = self._context.store.trashed(name)
                doomed = self._put_out_of_reach(record)
            remove_tree(doomed, below=self._context.home.trash)
        return _entry(record)

    def restore(self, old: str, new: str | None, by: str) -> App:
        """Bring the app of that name that was deleted last back, under its old name or a new one.

        Raises TrashUnknown, AppTaken, PortsExhausted, DomainTaken or DomainRefused where its own name is somebody
        else's, and UnsafePath where something that no app has is in the way.
        """
        old_name = parse_app_name(old)
        name = parse_new_app_name(old if new is None else new)
        with self.alone_with(old_name, name):
            self._context.names.refuse_taken_own_name(name)
            with self._changing_trash:
                app = self._take_out_of_trash(self._context.store.trashed(old_name), name, by)
            self.put_site(app)
            self._context.supervisor.keep_stopped(app.name, stopped=app.stopped)
            lock = self._jobs.take_app(app, "restore")
            try:
                self._serve_again(app, by, moved=name != old_name)
            finally:
                lock.release()
            return app

    def _take_out_of_trash(self, record: TrashRecord, name: AppName, by: str) -> App:
        tree = self._context.home.app(name)
        trashed = self._context.home.trash / record.directory
        if not trashed.is_dir():
            raise TrashUnknown(record.name)
        if self._is_free(name):
            _refuse_what_is_there(tree)
        host = {"PHX_HOST": self._context.names.before_a_domain(name)}
        try:
            app = self._context.store.restore_app(record.app_id, name, self._context.choose_ports(), host, by)
        except AppTaken as taken:
            taken.do = f"Bring it back under another name: potions apps restore {record.name} --as NAME"
            raise
        move(trashed, tree.root)
        # Where somebody had removed a part of it by hand before it was deleted.
        self._context.trees.provide(tree)
        self._context.mend(app)
        return app

    def finish_interrupted(self) -> None:
        """Complete what a crash left of a delete or a restore: the store is right, the directory follows."""
        for record in self._context.store.trash():
            trashed = self._context.home.trash / record.directory
            tree = self._context.home.app(record.name)
            if not trashed.exists() and tree.root.exists() and self._is_free(record.name):
                move(tree.root, trashed)
        for app in self._context.store.apps():
            # By the id: an app that comes back under a new name lies there under its old one.
            for trashed in self._context.home.trash.glob(f"*.{app.id}"):
                if not _is_taken(self._context.tree(app)):
                    move(trashed, self._context.tree(app).root)

    def empty_trash(self) -> None:
        """Remove for good what has been in the trash for longer than its time, and what a purge has left there."""
        while self._expire_one():
            pass
        for doomed in self._context.home.trash.glob(f"*{PURGE}"):
            try:
                remove_tree(doomed, below=self._context.home.trash)
            except UnsafePath as error:
                # A mount inside, for one. It is tried again the next time.
                _log.error("the trash keeps %s: %s", doomed.name, error)

    def _expire_one(self) -> bool:
        """Put one out of a restore's reach by a rename, because removing it may take long. False where none is left."""
        with self._changing_trash:
            expired = self._context.store.expired_trash(datetime.now(UTC))
            for record in expired[:1]:
                self._put_out_of_reach(record)
        return bool(expired)

    def _put_out_of_reach(self, record: TrashRecord) -> Path:
        """From here on nothing brings it back; returns what is left to remove."""
        trashed = self._context.home.trash / record.directory
        doomed = trashed.with_name(trashed.name + PURGE)
        if trashed.exists():
            move(trashed, doomed)
        self._context.store.forget_app(record.app_id)
        return doomed

    @contextmanager
    def alone_with(self, *names: AppName) -> Iterator[None]:
        """Nobody else makes, deletes or brings back an app of these names meanwhile.

        Whoever waits here reads the app anew afterwards: the name may be another app's by then, or nobody's.
        """
        with ExitStack() as held:
            for name in sorted(set(names)):
                lock = self._context.locks.take(f"name-{name}")
                if lock is not None:
                    held.callback(lock.release)
            yield

    # Steps of the above

    def _delete(self, app: App, *, purge: bool) -> Removal:
        """The store first, which can refuse; what it says is true after a crash, and the directory follows.

        A purge goes through the trash too, so there is one way for a directory to go, and a crash in the middle leaves
        something that can be brought back.
        """
        self._refuse_running(app)
        lock = self._jobs.take_app(app, "delete")
        try:
            removal = self._measure(app, self._until(app, purge=purge))
            record = _record(app, removal)
            with self._changing_trash:
                self._context.store.delete_app(app.id, record)
                try:
                    self._take_down(app)
                finally:
                    self._move_away(app, record)
                doomed = self._put_out_of_reach(record) if removal.restorable_until is None else None
        finally:
            lock.release()
        if doomed is not None:
            remove_tree(doomed, below=self._context.home.trash)
        self._jobs.wake()
        return removal

    def _move_away(self, app: App, record: TrashRecord) -> None:
        """The app's directory into the trash; of a link in its place, only the link itself goes."""
        tree = self._context.tree(app)
        if _has_directory(tree):
            move(tree.root, self._context.home.trash / record.directory)
        else:
            remove_tree(tree.root, below=self._context.home.apps)

    def _is_free(self, name: AppName) -> bool:
        try:
            self._context.store.app(name)
        except AppUnknown:
            return True
        return False

    def _forget_if_gone(self, name: AppName, tree: AppTree) -> None:
        if not self._is_free(name) and self._context.is_gone(self._context.app(name)):
            if not _has_directory(tree):
                _refuse_what_is_there(tree)
            self._delete(self._context.app(name), purge=False)

    def _until(self, app: App, *, purge: bool) -> datetime | None:
        """Until when the app could be brought back; None where nothing is kept of it."""
        return None if purge or not _has_directory(self._context.tree(app)) else datetime.now(UTC) + KEPT_FOR

    def _refuse_running(self, app: App) -> None:
        if self._jobs.is_running(app.id):
            raise AppBusy(
                f"A deploy of {app.name} runs; it is not deleted meanwhile.",
                do=f"Wait for it, or end it with: potions cancel {app.name}",
            )

    def _measure(self, app: App, until: datetime | None) -> Removal:
        tree = self._context.tree(app)
        has_any = _has_directory(tree)
        storage = self._context.trees.measure(tree.storage) if has_any else (0, 0)
        total = self._measure_all(tree, storage) if has_any else (0, 0)
        return Removal(app.name, *storage, *total, restorable_until=until)

    def _measure_all(self, tree: AppTree, storage: tuple[int, int]) -> tuple[int, int]:
        """Bytes and files of everything below the app's directory."""
        own = [measure(folder) for folder in (tree.releases, tree.logs)]
        apps = [self._context.trees.measure(folder) for folder in (tree.root / "blue", tree.root / "green", tree.home)]
        parts = [storage, *own, *apps]
        return sum(size for size, _ in parts), sum(files for _, files in parts)

    def _take_down(self, app: App) -> None:
        try:
            self._context.proxy.remove_site(app.name)
        except ProxyRefused as error:
            # The site is gone from the disk, where Caddy finds all of them when it starts. What runs is ended anyway.
            _log.error("the proxy still knows the deleted app %s: %s", app.name, error)
        self._lifecycle.end_both(app)
        for service in self._context.supervisor.states():
            if service.split(".")[0] == app.name and "." in service:
                self._context.supervisor.remove(service)
        self._context.supervisor.keep_stopped(app.name, stopped=False)

    def _serve_again(self, app: App, by: str, *, moved: bool) -> None:
        """Start what served. Under a new name the release is deployed again: what a build made knows its old path."""
        serving = self._context.live_deployment(app)
        if serving is None or app.stopped:
            return
        tree = self._context.tree(app)
        if moved or not tree.slot(self._context.trees.live(tree)).is_dir():
            self._context.store.create_deployment(app.id, Kind.REDEPLOY, serving.release.id, by)
            self._jobs.wake()
        else:
            self._lifecycle.start_live(app, Transcript())


def _entry(record: TrashRecord) -> TrashEntry:
    return TrashEntry(record.name, record.deleted, record.restorable_until, record.total_bytes, record.total_files)


def _record(app: App, removal: Removal) -> TrashRecord:
    now = datetime.now(UTC)
    return TrashRecord(
        app_id=app.id,
        name=app.name,
        directory=f"{app.name}.{app.id}",
        deleted=now,
        restorable_until=removal.restorable_until or now + KEPT_FOR,
        total_bytes=removal.total_bytes,
        total_files=removal.total_files,
    )


def _has_directory(tree: AppTree) -> bool:
    """Whether there is a directory of the app's own; a link that stands in its place leads to somebody else's."""
    return tree.root.is_dir() and not tree.root.is_symlink()


def _is_taken(tree: AppTree) -> bool:
    return tree.root.exists() or tree.root.is_symlink()


def _refuse_what_is_there(tree: AppTree) -> None:
    if _is_taken(tree):
        raise UnsafePath(
            f"{tree.root} is there already, and is not the directory of an app.",
            why="Its files could be somebody's.",
            do="Look at it, and move it away; then try again.",
        )
