"""Work in a child that is the app's user: what comes back, what cannot, and how it ends."""

from __future__ import annotations

import os
import signal
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

import pytest

from potions.errors import AppUnknown, DeployCancelled, InternalError, NoRoom, UnsafePath
from potions.host.archive import ARCHIVE_SUFFIXES, Limits, unpack
from potions.host.below import Below
from potions.model.service import Account
from support import jobs
from support.archives import archive_of, file, tree

NOBODY = Account("nobody", 65534, 65534, switch=True)
needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="needs root: the child has to become another user")


@pytest.fixture(scope="module")
def below() -> Iterator[Below]:
    same = Below(Account("me", os.geteuid(), os.getegid(), switch=False))
    yield same
    same.close()


@pytest.fixture(scope="module")
def as_nobody() -> Iterator[Below]:
    other = Below(NOBODY)
    yield other
    other.close()


@pytest.fixture
def reachable() -> Iterator[Path]:
    """A directory that every user may enter, as those of pytest are not."""
    with tempfile.TemporaryDirectory() as name:
        Path(name).chmod(0o755)
        yield Path(name)


def until(holds: Callable[[], bool]) -> None:
    """Wait for a condition, at most 20 s."""
    deadline = time.monotonic() + 20
    while not holds():
        assert time.monotonic() < deadline, "it never came to hold"
        time.sleep(0.01)


def is_gone(pid: int) -> bool:
    with suppress(FileNotFoundError, ProcessLookupError):
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    return True


# What comes back


def test_a_result_comes_back_as_it_is_annotated(below: Below) -> None:
    """Tuples and paths arrive as such, not as what they travelled as."""
    assert below.run(jobs.echo, 7, Path("/x")) == (7, Path("/x"))


def test_a_result_of_another_type_is_not_taken(below: Below) -> None:
    """A child is believed only what its function promises."""
    with pytest.raises(InternalError, match="int"):
        below.run(jobs.lie)


def test_progress_arrives_in_order(below: Below) -> None:
    """Every report is heard before the result."""
    heard: list[tuple[int, int]] = []
    assert below.run(jobs.count, 5, progress=lambda done, total: heard.append((done, total))) == 5
    assert heard == [(number, 5) for number in range(5)]


def test_an_error_of_potions_arrives_as_it_was_raised(below: Below) -> None:
    """The same class and the same three texts, so that callers and people see no difference."""
    with pytest.raises(UnsafePath) as refused:
        below.run(jobs.refuse_path)
    assert (refused.value.what, refused.value.why, refused.value.do) == ("what", "why", "do")


def test_an_error_with_a_constructor_of_its_own_arrives(below: Below) -> None:
    """Also when a name in it is no UTF-8."""
    with pytest.raises(AppUnknown, match=r"blog\\udce9"):
        below.run(jobs.refuse)


def test_any_other_error_is_internal_and_logged(below: Below, caplog: pytest.LogCaptureFixture) -> None:
    """People see the kind and the text; the log has the trace."""
    with pytest.raises(InternalError, match="KeyError: 'surprise'"):
        below.run(jobs.crash)
    assert "jobs.py" in caplog.text


def test_a_full_disk_is_no_room(below: Below) -> None:
    """Wherever it happens in a job."""
    with pytest.raises(NoRoom):
        below.run(jobs.fill)


def test_a_child_that_is_killed_is_said_to_be(below: Below) -> None:
    """A child that dies without an answer does not keep its caller waiting, and the signal is named."""
    with pytest.raises(InternalError, match="SIGKILL"):
        below.run(jobs.kill_oneself)


def test_several_threads_get_their_own_results(below: Below) -> None:
    """Jobs run side by side and do not mix."""
    with ThreadPoolExecutor(8) as threads:
        results = threads.map(lambda number: below.run(jobs.echo, number, Path("/x"))[0], range(24))
        assert list(results) == list(range(24))


