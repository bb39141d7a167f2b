"""Deleting: asked for by name, undone for a while, for good on request, and never a file of anybody else's."""

from __future__ import annotations

import contextlib
import os
import shutil
import socket
import sqlite3
import stat
import subprocess
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psutil
import pytest

from potions.errors import AppDirectoryGone, AppTaken, AppUnknown, TrashUnknown, UnsafePath
from potions.layout import Colour
from potions.schema import Status, Variable, VariablesChange
from support.archives import tree as content_of
from support.hostile import Swapper
from support.platform import Platform, wait_for
from support.side_by_side import BLOG, BLOG2, SideBySide
from support.terminal import type_into

PHOTO = b"\x89PNG" + bytes(range(256)) * 40
LONG_DRAIN = '[deploy]\ndrain = "10m"\n'
#: What runs only where it was built: as a virtual environment does.
BUILT_HERE = 'web: sh -c \'test "$(cat built-in)" = "$(pwd -P)" && exec python3 behave.py\''
BUILD = "[build]\ncommand = 'pwd -P > built-in'\n"


@pytest.fixture
def blogs(potions: Platform) -> SideBySide:
    """`blog` and `blog2`, both serving, each with a file in storage."""
    return serving(potions)


def serving(potions: Platform) -> SideBySide:
    both = SideBySide(potions)
    for app in (BLOG, BLOG2):
        both.client.create_app(app)
        both.works(both.release("1"), app)
        assert potions.request("PUT", app, "/file?path=storage/kept.txt", content=app.encode()).is_success
    return both


def in_trash(potions: Platform, app: str) -> list[Path]:
    return sorted(potions.home.trash.glob(f"{app}.*"))


def is_there(pid: int) -> bool:
    """Whether a process runs; one that ended and was not yet asked how counts as gone."""
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


# Asking


def test_a_delete_asks_for_the_name(blogs: SideBySide) -> None:
    """It says sizes and until when, and does nothing where the name was not typed, or nobody could be asked."""
    potions = blogs.potions
    (potions.tree(BLOG).storage / "photo.png").write_bytes(PHOTO)
    words = ("apps", "delete", BLOG)
    with blogs.unchanged(BLOG, BLOG2):
        for typed in ("blog2\n", "\n", "BLOG\n", "yes\n"):
            outcome = type_into(potions, *words, typed=typed)
            assert (outcome.status, outcome.out) == (2, "")
            assert "nothing was changed" in outcome.err
        outcome = potions.refused(*words, stdin="blog\n")
        assert outcome.status == 2 and "--yes" in outcome.err
    outcome = type_into(potions, *words, typed="blog\n")
    assert outcome.status == 0, outcome.text
    assert f"2 files, {(len(PHOTO) + 4) / 1000:.1f} kB" in outcome.err
    assert "It can be brought back until" in outcome.err
    assert "blog is deleted" in outcome.out and "potions apps restore blog" in outcome.out
    assert [app.name for app in blogs.client.apps()] == [BLOG2]


def test_sizes_and_dates_are_true(blogs: SideBySide) -> None:
    """What is said before and after is what is there: storage, everything, and 72 hours."""
    tree = blogs.potions.tree(BLOG)
    (tree.storage / "photo.png").write_bytes(PHOTO)
    (tree.storage / "link").symlink_to("photo.png")
    said = blogs.client.removal(BLOG)
    assert (said.storage_files, said.storage_bytes) == (2, len(PHOTO) + len(BLOG))
    everything = [path for path in tree.root.rglob("*") if path.is_file() and not path.is_symlink()]
    inside = [path for path in everything if ".slots" not in path.parts and not path.name.startswith(".env")]
    assert (said.total_files, said.total_bytes) == (len(inside), sum(path.stat().st_size for path in inside))
    assert blogs.client.removal(BLOG, purge=True).restorable_until is None
    done = blogs.client.delete_app(BLOG)
    assert (done.storage_bytes, done.total_files) == (said.storage_bytes, said.total_files)
    [entry] = [one for one in blogs.client.trash() if one.name == BLOG][:1]
    assert abs(entry.restorable_until - datetime.now(UTC) - timedelta(hours=72)) < timedelta(minutes=5)
    assert (entry.total_bytes, entry.total_files) == (done.total_bytes, done.total_files)


