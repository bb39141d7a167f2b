"""Workers beside web: started with their slot, watched, and ended with it."""

from __future__ import annotations

import os
from collections.abc import Iterator

import psutil
import pytest

from potions.host.processes import slot_processes
from potions.layout import Colour
from support.platform import Platform, wait_for
from support.side_by_side import BLOG, BLOG2, SideBySide

#: Writes a line for its life's beginning and end, with its name, slot and version; runs until it is told to end.
WORKER = """\
import os, signal, sys, time
def say(what):
    with open("storage/workers.txt", "a") as file:
        file.write(f"{os.environ['POTIONS_PROCESS']} {os.environ['POTIONS_SLOT']} {sys.argv[1]} {what}\\n")
def end(*_words):
    say("ends")
    sys.exit(0)
signal.signal(signal.SIGTERM, end)
say("begins" if "PORT" not in os.environ else "has a port")
print("working as", sys.argv[1], flush=True)
while True:
    time.sleep(3600)
"""
DRAIN = '[deploy]\ndrain = "2s"\n'


@pytest.fixture(scope="module")
def blogs(shared_platform: Platform) -> Iterator[SideBySide]:
    """`blog` and `blog2`, both serving."""
    both = SideBySide(shared_platform)
    try:
        yield both.set_up()
    finally:
        both.close()


def release(blogs: SideBySide, version: str, *names: str, manifest: str = DRAIN, **lines: str) -> object:
    """A release with a worker of each name, and further lines of its Procfile."""
    workers = dict.fromkeys(names, f"exec python3 worker.py {version}") | lines
    procfile = "".join(f"{name}: {command}\n" for name, command in {"web": "python3 behave.py", **workers}.items())
    return blogs.release(version, procfile=procfile, manifest=manifest, files={"worker.py": WORKER})


def diary(blogs: SideBySide) -> list[str]:
    path = blogs.potions.tree(BLOG).storage / "workers.txt"
    return path.read_text().splitlines() if path.exists() else []


def running(blogs: SideBySide) -> dict[str, list[str]]:
    """The workers that run, by their slot."""
    return {
        slot.colour.value: [worker.name for worker in slot.workers if worker.pid]
        for slot in blogs.client.app(BLOG).slots
    }


@pytest.mark.contract("P18")
def test_workers_come_and_go_with_their_slot(blogs: SideBySide) -> None:
    """They start once their release serves; the old ones end when the new ones are up, and before their slot does."""
    first = blogs.works(release(blogs, "3", "mails", "clock"))  # type: ignore[arg-type]
    colour = blogs.potions.live(BLOG)
    assert sorted(diary(blogs)) == [f"worker.{name} {colour} 3 begins" for name in ("clock", "mails")]
    assert running(blogs) == {colour.value: ["clock", "mails"], colour.other.value: []}
    assert "working as 3" in blogs.potions.do("logs", BLOG, "--process", "mails").out
    told = blogs.potions.do("logs", BLOG).out
    assert f"{colour} clock" in told and f"{colour} mails" in told and "listens on" in told
    second = blogs.works(release(blogs, "4", "mails"))  # type: ignore[arg-type]
    assert diary(blogs)[2:3] == [f"worker.mails {colour.other} 4 begins"]
    assert sorted(diary(blogs)[3:]) == [f"worker.{name} {colour} 3 ends" for name in ("clock", "mails")]
    assert running(blogs) == {colour.other.value: ["mails"], colour.value: []}
    steps = [event.step for event in blogs.log(second) if event.kind == "began"]
    assert steps.index("confirm") < steps.index("workers") < steps.index("stop workers") < steps.index("drain")
    # Back to the one before, with both of its workers; and forward again.
    blogs.potions.do("rollback", BLOG)
    wait_for(lambda: running(blogs) == {colour.value: ["clock", "mails"], colour.other.value: []}, "its workers run")
    blogs.potions.do("rollback", BLOG)
    wait_for(lambda: running(blogs) == {colour.value: [], colour.other.value: ["mails"]}, "and the others again")
    assert first.number < second.number


