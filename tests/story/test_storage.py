"""Storage: an ordinary directory for the app, whose files nobody but the app, and whom a person asks, ever touches."""

from __future__ import annotations

import itertools
import os
import pwd
import shutil
import signal
import socket
import stat
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, NamedTuple

import psutil
import pytest

from potions.client import Client
from potions.errors import PotionsError
from support.archives import tree
from support.hostile import Swapper
from support.platform import Platform, wait_for

ORDINARY = Path(__file__).parents[1] / "apps" / "ordinary"


class Stored(NamedTuple):
    """All that can be known of something in a storage: who changes any of it has touched it."""

    inode: int
    mode: int
    owner: tuple[int, int]
    size: int
    modified: int
    changed: int
    content: str | bytes


def everything(storage: Path) -> dict[bytes, Stored]:
    """All that lies in a storage, without following a link."""
    found = {}
    for folder, folders, files in os.walk(os.fsencode(storage)):
        for name in [*folders, *files]:
            path = os.path.join(folder, name)
            status = os.lstat(path)
            found[path] = Stored(
                status.st_ino,
                status.st_mode,
                (status.st_uid, status.st_gid),
                status.st_size,
                status.st_mtime_ns,
                status.st_ctime_ns,
                _content(path, status),
            )
    return found


def _content(path: bytes, status: os.stat_result) -> str | bytes:
    if stat.S_ISLNK(status.st_mode):
        return os.readlink(path)
    # What is larger is one with holes.
    if stat.S_ISREG(status.st_mode) and status.st_size < 10**8:
        return Path(os.fsdecode(path)).read_bytes()
    return b""


def deploy_ordinary(potions: Platform) -> None:
    potions.do("deploy", str(ORDINARY), "--app", "files")


def attempt(potions: Platform, name: str) -> Any:
    """What came of one thing that the app tried."""
    answer = potions.request("POST", "files", f"/try/{name}")
    assert answer.status_code == 200, f"{name}: {answer.text}"
    return answer.json()


@pytest.mark.contract("S11")
def test_storage_is_an_ordinary_directory(potions: Platform) -> None:
    """A deployed app uses it in every way; what one release wrote, the next finds, locks and databases too."""
    potions.do("apps", "create", "files")
    for number in range(2):
        deploy_ordinary(potions)
        assert attempt(potions, "any_names") == 263
        assert attempt(potions, "deep_folders") == "deep down"
        assert attempt(potions, "locks") == {"flock": ["held", "free"], "lockf": ["held", "free"]}
        assert attempt(potions, "durable_write") == "durable"
        assert attempt(potions, "memory_map") == "mapped"
        assert attempt(potions, "sqlite_wal") == {"mode": "wal", "rows": [number, 0, 1], "check": "ok"}
        assert attempt(potions, "special_files") == ["file", 2, 10**10]
        assert attempt(potions, "relative_path") == ["relative", True, True]
    assert attempt(potions, "hold_lock") == "mine"
    potions.do("restart", "files")
    assert attempt(potions, "hold_lock") == "mine"


@pytest.mark.contract("S12")
def test_everything_in_storage_belongs_to_whom_the_storage_belongs_to(potions: Platform, tmp_path: Path) -> None:
    """What the app makes at run time, and what is put there by the platform, alone, as a folder or from a pipe."""
    potions.do("apps", "create", "files")
    deploy_ordinary(potions)
    for name in ("any_names", "deep_folders", "sqlite_wal", "special_files"):
        attempt(potions, name)
    folder = tmp_path / "photos"
    (folder / "2026").mkdir(parents=True, mode=0o700)
    (folder / "2026" / "a.jpg").write_bytes(b"a picture")
    (folder / "run").write_text("#!/bin/sh\n")
    (folder / "run").chmod(0o700)
    potions.do("storage", "put", "files", str(folder / "run"), "bin/tools/")
    potions.do("storage", "put", "files", str(folder))
    potions.do("storage", "put", "files", str(folder), ".", "--skip")
    potions.do("storage", "put", "files", "-", "dumps/today.sql", stdin="rows")
    potions.do("storage", "mkdir", "files", "made/by/hand")
    storage = potions.tree("files").storage
    account = pwd.getpwnam(potions.client.status().app_user)
    root = storage.stat()
    assert (root.st_uid, root.st_gid) == (account.pw_uid, account.pw_gid)
    found = everything(storage)
    assert {one.owner for one in found.values()} == {(root.st_uid, root.st_gid)}
    put = {name: found[os.fsencode(storage / name)] for name in ("bin", "bin/tools", "bin/tools/run", "photos/2026")}
    put |= {name: found[os.fsencode(storage / name)] for name in ("photos/2026/a.jpg", "dumps/today.sql", "made/by")}
    assert {name: stat.S_IMODE(one.mode) for name, one in put.items()} == {
        "bin": 0o755,
        "bin/tools": 0o755,
        "bin/tools/run": 0o755,
        "photos/2026": 0o755,
        "photos/2026/a.jpg": 0o644,
        "dumps/today.sql": 0o644,
        "made/by": 0o755,
    }


