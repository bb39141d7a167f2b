"""What the agent is asked about the platform, apps and the trash."""

from __future__ import annotations

from potions.client.wire import Wire, app_path, segment
from potions.schema import (
    AppCreate,
    AppDetail,
    AppSettings,
    AppSummary,
    KnownServer,
    PlatformStatus,
    Removal,
    RestoreRequest,
    TrashEntry,
)


class AppCalls(Wire):
    """The platform and its apps."""

    def known_servers(self) -> list[KnownServer]:
        """Those that were added on the agent's computer, by the user that it runs as."""
        return self._get("/servers", list[KnownServer])

    def status(self) -> PlatformStatus:
        return self._get("/status", PlatformStatus)

    # Apps

    def apps(self) -> list[AppSummary]:
        return self._get("/apps", list[AppSummary])

    def app(self, app: str, *, measure: bool = False) -> AppDetail:
        """Everything about an app. ``measure`` has its storage measured now, which may take seconds."""
        return self._get(app_path(app), AppDetail, **({"measure": True} if measure else {}))

    def create_app(self, name: str) -> AppDetail:
        return self._write("POST", "/apps", AppDetail, AppCreate(name))

    def app_settings(self, app: str) -> AppSettings:
        """How the release that serves is run."""
        return self._get(f"{app_path(app)}/settings", AppSettings)

    def removal(self, app: str, *, purge: bool = False) -> Removal:
        """What deleting the app would take away."""
        return self._get(f"{app_path(app)}/removal", Removal, purge=purge)

    def delete_app(self, app: str, *, purge: bool = False) -> Removal:
        return self._write("DELETE", app_path(app), Removal, purge=purge)

    def trash(self) -> list[TrashEntry]:
        return self._get("/trash", list[TrashEntry])

    def purge_trash(self, old: str) -> TrashEntry:
        """Remove the deleted app of that name for good, before its time."""
        return self._write("DELETE", f"/trash/{segment(old)}", TrashEntry)

    def restore_app(self, old: str, new: str | None = None) -> AppDetail:
        return self._write("POST", f"/trash/{segment(old)}/restore", AppDetail, RestoreRequest(new))

    def stop(self, app: str) -> AppDetail:
        return self._write("POST", f"{app_path(app)}/stop", AppDetail)

    def start(self, app: str) -> AppDetail:
        return self._write("POST", f"{app_path(app)}/start", AppDetail)

    def restart(self, app: str) -> AppDetail:
        return self._write("POST", f"{app_path(app)}/restart", AppDetail)
