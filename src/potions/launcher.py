"""Starts one program of an app: reads its variables from a file, becomes the app's user, and execs the command.

Run as ``python -I -S launcher.py SPEC`` by either supervisor, so neither ever carries a value of a variable: systemd
refuses bytes that are not UTF-8, supervisord cuts values at quotes and hands on its own environment. Standard library
only, because it starts in front of every app.

A spec has a ``command`` for /bin/sh, or the words of a program as ``argv``; with ``terminal`` standard input becomes
the terminal that Ctrl-C and the shell's job control work through.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import signal
import struct
import sys
import termios
from pathlib import Path
from typing import Any

_NOT_STARTED = 126
_NOT_FOUND = 127
# Of <linux/landlock.h>, <linux/prctl.h> and the table of system calls, which is the same on every 64-bit machine here.
_LANDLOCK_CREATE_RULESET = 444
_LANDLOCK_RESTRICT = 446
_LANDLOCK_VERSION = 1
_LANDLOCK_WITH_SCOPES = 6
_SCOPE_ABSTRACT_SOCKETS = 1
_SCOPE_SIGNALS = 2
_NO_NEW_PRIVILEGES = 38
#: In front of each command: the shell gets the SIGTERM of its group as well, and waits with its own end until what it
#: runs has ended. Were it gone first, the supervisor would close the pipe that the command still prints to: the next
#: line would end it, with whatever it was about to write. A program that the shell runs gets the signal as ever.
_WAITING = "trap exit TERM; "
#: What a process, and all that comes of it, is known by.
_MARKS = (b"POTIONS_DIR", b"POTIONS_SLOT", b"POTIONS_PROCESS")


def main(spec_path: str) -> int:
    """Replace this process by the command of the spec; returns an exit status only where that fails."""
    try:
        spec = json.loads(Path(spec_path).read_bytes())
        # Where systemd hands both over, the file lies beside the spec, and its name is all that is known of it.
        environment = read_environment(str(Path(spec_path).parent / spec["env_file"]))
        # An earlier version wrote none; its specs are read again whenever such a program is started anew.
        add_own(environment, spec.get("own_variables", {}))
        end_leftovers(environment)
        if spec.get("waits"):
            let_terminal_go()
            if (child := os.fork()) != 0:
                return status_of(child)
        if spec.get("terminal"):
            take_terminal()
        become(spec["account"])
        if spec.get("alone"):
            keep_apart()
        os.chdir(spec["directory"])
        search_first(spec.get("path_first", []), environment)
    except (OSError, ValueError, KeyError, TypeError) as error:
        print(f"potions: the program could not be prepared: {error}", file=sys.stderr, flush=True)
        return _NOT_STARTED
    os.umask(0o022)
    notice_every_signal()
    return execute(spec.get("argv") or ["/bin/sh", "-c", _WAITING + spec["command"]], environment)


def execute(argv: list[str], environment: dict[bytes, bytes]) -> int:
    """Become the program, which is looked for in the PATH it will find; returns a shell's status where that fails."""
    try:
        os.execvpe(argv[0], argv, environment)  # noqa: S606
    except FileNotFoundError:
        print(f"potions: there is no program {argv[0]!r} in the app's PATH.", file=sys.stderr, flush=True)
        return _NOT_FOUND
    except (OSError, ValueError) as error:
        print(f"potions: {argv[0]} could not be started: {error}", file=sys.stderr, flush=True)
    return _NOT_STARTED


def let_terminal_go() -> None:
    """systemd has made it the terminal of this session, if it is one; the program's own session is to have it."""
    # The end of that is told by SIGHUP.
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    with contextlib.suppress(OSError):
        fcntl.ioctl(0, termios.TIOCNOTTY)