def test_a_job_costs_milliseconds(below: Below) -> None:
    """Far below what starting an interpreter costs: measured side by side, because machines differ."""

    def cost(action: Callable[[], object]) -> float:
        began = time.perf_counter()
        action()
        return time.perf_counter() - began

    probe = "import time, pathlib; from potions.host.below import Below; from support import jobs; " + (
        "from potions.model.service import Account; b = Below(Account('me', 0, 0, False)); p = pathlib.Path('/x')\n"
        "b.run(jobs.echo, 0, p); costs = []\n"
        "for i in range(15): t = time.perf_counter(); b.run(jobs.echo, i, p); costs.append(time.perf_counter() - t)\n"
        "print(sorted(costs)[7])"
    )
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
    run = subprocess.run([sys.executable, "-c", probe], env=environment, check=True, capture_output=True, text=True)
    interpreter = statistics.median(
        cost(lambda: subprocess.run([sys.executable, "-c", "import potions.host.archive"], check=True))
        for _ in range(3)
    )
    assert float(run.stdout) < interpreter / 3


# How it ends


def test_a_cancelled_job_is_gone_when_the_caller_hears(below: Below, tmp_path: Path) -> None:
    """Whoever undoes what the job did must not have it write on beside them."""
    said = tmp_path / "pid"
    with pytest.raises(DeployCancelled):
        below.run(jobs.wait_for_ever, said, cancelled=said.exists)
    assert is_gone(int(said.read_text()))


def test_closing_ends_what_runs(tmp_path: Path) -> None:
    """The caller hears of it, and nothing can be started afterwards."""
    closing = Below(Account("me", os.geteuid(), os.getegid(), switch=False))
    said = tmp_path / "pid"
    heard: list[BaseException] = []

    def call() -> None:
        try:
            closing.run(jobs.wait_for_ever, said)
        except InternalError as error:
            heard.append(error)

    waiting = threading.Thread(target=call)
    waiting.start()
    until(said.exists)
    closing.close()
    waiting.join(20)
    assert heard and is_gone(int(said.read_text()))
    with pytest.raises(InternalError, match="stopping"):
        closing.run(jobs.identity)


def test_a_child_dies_with_its_caller(tmp_path: Path) -> None:
    """`kill -9` of the agent leaves no child that goes on writing."""
    said = tmp_path / "pid"
    program = (
        "import sys, pathlib; from potions.host.below import Below; from potions.model.service import Account\n"
        "from support import jobs\n"
        "Below(Account('me', 0, 0, False)).run(jobs.wait_for_ever, pathlib.Path(sys.argv[1]))"
    )
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
    caller = subprocess.Popen([sys.executable, "-c", program, said], env=environment)
    try:
        until(said.exists)
    finally:
        caller.kill()
        caller.wait()
    child = int(said.read_text())
    try:
        until(lambda: is_gone(child))
    except AssertionError:
        os.kill(child, signal.SIGKILL)
        raise


# What is streamed


def test_a_job_that_has_begun_gets_and_gives_what_is_streamed(below: Below) -> None:
    """Through pipes that it was handed, while it runs; its result comes at the end."""
    (ours_in, theirs_out), (theirs_in, ours_out) = os.pipe(), os.pipe()
    with below.start(jobs.converse, handed={"source": theirs_in, "sink": theirs_out}, begins=True) as running:
        os.close(theirs_in)
        os.close(theirs_out)
        assert running.begun(int) == 7
        for word in (b"one", b"two"):
            os.write(ours_out, word)
            assert os.read(ours_in, 100) == word
        os.close(ours_out)
        assert running.wait() == "onetwo"
    assert os.read(ours_in, 100) == b""
    os.close(ours_in)


def test_whoever_leaves_ends_the_job(below: Below) -> None:
    """The pipes of a child that is gone have nobody at their other end."""
    ours, theirs = os.pipe()
    also, source = os.pipe()
    with below.start(jobs.converse, handed={"source": also, "sink": theirs}, begins=True) as running:
        os.close(theirs)
        running.begun(int)
    assert os.read(ours, 100) == b""
    running.kill()
    for descriptor in (ours, also, source):
        os.close(descriptor)


def test_a_job_that_is_refused_never_begins(below: Below) -> None:
    """Its error comes instead, as it was raised."""
    with below.start(jobs.refuse_to_begin, begins=True) as running, pytest.raises(UnsafePath, match="what"):
        running.begun(int)


