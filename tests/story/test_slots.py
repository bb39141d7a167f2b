"""Slots: clean for each release, two of everything, and no visitor at a release that is not healthy."""

from __future__ import annotations

import json
import os
import pwd
import socket
import stat
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import NamedTuple

import pytest

from potions.host.supervisord import Supervisord
from potions.layout import Colour
from potions.schema import Event, EventKind, Phase, Status
from support.archives import file, packed, tar
from support.load import Bounds, Load
from support.platform import Platform
from support.releases import as_tar_gz
from support.side_by_side import BLOG, BLOG2, SideBySide

#: So that a release's own directory has no more in it than was put there.
TIDY = '[env]\nPYTHONDONTWRITEBYTECODE = "1"\n'


@pytest.fixture(scope="module")
def blogs(shared_platform: Platform) -> Iterator[SideBySide]:
    """`blog` and `blog2`, both serving."""
    both = SideBySide(shared_platform)
    try:
        yield both.set_up()
    finally:
        both.close()


# What is in a slot


def _content(release: Path) -> list[str]:
    """The names in a release, and the storage that every slot has."""
    return sorted([*os.listdir(release), "storage"])


@pytest.mark.contract("S1")
@pytest.mark.contract("S3")
def test_a_slot_is_clean_for_each_release(blogs: SideBySide) -> None:
    """Of what was in a slot before, shipped, written, or left by a deploy that failed, a new release sees nothing."""
    for number in range(1, 7):
        name = f"only-in-{number}.txt"
        broken = number == 4
        new = blogs.release(str(number), files={name: "shipped"}, manifest=TIDY, procfile=_start(broken))
        slot = blogs.idle()
        if broken:
            blogs.fails(new, "app-exited")
            continue
        blogs.works(new)
        assert blogs.potions.live(BLOG) is slot
        assert blogs.potions.get(BLOG, "/ls?path=.").json() == _content(new)
        for path in (f"written-by-{number}.txt", f"priv/static/uploads/{number}.png", ".hidden/deep/er"):
            assert blogs.potions.request("PUT", BLOG, f"/file?path={path}", content=b"lost").is_success


def _start(broken: bool) -> str:
    return "web: touch half-way; mkdir -p priv; exit 1" if broken else "web: python3 behave.py"


@pytest.mark.contract("S7")
def test_both_slots_reach_storage_by_a_relative_path(blogs: SideBySide) -> None:
    """Each slot's ./storage is the same directory: what one appends there, the other finds and appends to."""
    slots = []
    for version in ("first", "second"):
        blogs.works(blogs.release(version, write_relative="storage/started.txt"))
        slots.append(f"{version} {blogs.potions.live(BLOG)}\n")
    assert blogs.potions.get(BLOG, "/file?path=./storage/started.txt").text == "".join(slots)
    assert (blogs.potions.tree(BLOG).storage / "started.txt").read_text() == "".join(slots)
    for colour in Colour:
        assert os.readlink(blogs.potions.tree(BLOG).slot(colour) / "storage") == "../storage"


# Who gets the visitors


def _load(blogs: SideBySide) -> Load:
    address = ("127.0.0.1", blogs.potions.http_port)
    return Load(address, f"{BLOG}.localhost", kept_alive=3, fresh=2, bounds=Bounds(seconds=120, pause=0.005))


@pytest.mark.contract("S2")
def test_visitors_get_the_new_release_only_once_it_is_healthy(blogs: SideBySide) -> None:
    """While it opens its port late and answers 500 at first, the old one serves; then nobody gets the old one."""
    blogs.works(blogs.release("old"))
    new = blogs.release("new", ready_after=1.5, fail_first_n=4)
    with blogs.unchanged(BLOG2), _load(blogs) as load:
        ended = blogs.works(new)
        deployed = time.monotonic()
    healthy = _instant_of(blogs.log(ended), EventKind.ENDED, "verify")
    assert load.result.failed == 0, load.result.reasons
    assert set(load.result.versions) == {"old", "new"}
    assert min(record.done for record in load.result.records if record.version == "new") > healthy
    assert max(record.sent for record in load.result.records if record.version == "old") > healthy - 1
    assert load.result.stale_after(deployed, "old") == 0


