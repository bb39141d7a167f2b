"""What the agent is asked about releases and deployments."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from potions.client.wire import Wire, app_path
from potions.schema import Deployment, DeploymentCreate, Event, Release

#: Headers of an upload: sizes in bytes, sent where they are known beforehand.
PACKED_BYTES = "Potions-Packed-Bytes"
UNPACKED_BYTES = "Potions-Unpacked-Bytes"


class DeploymentCalls(Wire):
    """Releases and deployments."""

    def send_release(
        self,
        app: str,
        source: str,
        chunks: Iterable[bytes],
        *,
        packed_bytes: int | None = None,
        unpacked_bytes: int | None = None,
    ) -> Release:
        """Stream an archive to the agent. ``source`` is what people call it; the sizes are in bytes."""
        sizes = {PACKED_BYTES: packed_bytes, UNPACKED_BYTES: unpacked_bytes}
        headers = {name: str(size) for name, size in sizes.items() if size is not None}
        # A file's name can hold bytes that are no text.
        name = source.encode(errors="replace").decode()
        return self._send("POST", release_uploads(app), Release, chunks, headers, source=name)

    def deploy(self, app: str, release: str | None = None) -> Deployment:
        """Ask for a deployment of a release that was sent; without one, of what serves, with today's variables."""
        return self._write("POST", f"{app_path(app)}/deployments", Deployment, DeploymentCreate(release))

    def deployments(self, app: str, limit: int = 50) -> list[Deployment]:
        """The app's history, newest first."""
        return self._get(f"{app_path(app)}/deployments", list[Deployment], limit=limit)

    def deployment(self, app: str, number: int) -> Deployment:
        return self._get(f"{app_path(app)}/deployments/{number}", Deployment)

    def cancel(self, app: str, number: int) -> Deployment:
        return self._write("POST", f"{app_path(app)}/deployments/{number}/cancel", Deployment)

    def events(
        self, app: str, number: int, *, follow: bool = False, drain: bool = False, after: int = 0
    ) -> Iterator[Event]:
        """A deployment's log. ``follow`` stays until it ended, with ``drain`` until the old slot is retired.

        ``after`` is the position of an event: it goes on right behind that. Raises RequestRefused where none ends
        there.
        """
        behind = {"after": after} if after else {}
        return self._stream(deployment_events(app, number), Event, follow=follow, drain=drain, **behind)


def release_uploads(app: str) -> str:
    """The route that takes an archive, for a web server that streams it there."""
    return f"{app_path(app)}/releases"


def deployment_events(app: str, number: int) -> str:
    """The route of a deployment's log, for a web server that streams it from there."""
    return f"{app_path(app)}/deployments/{number}/events"