# What is gone, and what is not


@pytest.mark.contract("S10")
def test_a_deleted_app_is_gone_everywhere(blogs: SideBySide) -> None:
    """Processes of both slots, those that hid too, ports, site and directory; the other app notices nothing."""
    potions, client = blogs.potions, blogs.client
    blogs.works(blogs.release("2", manifest=LONG_DRAIN, spawn_child_setsid=True))
    waiting = open_request(potions, BLOG)
    deploying = blogs.send(blogs.release("3", manifest=LONG_DRAIN, spawn_child_setsid=True))
    wait_for(lambda: client.deployment(BLOG, deploying.number).draining, "both slots run")
    pids = set().union(*(blogs.processes(BLOG, colour) for colour in Colour))
    assert len(pids) >= 4, "two slots, each with a child in a session of its own"
    ports = [slot.port for slot in client.app(BLOG).slots]
    with blogs.unchanged(BLOG2), contextlib.closing(waiting):
        client.delete_app(BLOG)
        assert not [pid for pid in pids if is_there(pid)]
        assert (potions.get(BLOG).status_code, potions.get(BLOG).text) == (404, "no app of that name here")
        assert not potions.tree(BLOG).root.exists()
        assert not potions.home.site(BLOG).exists()
        assert not list(potions.home.programs.glob("blog.*"))
        for port in ports:
            with pytest.raises(ConnectionRefusedError):
                socket.create_connection(("127.0.0.1", port)).close()
        assert stat.S_IMODE(potions.home.trash.stat().st_mode) == 0o700
        assert (in_trash(potions, BLOG)[-1] / "storage" / "kept.txt").read_bytes() == b"blog"
        with pytest.raises(AppUnknown):
            client.app(BLOG)
        assert [slot.port for slot in client.create_app("next").slots] == ports
        blogs.works(blogs.release("n"), "next")
        assert potions.version("next") == "n"


def open_request(potions: Platform, app: str) -> socket.socket:
    """A request whose answer never ends, so that its slot goes on draining."""
    connection = socket.create_connection(("127.0.0.1", potions.http_port))
    connection.sendall(f"GET /sse?chunks=100000 HTTP/1.1\r\nHost: {app}.localhost\r\n\r\n".encode())
    assert connection.recv(12) == b"HTTP/1.1 200"
    return connection


@pytest.mark.contract("S10")
def test_a_purge_removes_at_once_and_for_good(blogs: SideBySide) -> None:
    """Nothing of it is left on the disk or in the trash, and nothing brings it back; it says so before and after."""
    potions = blogs.potions
    before = in_trash(potions, BLOG)
    outcome = type_into(potions, "apps", "delete", BLOG, "--purge", typed="blog\n")
    assert outcome.status == 0, outcome.text
    assert "It is removed at once and cannot be brought back." in outcome.err
    assert "It cannot be brought back." in outcome.out
    assert not potions.tree(BLOG).root.exists()
    assert in_trash(potions, BLOG) == before
    assert potions.get(BLOG).status_code == 404
    assert potions.version(BLOG2) == "1"