def test_a_job_that_begins_otherwise_than_announced_is_not_believed(below: Below) -> None:
    """It is ended; and one that never began did not do what it was started for."""
    with below.start(jobs.begin_wrong, begins=True) as running, pytest.raises(InternalError, match="no sense"):
        running.begun(int)
    with below.start(jobs.identity) as running, pytest.raises(InternalError, match="before it began"):
        running.begun(int)


# Who it is


@needs_root
def test_the_child_is_the_apps_user_and_nothing_else(as_nobody: Below) -> None:
    """All three ids, no groups, umask 022, and another process."""
    child = as_nobody.run(jobs.identity)
    assert (child.uids, child.gids, child.groups) == ((65534,) * 3, (65534,) * 3, [])
    assert child.umask == 0o022
    assert child.pid != os.getpid()


@needs_root
def test_nothing_of_the_platforms_own_identity_is_inherited() -> None:
    """Neither its groups nor its umask, whatever they are."""
    program = (
        "from potions.host.below import Below; from potions.model.service import Account; from support import jobs\n"
        "child = Below(Account('nobody', 65534, 65534, True)).run(jobs.identity); print(child.groups, child.umask)"
    )
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
    command = [sys.executable, "-c", program]
    ran = subprocess.run(
        command, env=environment, check=True, capture_output=True, text=True, extra_groups=[0, 4], umask=0o077
    )
    assert ran.stdout.split("] ") == ["[", f"{0o022}\n"]


@needs_root
def test_the_child_cannot_go_back(as_nobody: Below) -> None:
    """There is no saved id to return to."""
    assert as_nobody.run(jobs.become_root) == []


@needs_root
def test_the_child_cannot_write_where_its_user_cannot(as_nobody: Below, reachable: Path) -> None:
    """A directory of root stays as it is; one of the user's takes the file, which is then the user's."""
    with pytest.raises(InternalError, match="PermissionError"):
        as_nobody.run(jobs.create, reachable / "new")
    assert list(reachable.iterdir()) == []
    own = reachable / "own"
    own.mkdir()
    os.chown(own, 65534, 65534)
    as_nobody.run(jobs.create, own / "new")
    assert (own / "new").stat().st_uid == 65534


@needs_root
def test_apps_never_run_as_root() -> None:
    """An account that would make the child root again is refused before anything is done."""
    wrong = Below(Account("root", 0, 0, switch=True))
    with pytest.raises(InternalError, match="never run as root"):
        wrong.run(jobs.identity)


@needs_root
@pytest.mark.parametrize("suffix", ARCHIVE_SUFFIXES)
def test_an_archive_only_the_platform_can_read_is_unpacked_as_the_user(
    as_nobody: Below, reachable: Path, suffix: str
) -> None:
    """It is opened before the child becomes the user, who may not even read Python; the files are the user's."""
    kept = reachable / "releases"
    kept.mkdir(mode=0o700)
    (kept / "a").write_bytes(archive_of([file("d/a"), file("b")], suffix))
    slot = reachable / "slot"
    slot.mkdir()
    os.chown(slot, 65534, 65534)
    done = as_nobody.run(unpack, suffix, slot, Limits(), open_first=kept / "a", progress=lambda *_: None)
    assert done.files == 2
    assert tree(slot) == {"b": b"hello", "d": "/", "d/a": b"hello"}
    assert {path.stat().st_uid for path in slot.rglob("*")} == {65534}


def test_a_file_is_opened_before_and_handed_over(below: Below, tmp_path: Path) -> None:
    """The function gets a descriptor as `source`."""
    (tmp_path / "a").write_bytes(b"content")
    assert below.run(jobs.read, open_first=tmp_path / "a") == b"content"


def test_descriptors_do_not_pile_up(below: Below, tmp_path: Path) -> None:
    """A job leaves none open, whether it ended well or not."""
    (tmp_path / "a").write_bytes(b"content")
    below.run(jobs.read, open_first=tmp_path / "a")
    before = len(os.listdir("/proc/self/fd"))
    for _ in range(5):
        below.run(jobs.read, open_first=tmp_path / "a")
        with pytest.raises(InternalError):
            below.run(jobs.crash)
    assert len(os.listdir("/proc/self/fd")) <= before
