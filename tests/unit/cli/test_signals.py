"""Signals while a command waits for something that may never come."""

from __future__ import annotations

import subprocess
import sys

#: The main thread waits for ever, and the kernel gives the signal to another one: that one is not interrupted.
WAITS = """
import os, signal, socket, threading, time
from pathlib import Path
from potions.cli.signals import heard_at_once

def is_waiting():
    return Path(f"/proc/self/task/{os.getpid()}/wchan").read_text().startswith("unix_stream")

def elsewhere():
    while not is_waiting():
        time.sleep(0.001)
    signal.pthread_kill(threading.get_ident(), signal.NUMBER)

def terminate(*_):
    raise SystemExit(143)

signal.signal(signal.SIGTERM, terminate)
ours, theirs = socket.socketpair()
with heard_at_once():
    threading.Thread(target=elsewhere, daemon=True).start()
    try:
        ours.recv(1)
    except KeyboardInterrupt:
        print("interrupted")
"""


def ended_by(number: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", WAITS.replace("NUMBER", number)]
    return subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)


def test_an_interrupt_ends_a_wait_whoever_the_kernel_gave_it_to() -> None:
    """Without being pressed a second time."""
    assert ended_by("SIGINT").stdout == "interrupted\n"


def test_so_does_what_asks_to_end() -> None:
    """It is any signal, not Ctrl-C alone."""
    assert ended_by("SIGTERM").returncode == 143


def test_afterwards_signals_are_as_they_were() -> None:
    """For whoever calls ``main`` from a program of their own."""
    script = """
import signal
from potions.cli.signals import heard_at_once
with heard_at_once():
    pass
print(signal.getsignal(signal.SIGURG) is signal.SIG_DFL, signal.set_wakeup_fd(-1))
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=30, check=True)
    assert done.stdout == "True -1\n"
