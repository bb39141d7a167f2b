"""The options of the test suite itself."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

TESTS = """
import pytest

def test_that_passes(): ...

@pytest.mark.skip(reason="{reason}")
def test_that_is_skipped(): ...

@pytest.mark.xfail
def test_that_is_known_to_fail(): assert False
"""


@pytest.mark.parametrize(
    ("reason", "ci", "status"),
    [
        ("needs elixir", "true", 1),
        ("needs elixir", "", 0),
        ("needs an ordinary user: root may read everything", "true", 0),
    ],
)
@pytest.mark.parametrize("workers", ["0", "2"])
def test_a_skip_fails_where_skips_are_forbidden(
    tmp_path: Path, reason: str, ci: str, status: int, workers: str
) -> None:
    """With CI=true a skipped test ends the run with status 1 and is named, unless its reason is an allowed one."""
    (tmp_path / "conftest.py").write_text((Path(__file__).parents[1] / "conftest.py").read_text())
    (tmp_path / "test_one.py").write_text(TESTS.format(reason=reason))
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-n", workers, "-p", "no:cacheprovider", str(tmp_path)],
        env={"CI": ci, "PATH": "/usr/bin:/bin"},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == status, done.stdout + done.stderr
    assert (f"test_that_is_skipped: {reason}" in done.stdout) == bool(status)
    assert "1 passed" in done.stdout.splitlines()[-1]
