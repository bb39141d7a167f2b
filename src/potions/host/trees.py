"""The directories of the apps: slots, the live link, kept archives.

The platform itself only makes, renames and removes entries of an app's own directory. Whatever lies below a slot or a
storage is read and written by a child that has become the app's user.

**Which release a slot holds, at every moment.** A deploy never unpacks over what a rollback may need:

1. unpack into ``.slots/<colour>.incoming``;
2. make ``.slots/<colour>.previous``, rename what the slot holds into it;
3. rename ``incoming`` to the slot, write ``release.json``.

So the slot holds new content if and only if ``previous`` exists and ``incoming`` does not, and ``put_back`` finds its
way from any point, also when it was killed itself: it first renames new content back to ``incoming``.
"""

from __future__ import annotations

import contextlib
import os
import threading
from collections.abc import Callable, Collection, Mapping
from pathlib import Path

import msgspec

from potions.errors import AppDamaged, ReleaseUnknown
from potions.flows.ports import Report
from potions.host import below_tasks
from potions.host.archive import Limits, unpack
from potions.host.below import Below
from potions.host.files import (
    free_bytes,
    hash_of,
    move,
    provision,
    remove_tree,
    replace_link,
    sync_directory,
    sync_filesystem,
    write_atomically,
)
from potions.host.release_index import ReleaseIndex
from potions.layout import ENV_FILE_MODE, FIRST_LIVE, HOLDS_MODE, SLOT_MODE, AppTree, Colour, Entry
from potions.model.console import ConsoleMarks
from potions.model.deployment import Release, SlotContent, Unpacked
from potions.model.plan import ReleaseFiles, Shipped
from potions.model.service import Account
from potions.render.envfile import render_environment

#: What is left free on the disk for everything else (logs, the database, the app's own writing).
ROOM_KEPT = 64 * 1024 * 1024


#: A port at which nobody can listen.
_NOWHERE = 0


