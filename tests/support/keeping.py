"""Releases of the keeper, the app of one writer, and visitors who give it lines and remember what was taken."""

from __future__ import annotations

import json
import shutil
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import httpx

from support.platform import Platform, wait_for

KEEPER = Path(__file__).parents[1] / "apps" / "keeper" / "keeper.py"
HANDOVER = """
[run]
start = "python3 keeper.py"
[health]
timeout = "{timeout}"
[deploy]
strategy = "handover"
{more}
"""


def keeper_release(
    folder: Path, version: str, *, manifest: str | None = None, timeout: str = "20s", more: str = "", **says: object
) -> Path:
    """A release of the keeper in ``folder``, which is made; ``says`` goes into its ``keeper.json``."""
    folder.mkdir(parents=True)
    shutil.copy2(KEEPER, folder / "keeper.py")
    (folder / "keeper.json").write_text(json.dumps({"version": version, **says}))
    (folder / "potions.toml").write_text(manifest or HANDOVER.format(timeout=timeout, more=more))
    return folder


@dataclass
class Visitors:
    """Some who send lines one after another, each once, and remember which were taken."""

    taken: list[str] = field(default_factory=list)
    failed: list[str] = field(default_factory=list)
    versions: list[str] = field(default_factory=list)

    def wait_for_more(self, count: int = 20) -> None:
        """Until so many further lines were taken."""
        goal = len(self.taken) + count
        wait_for(lambda: len(self.taken) >= goal or self.failed, f"{count} more lines are taken")

    def _send(self, potions: Platform, app: str, number: int, over: threading.Event) -> None:
        address = f"http://127.0.0.1:{potions.http_port}/add"
        sent = 0
        # Every second one keeps its connection.
        limits = httpx.Limits(max_keepalive_connections=number % 2)
        with httpx.Client(timeout=60, limits=limits, trust_env=False) as client:
            while not over.is_set():
                line = f"{number}-{sent}"
                sent += 1
                try:
                    answer = client.post(address, content=line, headers={"Host": f"{app}.localhost"})
                except httpx.HTTPError as error:
                    self.failed.append(f"{line}: {error!r}")
                    continue
                if answer.status_code != 200 or answer.json()["took"] != line:
                    self.failed.append(f"{line}: {answer.status_code} {answer.text}")
                else:
                    self.taken.append(line)
                    self.versions.append(answer.json()["version"])


@contextmanager
def visitors(potions: Platform, app: str, count: int = 8) -> Iterator[Visitors]:
    """So many visitors, for as long as the block takes."""
    seen, over = Visitors(), threading.Event()
    threads = [threading.Thread(target=seen._send, args=(potions, app, number, over)) for number in range(count)]
    for thread in threads:
        thread.start()
    try:
        seen.wait_for_more()
        yield seen
    finally:
        over.set()
        for thread in threads:
            thread.join()


def diary(potions: Platform, app: str) -> list[str]:
    """What the keepers wrote down about their lives, in its order."""
    return (potions.tree(app).storage / "diary.txt").read_text().splitlines()


def assert_never_two(lines: list[str]) -> None:
    """Each began only after the one before had ended, and nobody met another."""
    running = 0
    for line in lines:
        assert not line.endswith("met another one"), lines
        running += 1 if line.endswith("begins") else -1
        assert running in (0, 1), lines