def test_a_purge_never_follows_a_link(blogs: SideBySide) -> None:
    """Links to a stranger's files and to the other app's storage, in storage, slots and logs; and some that move."""
    potions = blogs.potions
    tree, victim = potions.tree(BLOG), potions.folder / "victim"
    (victim / "deep").mkdir(parents=True)
    (victim / "deep" / "kept").write_text("as it was")
    (victim / "kept").write_text("as it was")
    before = content_of(victim)
    for folder in (tree.storage, tree.slot(potions.live(BLOG)), tree.home, tree.logs, tree.releases, tree.root):
        (folder / "to-victim").symlink_to(victim)
        (folder / "to-blog2").symlink_to(potions.tree(BLOG2).storage)
        (folder / "to-root").symlink_to("/")
    os.link(victim / "kept", tree.storage / "hard")
    for number in range(40):
        (tree.storage / f"d{number}" / "in").mkdir(parents=True)
        (tree.storage / f"d{number}" / "in" / "kept").write_text("not kept")
    with blogs.unchanged(BLOG2), Swapper(tree.storage, victim):
        blogs.client.delete_app(BLOG, purge=True)
        assert not tree.root.exists()
        assert not list(potions.home.trash.glob("*.purge"))
    assert content_of(victim) == before


# Bringing it back


@pytest.mark.contract("S10")
def test_a_deleted_app_comes_back_whole(blogs: SideBySide) -> None:
    """Files, variables, history and ports' order; it serves what it served, and can be rolled back as before."""
    potions, client = blogs.potions, blogs.client
    client.change_variables(BLOG, VariablesChange(set={"KEPT": "zürich\n1"}, unset=["MIX_ENV"]))
    blogs.works(blogs.release("2"))
    history = [(one.number, one.kind, one.status, one.release.label) for one in client.deployments(BLOG)]
    variables = values(client.variables(BLOG, reveal=True))
    trash = client.trash()
    storage, root = content_of(potions.tree(BLOG).storage), potions.tree(BLOG).root.stat().st_ino
    client.delete_app(BLOG)
    with blogs.unchanged(BLOG2):
        outcome = potions.do("apps", "restore", BLOG)
    assert "blog is back." in outcome.out
    wait_for(lambda: potions.version(BLOG) == "2", "it serves again")
    assert content_of(potions.tree(BLOG).storage) == storage
    assert potions.tree(BLOG).root.stat().st_ino == root
    assert values(client.variables(BLOG, reveal=True)) == variables
    assert blogs.environment(BLOG)["KEPT"] == "zürich\n1"
    assert [(one.number, one.kind, one.status, one.release.label) for one in client.deployments(BLOG)] == history
    assert client.trash() == trash
    blogs.end_of(client.rollback(BLOG))
    assert potions.version(BLOG) == "1"
    blogs.works(blogs.release("3"))


def values(variables: list[Variable]) -> dict[str, str | None]:
    return {variable.name: variable.value for variable in variables if not variable.locked}


def test_a_stopped_app_comes_back_stopped(blogs: SideBySide) -> None:
    """A restore starts only what a person had running."""
    blogs.client.stop(BLOG)
    blogs.client.delete_app(BLOG)
    assert blogs.client.restore_app(BLOG).summary.state == "stopped"
    assert (blogs.potions.get(BLOG).status_code, blogs.processes(BLOG, Colour.BLUE)) == (503, set())
    blogs.client.start(BLOG)
    assert blogs.potions.version(BLOG) == "1"


def test_a_name_that_is_taken_again(blogs: SideBySide) -> None:
    """The old app comes back under another name, built anew because a build knows its path; both keep their own."""
    potions, client = blogs.potions, blogs.client
    for version in ("2", "3"):
        blogs.works(blogs.release(version, procfile=BUILT_HERE, manifest=BUILD))
    client.delete_app(BLOG)
    client.create_app(BLOG)
    blogs.works(blogs.release("new", procfile=BUILT_HERE, manifest=BUILD))
    with pytest.raises(AppTaken) as refused:
        client.restore_app(BLOG)
    assert "potions apps restore blog --as NAME" in refused.value.do
    with pytest.raises(AppTaken):
        client.restore_app(BLOG, BLOG2)
    with blogs.unchanged(BLOG, BLOG2):
        detail = client.restore_app(BLOG, "blog-old")
        wait_for(lambda: potions.version("blog-old") == "3", "it is deployed under its new name")
    blogs.end_of(client.deployments("blog-old")[0])
    assert (potions.tree("blog-old").storage / "kept.txt").read_bytes() == b"blog"
    assert not (potions.tree(BLOG).storage / "kept.txt").exists()
    environment = blogs.environment("blog-old")
    assert environment["STORAGE_DIR"] == detail.storage == str(potions.tree("blog-old").storage)
    assert (environment["PHX_HOST"], environment["POTIONS_APP"]) == ("blog-old.localhost", "blog-old")
    ended = blogs.end_of(client.rollback("blog-old"))
    assert ended.status is Status.SUCCEEDED, blogs.words(ended)
    assert potions.version("blog-old") == "3", "what served before it was moved, built where it is now"


