"""The storages of a home: work in children that are the app's user, and what is left when one of them is killed."""

from __future__ import annotations

import os
import signal
import stat
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest

from potions.errors import (
    InternalError,
    NoRoom,
    PotionsError,
    StoredForbidden,
    StoredTaken,
    StoredUnknown,
    UploadBroken,
)
from potions.host.below import Below
from potions.host.files import provision
from potions.host.storages import Outgoing, Put, Storages
from potions.host.trees import ROOM_KEPT
from potions.layout import AppTree
from potions.model.stored import Existing, Order, SentFile, SentFolder
from potions.names import parse_stored_path as at
from support.archives import file, tar, tree
from support.bare_home import app_account

ACCOUNT = app_account()
needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="needs root: the app's user has to be another one")


@pytest.fixture(scope="module")
def below() -> Iterator[Below]:
    made = Below(ACCOUNT)
    yield made
    made.close()


@pytest.fixture
def storages(below: Below) -> Storages:
    return Storages(ACCOUNT, below)


@pytest.fixture
def app() -> Iterator[AppTree]:
    """An app's tree at a path that its user can enter."""
    with tempfile.TemporaryDirectory(dir="/tmp") as name:
        Path(name).chmod(0o755)
        made = AppTree(Path(name) / "blog")
        provision(made.entries(), ACCOUNT)
        yield made


def as_the_app(tree: AppTree, script: str) -> None:
    """What the app itself does in its storage."""
    words = ["/bin/sh", "-c", script]
    more = {"user": ACCOUNT.uid, "group": ACCOUNT.gid, "extra_groups": []} if ACCOUNT.switch else {}
    subprocess.run(words, cwd=tree.storage, check=True, **more)  # type: ignore[call-overload]


def send(put: Put[object], *pieces: bytes) -> None:
    """Write pieces into a put, as the API does; they fit its pipe."""
    for piece in pieces:
        os.write(put.descriptor, put.frame(piece))


def whole(put: Put[object], *pieces: bytes) -> object:
    send(put, *pieces)
    os.write(put.descriptor, put.last)
    return put.finish()


def put_file(storages: Storages, app: AppTree, path: str, data: bytes = b"data", **more: bool) -> None:
    options = {"replace": False, "executable": False, **more}
    whole(storages.put_file(app, at(path), len(data), **options), data)


def received(outgoing: Outgoing[SentFile] | Outgoing[SentFolder]) -> bytes:
    """Everything that comes, and that it came whole."""
    os.set_blocking(outgoing.descriptor, True)
    try:
        with os.fdopen(os.dup(outgoing.descriptor), "rb") as pipe:
            data = pipe.read()
        outgoing.finish()
        return data
    finally:
        outgoing.close()


def children() -> set[int]:
    """The children of all `Below`s of this process."""
    return {child.pid for child in psutil.Process().children(recursive=True) if child.status() != "zombie"}


@contextmanager
def new_child() -> Iterator[list[int]]:
    """What was started in the block and runs still."""
    before, started = children(), list[int]()
    yield started
    started += children() - before


