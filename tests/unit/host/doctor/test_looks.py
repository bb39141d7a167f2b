"""Looks at paths, processes, ports, disks and logs of this computer."""

from __future__ import annotations

import os
import resource
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from potions.host.doctor import entries, process_table
from potions.host.doctor.disks import look_at_disk
from potions.host.doctor.exits import exits_since
from potions.host.doctor.leftovers import temporary_in, uploads_in
from potions.host.doctor.limits import look_at_limits
from potions.host.doctor.lock_table import read_locks
from potions.host.doctor.process_table import ProcessTable
from potions.host.doctor.slot_links import look_at_storage_links
from potions.host.doctor.texts import last_lines
from potions.host.listeners import Held, every_listener
from potions.model.doctor.entries import Seen, Thing

ME = entries.user_name(os.geteuid())
MINE = entries.group_name(os.getegid())


# Paths


def test_what_lies_at_a_path(tmp_path: Path) -> None:
    """The name itself: a link is a link, wherever it leads; nothing is nothing, also below a file."""
    (tmp_path / "file").write_bytes(b"")
    (tmp_path / "file").chmod(0o640)
    (tmp_path / "link").symlink_to("file")
    os.mkfifo(tmp_path / "pipe")
    assert entries.look_at(tmp_path / "file") == Seen(Thing.FILE, 0o640, ME, group=MINE)
    assert entries.look_at(tmp_path / "link") == Seen(Thing.LINK, 0o777, ME, "file", MINE)
    assert entries.look_at(tmp_path).thing is Thing.DIRECTORY
    assert entries.look_at(tmp_path / "pipe").thing is Thing.OTHER
    assert entries.look_at(tmp_path / "none").thing is Thing.NOTHING
    assert entries.look_at(tmp_path / "file" / "below").thing is Thing.NOTHING


def test_a_user_without_a_name_is_a_number() -> None:
    """As in a container that runs as some number."""
    assert entries.user_name(4_000_000_000) == "4000000000"


def test_bytes_of_a_file_of_ours(tmp_path: Path) -> None:
    """None for a link, a pipe and a directory: whatever was put there is not read."""
    (tmp_path / "file").write_bytes(b"text")
    (tmp_path / "link").symlink_to("file")
    os.mkfifo(tmp_path / "pipe")
    found = {name: entries.bytes_at(tmp_path / name) for name in ("file", "link", "pipe", "none")}
    assert found == {"file": b"text", "link": None, "pipe": None, "none": None}
    assert entries.bytes_at(tmp_path) is None


def test_what_slots_have_for_storage(tmp_path: Path) -> None:
    """A link with its target, nothing, something else; a slot that is a link itself is not looked into."""
    slots = [tmp_path / name for name in ("linked", "empty", "folder", "swapped", "none")]
    for slot in slots[:3]:
        slot.mkdir()
    (slots[0] / "storage").symlink_to("../storage\x1b")
    (slots[2] / "storage").mkdir()
    slots[3].symlink_to(slots[0])
    seen = look_at_storage_links(slots)
    assert [(Path(one.path).parent.name, one.thing, one.target) for one in seen] == [
        ("linked", "link", "../storage\\x1b"),
        ("empty", "", ""),
        ("folder", "directory", ""),
    ]


def test_temporary_files(tmp_path: Path) -> None:
    """Old ones by their exact names, links included; directories of such a name are nobody's business."""
    for name in (".potions-0123456789abcdef", "kept"):
        (tmp_path / name).write_bytes(b"")
    (tmp_path / ".live.new").symlink_to("nowhere")
    (tmp_path / ".potions-aaaaaaaaaaaaaaaa").mkdir()
    now = time.time()
    assert temporary_in([tmp_path, tmp_path / "none"], now) == []
    found = temporary_in([tmp_path], now + 3600)
    assert [Path(path).name for path in found] == [".live.new", ".potions-0123456789abcdef"]


def test_uploads_that_nobody_receives(tmp_path: Path) -> None:
    """One that this process writes to is on its way."""
    names = [".incoming-" + digit * 32 for digit in "ab"]
    (tmp_path / names[0]).write_bytes(b"123")
    with (tmp_path / names[1]).open("wb"):
        assert [(Path(one.path).name, one.size) for one in uploads_in(tmp_path)] == [(names[0], 3)]
    assert len(uploads_in(tmp_path)) == 2


# Processes and ports