def test_nothing_to_restore_is_said(blogs: SideBySide) -> None:
    """A name that is not in the trash, and one whose directory somebody took out of it by hand: nothing is made."""
    with pytest.raises(TrashUnknown):
        blogs.client.restore_app("never-was")
    with pytest.raises(TrashUnknown):
        blogs.client.restore_app(BLOG2)
    blogs.client.create_app("emptied")
    blogs.client.delete_app("emptied")
    shutil.rmtree(in_trash(blogs.potions, "emptied")[-1])
    with pytest.raises(TrashUnknown):
        blogs.client.restore_app("emptied")
    with pytest.raises(AppUnknown):
        blogs.client.app("emptied")
    blogs.client.create_app("occupied")
    blogs.client.delete_app("occupied")
    blogs.potions.tree("occupied").root.symlink_to("/nowhere")
    with pytest.raises(UnsafePath):
        blogs.client.restore_app("occupied")
    blogs.potions.tree("occupied").root.unlink()
    assert blogs.client.restore_app("occupied").summary.state == "empty"


@pytest.mark.contract("S10")
def test_the_trash_forgets_after_72_hours(own_potions: Platform) -> None:
    """What is over its time is removed from the disk and the list; what is not stays, and comes back."""
    blogs = serving(own_potions)
    for app in (BLOG, BLOG2):
        blogs.client.delete_app(app)
    own_potions.do("down")
    with contextlib.closing(sqlite3.connect(own_potions.home.database)) as database, database:
        moved = (
            "update trash set restorable_until = datetime(restorable_until, '-72 hours') where directory like 'blog.%'"
        )
        assert database.execute(moved).rowcount == 1
    own_potions.up()
    wait_for(lambda: not in_trash(own_potions, BLOG), "the trash is emptied")
    assert [entry.name for entry in blogs.client.trash()] == [BLOG2]
    outcome = own_potions.refused("apps", "restore", BLOG)
    assert "No deleted app called blog is in the trash." in outcome.err
    assert BLOG not in [line.split()[0] for line in own_potions.do("apps", "list", "--deleted").out.splitlines()]
    own_potions.do("apps", "restore", BLOG2)
    wait_for(lambda: own_potions.version(BLOG2) == "1", "it serves again")


def test_a_crash_between_the_store_and_the_disk_is_settled(own_potions: Platform) -> None:
    """Whether deleted or restored, under the old name or a new one: the directory follows what is remembered."""
    blogs = serving(own_potions)
    blogs.client.delete_app(BLOG)
    blogs.client.delete_app(BLOG2)
    blogs.client.restore_app(BLOG2, "blog-new")
    wait_for(lambda: own_potions.version("blog-new") == "1", "it serves under its new name")
    own_potions.do("down")
    [blog] = in_trash(own_potions, BLOG)
    blog.rename(own_potions.tree(BLOG).root)
    own_potions.tree("blog-new").root.rename(own_potions.home.trash / f"{BLOG2}.{app_id(own_potions, 'blog-new')}")
    with mounted_in(own_potions.home.trash / "stuck.99.purge"):
        own_potions.up()
        wait_for(lambda: own_potions.version("blog-new") == "1", "it serves again")
        assert not own_potions.tree(BLOG).root.exists()
        blogs.client.restore_app(BLOG)
        wait_for(lambda: own_potions.version(BLOG) == "1", "it serves again")
    assert (own_potions.tree("blog-new").storage / "kept.txt").read_bytes() == b"blog2"