@pytest.mark.contract("S15")
def test_nothing_that_the_platform_does_by_itself_touches_a_stored_file(potions: Platform, tmp_path: Path) -> None:
    """Deploys that work and fail, rollback, restart, stop and start, the agent killed, all of it down and up again,
    releases pruned, and every look: each file is the same inode, unchanged since it was written; use is shown."""
    potions.do("apps", "create", "files")
    deploy_ordinary(potions)
    attempt(potions, "any_names")
    attempt(potions, "special_files")
    storage = potions.tree("files").storage
    for name in (".potions-put-" + "a" * 32, ".potions-put-x", ".potions-0123456789abcdef", "x.tmp", "core", "a~"):
        potions.client.put_stored_file("files", name, [b"the app's own"])
        os.utime(storage / name, (1_000_000_000, 1_000_000_000))
    before = everything(storage)
    files = sum(stat.S_ISREG(one.mode) for one in before.values()) - 1  # one has two names
    size = sum(one.size for one in {one.inode: one for one in before.values() if stat.S_ISREG(one.mode)}.values())

    def unchanged(what: str) -> None:
        assert everything(storage) == before, what

    broken = tmp_path / "broken"
    shutil.copytree(ORDINARY, broken)
    (broken / "Procfile").write_text("web: exit 1\n")
    pruning = tmp_path / "pruning"
    shutil.copytree(ORDINARY, pruning)
    (pruning / "potions.toml").write_text("[deploy]\nkeep = 1\n")
    for number in range(2):
        (pruning / "number").write_text(str(number))
        potions.do("deploy", str(pruning), "--app", "files")
    unchanged("deploys and what they prune")
    potions.refused("deploy", str(broken), "--app", "files")
    unchanged("a deploy that failed")
    for word in ("rollback", "redeploy"):
        potions.do(word, "files")
    for act in (potions.client.restart, potions.client.stop, potions.client.start):
        act("files")
    unchanged("rollback, redeploy, restart, stop and start")
    os.kill(potions.agent_pid(), signal.SIGKILL)
    wait_for(lambda: potions.run("status").status == 0, "the agent is back")
    unchanged("a killed agent")
    potions.do("down")
    potions.do("up")
    unchanged("down and up")
    potions.do("storage", "ls", "files", "names/files")
    potions.do("storage", "get", "files", "names", str(tmp_path / "names"))
    potions.do("storage", "show", "files")
    unchanged("looking")
    detail = potions.json("apps", "show", "files")
    use = potions.json("storage", "usage", "files")["use"]
    assert (detail["storage_files"], detail["storage_bytes"]) == (use["files"], use["bytes"]) == (files, size)
    assert f"{files} files, 10.0 GB" in potions.do("apps", "show", "files").out
    assert f"{files} files, 10.0 GB" in potions.do("storage", "show", "files").out


# What breaks off


@contextmanager
def putting(potions: Platform, *words: str) -> Iterator[subprocess.Popen[bytes]]:
    """A put from a pipe that is on its way, with some of it arrived."""
    storage = potions.tree("files").storage
    running = subprocess.Popen(
        ["potions", "storage", "put", "files", "-", *words],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=potions.environment,
        cwd=potions.folder,
    )
    try:
        assert running.stdin is not None
        running.stdin.write(b"half" * 1_000_000)
        running.stdin.flush()
        wait_for(lambda: any(path.stat().st_size > 10**6 for path in on_its_way(storage)), "some of it arrived")
        yield running
    finally:
        running.kill()
        running.wait()
        for pipe in (running.stdin, running.stdout, running.stderr):
            assert pipe is not None
            with suppress(BrokenPipeError):
                pipe.close()


def on_its_way(storage: Path) -> list[Path]:
    return list(storage.rglob(".potions-put-*"))


def workers(potions: Platform) -> set[int]:
    """The children in which the agent works below storages."""
    agent = psutil.Process(potions.agent_pid())
    children = {child.pid: child for child in agent.children(recursive=True)}
    return {pid for pid, child in children.items() if child.ppid() in children}


def _client_killed(potions: Platform, running: subprocess.Popen[bytes]) -> None:
    running.kill()


def _client_interrupted(potions: Platform, running: subprocess.Popen[bytes]) -> None:
    running.send_signal(signal.SIGINT)
    assert running.wait(60) == 130


def _worker_killed(potions: Platform, running: subprocess.Popen[bytes]) -> None:
    for pid in workers(potions):
        os.kill(pid, signal.SIGKILL)
    assert running.stdin is not None
    running.stdin.close()
    assert running.wait(60) == 1


