"""The real programs that come with Potions."""

from __future__ import annotations

import subprocess
import sys
import sysconfig

import pytest

from potions.errors import StartFailed
from potions.host import programs


def test_the_caddy_is_our_own() -> None:
    """The one of the pinned wheel, whatever is in PATH, and of the version whose behaviour we know."""
    program = programs.caddy_program()
    assert program.startswith(sysconfig.get_path("scripts"))
    version = subprocess.run([program, "version"], capture_output=True, text=True, check=True, env={"HOME": "/"}).stdout
    assert version.startswith("v2.11.")


def test_supervisord_runs_with_our_own_interpreter() -> None:
    """So it finds what it needs without any PATH."""
    words = programs.supervisord_program()
    assert words[0] == sys.executable
    done = subprocess.run([*words, "--version"], capture_output=True, text=True, check=True, env={})
    assert done.stdout.startswith("4.")


def test_a_program_that_is_missing_is_told() -> None:
    """With where it should be and what to do."""
    with pytest.raises(StartFailed) as missing:
        programs._script("no-such-program")
    assert sysconfig.get_path("scripts") in missing.value.what
    assert "Install" in missing.value.do
