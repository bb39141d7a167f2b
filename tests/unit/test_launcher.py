"""The launcher, run as the supervisors run it: a program of its own that becomes the app's."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from potions import launcher
from potions.model.service import Account, Service
from potions.render.spec import render_spec

ME = Account("me", os.geteuid(), os.getegid(), switch=False)
NOBODY = Account("nobody", 65534, 65534, switch=True)
NOT_STARTED = 126


@pytest.fixture
def folder() -> Iterator[Path]:
    """A directory that every user may enter."""
    with tempfile.TemporaryDirectory(prefix="pt-", dir="/tmp") as name:
        Path(name).chmod(0o755)
        yield Path(name)


def launch(
    folder: Path, command: str, environment: bytes = b"", *, account: Account = ME, **popen: Any
) -> subprocess.CompletedProcess[bytes]:
    """Run a command by the launcher, from the spec that the platform renders, and wait for its end."""
    env_file = folder / "env"
    env_file.write_bytes(environment)
    env_file.chmod(0o600)
    service = Service("blog.blue", command, folder, env_file, folder / "log", account, 1.0, restart=False)
    return launch_spec(folder, render_spec(service), **popen)


def launch_spec(folder: Path, spec: bytes, **popen: Any) -> subprocess.CompletedProcess[bytes]:
    path = folder / "spec.json"
    path.write_bytes(spec)
    words = [sys.executable, "-I", "-S", launcher.__file__, str(path)]
    return subprocess.run(words, capture_output=True, check=False, timeout=30, **popen)


def seen(output: bytes) -> dict[bytes, bytes]:
    """An environment as a program finds it, without what the shell adds."""
    entries = dict(entry.split(b"=", 1) for entry in output.split(b"\0") if entry)
    return {name: value for name, value in entries.items() if name not in {b"PWD", b"OLDPWD", b"_", b"SHLVL"}}


def test_a_program_has_variables_of_its_own(folder: Path) -> None:
    """They win over the slot's, and one that is None is not there at all; no other value is touched."""
    env_file = folder / "env"
    env_file.write_bytes(b"PORT=4000\0KEPT=a=b\0NAME=slot\0")
    own = {"PORT": None, "NAME": "wörker", "GONE": None}
    service = Service("blog.blue.worker.a", "/usr/bin/env -0", folder, env_file, folder / "log", ME, 1.0, True, own)
    assert seen(launch_spec(folder, render_spec(service)).stdout) == {b"KEPT": b"a=b", b"NAME": "wörker".encode()}


@settings(max_examples=12, deadline=None, suppress_health_check=list(HealthCheck))
@given(values=st.lists(st.binary(max_size=60).map(lambda value: value.replace(b"\0", b"")), max_size=20))
def test_every_byte_of_every_value_arrives(folder: Path, values: list[bytes]) -> None:
    """Also bytes that are no text; and nothing of the caller's environment does."""
    wanted = {b"V%d" % number: value for number, value in enumerate(values)} | {
        b"ALL": bytes(range(1, 256)),
        b"NONE": b"",
    }
    environment = b"".join(b"%s=%s\0" % entry for entry in wanted.items())
    done = launch(
        folder, "exec /bin/cat /proc/self/environ", environment, env={"LEAKED": "x", "PYTHONHOME": "/nowhere"}
    )
    assert seen(done.stdout) == wanted


def test_a_value_with_equal_signs_and_the_longest_one_arrive(folder: Path) -> None:
    """Only the first sign ends the name."""
    environment = b"URL=postgres://a:b=c@d/e?f=g\0LONG=" + b"x" * 102_400 + b"\0"
    done = launch(folder, "exec /bin/cat /proc/self/environ", environment)
    assert seen(done.stdout) == {b"URL": b"postgres://a:b=c@d/e?f=g", b"LONG": b"x" * 102_400}


def test_the_command_is_a_shells(folder: Path) -> None:
    """In its directory, with its exit status, and as the very process that was started."""
    done = launch(folder, 'echo "$A-$((1 + 1))" && pwd && echo $PPID; exit 7', b"A=one\0")
    assert done.stdout.decode().split() == ["one-2", str(folder), str(os.getpid())]
    assert done.returncode == 7


def test_it_leaves_nothing_of_its_own_behind(folder: Path) -> None:
    """Umask 022 whatever the caller's, no open files but the three, no signal ignored or blocked."""
    inherited = os.open("/dev/null", os.O_RDONLY)
    before = os.umask(0o077)
    try:
        command = (
            "umask; grep -E '^Sig(Ign|Blk)' /proc/self/status; for f in /proc/self/fd/*; do echo fd ${f##*/}; done"
        )
        done = launch(folder, command, b"PATH=/usr/bin:/bin\0")
    finally:
        os.umask(before)
        os.close(inherited)
    lines = done.stdout.decode().splitlines()
    assert int(lines[0], 8) == 0o022
    # 32 and 33 are the C library's own; no program can set them, nor get rid of what it inherits.
    masks = [int(line.split()[1], 16) & ~(0b11 << 31) for line in lines if line.startswith("Sig")]
    assert masks == [0, 0]
    assert {line.split()[1] for line in lines if line.startswith("fd")} <= {"0", "1", "2", "3"}