@pytest.mark.contract("S2")
@pytest.mark.parametrize("behaviour", [{"always_500": True}, {"never_listen": True}], ids=["500", "silent"])
def test_visitors_never_get_a_release_that_is_not_healthy(blogs: SideBySide, behaviour: dict[str, object]) -> None:
    """The old one serves all the time."""
    blogs.works(blogs.release("old"))
    with _load(blogs) as load:
        bad = blogs.release("bad", manifest="[health]\ntimeout = 2\n", **behaviour)
        blogs.fails(bad, "unhealthy", "not-listening")
    assert load.result.failed == 0, load.result.reasons
    assert set(load.result.versions) == {"old"}


def _instant_of(events: list[Event], kind: EventKind, step: str) -> float:
    """When a line was written, as ``time.monotonic()`` counts."""
    at = next(event.at for event in events if (event.kind, event.step) == (kind, step))
    return at.timestamp() - (time.time() - time.monotonic())


# What an app gets


@pytest.mark.contract("S4")
def test_a_new_app_has_its_tree(blogs: SideBySide) -> None:
    """Creating it is all it takes: storage is there, with its owner and mode, before anything was deployed."""
    blogs.potions.do("apps", "create", "fresh")
    account = pwd.getpwnam(blogs.client.status().app_user)
    storage = blogs.potions.tree("fresh").storage.lstat()
    assert stat.S_ISDIR(storage.st_mode)
    assert (storage.st_uid, storage.st_gid, stat.S_IMODE(storage.st_mode)) == (account.pw_uid, account.pw_gid, 0o750)
    for entry in blogs.potions.tree("fresh").entries():
        found = entry.path.lstat()
        owner = account.pw_uid if entry.owner == "app" else os.geteuid()
        assert (found.st_uid, stat.S_IMODE(found.st_mode)) == (owner, entry.mode), entry.path
    assert blogs.client.app("fresh").storage == str(blogs.potions.tree("fresh").storage)
    blogs.works(blogs.release("1"), "fresh")
    assert blogs.environment("fresh")["STORAGE_DIR"] == str(blogs.potions.tree("fresh").storage)
    assert blogs.potions.request("PUT", "fresh", "/file?path=storage/a/b.txt", content=b"mine").is_success
    made = (blogs.potions.tree("fresh").storage / "a" / "b.txt").lstat()
    assert (made.st_uid, made.st_gid) == (account.pw_uid, account.pw_gid)


@pytest.mark.contract("P1")
def test_each_slot_has_everything_of_its_own(blogs: SideBySide) -> None:
    """Directory, port, environment file and service: two of each, and an app sees those of its slot."""
    tree = blogs.potions.tree(BLOG)
    ports = {slot.colour: slot.port for slot in blogs.client.app(BLOG).slots}
    for _ in Colour:
        blogs.works(blogs.release("x"))
        live = blogs.potions.live(BLOG)
        answer = blogs.potions.get(BLOG).json()
        assert (answer["slot"], answer["port"]) == (live, ports[live])
        assert blogs.potions.get(BLOG, "/cwd").text == str(tree.slot(live))
        assert blogs.environment(BLOG)["PORT"] == str(ports[live])
    assert ports[Colour.GREEN] == ports[Colour.BLUE] + 1
    for colour in Colour:
        env_file = tree.env_file(colour).lstat()
        assert (stat.S_IMODE(env_file.st_mode), env_file.st_uid) == (0o600, os.geteuid())
        assert f"PORT={ports[colour]}".encode() in tree.env_file(colour).read_bytes().split(b"\0")
    services = Supervisord(blogs.potions.home).states()
    live = blogs.potions.live(BLOG)
    assert services[f"{BLOG}.{live}"].phase is Phase.RUNNING
    assert services[f"{BLOG}.{live.other}"].phase is not Phase.RUNNING