def app_id(potions: Platform, app: str) -> int:
    with contextlib.closing(sqlite3.connect(potions.home.database)) as database:
        return int(database.execute("select id from apps where name = ?", [app]).fetchone()[0])


@contextlib.contextmanager
def mounted_in(leftover: Path) -> Iterator[None]:
    """What a purge left, with a mount inside where this user may mount: it must not keep anything else from working."""
    mount = leftover / "storage"
    mount.mkdir(parents=True)
    (mount / "kept").write_text("as it was")
    may = os.geteuid() == 0 and subprocess.run(["mount", "--bind", mount, mount], check=False).returncode == 0
    try:
        yield
        assert not may or (mount / "kept").read_text() == "as it was"
    finally:
        if may:
            subprocess.run(["umount", mount], check=True)


# By hand


@pytest.mark.contract("S10")
def test_a_directory_that_was_removed_by_hand(blogs: SideBySide) -> None:
    """`rm -rf` removes all of it; the platform says so plainly, serves the other app on, and makes the app anew."""
    potions, client = blogs.potions, blogs.client
    key = blogs.environment(BLOG)["SECRET_KEY_BASE"]
    shutil.rmtree(potions.tree(BLOG).root)
    with blogs.unchanged(BLOG2):
        assert_said_plainly(blogs)
    # supervisord refuses its whole configuration for one directory that is missing.
    blogs.works(blogs.release("2"), BLOG2)
    client.create_app("another")
    blogs.works(blogs.release("1"), "another")
    assert potions.version(BLOG2) == "2"
    with blogs.unchanged(BLOG2):
        client.create_app(BLOG)
        assert client.app(BLOG).summary.state == "empty"
        assert content_of(potions.tree(BLOG).storage) == {}
        assert [one.status for one in client.deployments(BLOG)] == []
        blogs.works(blogs.release("anew"))
    assert potions.version(BLOG) == "anew"
    assert blogs.environment(BLOG)["SECRET_KEY_BASE"] != key
    shutil.rmtree(potions.tree(BLOG).root)
    outcome = potions.do("apps", "delete", BLOG, "--yes")
    assert "It cannot be brought back." in outcome.out
    assert BLOG not in [app.name for app in client.apps()]
    assert potions.get(BLOG).status_code == 404


def assert_said_plainly(blogs: SideBySide) -> None:
    """In every list, and by every command that would need the directory; nothing is saved for it either."""
    potions, client, root = blogs.potions, blogs.client, str(blogs.potions.tree(BLOG).root)
    rows = {line.split()[0]: line for line in potions.do("apps", "list").out.splitlines()}
    assert "gone" in rows[BLOG] and "running" in rows[BLOG2]
    shown = potions.do("apps", "show", BLOG).out
    assert f"{root} was removed, emptied or replaced by hand." in shown
    assert "potions apps create blog" in shown and "potions deploy" not in shown
    assert {app.name: app.state for app in client.status().apps} == {BLOG: "gone", BLOG2: "running"}
    refused = potions.refused("deploy", str(blogs.release("x")), "--app", BLOG)
    assert "The directory of blog is gone." in refused.err and root in refused.err
    for act in (
        lambda: client.deploy(BLOG),
        lambda: client.rollback(BLOG),
        lambda: client.stop(BLOG),
        lambda: client.start(BLOG),
        lambda: client.restart(BLOG),
        lambda: list(client.logs(BLOG)),
        lambda: client.change_variables(BLOG, VariablesChange(set={"A": "1"})),
    ):
        with pytest.raises(AppDirectoryGone):
            act()