def test_a_worker_is_started_again_and_web_goes_on(blogs: SideBySide) -> None:
    """A worker that is killed comes back, and nothing else of its slot is touched."""
    blogs.works(release(blogs, "5", "mails", "clock"))  # type: ignore[arg-type]
    web = blogs.potions.get(BLOG).json()["pid"]
    live = blogs.potions.live(BLOG)

    def pids() -> dict[str, int]:
        slot = next(slot for slot in blogs.client.app(BLOG).slots if slot.live)
        return {worker.name: worker.pid for worker in slot.workers}

    before = pids()
    os.kill(before["mails"], 9)
    wait_for(lambda: pids()["mails"] not in (0, before["mails"]), "it is back")
    assert pids()["clock"] == before["clock"]
    assert blogs.potions.get(BLOG).json()["pid"] == web
    blogs.potions.do("restart", BLOG)
    assert set(pids()) == {"mails", "clock"} and not set(pids().values()) & set(before.values())
    blogs.potions.do("stop", BLOG)
    assert not slot_processes(blogs.potions.tree(BLOG).root, live)
    blogs.potions.do("start", BLOG)
    wait_for(lambda: all(pids().values()), "they run again")


@pytest.mark.contract("P4")
def test_a_worker_that_exits_at_once_fails_the_deploy(blogs: SideBySide) -> None:
    """Its last lines are told, visitors are sent back, and the old release's workers never stopped."""
    blogs.works(release(blogs, "6", "mails"))  # type: ignore[arg-type]
    before = blogs.potions.client.app(BLOG)
    pid = next(slot for slot in before.slots if slot.live).workers[0].pid
    broken = release(blogs, "7", "mails", broken="echo no queue at redis://; exit 3")
    ended = blogs.end_of(blogs.send(broken))  # type: ignore[arg-type]
    assert ended.failure is not None and ended.failure.code == "worker-exited", blogs.words(ended)
    assert "broken" in ended.failure.what and "no queue at redis://" in blogs.output(ended)
    assert blogs.potions.version(BLOG) == "6"
    assert psutil.pid_exists(pid)
    assert running(blogs) == {blogs.potions.live(BLOG).value: ["mails"], blogs.idle().value: []}


def test_a_worker_that_may_be_down_lets_the_deploy_go_on(blogs: SideBySide) -> None:
    """The log says that it is."""
    manifest = f"{DRAIN}[processes.broken]\noptional = true\n"
    ended = blogs.works(release(blogs, "8", "mails", manifest=manifest, broken="exit 3"))  # type: ignore[arg-type]
    assert "broken ended" in blogs.words(ended)
    assert blogs.potions.version(BLOG) == "8"


def test_a_worker_can_start_before_the_switch(blogs: SideBySide) -> None:
    """Then one that ends keeps its release from being switched to at all."""
    manifest = f'{DRAIN}[processes.early]\nstart = "with-web"\n'
    ended = blogs.works(release(blogs, "9", "early", manifest=manifest))  # type: ignore[arg-type]
    assert "working as 9" in blogs.potions.do("logs", BLOG, "--process", "early").out
    failed = blogs.end_of(
        blogs.send(blogs.release("10", procfile="web: python3 behave.py\nearly: exit 1", manifest=manifest))
    )
    assert failed.failure is not None and failed.failure.code == "worker-exited", blogs.words(failed)
    assert "switch" not in [event.step for event in blogs.log(failed)]
    assert blogs.potions.version(BLOG) == "9"
    assert ended.slot is blogs.potions.live(BLOG)


def test_in_a_handover_two_workers_never_run_together(blogs: SideBySide) -> None:
    """The old ones have ended before anything of the new release starts."""
    manifest = '[deploy]\nstrategy = "handover"\n'
    blogs.works(release(blogs, "11", "mails", manifest=manifest))  # type: ignore[arg-type]
    begin = len(diary(blogs))
    blogs.works(release(blogs, "12", "mails", manifest=manifest))  # type: ignore[arg-type]
    live = blogs.potions.live(BLOG)
    assert diary(blogs)[begin:] == [f"worker.mails {live.other} 11 ends", f"worker.mails {live} 12 begins"]


def test_workers_of_an_app_of_a_like_name_are_left_alone(blogs: SideBySide) -> None:
    """`blog` has workers called as those of `blog2`; deploying, stopping and deleting one leaves the other's."""
    blogs.works(release(blogs, "a", "mails"), BLOG2)  # type: ignore[arg-type]
    worker = next(slot for slot in blogs.client.app(BLOG2).slots if slot.live).workers[0].pid
    blogs.works(release(blogs, "13", "mails"))  # type: ignore[arg-type]
    blogs.potions.do("stop", BLOG)
    blogs.potions.do("start", BLOG)
    assert psutil.pid_exists(worker)
    refused = blogs.potions.refused("logs", BLOG, "--process", "nobody")
    assert "web, " in refused.text and "mails" in refused.text
    assert blogs.potions.live(BLOG) in set(Colour)