@pytest.mark.contract("P1")
def test_ports_come_in_pairs(own_potions: Platform) -> None:
    """The first app gets the first pair, the next the next; one where somebody listens is skipped, a freed one used."""
    first = own_potions.first_port

    def create(name: str) -> tuple[int, ...]:
        return tuple(slot.port for slot in client.create_app(name).slots)

    with own_potions.client as client:
        assert create("one") == (first, first + 1)
        assert create("two") == (first + 2, first + 3)
        with socket.create_server(("127.0.0.1", first + 5)):
            assert create("three") == (first + 6, first + 7)
        assert create("four") == (first + 4, first + 5)
        client.delete_app("two", purge=True)
        assert create("five") == (first + 2, first + 3)


# What a deploy tells


MIGRATING = "web: python3 behave.py\nrelease: echo migrated"


@pytest.mark.contract("P2")
def test_a_deploy_goes_through_its_statuses_in_order(blogs: SideBySide) -> None:
    """Queued first, then as the log has them, to the end; a step that there is not leaves its status out."""
    plain = ["building", "deploying", "verifying"]
    migrating = ["building", "deploying", "migrating", "verifying"]
    for release, statuses in (
        (blogs.release("1"), [*plain, "succeeded"]),
        (blogs.release("2", procfile=MIGRATING), [*migrating, "succeeded"]),
        (blogs.release("3", procfile="web: exit 1\nrelease: true"), [*migrating, "failed"]),
    ):
        asked = blogs.send(release)
        assert asked.status is Status.QUEUED
        ended = blogs.end_of(asked)
        assert [event.text for event in blogs.log(ended) if event.kind is EventKind.STATUS] == statuses
        assert ended.status.value == statuses[-1]


@pytest.mark.contract("P2")
def test_the_log_streams_while_the_deploy_runs_and_is_kept(blogs: SideBySide) -> None:
    """Whoever follows hears of each step when it begins; later the same lines are read again."""
    deployment = blogs.send(blogs.release("slow", ready_after=1, procfile=MIGRATING))
    followed, at_output = [], []
    for event in blogs.client.events(BLOG, deployment.number, follow=True, drain=True):
        followed.append(event)
        if event.kind is EventKind.OUTPUT:
            at_output.append(blogs.client.deployment(BLOG, deployment.number).status)
    assert len(at_output) == 1
    assert not at_output[0].ended
    blogs.fails(blogs.release("later", procfile="web: exit 1"), "app-exited")
    assert blogs.log(deployment) == followed
    kept = blogs.potions.tree(BLOG).deployment_log(deployment.number).read_text().splitlines()
    assert [json.loads(line)["kind"] for line in kept] == [event.kind for event in followed]


# What a failure leaves, and what it says


class Failing(NamedTuple):
    """A release that fails at a step, how it is told, and what the log shows of what was printed."""

    step: str
    code: str
    release: Callable[[SideBySide], Path | bytes]
    output: list[str]
    while_it_runs: Callable[[SideBySide], AbstractContextManager[object]] = lambda _: nullcontext()


def _stranger(blogs: SideBySide) -> socket.socket:
    return socket.create_server(("127.0.0.1", blogs.port(BLOG, blogs.idle())))


#: Answers the two checks well, then drops the first visitor and ends, and does not start again.
CONFIRM = """\
import os, pathlib, socket
if pathlib.Path("ended").exists():
    raise SystemExit("not again")
with socket.create_server(("127.0.0.1", int(os.environ["PORT"]))) as server:
    for number in range(3):
        visitor, _ = server.accept()
        visitor.recv(65536)
        if number < 2:
            visitor.sendall(b"HTTP/1.1 200 OK\\r\\nContent-Length: 0\\r\\nConnection: close\\r\\n\\r\\n")
            visitor.close()
pathlib.Path("ended").touch()
raise SystemExit("visitors are too much")
"""