def until(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 20
    while not holds():
        assert time.monotonic() < deadline, "it never came to hold"
        time.sleep(0.01)


# Whose it is


@needs_root
def test_everything_put_belongs_to_the_apps_user(storages: Storages, app: AppTree) -> None:
    """As the storage itself: files, folders, and the folders on the way to them, whatever the umask of the agent."""
    before = os.umask(0o077)
    try:
        put_file(storages, app, "a/b/file")
        storages.make_folder(app, at("made/too"))
        whole(storages.put_folder(app, at("n/new"), None, Existing.REFUSE), tar([file("d/f"), file("g", mode=0o755)]))
    finally:
        os.umask(before)
    found = {path: path.lstat() for path in app.storage.rglob("*")}
    assert {(status.st_uid, status.st_gid) for status in found.values()} == {(ACCOUNT.uid, ACCOUNT.gid)}
    root = app.storage.stat()
    assert (root.st_uid, root.st_gid) == (ACCOUNT.uid, ACCOUNT.gid)
    modes = {str(path.relative_to(app.storage)): stat.S_IMODE(status.st_mode) for path, status in found.items()}
    assert {mode for name, mode in modes.items() if (app.storage / name).is_dir()} == {0o755}
    assert (modes["a/b/file"], modes["n/new/d/f"], modes["n/new/g"]) == (0o644, 0o644, 0o755)


@needs_root
def test_what_the_app_keeps_for_itself_is_reached_as_its_owner(storages: Storages, app: AppTree) -> None:
    """Of mode 0700 or 0600 everything can be done; of mode 000 it is told, and it can be removed."""
    as_the_app(app, "mkdir -m 700 own; (umask 077; echo 1 > own/file); mkdir shut; echo 2 > shut/in; : > sealed")
    as_the_app(app, "chmod 000 shut sealed")
    assert received(storages.get_file(app, at("own/file"), None)) == b"1\n"
    assert storages.folder(app, at("own"), Order.NAME, 0, 10).total == 1
    assert storages.folder(app, at(""), Order.NAME, 0, 10).total == 3
    for refused in (
        lambda: storages.get_file(app, at("sealed"), None),
        lambda: storages.get_folder(app, at("")),
        lambda: storages.folder(app, at("shut"), Order.NAME, 0, 10),
        lambda: storages.make_folder(app, at("shut/new")),
    ):
        with pytest.raises(StoredForbidden, match=r"000|sealed.*shut|shut.*sealed"):
            refused()
    storages.remove(app, at("shut"), recursive=True)
    storages.remove(app, at("sealed"), recursive=False)
    assert set(tree(app.storage)) == {"own", "own/file"}


@needs_root
def test_what_belongs_to_root_is_told(storages: Storages, app: AppTree) -> None:
    """Somebody copied it there by hand; neither the app nor the platform on its behalf can use it."""
    (app.storage / "by-hand").mkdir(mode=0o700)
    (app.storage / "by-hand" / "f").touch()
    (app.storage / "secret").touch(mode=0o600)
    for refused in (
        lambda: storages.get_file(app, at("secret"), None),
        lambda: storages.folder(app, at("by-hand"), Order.NAME, 0, 10),
        lambda: put_file(storages, app, "by-hand/new"),
        lambda: storages.remove(app, at("by-hand"), recursive=True),
        lambda: storages.move(app, at("by-hand/f"), at("f")),
    ):
        with pytest.raises(StoredForbidden):
            refused()
    assert set(tree(app.storage)) == {"by-hand", "by-hand/f", "secret"}
    assert storages.unsettled(app) == []


@needs_root
def test_nothing_is_reached_that_only_root_may_see(storages: Storages, app: AppTree) -> None:
    """The children are the app's user: what is beside the storage stays closed even where a link would lead there."""
    (app.releases / "secret").write_text("platform")
    as_the_app(app, f"ln -s {app.releases} out; ln -s {app.releases}/secret file")
    for refused in (
        lambda: storages.get_file(app, at("file"), None),
        lambda: storages.get_file(app, at("out/secret"), None),
        lambda: storages.get_folder(app, at("out")),
        lambda: put_file(storages, app, "out/new"),
        lambda: put_file(storages, app, "file", replace=True),
    ):
        with pytest.raises(PotionsError, match="is a link to"):
            refused()
    assert tree(app.releases) == {"secret": b"platform"}


# What is on its way


def test_a_put_is_known_while_it_lasts_and_told_to_nobody(storages: Storages, app: AppTree) -> None:
    """Neither listed nor got; and nothing of it is left, neither in the storage nor beside it."""
    put = storages.put_file(app, at("a"), None, replace=False, executable=False)
    send(put, b"half")
    (token,) = storages.unsettled(app)
    until(lambda: list(tree(app.storage)) == [f".potions-put-{token}"])
    assert storages.folder(app, at(""), Order.NAME, 0, 10).entries == []
    outgoing = storages.get_folder(app, at(""))
    assert outgoing.head.files == 0
    assert received(outgoing) == bytes(1024)
    os.write(put.descriptor, put.last)
    put.finish()
    assert tree(app.storage) == {"a": b"half"}
    assert storages.unsettled(app) == []


def test_a_name_like_ours_that_the_app_made_is_the_apps(storages: Storages, app: AppTree) -> None:
    """It is listed, got, kept and removed as any other, also where the platform tidies up."""
    name = f".potions-put-{'a' * 32}"
    as_the_app(app, f"echo mine > {name}")
    assert [entry.name for entry in storages.folder(app, at(""), Order.NAME, 0, 10).entries] == [name]
    put = storages.put_file(app, at("x"), None, replace=False, executable=False)
    put.discard()
    assert tree(app.storage) == {name: b"mine\n"}
    storages.remove(app, at(name), recursive=False)
    assert tree(app.storage) == {}


@pytest.mark.parametrize("sent", [[], [b"half"]], ids=["nothing", "half"])
def test_a_put_that_is_given_up_leaves_nothing(storages: Storages, app: AppTree, sent: list[bytes]) -> None:
    """Its child is gone too; giving it up twice is fine."""
    with new_child() as started:
        for begin in (
            lambda: storages.put_file(app, at("a/b"), None, replace=False, executable=False),
            lambda: storages.put_folder(app, at("a/b"), None, Existing.REFUSE),
        ):
            put: Put[object] = begin()  # type: ignore[no-untyped-call, assignment]
            send(put, *sent)
            put.discard()
            put.discard()
    assert started == []
    assert tree(app.storage) == {}
    assert storages.unsettled(app) == []


def test_a_put_that_is_refused_leaves_nothing(storages: Storages, app: AppTree) -> None:
    """At its beginning or at its end."""
    put_file(storages, app, "a")
    with pytest.raises(StoredTaken):
        storages.put_file(app, at("a"), None, replace=False, executable=False)
    put = storages.put_folder(app, at("n"), None, Existing.REFUSE)
    with pytest.raises(UploadBroken):
        whole(put, b"no tar")
    assert tree(app.storage) == {"a": b"data"}
    assert storages.unsettled(app) == []


@pytest.mark.parametrize("kind", ["file", "folder"])
def test_a_child_that_is_killed_leaves_nothing(storages: Storages, app: AppTree, kind: str) -> None:
    """Whoever killed it: what it had written is taken away by another one."""
    with new_child() as started:
        put: Put[object]
        if kind == "file":
            put = storages.put_file(app, at("a"), None, replace=False, executable=False)  # type: ignore[assignment]
            send(put, b"half")
        else:
            put = storages.put_folder(app, at("a"), None, Existing.REFUSE)  # type: ignore[assignment]
            send(put, tar([file("f"), file("g")])[:1024])
        until(lambda: len(tree(app.storage)) > 0)
    (child,) = started
    os.kill(child, signal.SIGKILL)
    with pytest.raises(InternalError, match="SIGKILL"):
        put.finish()
    assert tree(app.storage) == {}
    assert storages.unsettled(app) == []


_AGENT = """
import os, sys, pathlib
from potions.host.below import Below
from potions.host.storages import Storages
from potions.layout import AppTree
from potions.model.stored import Existing
from potions.names import parse_stored_path
from support.bare_home import app_account
account = app_account()
storages, app = Storages(account, Below(account)), AppTree(pathlib.Path(sys.argv[1]))
storages.put_file(app, parse_stored_path("d/file"), None, replace=True, executable=False)
one = storages.put_file(app, parse_stored_path("a"), None, replace=True, executable=False)
os.write(one.descriptor, one.frame(b"half"))
two = storages.put_folder(app, parse_stored_path("n/m"), None, Existing.REFUSE)
os.write(two.descriptor, sys.stdin.buffer.read())
print("putting", flush=True)
os.kill(os.getpid(), 9)
"""


def test_an_agent_that_is_killed_leaves_what_its_next_start_takes_away(storages: Storages, app: AppTree) -> None:
    """And nothing else: not the old file, and not what the app made meanwhile, whatever its name."""
    as_the_app(app, f"echo old > a; mkdir d; echo mine > .potions-put-{'b' * 32}")
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
    with new_child() as started:
        ran = subprocess.run(
            [sys.executable, "-c", _AGENT, app.root],
            env=environment,
            input=tar([file("f"), file("g")])[:1024],
            stdout=subprocess.PIPE,
            check=False,
        )
    assert ran.stdout == b"putting\n"
    until(lambda: not [pid for pid in started if psutil.pid_exists(pid)])
    left = storages.unsettled(app)
    assert len(left) == 3
    for token in left:
        storages.settle(app, token)
    assert tree(app.storage) == {"a": b"old\n", "d": "/", f".potions-put-{'b' * 32}": b"mine\n"}
    assert storages.unsettled(app) == []


def test_what_was_written_down_is_settled_wherever_its_way_leads_now(storages: Storages, app: AppTree) -> None:
    """Its folder is gone, or a link by now: there is nothing to take away, and nothing outside is touched."""
    token = "c" * 32
    (app.home / f".potions-put-{token}").write_text("not ours any more")
    as_the_app(app, f"ln -s {app.home} link")
    for path in ("gone/x/y", "link/x"):
        (app.puts / token).write_text(at(path).encoded)
        storages.settle(app, token)
        assert storages.unsettled(app) == []
    assert (app.home / f".potions-put-{token}").read_text() == "not ours any more"


def test_an_app_of_an_older_version_can_be_put_to(storages: Storages, app: AppTree) -> None:
    """It has no place yet where a put is written down."""
    app.puts.rmdir()
    assert storages.folder(app, at(""), Order.NAME, 0, 10).total == 0
    put_file(storages, app, "a")
    assert tree(app.storage) == {"a": b"data"}


# Getting


def test_a_get_that_is_given_up_ends_its_child(storages: Storages, app: AppTree) -> None:
    """It waits for somebody to read on, and is gone then."""
    put_file(storages, app, "a")
    os.truncate(app.storage / "a", 50_000_000)
    with new_child() as started:
        for begin in (lambda: storages.get_file(app, at("a"), None), lambda: storages.get_folder(app, at(""))):
            outgoing = begin()  # type: ignore[no-untyped-call]
            os.set_blocking(outgoing.descriptor, True)
            assert len(os.read(outgoing.descriptor, 100)) == 100
            outgoing.close()
            outgoing.close()
    assert started == []


def test_a_get_whose_child_is_killed_is_no_whole_file(storages: Storages, app: AppTree) -> None:
    """Its bytes end early, and that is told."""
    put_file(storages, app, "a")
    os.truncate(app.storage / "a", 50_000_000)
    with new_child() as started:
        outgoing = storages.get_file(app, at("a"), None)
    os.kill(started[0], signal.SIGKILL)
    with pytest.raises(InternalError, match="SIGKILL"):
        received(outgoing)


def test_a_get_that_is_refused_leaves_nothing_open(storages: Storages, app: AppTree) -> None:
    """Descriptors do not pile up, however often it is tried."""

    def attempt() -> None:
        with pytest.raises(StoredUnknown):
            storages.get_file(app, at("no"), None)
        with pytest.raises(StoredUnknown):
            storages.get_folder(app, at("no"))
        with pytest.raises(StoredUnknown):
            storages.use(app, at("no"), 1, 1)
        storages.use(app, at(""), 1, 1).wait()

    attempt()
    before = len(os.listdir("/proc/self/fd"))
    for _ in range(3):
        attempt()
    assert len(os.listdir("/proc/self/fd")) <= before


# A full disk


@pytest.fixture
def small_disk() -> Iterator[AppTree]:
    """An app on a disk of its own, with 4 MiB above what always stays free."""
    with tempfile.TemporaryDirectory(dir="/tmp") as name:
        Path(name).chmod(0o755)
        size = ROOM_KEPT + 4 * 1024 * 1024
        subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size},mode=755", "tmpfs", name], check=True)
        try:
            made = AppTree(Path(name) / "blog")
            provision(made.entries(), ACCOUNT)
            yield made
        finally:
            subprocess.run(["umount", name], check=True)


