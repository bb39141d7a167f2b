"""Commands whose standard input is a terminal, with somebody who types."""

from __future__ import annotations

import os
import pty
import subprocess

from support.platform import COMMAND_TIMEOUT, Outcome, Platform


def type_into(potions: Platform, *words: str, typed: str) -> Outcome:
    """Run ``potions WORDS`` to its end, while ``typed`` waits in its terminal."""
    ours, theirs = pty.openpty()
    try:
        running = subprocess.Popen(
            ["potions", *words],
            stdin=theirs,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=potions.environment,
            cwd=potions.folder,
        )
        os.write(ours, typed.encode())
        out, err = running.communicate(timeout=COMMAND_TIMEOUT)
        return Outcome(running.returncode, out, err)
    finally:
        os.close(ours)
        os.close(theirs)