def status_of(child: int) -> int:
    """Wait for a program, and say how it ended as a shell does: systemd-run tells statuses only, and no signal.

    Meanwhile this process does nothing else: signals are the program's, and so are the streams.
    """
    for number in (signal.SIGHUP, signal.SIGINT, signal.SIGQUIT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)
    nowhere = os.open(os.devnull, os.O_RDWR)
    for descriptor in (0, 1, 2):
        os.dup2(nowhere, descriptor)
    _, status = os.waitpid(child, 0)
    code = os.waitstatus_to_exitcode(status)
    return code if code >= 0 else 128 - code


def take_terminal() -> None:
    """Have standard input, a terminal that nobody else uses, control this session."""
    if os.getsid(0) != os.getpid():
        os.setsid()
    fcntl.ioctl(0, termios.TIOCSCTTY, 0)


def search_first(folders: list[str], environment: dict[bytes, bytes]) -> None:
    """Put folders in front of PATH, if there are any."""
    if not folders:
        return
    before = environment.get(b"PATH", os.defpath.encode())
    environment[b"PATH"] = b":".join([*map(os.fsencode, folders), before])


def read_environment(path: str) -> dict[bytes, bytes]:
    """The variables of a NUL-separated ``NAME=value`` file, byte for byte. The file must not be a link."""
    descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
    with os.fdopen(descriptor, "rb") as file:
        entries = file.read().split(b"\0")
    return dict(entry.split(b"=", 1) for entry in entries if entry)


def add_own(environment: dict[bytes, bytes], own: dict[str, str | None]) -> None:
    """Put in what this one program finds instead of what the slot's file says; None takes a variable away."""
    for name, value in own.items():
        if value is None:
            environment.pop(name.encode(), None)
        else:
            environment[name.encode()] = value.encode()


def end_leftovers(environment: dict[bytes, bytes]) -> None:
    """End what an earlier start of the same process in the same slot left behind: it may hold its port for ever.

    SIGKILL, because they are orphans of a program that is dead; whoever stops a slot in order has ended them before.
    """
    marks = [name + b"=" + environment[name] for name in _MARKS if name in environment]
    if len(marks) < len(_MARKS):
        return
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit() and int(folder.name) != os.getpid():
            with contextlib.suppress(OSError):
                entries = (folder / "environ").read_bytes().split(b"\0")
                if all(mark in entries for mark in marks):
                    os.kill(int(folder.name), signal.SIGKILL)


def notice_every_signal() -> None:
    """Nothing ignored: Python ignores SIGPIPE and SIGXFSZ, nohup SIGHUP, and a program would inherit all of that."""
    for number in signal.valid_signals():
        # SIGKILL and SIGSTOP cannot be set, and need not be.
        with contextlib.suppress(OSError):
            signal.signal(number, signal.SIG_DFL)


def become(account: dict[str, Any]) -> None:
    """Drop every right for good, where Potions runs as root."""
    if account["switch"]:
        os.setgroups([])
        os.setgid(account["gid"])
        os.setuid(account["uid"])


def keep_apart() -> None:
    """Signals and abstract sockets of this program, and of all that comes of it, reach nobody else from here on.

    All apps of a server run as one user, so without this ``kill -9 -1`` of one would end them all. By Landlock, since
    Linux 6.12; where the kernel knows it not, this changes nothing, and ``potions doctor`` says so.
    """
    import ctypes

    libc = ctypes.CDLL(None, use_errno=True)
    if libc.syscall(_LANDLOCK_CREATE_RULESET, None, 0, _LANDLOCK_VERSION) < _LANDLOCK_WITH_SCOPES:
        return
    # struct landlock_ruleset_attr: handled accesses to files, to the network, and what is scoped.
    ruleset = struct.pack("3Q", 0, 0, _SCOPE_ABSTRACT_SOCKETS | _SCOPE_SIGNALS)
    descriptor = libc.syscall(_LANDLOCK_CREATE_RULESET, ruleset, len(ruleset), 0)
    if descriptor < 0 or libc.prctl(_NO_NEW_PRIVILEGES, 1, 0, 0, 0) or libc.syscall(_LANDLOCK_RESTRICT, descriptor, 0):
        raise OSError(ctypes.get_errno(), "the program could not be kept apart from others")
    os.close(descriptor)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