def test_a_reader_that_is_gone_ends_the_program(folder: Path) -> None:
    """As it does everywhere else: Python ignores that signal, and what it starts would go on for ever."""
    done = launch(folder, "yes | head -n 1; echo ended", b"PATH=/usr/bin:/bin\0")
    assert done.stdout == b"y\nended\n"
    assert done.stderr == b""


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root: the program has to become another user")
def test_every_right_is_dropped_for_good(folder: Path) -> None:
    """All four ids and the groups; the file of the variables was read before, and cannot be read now."""
    command = f"cat /proc/self/status; cat {folder}/env; echo $A"
    done = launch(folder, command, b"PATH=/usr/bin:/bin\0A=arrived\0", account=NOBODY, extra_groups=[4, 27])
    status = dict(line.split(":", 1) for line in done.stdout.decode().splitlines() if ":" in line)
    assert status["Uid"].split() == ["65534"] * 4
    assert status["Gid"].split() == ["65534"] * 4
    assert status["Groups"].split() == []
    assert int(status["CapEff"], 16) == 0
    assert done.stdout.endswith(b"\narrived\n")
    assert b"Permission denied" in done.stderr


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root: the program has to become another user")
def test_a_directory_that_only_root_may_enter_is_not_entered(folder: Path) -> None:
    """It is entered as the app's user, so nothing is run where that user may not be."""
    shut = folder / "shut"
    shut.mkdir(mode=0o700)
    env_file = folder / "env"
    env_file.touch()
    service = Service("blog.blue", "pwd", shut, env_file, folder / "log", NOBODY, 1.0, restart=False)
    done = launch_spec(folder, render_spec(service))
    assert (done.returncode, done.stdout) == (NOT_STARTED, b"")
    assert b"could not be prepared" in done.stderr


def test_variables_behind_a_link_are_not_read(folder: Path) -> None:
    """Whoever could put a link there could have any file of root's read."""
    (folder / "real").write_bytes(b"A=secret-of-another\0")
    (folder / "env").symlink_to(folder / "real")
    service = Service("blog.blue", "echo $A", folder, folder / "env", folder / "log", ME, 1.0, restart=False)
    done = launch_spec(folder, render_spec(service))
    assert done.returncode == NOT_STARTED
    assert b"secret-of-another" not in done.stdout + done.stderr


BROKEN = [b"", b"{", b"{}", b"[]", b'{"env_file": 1}', b'{"env_file": "/nowhere", "command": "true"}', b"\xff"]


@pytest.mark.parametrize("spec", BROKEN)
def test_a_broken_spec_is_told(folder: Path, spec: bytes) -> None:
    """In one line of the app's log, with a status that is not the app's own."""
    done = launch_spec(folder, spec)
    assert done.returncode == NOT_STARTED
    assert done.stderr.startswith(b"potions: the program could not be prepared")
    assert b"Traceback" not in done.stderr


def test_broken_variables_are_told_without_their_values(folder: Path) -> None:
    """An entry without a name is no variable; what it says stays out of the log."""
    done = launch(folder, "true", b"A=1\0secret-without-a-name\0")
    assert done.returncode == NOT_STARTED
    assert b"secret-without-a-name" not in done.stderr


def test_a_spec_that_is_missing_is_told(folder: Path) -> None:
    """It was removed while the supervisor started it."""
    words = [sys.executable, "-I", "-S", launcher.__file__, str(folder / "gone.json")]
    done = subprocess.run(words, capture_output=True, check=False, timeout=30)
    assert done.returncode == NOT_STARTED
    assert b"could not be prepared" in done.stderr


def test_it_needs_the_standard_library_alone() -> None:
    """It starts in front of every app, without Potions' own packages."""
    source = Path(launcher.__file__).read_text()
    imported = [
        line.split()[1].partition(".")[0] for line in source.splitlines() if line.startswith(("import ", "from "))
    ]
    assert set(imported) <= sys.stdlib_module_names


def test_its_spec_is_what_the_platform_renders(folder: Path) -> None:
    """Every field it reads is there."""
    service = Service("blog.blue", "true", folder, folder / "env", folder / "log", ME, 1.0, restart=False)
    spec = json.loads(render_spec(service))
    assert set(spec) >= {"command", "directory", "env_file", "account"}
    assert set(spec["account"]) >= {"uid", "gid", "switch"}


def test_words_are_handed_on_without_a_shell(folder: Path) -> None:
    """And the program is looked for in the folders that come first, then in the PATH that it will find."""
    (folder / "env").write_bytes(b"PATH=/usr/bin:/bin\0")
    (folder / "first").mkdir()
    (folder / "first" / "printf").symlink_to("/bin/echo")
    spec = {"directory": str(folder), "env_file": str(folder / "env"), "account": {"switch": False}}
    words = ["printf", "%s|", "$HOME", "*", "a b"]
    plain = launch_spec(folder, json.dumps(spec | {"argv": words}).encode())
    assert plain.stdout == b"$HOME|*|a b|"
    first = launch_spec(folder, json.dumps(spec | {"argv": words, "path_first": [str(folder / "first")]}).encode())
    assert first.stdout == b"%s| $HOME * a b\n"


@pytest.mark.parametrize(
    ("argv", "status"), [(["no-such"], 127), (["/etc"], 126), (["sh", "-c", "kill -KILL $$"], 137)]
)
def test_one_that_waits_says_how_it_ended(folder: Path, argv: list[str], status: int) -> None:
    """As a shell tells it, a signal too."""
    (folder / "env").write_bytes(b"PATH=/usr/bin:/bin\0")
    spec = {"directory": str(folder), "env_file": str(folder / "env"), "account": {"switch": False}, "waits": True}
    assert launch_spec(folder, json.dumps(spec | {"argv": argv}).encode()).returncode == status