def _agent_killed(potions: Platform, running: subprocess.Popen[bytes]) -> None:
    os.kill(potions.agent_pid(), signal.SIGKILL)
    assert running.stdin is not None
    running.stdin.close()
    assert running.wait(60) == 1
    wait_for(lambda: potions.run("status").status == 0, "the agent is back")


def test_a_put_that_breaks_off_leaves_nothing(potions: Platform) -> None:
    """Whoever is killed in the middle of it: the client, the child that writes, or the agent; and what was there is."""
    potions.do("apps", "create", "files")
    potions.do("storage", "put", "files", "-", "a/old", stdin="old")
    storage = potions.tree("files").storage
    before = everything(storage)
    old, new = ["a/old", "--replace"], ["a/new/er"]
    for end, words in ((_client_killed, old), (_client_interrupted, new), (_worker_killed, old), (_agent_killed, new)):
        with putting(potions, *words) as running:
            assert "potions-put" not in potions.do("storage", "ls", "files", "a").out
            end(potions, running)
        wait_for(lambda: not on_its_way(storage), f"{end.__name__} leaves nothing")
        wait_for(lambda: not workers(potions), f"{end.__name__} leaves no worker")
        found = everything(storage)
        assert set(found) == set(before), end.__name__
        assert found[os.fsencode(storage / "a" / "old")] == before[os.fsencode(storage / "a" / "old")]
    assert list(potions.tree("files").puts.iterdir()) == []


def test_a_reader_that_goes_away_ends_what_was_sent_to_it(potions: Platform, tmp_path: Path) -> None:
    """A file, a folder, a measurement: no child runs on, and others are served meanwhile."""
    potions.do("apps", "create", "files")
    (tmp_path / "big").write_bytes(os.urandom(30_000_000))
    potions.do("storage", "put", "files", str(tmp_path / "big"))
    for route in ("file?path=big", "archive?path="):
        with socket.socket(socket.AF_UNIX) as reader:
            reader.connect(str(potions.home.agent_socket))
            reader.sendall(f"GET /apps/files/storage/{route} HTTP/1.1\r\nHost: potions\r\n\r\n".encode())
            assert b"200" in reader.recv(1000)
            assert workers(potions)
            assert potions.run("storage", "ls", "files").status == 0
        wait_for(lambda: not workers(potions), f"{route} leaves no worker")


def test_an_app_cannot_lead_the_platform_out_of_its_storage(potions: Platform) -> None:
    """It swaps folders for links to another one as fast as it can, while files are put, got, moved and removed."""
    potions.do("apps", "create", "files")
    outside = potions.folder / "outside"
    outside.mkdir(mode=0o777)
    outside.chmod(0o777)
    (outside / "secret").write_text("outside")
    (outside / "secret").chmod(0o666)
    inside = potions.tree("files").storage / "inside"
    with potions.client as client:
        for number in range(40):
            client.put_stored_file("files", f"inside/d{number}/secret", [b"inside"])
        met: set[bytes] = set()
        with Swapper(inside, outside):
            for act, number in itertools.product(ACTS, range(25)):
                try:
                    met |= act(client, f"inside/d{number}")
                except PotionsError as error:
                    assert error.code.startswith("stored-"), error
    assert met <= {b"inside", b"new"}
    assert tree(outside) == {"secret": b"outside"}


def _get(client: Client, folder: str) -> set[bytes]:
    with client.get_stored_file("files", f"{folder}/secret") as coming:
        return {b"".join(coming.pieces)}


def _put(client: Client, folder: str) -> set[bytes]:
    client.put_stored_file("files", f"{folder}/secret", [b"new"], replace=True)
    return set()


def _list(client: Client, folder: str) -> set[bytes]:
    assert {entry.bytes for entry in client.stored_folder("files", folder).entries} <= {3, 6}
    return set()


def _make(client: Client, folder: str) -> set[bytes]:
    client.make_stored_folder("files", f"{folder}/made")
    return set()


def _move(client: Client, folder: str) -> set[bytes]:
    client.move_stored("files", f"{folder}/secret", f"{folder}/moved")
    return set()


def _remove(client: Client, folder: str) -> set[bytes]:
    client.remove_stored("files", folder, recursive=True)
    return set()


ACTS: list[Callable[[Client, str], set[bytes]]] = [_get, _put, _list, _make, _move, _remove]


def test_a_storage_that_its_app_may_not_enter_is_told(potions: Platform) -> None:
    """`chmod 0` by mistake: each command says so, and nothing else breaks."""
    potions.do("apps", "create", "files")
    storage = potions.tree("files").storage
    storage.chmod(0)
    try:
        for words in (("ls", "files"), ("show", "files"), ("usage", "files"), ("get", "files", "a")):
            assert "has the mode 000" in potions.refused("storage", *words).text
        assert potions.json("apps", "show", "files")["storage_files"] == 0
    finally:
        storage.chmod(0o750)
