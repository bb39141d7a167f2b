"""The Phoenix example, as far as it can be proved without Phoenix, which Debian does not have."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

EXAMPLE = Path(__file__).parents[3] / "examples" / "phoenix"
CHECK = Path(__file__).with_name("check_phoenix.exs")


def test_its_configuration_and_its_storage_work(tmp_path: Path) -> None:
    """Every file is Elixir; the storage is STORAGE_DIR or ./storage; a file that has arrived is kept whole."""
    if shutil.which("elixir") is None:
        pytest.skip("needs elixir: scripts/install_test_tools installs it, as root")
    environment = {"PATH": os.environ["PATH"], "HOME": str(tmp_path), "LANG": "C.UTF-8", "TMPDIR": str(tmp_path)}
    done = subprocess.run(
        ["elixir", str(CHECK), str(tmp_path / "storage")],
        cwd=EXAMPLE,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout) == (0, "proved\n"), done.stdout + done.stderr