@contextmanager
def running(code: str, **environment: str) -> Iterator[subprocess.Popen[str]]:
    """A process that runs some Python, says what it prints first, and waits."""
    process = subprocess.Popen(
        [sys.executable, "-c", f"{code}\ninput()"],
        env={"PATH": os.defpath, **environment},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        yield process
    finally:
        process.communicate("\n", timeout=60)


CHILD = "import subprocess; c = subprocess.Popen(['sleep', '60'], env={}); print(c.pid, flush=True); input(); c.kill()"


def test_what_belongs_to_a_slot(tmp_path: Path) -> None:
    """By its marks, and by descent where the environment was cleared; other slots and apps are apart."""
    marks = {"POTIONS_DIR": str(tmp_path / "blog"), "POTIONS_SLOT": "blue", "POTIONS_PROCESS": "web"}
    with running(CHILD, **marks) as parent:
        assert parent.stdout is not None
        child = int(parent.stdout.readline())
        table = ProcessTable()
        assert table.of_slot(tmp_path / "blog", "blue") == {parent.pid}
        assert table.of_slot(tmp_path / "blog", "blue", [parent.pid]) == {parent.pid, child}
        assert table.of_slot(tmp_path / "blog", "green") == set()
        assert table.of_slot(tmp_path / "blo", "blue") == set()
        assert table.directories()[str(tmp_path / "blog")] == {parent.pid}
        assert table.marks[parent.pid].process == "web"
        assert table.family(0) == set()
        parent.stdin.write("\n")  # type: ignore[union-attr]


def test_names_and_words_of_processes() -> None:
    """Of one that runs; of one that is gone there are none."""
    with running("print('up', flush=True)") as process:
        assert process.stdout is not None and process.stdout.readline()
        assert process_table.words_of(process.pid)[0] == sys.executable
        assert process_table.name_of(process.pid).startswith("python")
        assert not process_table.is_program_replaced(process.pid)
    assert process_table.words_of(process.pid) == []
    assert process_table.name_of(process.pid) == ""
    assert not process_table.is_program_replaced(process.pid)


def test_a_program_that_was_replaced(tmp_path: Path) -> None:
    """As an upgrade does it: the file is gone, and another one has its name."""
    program = tmp_path / "sleeper"
    program.write_bytes(Path("/bin/sleep").read_bytes())
    program.chmod(0o755)
    with subprocess.Popen([program, "60"]) as process:
        before = process_table.is_program_replaced(process.pid)
        program.unlink()
        program.write_bytes(b"new")
        assert (before, process_table.is_program_replaced(process.pid)) == (False, True)
        process.kill()


def test_agents_of_other_homes(tmp_path: Path) -> None:
    """Known by the words they were started with."""
    words = [sys.executable, "-m", "potions.agent", str(tmp_path)]
    assert tmp_path not in process_table.homes_at_work()
    # A package of that name which only waits.
    module = tmp_path / "potions" / "agent"
    module.mkdir(parents=True)
    for folder in (module, module.parent):
        (folder / "__init__.py").touch()
    (module / "__main__.py").write_text("print('up', flush=True); input()")
    with subprocess.Popen(words, cwd=tmp_path, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as agent:
        assert agent.stdout is not None and agent.stdout.readline()
        assert tmp_path in process_table.homes_at_work()
        agent.communicate("\n")


@pytest.mark.parametrize(("family", "host"), [(socket.AF_INET, "127.0.0.1"), (socket.AF_INET6, "::1")])
def test_who_listens_where(family: socket.AddressFamily, host: str) -> None:
    """Address, port and process; a socket that is only bound or connected is none."""
    with socket.create_server((host, 0), family=family) as listener:
        port = listener.getsockname()[1]
        assert Held(host, port, os.getpid()) in every_listener()
    assert port not in {held.port for held in every_listener()}


def test_locks_that_are_held(tmp_path: Path) -> None:
    """With process, file, and whether it keeps everybody out."""
    import fcntl

    with (tmp_path / "file").open("w") as file:
        inode = os.fstat(file.fileno()).st_ino
        fcntl.lockf(file, fcntl.LOCK_EX, 1)
        assert (os.getpid(), inode, False) in list(read_locks())
        fcntl.lockf(file, fcntl.LOCK_EX)
        assert (os.getpid(), inode, True) in list(read_locks())
    assert inode not in {lock.inode for lock in read_locks()}


# The rest


def test_a_disk(tmp_path: Path) -> None:
    """What is left is no more than there is, and its kind has a name."""
    seen = look_at_disk(tmp_path)
    assert 0 < seen.free <= seen.total
    assert seen.kind
    assert not seen.read_only
    assert look_at_disk(Path("/proc")).kind == "proc"


def test_limits_of_a_process() -> None:
    """Its own, whatever this process has; none are known of one that is gone."""
    soft = "import resource; resource.setrlimit(resource.RLIMIT_FSIZE, (5000, 6000)); print(1, flush=True)"
    with running(soft) as process:
        assert process.stdout is not None and process.stdout.readline()
        seen = look_at_limits(process.pid)
        assert (seen.file_bytes, seen.open_files) == (5000, resource.getrlimit(resource.RLIMIT_NOFILE)[1])
    assert look_at_limits(process.pid) == look_at_limits(2**22 + 1)


def test_exits_of_late(tmp_path: Path) -> None:
    """Those since a moment, by name; a program that was told to end did not end by itself."""
    now = time.time()
    lines = [
        (now - 3600, "WARN exited: blog.blue (exit status 1; not expected)"),
        (now - 60, "WARN exited: blog.blue (exit status 1; not expected)"),
        (now - 50, "INFO exited: blog.green (terminated by SIGKILL; not expected)"),
        (now - 40, "INFO stopped: blog.blue (exit status 0)"),
        (now - 30, "WARN exited: blog.blue (exit status 1; not expected)"),
    ]
    log = tmp_path / "supervisord.log"
    stamps = [time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(at)) for at, _ in lines]
    log.write_text("".join(f"{stamp},123 {text}\n" for stamp, (_, text) in zip(stamps, lines, strict=True)))
    assert [one.program for one in exits_since(log, now - 600)] == ["blog.blue", "blog.green", "blog.blue"]
    assert exits_since(log, now - 45)[0].at == pytest.approx(now - 30, abs=1)
    assert exits_since(tmp_path / "none", 0) == []


def test_the_end_of_a_log(tmp_path: Path) -> None:
    """The last lines with something in them, of a log of any length; none of one that is not there."""
    log = tmp_path / "log"
    log.write_bytes(b"x" * 100_000 + b"\none\n\n\xff two\n")
    assert last_lines(log, 2) == "one\n\ufffd two"
    assert last_lines(tmp_path / "none") == ""