@needs_root
def test_what_a_disk_does_not_hold_is_refused_before_and_in_the_middle(storages: Storages, small_disk: AppTree) -> None:
    """With both figures; nothing half is there, and what was there is."""
    put_file(storages, small_disk, "old", b"old")
    with pytest.raises(NoRoom, match="free"):
        storages.put_file(small_disk, at("new"), 8_000_000, replace=False, executable=False)
    with pytest.raises(NoRoom, match="free"):
        storages.put_folder(small_disk, at("new"), 8_000_000, Existing.REFUSE)
    put = storages.put_file(small_disk, at("old"), None, replace=True, executable=False)
    os.set_blocking(put.descriptor, True)
    with pytest.raises(BrokenPipeError):
        for _ in range(100):
            os.write(put.descriptor, put.frame(bytes(1_000_000)))
    with pytest.raises(NoRoom):
        put.finish()
    assert tree(small_disk.storage) == {"old": b"old"}
    assert storages.unsettled(small_disk) == []


@needs_root
def test_a_disk_that_others_fill_meanwhile_leaves_nothing_half(storages: Storages, small_disk: AppTree) -> None:
    """Also what was not announced, and the last byte of which does not fit."""
    put = storages.put_file(small_disk, at("new"), None, replace=False, executable=False)
    free = os.statvfs(small_disk.storage)
    (small_disk.root / "others").write_bytes(bytes(free.f_bavail * free.f_frsize - 100_000))
    os.set_blocking(put.descriptor, True)
    with pytest.raises(BrokenPipeError):
        for _ in range(100):
            os.write(put.descriptor, put.frame(bytes(100_000)))
    with pytest.raises(NoRoom):
        put.finish()
    assert tree(small_disk.storage) == {}
    (small_disk.root / "others").unlink()
    put_file(storages, small_disk, "new")
    assert tree(small_disk.storage) == {"new": b"data"}