FAILING = [
    Failing("unpack", "archive-broken", lambda blogs: as_tar_gz(blogs.release("bad")).read_bytes()[:-9], []),
    Failing("unpack", "archive-unsafe", lambda _: packed(tar([file("../evil")])), []),
    Failing("link storage", "shipped-storage", lambda blogs: blogs.release("bad", files={"storage/a": "a"}), []),
    Failing("unpack", "manifest-refused", lambda blogs: blogs.release("bad", manifest="[x]\n"), []),
    Failing(
        "build",
        "build-failed",
        lambda blogs: blogs.release("bad", manifest='[build]\ncommand = "echo no compiler; exit 2"\n'),
        ["no compiler"],
    ),
    Failing(
        "migrate",
        "migration-failed",
        lambda blogs: blogs.release("bad", procfile="web: true\nrelease: echo no table; exit 2"),
        ["no table"],
    ),
    Failing("start", "port-busy", lambda blogs: blogs.release("bad"), [], _stranger),
    Failing(
        "verify",
        "app-exited",
        lambda blogs: blogs.release("bad", exit_at_once={"status": 1, "lines": ["no database"]}),
        ["no database"],
    ),
    Failing(
        "confirm",
        "app-exited",
        lambda blogs: blogs.release("bad", procfile="web: python3 app.py", files={"app.py": CONFIRM}),
        ["visitors are too much"],
    ),
]


@pytest.mark.contract("P4")
@pytest.mark.parametrize("failing", FAILING, ids=[f"{one.step}, {one.code}" for one in FAILING])
def test_a_failure_at_any_step_leaves_the_running_app_untouched(blogs: SideBySide, failing: Failing) -> None:
    """The same process serves on, both slots are as they were, and the log ends with the reason."""
    release = failing.release(blogs)
    with failing.while_it_runs(blogs):
        ended = blogs.fails(release, failing.code)
    events = blogs.log(ended)
    told = next(event for event in events if event.kind is EventKind.FAILED)
    assert ended.failure is not None
    assert told.step == failing.step
    assert told.text.startswith(ended.failure.what)
    assert [event.text for event in events if event.kind is EventKind.OUTPUT][-1:] == failing.output


@pytest.mark.contract("P4")
def test_the_terminal_says_what_failed_why_and_what_serves(blogs: SideBySide) -> None:
    """What happened, why, what to do, the app's last lines, what serves still; and the exit status says it failed."""
    lines = ["connecting to the database", "ValueError: no database"]
    bad = blogs.release("bad", exit_at_once={"status": 3, "lines": lines})
    serves = blogs.client.app(BLOG).summary.serves
    assert serves is not None
    with blogs.unchanged(BLOG2):
        outcome = blogs.potions.refused("deploy", str(bad), "--app", BLOG)
    number = blogs.client.deployments(BLOG)[0].number
    assert outcome.status == 1
    assert [line.strip(" │|") for line in outcome.out.splitlines() if "database" in line] == lines
    # Its exit status is known where it came up before it ended, which depends on how busy the computer is.
    first, *others = outcome.err.splitlines()
    assert first.replace(" with exit status 3", "") == (
        f"Error: Deploy {number} of {BLOG} failed. The new release ended while it was checked."
    )
    assert others == [
        "The command was: python3 behave.py",
        "What it printed stands above.",
        f"The release before it ({serves.label}) still serves.",
    ]
    again = blogs.potions.do("log", BLOG).out
    assert "no database" in again
    assert "failed after" in again


@pytest.mark.contract("P4")
def test_a_first_deploy_that_fails_leaves_an_empty_app(blogs: SideBySide) -> None:
    """Nothing served before and nothing serves after; the next deploy is as good as a first one."""
    blogs.client.create_app("empty")
    outcome = blogs.potions.refused("deploy", str(blogs.release("bad", procfile="web: exit 1")), "--app", "empty")
    assert "Nothing serves empty yet, as before." in outcome.err
    assert "it printed nothing" in outcome.out
    assert blogs.potions.get("empty").status_code == 503
    assert not any(blogs.potions.tree("empty").slot(colour).exists() for colour in Colour)
    assert blogs.works(blogs.release("good"), "empty").slot is Colour.BLUE
    assert blogs.potions.version("empty") == "good"