class Trees:
    """The trees of one home."""

    def __init__(self, account: Account, below: Below) -> None:
        self._account = account
        self._below = below

    def close(self) -> None:
        """End the children; nothing can be done below a slot afterwards."""
        self._below.close()

    def create(self, tree: AppTree) -> None:
        """Make an app's directories and links. Survives a crash at any point by being run again."""
        self.provide(tree)
        if not tree.live.is_symlink():
            replace_link(tree.live, _live_target(FIRST_LIVE), tree.live_new)

    def provide(self, tree: AppTree) -> None:
        """Have all that the platform keeps in an app's directory, but for what says which slot serves."""
        provision(tree.entries(), self._account)
        for colour in Colour:
            write_atomically(tree.marker_name(colour), b"", 0o644)
            replace_link(tree.marker_slot(colour), f"../../{colour.value}", tree.marker(colour) / "slot.new")
        replace_link(tree.current, ".live/slot", tree.root / ".current.new")

    def is_complete(self, tree: AppTree) -> bool:
        """Whether nothing of the platform's own is missing; one look at each."""
        marks = (tree.marker_name(colour) for colour in Colour)
        return tree.live.is_symlink() and all(path.exists() for path in (*marks, tree.releases, tree.logs, tree.home))

    def live(self, tree: AppTree) -> Colour:
        try:
            return Colour(tree.live.readlink().name)
        except (OSError, ValueError) as error:
            raise AppDamaged(
                str(tree.live), f"It has to be a link to one of {', '.join(map(_live_target, Colour))}."
            ) from error

    def begin_sync(self, tree: AppTree) -> None:
        threading.Thread(target=_sync_early, args=(tree,), name="early sync", daemon=True).start()

    def point(self, tree: AppTree, colour: Colour, *, sync: bool = True) -> None:
        if sync:
            sync_filesystem(tree.root)
        replace_link(tree.live, _live_target(colour), tree.live_new)

    def hold_requests(self, tree: AppTree, colour: Colour, ports: Collection[int]) -> None:
        for port in (_NOWHERE, *ports):
            self._provide_port(tree, colour, port)
        # The gate first: a request that finds the hold must not find a port from an earlier time in it.
        self.let_requests_go(tree, colour, _NOWHERE)
        write_atomically(tree.hold(colour), b"", 0o644)

    def let_requests_go(self, tree: AppTree, colour: Colour, port: int) -> None:
        self._provide_port(tree, colour, port)
        replace_link(tree.gate(colour), tree.gate_port(colour, port).name, tree.gate_new(colour))

    def _provide_port(self, tree: AppTree, colour: Colour, port: int) -> None:
        path, text = tree.gate_port(colour, port), str(port).encode()
        if not path.exists() or path.read_bytes() != text:
            write_atomically(path, text, 0o644)

    def end_hold(self, tree: AppTree, colour: Colour) -> None:
        # The gate stays: whoever was on the way to it a moment ago still goes through.
        if self.is_held(tree, colour):
            remove_tree(tree.hold(colour), below=tree.root)

    def is_held(self, tree: AppTree, colour: Colour) -> bool:
        return tree.hold(colour).exists()

    def holds(self, tree: AppTree, colour: Colour) -> SlotContent | None:
        return self.record_of(tree, colour) if tree.slot(colour).is_dir() else None

    def record_of(self, tree: AppTree, colour: Colour) -> SlotContent | None:
        try:
            return msgspec.json.decode(tree.holds(colour).read_bytes(), type=SlotContent)
        except FileNotFoundError:
            return None
        except msgspec.MsgspecError as error:
            raise AppDamaged(str(tree.holds(colour)), "It does not say which release the slot holds.") from error

    def discard_parked(self, tree: AppTree, colour: Colour) -> None:
        remove_tree(tree.previous(colour), below=tree.root)

    def has_archive(self, tree: AppTree, release: Release) -> bool:
        """Whether the kept archive is there, and as long as it was."""
        return self.size_of(tree.archive(release.id, release.suffix)) == release.packed_bytes

    def check_archive(self, tree: AppTree, release: Release) -> None:
        archive = tree.archive(release.id, release.suffix)
        if not self.has_archive(tree, release):
            raise _no_archive(release, f"{archive} is missing or has another size.")

    def verify_archive(self, tree: AppTree, release: Release) -> None:
        """The same, and every byte of it; a gigabyte takes less than a second. Raises ReleaseUnknown."""
        self.check_archive(tree, release)
        archive = tree.archive(release.id, release.suffix)
        if hash_of(archive) != release.id:
            raise _no_archive(release, f"{archive} was changed, or its disk is damaged.")

    def unpack(
        self, tree: AppTree, colour: Colour, release: Release, *, report: Report, cancelled: Callable[[], bool]
    ) -> Unpacked:
        incoming = tree.incoming(colour)
        remove_tree(incoming, below=tree.root)
        provision([Entry(incoming, "app", SLOT_MODE)], self._account)
        limits = Limits(room=max(free_bytes(tree.root) - ROOM_KEPT, 0))
        archive = tree.archive(release.id, release.suffix)
        return self._below.run(
            unpack, release.suffix, incoming, limits, open_first=archive, progress=report, cancelled=cancelled
        )

    def index(self, tree: AppTree, release: Release) -> ReleaseIndex:
        """What a kept archive would unpack to, file by file; raises what unpacking raises, and writes nothing."""
        archive = tree.archive(release.id, release.suffix)
        return self._below.run(below_tasks.index_release, release.suffix, Limits(), open_first=archive)

    def place(self, tree: AppTree, colour: Colour, content: SlotContent) -> None:
        provision([Entry(tree.previous(colour), "platform", 0o700)], self._account)
        _move_if_there(tree.holds(colour), tree.previous_holds(colour))
        _move_if_there(tree.slot(colour), tree.previous_slot(colour))
        move(tree.incoming(colour), tree.slot(colour))
        self.rewrite_holds(tree, colour, content)

    def put_back(self, tree: AppTree, colour: Colour) -> None:
        if tree.previous(colour).exists():
            if not tree.incoming(colour).exists():
                remove_tree(tree.holds(colour), below=tree.root)
                _move_if_there(tree.slot(colour), tree.incoming(colour))
            _move_if_there(tree.previous_slot(colour), tree.slot(colour))
            _move_if_there(tree.previous_holds(colour), tree.holds(colour))
            tree.previous(colour).rmdir()
            sync_directory(tree.slots)
        remove_tree(tree.incoming(colour), below=tree.root)

    def rewrite_holds(self, tree: AppTree, colour: Colour, content: SlotContent) -> None:
        """Say that the slot runs for another deployment now."""
        write_atomically(tree.holds(colour), msgspec.json.encode(content), HOLDS_MODE)

    def inspect(self, tree: AppTree, colour: Colour) -> ReleaseFiles:
        return self._below.run(below_tasks.inspect_release, tree.slot(colour))

    def console_marks(self, tree: AppTree, colour: Colour) -> ConsoleMarks:
        """What the files of a slot, as they are now, say about its console."""
        return self._below.run(below_tasks.look_for_console, tree.slot(colour))

    def link_storage(self, tree: AppTree, colour: Colour, shipped: Shipped) -> list[str]:
        return self._below.run(
            below_tasks.link_storage, tree.slot(colour), f"../{tree.storage.name}", tree.storage, shipped
        )

    def find_epmd(self, tree: AppTree, colour: Colour) -> bytes | None:
        """The port mapper that an Erlang release brings along."""
        return self._below.run(below_tasks.find_epmd, tree.slot(colour))

    def measure(self, path: Path) -> tuple[int, int]:
        """Bytes and number of files below a storage or a slot."""
        return self._below.run(below_tasks.measure_below, path)

    def write_environment(self, tree: AppTree, colour: Colour, environment: Mapping[str, str]) -> None:
        write_atomically(tree.env_file(colour), render_environment(environment), ENV_FILE_MODE)

    def size_of(self, path: Path) -> int:
        try:
            return path.lstat().st_size
        except FileNotFoundError:
            return 0

    def read_output(self, path: Path, offset: int) -> bytes:
        try:
            with path.open("rb") as file:
                # A log that was rotated meanwhile is shorter: then all of it is new.
                file.seek(offset if offset <= os.fstat(file.fileno()).st_size else 0)
                return file.read()
        except FileNotFoundError:
            return b""

    def discard_output(self, tree: AppTree, path: Path) -> None:
        for log in (path, path.with_name(f"{path.name}.1")):
            remove_tree(log, below=tree.root)

    def prune(self, tree: AppTree, release: Release) -> None:
        remove_tree(tree.archive(release.id, release.suffix), below=tree.root)


def _no_archive(release: Release, why: str) -> ReleaseUnknown:
    return ReleaseUnknown(
        f"The archive of {release.label} is not there any more.",
        why=why,
        do="Send the release again: potions deploy PATH --app APP",
    )


def _sync_early(tree: AppTree) -> None:
    # Whatever goes wrong here goes wrong again in `point`, and is told there.
    with contextlib.suppress(OSError):
        sync_filesystem(tree.root)


def _live_target(colour: Colour) -> str:
    return f".slots/{colour.value}"


def _move_if_there(source: Path, destination: Path) -> None:
    if source.is_symlink() or source.exists():
        move(source, destination)
