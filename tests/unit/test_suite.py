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


INTERRUPTED = """
import signal, subprocess

def test_that_a_command_can_be_interrupted():
    with subprocess.Popen(["sleep", "60"]) as sleeping:
        sleeping.send_signal(signal.SIGINT)
        assert sleeping.wait(timeout=10) == -signal.SIGINT
"""


def run_suite(folder: Path, tests: str, *options: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run these tests with the options of this suite, where Ctrl-C is ignored."""
    (folder / "conftest.py").write_text((Path(__file__).parents[1] / "conftest.py").read_text())
    (folder / "test_one.py").write_text(tests)
    words = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *options, str(folder)]
    return subprocess.run(
        ["sh", "-c", 'trap "" INT; exec "$@"', "sh", *words],
        env={"PATH": "/usr/bin:/bin", **environment},
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )


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
    done = run_suite(tmp_path, TESTS.format(reason=reason), "-n", workers, CI=ci)
    assert done.returncode == status, done.stdout + done.stderr
    assert (f"test_that_is_skipped: {reason}" in done.stdout) == bool(status)
    assert "1 passed" in done.stdout.splitlines()[-1]


@pytest.mark.parametrize("workers", ["0", "2"])
def test_what_tests_start_can_be_interrupted(tmp_path: Path, workers: str) -> None:
    """Also where the suite itself was started in the background of a shell, which has it ignore Ctrl-C."""
    done = run_suite(tmp_path, INTERRUPTED, "-n", workers)
    assert done.returncode == 0, done.stdout