@pytest.mark.contract("S10")
def test_a_directory_removed_by_hand_while_potions_is_down(own_potions: Platform) -> None:
    """It comes up all the same, with every other app, and says which one is gone."""
    blogs = serving(own_potions)
    own_potions.do("down")
    shutil.rmtree(own_potions.tree(BLOG).root)
    own_potions.up()
    wait_for(lambda: own_potions.version(BLOG2) == "1", "the other app serves")
    assert {app.name: app.state for app in blogs.client.apps()} == {BLOG: "gone", BLOG2: "running"}
    blogs.client.create_app(BLOG)
    blogs.works(blogs.release("anew"))
    assert own_potions.version(BLOG) == "anew"


def test_what_is_left_of_a_directory_is_kept_for_a_while(blogs: SideBySide) -> None:
    """`rm -rf blog/*` leaves the hidden files: the rest goes into the trash, not away."""
    client = blogs.client
    tree = blogs.potions.tree(BLOG)
    for name in ("storage", "blue", "green", "releases", "logs", "current"):
        remove(tree.root / name)
    assert client.app(BLOG).summary.state == "gone"
    assert client.delete_app(BLOG).restorable_until is not None


def test_what_is_in_the_trash_can_be_purged_before_its_time(blogs: SideBySide) -> None:
    """Its name is asked for; nothing of it is left then, and nothing of any other app was touched."""
    potions = blogs.potions
    before = set(potions.home.trash.iterdir())
    potions.do("apps", "delete", BLOG, "--yes")
    assert len(set(potions.home.trash.iterdir()) - before) == 1
    with blogs.unchanged(BLOG2):
        assert "--yes" in potions.refused("apps", "delete", BLOG, "--purge").text
        assert "There is no app called blog" in potions.refused("apps", "delete", BLOG, "--yes").text
        told = potions.do("apps", "delete", BLOG, "--purge", "--yes").out
    assert "is removed from the trash" in told
    assert set(potions.home.trash.iterdir()) == before


@pytest.mark.contract("S15")
@pytest.mark.parametrize(
    "names", [["logs", "releases"], [".live", ".slots"], [".home", ".live"], ["current", ".slots"]]
)
def test_what_can_be_made_anew_is_no_reason_to_put_the_storage_aside(blogs: SideBySide, names: list[str]) -> None:
    """`rm -rf blog/logs` on a full disk, `rm -rf blog/.*` by mistake: the next command makes it anew."""
    potions, client = blogs.potions, blogs.client
    tree = potions.tree(BLOG)
    version = potions.version(BLOG)
    for name in names:
        remove(tree.root / name)
    with blogs.unchanged(BLOG2):
        with pytest.raises(AppTaken):
            client.create_app(BLOG)
        assert client.app(BLOG).summary.state == "running"
        assert (potions.version(BLOG), content_of(tree.storage)) == (version, {"kept.txt": b"blog"})
        potions.do("restart", BLOG)
        blogs.works(blogs.release("again"))
        potions.do("rollback", BLOG)
    assert (potions.version(BLOG), content_of(tree.storage)) == (version, {"kept.txt": b"blog"})


def remove(path: Path) -> None:
    """As ``rm -rf`` does."""
    if path.is_symlink():
        path.unlink()
    elif path.exists():
        shutil.rmtree(path)


def test_a_link_in_place_of_the_directory_leads_nobody_astray(blogs: SideBySide) -> None:
    """Nothing done to the app reaches what the link points at: not the other app's directory, not a stranger's."""
    potions, client = blogs.potions, blogs.client
    root = potions.tree(BLOG).root
    for target in (potions.tree(BLOG2).root, root.with_name("nowhere")):
        shutil.rmtree(root, ignore_errors=True)
        with blogs.unchanged(BLOG2):
            root.symlink_to(target)
            assert_said_plainly(blogs)
            with pytest.raises(UnsafePath):
                client.create_app(BLOG)
            assert root.is_symlink()
            assert client.delete_app(BLOG).total_bytes == 0
            assert not root.is_symlink()
        client.create_app(BLOG)
