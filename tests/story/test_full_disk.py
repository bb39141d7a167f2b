"""A release that fills the disk in the middle of a hand-over, on a small disk of its own."""

from __future__ import annotations

import os
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from potions.layout import Colour
from support.platform import Platform, wait_for

SERVES = "exec python3 -m http.server --bind 127.0.0.1 $PORT"
FILLS = "cat /dev/zero > fill; echo the disk is full; sleep 60"
MANIFEST = """
[run]
start = "{start}"
[health]
path = "/"
timeout = "3s"
[deploy]
strategy = "handover"
"""


@pytest.fixture
def small_disk() -> Iterator[Platform]:
    """A Potions whose home is a file system of 300 MB."""
    platform = Platform()
    platform.home.root.mkdir(mode=0o755)
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=300m,mode=755", "potions-test", platform.home.root], check=True)
    try:
        yield platform.up()
    finally:
        platform.run("down")
        subprocess.run(["umount", platform.home.root], check=True)
        platform.close()


def _release(folder: Path, start: str) -> Path:
    folder.mkdir()
    (folder / "potions.toml").write_text(MANIFEST.format(start=start))
    (folder / "index.html").write_text("served")
    return folder


@contextmanager
def _visitors(potions: Platform, app: str) -> Iterator[list[str]]:
    """Four who visit one after another; what each of them saw."""
    seen: list[str] = []
    over = threading.Event()

    def visit() -> None:
        while not over.is_set():
            try:
                seen.append(potions.get(app).text)
            except httpx.HTTPError as error:
                seen.append(repr(error))

    threads = [threading.Thread(target=visit) for _ in range(4)]
    for thread in threads:
        thread.start()
    try:
        yield seen
        enough = len(seen) + 20
        wait_for(lambda: len(seen) > enough, "they are answered again")
    finally:
        over.set()
        for thread in threads:
            thread.join()


@pytest.mark.contract("B2")
@pytest.mark.skipif(os.geteuid() != 0, reason="needs root: only root mounts a small disk")
def test_a_handover_that_fills_the_disk_goes_back(small_disk: Platform, tmp_path: Path) -> None:
    """Everybody who waited is answered by the old release: nothing of the way back needs room."""
    potions = small_disk
    potions.do("apps", "create", "blog")
    potions.do("deploy", str(_release(tmp_path / "1", SERVES)), "--app", "blog")
    with _visitors(potions, "blog") as seen:
        potions.refused("deploy", str(_release(tmp_path / "2", FILLS)), "--app", "blog")
    assert set(seen) == {"served"}
    assert potions.live("blog") is Colour.BLUE
    wait_for(lambda: potions.statuses("blog") == ["failed", "succeeded"], "how it ended is written down")
    potions.do("deploy", str(_release(tmp_path / "3", SERVES)), "--app", "blog")
    assert potions.live("blog") is Colour.GREEN
