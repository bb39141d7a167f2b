"""A child that is killed at one step of what it does to the file system, for every step there is."""

from __future__ import annotations

import os
import signal
import traceback
from collections.abc import Callable
from typing import Any

from potions.host import files, removal

#: What changes a tree, below everything the platform does to it. A name that is opened anew is not among them: what
#: the platform writes has another name until it is whole.
_STEPS = ("mkdir", "rename", "rmdir", "unlink", "symlink", "link", "fchmod", "fchown", "write")


def die_at(step: int, act: Callable[[], object]) -> bool:
    """Run ``act`` in a child that is killed right before its change ``step``; False if it ends before that one.

    What it does is then exactly what a crash of the agent leaves. Raises AssertionError where ``act`` itself fails.
    """
    child = os.fork()
    if child == 0:
        _run_and_die(step, act)
    _, status = os.waitpid(child, 0)
    assert os.WIFSIGNALED(status) or os.WEXITSTATUS(status) == 0, "it failed in the child"
    return os.WIFSIGNALED(status)


def _run_and_die(step: int, act: Callable[[], object]) -> None:
    status = 1
    try:
        _count_down(step)
        act()
        status = 0
    except BaseException:
        traceback.print_exc()
    finally:
        os._exit(status)


def _count_down(step: int) -> None:
    """Have the change number ``step`` kill the process instead of being made."""
    left = [step]

    def counted(change: Callable[..., Any]) -> Callable[..., Any]:
        def call(*words: Any, **more: Any) -> Any:
            if left[0] == 0:
                os.kill(os.getpid(), signal.SIGKILL)
            left[0] -= 1
            return change(*words, **more)

        return call

    for name in _STEPS:
        setattr(os, name, counted(getattr(os, name)))
    # This one is not Python's own.
    files.rename_new = counted(files.rename_new)
    assert removal.os is os
