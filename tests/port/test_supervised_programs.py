"""What a program finds when a supervisor starts it: who it is, where, and the values of its variables."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from potions.names import ENV_VALUE_MAX_BYTES
from potions.render.envfile import render_environment
from support.platform import wait_for
from support.supervised import Stage


def test_a_program_is_who_it_should_be(stage: Stage) -> None:
    """Its user and no other rights, its directory, umask 022, no open files but the three, no signal ignored."""
    service = stage.started("umask > umask; touch ready; exec sleep 1000")
    process = Path(f"/proc/{stage.supervisor.state(service.name).pid}")
    seen = dict(line.split(":", 1) for line in (process / "status").read_text().splitlines())
    assert seen["Uid"].split() == [str(stage.account.uid)] * 4
    assert seen["Gid"].split() == [str(stage.account.gid)] * 4
    assert not stage.account.switch or set(seen["Groups"].split()) <= {str(stage.account.gid)}
    assert (process / "cwd").readlink() == service.directory
    assert int((service.directory / "umask").read_text(), 8) == 0o022
    assert sorted(os.listdir(process / "fd")) == ["0", "1", "2"]
    # SIGPIPE above all: a program that ignores it never notices that its reader is gone.
    # 32 and 33 are the C library's own; no program can set them, nor get rid of what it inherits.
    assert [int(seen[name], 16) & ~(0b11 << 31) for name in ("SigIgn", "SigBlk")] == [0, 0]


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root: the program has to become another user")
def test_a_program_cannot_become_root_again(stage: Stage) -> None:
    """There is no saved user id to return to."""
    service = stage.service("cat /proc/$$/status > status; exec 2> /dev/null; : > /proc/1/comm", restart=False)
    assert stage.ended(service).exit_status != 0
    assert service.directory.joinpath("status").stat().st_uid == stage.account.uid


def test_all_it_prints_is_in_its_log(stage: Stage) -> None:
    """Both streams, in order, byte for byte."""
    service = stage.service(r"echo one; echo two >&2; printf '\377\000three'", restart=False)
    stage.ended(service)
    assert service.log_file.read_bytes() == b"one\ntwo\n\xff\x00three"


_PIECES = ["\n", "\r\n", '"', "'", "`", "$(id)", "${HOME}", "%", "%(here)s", "%%", ";", " ;x", " #", "\\", "\\n", "="]
_PIECES += [
    ",",
    "export A=1",
    "\x7f",
    "\x01",
    "\x1b[0m",
    "\t",
    " ",
    "  ",
    "é",
    "😀",
    "\u2028",
    "{}",
    "[x]",
    "~",
    "*",
    "&",
]
_VALUES = st.one_of(
    st.text(st.characters(codec="utf-8", exclude_characters="\0")), st.lists(st.sampled_from(_PIECES)).map("".join)
)
_NAMES = st.from_regex(r"[A-Za-z_][A-Za-z0-9_]{0,12}", fullmatch=True)


@settings(max_examples=12, deadline=None, suppress_health_check=list(HealthCheck))
@given(variables=st.dictionaries(_NAMES, _VALUES, min_size=5, max_size=30))
def test_every_value_arrives_byte_for_byte(stage: Stage, variables: dict[str, str]) -> None:
    """Whatever is in it, up to the longest; and nothing else is in the environment."""
    variables |= {"PATH": os.defpath, "LONGEST": "\n%;" + "é" * ((ENV_VALUE_MAX_BYTES - 3) // 2), "NONE": "", "_": "1"}
    service = stage.service("exec cat /proc/self/environ > seen", restart=False, name="echo.blue", **variables)
    assert stage.ended(service).exit_status == 0, stage.output(service)
    seen = (service.directory / "seen").read_bytes().removesuffix(b"\0").split(b"\0")
    # The shell that runs the command adds where it is.
    told = [entry for entry in seen if not entry.startswith((b"PWD=", b"OLDPWD=", b"_="))]
    wanted = [
        entry
        for entry in render_environment(variables).split(b"\0")
        if entry and not entry.startswith((b"PWD=", b"OLDPWD=", b"_="))
    ]
    assert sorted(told) == sorted(wanted)


def test_no_value_is_where_others_can_see_it(stage: Stage) -> None:
    """Neither in what the supervisor keeps nor in a process's words."""
    secret = "a-value-nobody-may-see"
    service = stage.service("touch ready; exec sleep 1000", SECRET=secret)
    stage.supervisor.install(service)
    stage.supervisor.start(service.name)
    wait_for((service.directory / "ready").exists, "it is ready")
    for path in (path for path in stage.home.run.rglob("*") if path.is_file()):
        assert secret.encode() not in path.read_bytes()
    for process in stage.running(service):
        assert secret not in " ".join(process.cmdline())


def test_what_a_program_does_and_prints_while_it_ends_is_whole(stage: Stage) -> None:
    """A shell between the two does not end first: its end would close what the program still prints to."""
    program = (
        "import signal, sys, time\n"
        "def end(*_words):\n"
        "    time.sleep(0.3)\n"
        "    print('saving', flush=True)\n"
        "    open('saved', 'w').write('all of it')\n"
        "    sys.exit(0)\n"
        "signal.signal(signal.SIGTERM, end)\n"
        "open('ready', 'w')\n"
        "time.sleep(1000)\n"
    )
    service = stage.service("python3 -u program.py; echo never")
    (service.directory / "program.py").write_text(program)
    stage.supervisor.install(service)
    stage.supervisor.start(service.name)
    wait_for((service.directory / "ready").exists, "it is ready")
    stage.supervisor.stop([service.name], 10)
    assert (service.directory / "saved").read_text() == "all of it"
    assert stage.output(service) == "saving\n"
