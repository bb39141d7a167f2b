"""What ``make run`` tells is true, and it says so aloud when it is not."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from support.platform import Platform

ROOT = Path(__file__).parents[2]

Tell = Callable[[], subprocess.CompletedProcess[str]]


@pytest.fixture
def platform() -> Iterator[Platform]:
    """A home in which nothing was ever started."""
    platform = Platform()
    try:
        yield platform
    finally:
        platform.close()


@pytest.fixture
def tell(platform: Platform) -> Tell:
    """Tells the story in that home."""

    def run() -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, str(ROOT / "scripts" / "story.py")],
            env=platform.environment,
            capture_output=True,
            text=True,
            timeout=180,
            check=False,
        )

    return run


def test_the_story_can_be_told_again_and_again(platform: Platform, tell: Tell) -> None:
    """From nothing to a gallery that runs, and once more with what is there: no request fails, no file is lost."""
    for pictures in (1, 2):
        told = tell()
        assert told.returncode == 0, told.stdout + told.stderr
        assert len(re.findall(r"✓ [\d,]+ requests, 0 failed", told.stdout)) == 2
        assert platform.get("gallery", "/version").json()["version"] == "1"
        photos = list((platform.tree("gallery").storage / "photos").glob("*.png"))
        assert len(photos) == pictures
        assert len((platform.tree("gallery").storage / "notes.txt").read_text().splitlines()) == pictures
    assert "There is an app called gallery already" in told.stdout
    assert "\x1b" not in told.stdout


def test_somebody_elses_gallery_is_left_alone(platform: Platform, tell: Tell, release: Callable[..., Path]) -> None:
    """An app of that name that is not the example is not deployed over; the story says where else it can be told."""
    platform.up()
    platform.do("apps", "create", "gallery")
    platform.do("deploy", str(release("7")), "--app", "gallery")
    told = tell()
    assert told.returncode == 1
    assert "POTIONS_HOME=" in told.stdout
    assert platform.version("gallery") == "7"
    assert len(platform.statuses("gallery")) == 1
