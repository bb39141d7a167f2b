"""An app's directories to be broken: made in memory, filled from archives, copied before and put back after."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import Any

from potions.layout import AppTree
from potions.model.deployment import Release
from potions.names import ReleaseId
from support.archives import file, packed, tar

_MEMORY = Path("/dev/shm")


@contextmanager
def folder_in_memory() -> Iterator[Path]:
    """A directory that the apps' user can enter, as those of pytest are not. In memory, because every step syncs."""
    with tempfile.TemporaryDirectory(dir=_MEMORY if _MEMORY.is_dir() else None) as name:
        Path(name).chmod(0o755)
        yield Path(name)


class Here:
    """Does in this process what ``Below`` does in a child, so that one kill ends both."""

    def run(self, function: Callable[..., Any], *args: Any, open_first: Path | None = None, **more: Any) -> Any:
        more = {"report": lambda *_: None} if "progress" in more else {}
        if open_first is None:
            return function(*args, **more)
        with open_first.open("rb", 0) as source:
            return function(*args, source=source.fileno(), **more)


def release_of(tree: AppTree, **files: bytes) -> Release:
    """A kept archive with these files."""
    archive = packed(tar([file(f"{name}.txt", data) for name, data in files.items()]))
    release = Release(
        ReleaseId(sha256(archive).hexdigest()), "r2", "tar.gz", len(archive), "b.tar.gz", datetime.now(UTC)
    )
    tree.archive(release.id, release.suffix).write_bytes(archive)
    return release


@contextmanager
def copied(tree: AppTree) -> Iterator[AppTree]:
    """The tree to be broken: afterwards it is again as it was."""
    kept = Path(tempfile.mkdtemp(dir=tree.root.parent)) / "kept"
    shutil.copytree(tree.root, kept, symlinks=True)
    yield tree
    shutil.rmtree(tree.root)
    kept.rename(tree.root)
