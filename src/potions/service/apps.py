"""Apps: made with everything they need, shown, deleted into the trash, brought back."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from potions.errors import AppBusy, AppTaken, AppUnknown, UnsafePath
from potions.host.files import measure, move, remove_tree
from potions.layout import AppTree
from potions.model.app import App
from potions.model.deployment import Kind
from potions.names import AppName, parse_app_name
from potions.schema import Removal, TrashEntry
from potions.service.context import Context
from potions.service.jobs import Jobs
from potions.service.lifecycle import LifecycleService
from potions.service.transcript import Transcript
from potions.store.records import TrashRecord

#: How long a deleted app can be brought back.
KEPT_FOR = timedelta(hours=72)


class AppService:
    """What may be asked about which apps there are."""

    def __init__(self, context: Context, lifecycle: LifecycleService, jobs: Jobs) -> None:
        self._context = context
        self._lifecycle = lifecycle
        self._jobs = jobs

    def create(self, text: str) -> App:
        """Make an app with its storage, its ports, its automatic variables and its site.

        An app whose directory was removed by hand is made anew. Raises NameRefused, AppTaken, PortsExhausted, and
        UnsafePath where a directory that no app has is in the way: its files are not ours to touch.
        """
        name = parse_app_name(text)
        self._forget_if_gone(name)
        tree = self._context.home.app(name)
        if self._is_free(name) and (tree.root.exists() or tree.root.is_symlink()):
            raise UnsafePath(
                f"{tree.root} is there already, and belongs to no app.",
                why="Its files could be somebody's.",
                do="Look at it, and move it away; then create the app.",
            )
        host = f"{name}.localhost"
        app = self._context.store.create_app(name, self._context.choose_ports(), self._context.automatic_values(host))
        self._context.trees.create(tree)
        self.put_site(app)
        return app

    def put_site(self, app: App) -> None:
        self._context.proxy.put_site(app.name, app.ports.both, self._context.tree(app).live)

    def removal(self, name: str, *, purge: bool) -> Removal:
        """What deleting the app would take away, and until when it could be brought back."""
        app = self._context.app(name)
        until = None if purge or self._context.is_gone(app) else datetime.now(UTC) + KEPT_FOR
        return self._measure(app, until)

    def delete(self, name: str, *, purge: bool) -> Removal:
        """Stop the app, take it out of the proxy, and put its directory into the trash; ``purge`` removes it at once.

        Raises AppBusy while a deploy of it runs.
        """
        app = self._context.app(name)
        self._refuse_running(app)
        lock = self._jobs.take_app(app, "delete")
        try:
            removal = self._measure(app, None if purge or self._context.is_gone(app) else datetime.now(UTC) + KEPT_FOR)
            self._take_down(app)
            if removal.restorable_until is None:
                self._purge(app)
            else:
                self._put_into_trash(app, removal, removal.restorable_until)
        finally:
            lock.release()
        self._jobs.wake()
        return removal

    def trash(self) -> list[TrashEntry]:
        """What can be brought back."""
        return [
            TrashEntry(record.name, record.deleted, record.restorable_until, record.total_bytes, record.total_files)
            for record in self._context.store.trash()
        ]

    def restore(self, old: str, new: str | None, by: str) -> App:
        """Bring the app of that name that was deleted last back, under its old name or a new one."""
        record = self._context.store.trashed(parse_app_name(old))
        name = parse_app_name(new) if new is not None else record.name
        tree = self._context.home.app(name)
        if self._is_free(name) and tree.root.exists():
            raise AppTaken(name)
        host = {"PHX_HOST": f"{name}.localhost"}
        app = self._context.store.restore_app(record.app_id, name, self._context.choose_ports(), host)
        move(self._context.home.trash / record.directory, tree.root)
        self.put_site(app)
        self._serve_again(app, by, moved=name != record.name)
        return app

    def finish_interrupted(self) -> None:
        """Complete what a crash left of a delete or a restore: the store is right, the directory follows."""
        for record in self._context.store.trash():
            trashed = self._context.home.trash / record.directory
            tree = self._context.home.app(record.name)
            if not trashed.exists() and tree.root.exists() and self._is_free(record.name):
                move(tree.root, trashed)
        for app in self._context.store.apps():
            trashed = self._context.home.trash / _trash_name(app)
            if trashed.exists() and not self._context.tree(app).root.exists():
                move(trashed, self._context.tree(app).root)
        for leftover in self._context.home.trash.glob("*.purge"):
            remove_tree(leftover, below=self._context.home.trash)

    def empty_trash(self) -> None:
        """Remove for good what has been in the trash for longer than its time."""
        for record in self._context.store.expired_trash(datetime.now(UTC)):
            remove_tree(self._context.home.trash / record.directory, below=self._context.home.trash)
            self._context.store.forget_app(record.app_id)

    # Steps of the above

    def _is_free(self, name: AppName) -> bool:
        try:
            self._context.store.app(name)
        except AppUnknown:
            return True
        return False

    def _forget_if_gone(self, name: AppName) -> None:
        if not self._is_free(name):
            app = self._context.app(name)
            if self._context.is_gone(app) and not self._context.tree(app).root.exists():
                self.delete(name, purge=True)

    def _refuse_running(self, app: App) -> None:
        if self._jobs.is_running(app.id):
            raise AppBusy(
                f"A deploy of {app.name} runs; it is not deleted meanwhile.",
                do=f"Wait for it, or end it with: potions cancel {app.name}",
            )

    def _measure(self, app: App, until: datetime | None) -> Removal:
        storage = self._context.trees.measure(self._context.tree(app).storage)
        total = self._measure_all(self._context.tree(app), storage)
        return Removal(app.name, *storage, *total, restorable_until=until)

    def _measure_all(self, tree: AppTree, storage: tuple[int, int]) -> tuple[int, int]:
        """Bytes and files of everything below the app's directory."""
        own = [measure(folder) for folder in (tree.releases, tree.logs)]
        apps = [self._context.trees.measure(folder) for folder in (tree.root / "blue", tree.root / "green", tree.home)]
        parts = [storage, *own, *apps]
        return sum(size for size, _ in parts), sum(files for _, files in parts)

    def _take_down(self, app: App) -> None:
        self._context.proxy.remove_site(app.name)
        self._lifecycle.end_both(app)
        for service in self._context.supervisor.states():
            if service.split(".")[0] == app.name and "." in service:
                self._context.supervisor.remove(service)

    def _purge(self, app: App) -> None:
        """Out of sight by one rename, then out of the store, then off the disk; a crash leaves a name that says so."""
        root = self._context.tree(app).root
        doomed = self._context.home.trash / f"{_trash_name(app)}.purge"
        if root.is_symlink() or not root.is_dir():
            remove_tree(root, below=self._context.home.apps)
        else:
            move(root, doomed)
        self._context.store.delete_app(app.id, None)
        remove_tree(doomed, below=self._context.home.trash)

    def _put_into_trash(self, app: App, removal: Removal, until: datetime) -> None:
        directory = _trash_name(app)
        record = TrashRecord(
            app_id=app.id,
            name=app.name,
            directory=directory,
            deleted=datetime.now(UTC),
            restorable_until=until,
            total_bytes=removal.total_bytes,
            total_files=removal.total_files,
        )
        self._context.store.delete_app(app.id, record)
        move(self._context.tree(app).root, self._context.home.trash / directory)

    def _serve_again(self, app: App, by: str, *, moved: bool) -> None:
        """Start what served. Under a new name the release is deployed again: what a build made knows its old path."""
        serving = self._context.live_deployment(app)
        if serving is None or app.stopped:
            return
        if moved:
            self._context.store.create_deployment(app.id, Kind.REDEPLOY, serving.release.id, by)
            self._jobs.wake()
        else:
            self._lifecycle.start_live(app, Transcript())


def _trash_name(app: App) -> str:
    """The app's directory in the trash. The id keeps two of one name apart."""
    return f"{app.name}.{app.id}"
