"""Deployments: receive a release, deploy it, cancel, and read what happened."""

from __future__ import annotations

import contextlib
import hashlib
import os
import uuid
from pathlib import Path
from typing import BinaryIO

from potions.errors import ArchiveBroken, NoRoom, NothingDeployed, RequestRefused
from potions.host.deployment_log import read_events
from potions.host.files import free_bytes, hash_of, move, remove_tree, sync_directory
from potions.host.trees import ROOM_KEPT
from potions.layout import AppTree
from potions.model.app import App
from potions.model.archive_format import MAGIC_BYTES, suffix_of
from potions.model.deployment import Deployment, Kind, Release
from potions.model.event import Event
from potions.names import ReleaseId, parse_release_id
from potions.service.context import Context
from potions.service.jobs import Jobs

_LOOK_AT_ROOM_EVERY = 16 * 1024 * 1024


class Upload:
    """An archive on its way in: written beside the kept ones, hashed as it comes, kept only when it is whole."""

    def __init__(self, tree: AppTree, file: BinaryIO, path: Path) -> None:
        self._tree = tree
        self._file = file
        self._path = path
        self._hash = hashlib.sha256()
        self._head = b""
        self.size = 0
        self._looked_at = 0

    def write(self, chunk: bytes) -> None:
        """Take the next piece; raises NoRoom while there still is some."""
        if self.size - self._looked_at >= _LOOK_AT_ROOM_EVERY or not self.size:
            self._looked_at = self.size
            if free_bytes(self._tree.root) < ROOM_KEPT + len(chunk):
                raise NoRoom("The disk ran full while the release was received.", do="Make room, then send it again.")
        self._file.write(chunk)
        self._hash.update(chunk)
        self.size += len(chunk)
        if len(self._head) < MAGIC_BYTES:
            self._head += chunk[:MAGIC_BYTES]

    def keep(self, expected: int | None) -> tuple[ReleaseId, str]:
        """Bring it to the disk under its hash; returns hash and suffix. The same archive is stored once."""
        if not self.size:
            raise ArchiveBroken("The archive is empty.", why="Not one byte arrived.")
        if expected is not None and expected != self.size:
            raise ArchiveBroken(f"Only {self.size:,} of {expected:,} bytes arrived.", do="Send it again.")
        suffix = suffix_of("The file", self._head)
        self._file.flush()
        os.fsync(self._file.fileno())
        release = parse_release_id(self._hash.hexdigest())
        kept = self._tree.archive(release, suffix)
        if kept.exists() and kept.stat().st_size == self.size and hash_of(kept) == release:
            self.discard()
        else:
            remove_tree(kept, below=self._tree.root)
            move(self._path, kept)
        sync_directory(self._tree.releases)
        return release, suffix

    def discard(self) -> None:
        """Leave nothing behind; also after ``keep`` it is fine."""
        # Closing writes what is still to be written, which a full disk refuses; it is to go in any case.
        with contextlib.suppress(OSError):
            self._file.close()
        remove_tree(self._path, below=self._tree.root)


class DeploymentService:
    """What may be asked about the deployments of an app."""

    def __init__(self, context: Context, jobs: Jobs) -> None:
        self._context = context
        self._jobs = jobs

    # Releases

    def begin_upload(self, name: str, packed: int | None, unpacked: int | None) -> Upload:
        """Make ready to receive an archive; raises NoRoom beforehand for what the disk would not hold."""
        _, tree = self._context.present(name)
        needed = (packed or 0) + (unpacked or 0) + ROOM_KEPT
        free = free_bytes(tree.root)
        if free < needed:
            raise NoRoom(
                "The disk would not hold this release.",
                why=f"It needs {needed:,} bytes, archive and files together; {free:,} are free.",
                do="Make room, or make the release smaller.",
            )
        path = tree.releases / f".incoming-{uuid.uuid4().hex}"
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
        return Upload(tree, os.fdopen(os.open(path, flags, 0o600), "wb"), path)

    def finish_upload(self, name: str, upload: Upload, source: str, expected: int | None) -> Release:
        """Keep a whole archive as a release of the app."""
        app = self._context.app(name)
        release, suffix = upload.keep(expected)
        return self._context.store.add_release(app.id, release, suffix, upload.size, source)

    # Deploy

    def deploy(self, name: str, release: str | None, by: str) -> Deployment:
        """Queue a deploy of a release that was sent, or of the one that serves, with the variables saved now."""
        app, tree = self._context.present(name)
        if release is None:
            chosen, kind = self._serving(app).release, Kind.REDEPLOY
        else:
            chosen, kind = self._context.store.release(app.id, parse_release_id(release)), Kind.DEPLOY
        self._context.trees.check_archive(tree, chosen)
        deployment = self._context.store.create_deployment(app.id, kind, chosen.id, by)
        self._jobs.wake()
        return deployment

    def cancel(self, name: str, number: int) -> Deployment:
        app = self._context.app(name)
        self._jobs.cancel(self._context.store.deployment(app.id, number))
        return self._context.store.deployment(app.id, number)

    # Reading

    def deployment(self, name: str, number: int) -> Deployment:
        return self._context.store.deployment(self._context.app(name).id, number)

    def deployments(self, name: str, limit: int) -> list[Deployment]:
        """The newest first."""
        return self._context.store.deployments(self._context.app(name).id, limit)

    def events(self, name: str, number: int, offset: int) -> tuple[list[Event], int]:
        """The log's whole lines behind byte ``offset``, and where they end."""
        path = self._context.home.app(self._context.app(name).name).deployment_log(number)
        data = self._context.trees.read_output(path, offset)
        whole = data[: data.rfind(b"\n") + 1]
        return read_events(whole, offset), offset + len(whole)

    def check_position(self, name: str, number: int, position: int) -> None:
        """Raises RequestRefused for what is not the end of a line of the log, nor its beginning."""
        path = self._context.home.app(self._context.app(name).name).deployment_log(number)
        if not position:
            return
        size = self._context.trees.size_of(path)
        if position > size or self._context.trees.read_output(path, position - 1)[:1] != b"\n":
            raise RequestRefused(
                "The log of the deployment cannot be read on from there.",
                why=f"No line of it ends at byte {position:,}.",
                do="Ask without: after. Then it begins with the first line.",
            )

    def _serving(self, app: App) -> Deployment:
        serving = self._context.live_deployment(app)
        if serving is None:
            raise NothingDeployed(app.name)
        return serving
