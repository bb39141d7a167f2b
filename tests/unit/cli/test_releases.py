"""`potions releases` and `potions diff`."""

from __future__ import annotations

from datetime import timedelta

import msgspec
import pytest

from potions.errors import NothingToCompare, ReleaseUnknown
from potions.schema import FileChange, FileKind, FileLook, ReleaseDiff, ReleaseEntry, ReleaseState, Status, Total
from support import answers
from support.canned_agent import CannedAgent
from support.command import Run

LIST = "/apps/blog/releases"
DIFF = f"{LIST}/diff"

EVERY = [
    answers.entry(17, ReleaseState.WAITING, [answers.brief(31, Status.QUEUED)], files=None, unpacked_bytes=None),
    answers.entry(16, ReleaseState.UNSERVED, []),
    answers.entry(15, ReleaseState.UNSERVED, [answers.brief(30, Status.FAILED)]),
    answers.entry(14, ReleaseState.SERVES, [answers.brief(n, served=n) for n in (29, 28, 27, 26)]),
    answers.entry(13, ReleaseState.ROLLBACK, received=answers.NOW - timedelta(hours=3)),
    answers.entry(12, source="a-release-with-a-rather-long-name-from-ci-1234567.tar.gz"),
    answers.entry(11, ReleaseState.MISSING),
    answers.entry(10, ReleaseState.PRUNED),
]


def test_the_releases_fit_eighty_columns(run: Run, agent: CannedAgent) -> None:
    """Each is a line with one word for what it is, when it came, sizes, the deployments that ran it, and its source."""
    agent.says("GET", LIST, EVERY)
    lines = run("releases", "blog").out.splitlines()
    assert max(map(len, lines)) <= 80
    rows = {line.split()[0]: line for line in lines if line.startswith("r1")}
    words = {label: row.split()[1] for label, row in rows.items()}
    assert words == {
        "r17": "waiting",
        "r16": "sent",
        "r15": "failed",
        "r14": "serves",
        "r13": "rollback",
        "r12": "kept",
        "r11": "missing",
        "r10": "pruned",
    }
    for part in (" ago", "22.3 MB", "18.0 MB", "1,205"):
        assert part in rows["r13"]
    assert "29, 28, …" in rows["r14"]


def test_the_list_says_how_to_go_back(run: Run, agent: CannedAgent) -> None:
    """To what served before, and further."""
    agent.says("GET", LIST, EVERY)
    assert run("releases", "blog").out.splitlines()[-2:] == [
        "Back to r13: potions rollback blog",
        "Further, to r12: potions rollback blog --to r12",
    ]
    agent.answers.clear()
    agent.says("GET", LIST, [answers.entry(1, ReleaseState.SERVES)])
    assert "potions rollback" not in run("releases", "blog").out


def test_a_long_past_is_shortened(run: Run, agent: CannedAgent) -> None:
    """Everything kept is shown, and the newest of those that were pruned; the others with --all."""
    past = [answers.entry(n, ReleaseState.KEPT if n > 95 else ReleaseState.PRUNED) for n in range(100, 0, -1)]
    agent.says("GET", LIST, past)
    lines = run("releases", "blog").out.splitlines()
    assert [line.split()[0] for line in lines if line.startswith("r")] == [f"r{n}" for n in range(100, 80, -1)]
    assert "80 more that were pruned: potions releases blog --all" in lines
    assert len([line for line in run("releases", "blog", "--all").out.splitlines() if line.startswith("r")]) == 100


def test_everything_kept_is_shown_however_much_it_is(run: Run, agent: CannedAgent) -> None:
    """A `keep` of 100 is meant."""
    agent.says("GET", LIST, [*(answers.entry(n) for n in range(100, 1, -1)), answers.entry(1, ReleaseState.PRUNED)])
    lines = run("releases", "blog").out.splitlines()
    assert len([line for line in lines if line.startswith("r")]) == 99
    assert "1 more that were pruned: potions releases blog --all" in lines


def test_no_release_yet(run: Run, agent: CannedAgent) -> None:
    """The command that sends one."""
    agent.says("GET", LIST, [])
    assert "potions deploy PATH --app blog" in run("releases", "blog").out


def test_releases_in_json(run: Run, agent: CannedAgent) -> None:
    """`--json` prints the API's list, whole."""
    agent.says("GET", LIST, EVERY)
    assert msgspec.json.decode(run("releases", "blog", "--json").out, type=list[ReleaseEntry]) == EVERY


# What differs

FILE, PROGRAM, LINK = FileKind.FILE, FileKind.PROGRAM, FileKind.LINK
CHANGES = [
    FileChange("bin/run", FileLook(PROGRAM, 120), FileLook(FILE, 120)),
    FileChange("bin/task", FileLook(FILE, 120), FileLook(PROGRAM, 3000)),
    FileChange("code.py", FileLook(FILE, 119_000), FileLook(FILE, 118_000)),
    FileChange("gone.py", FileLook(FILE, 5), None),
    FileChange("new\x1b]0;evil\x07.py", None, FileLook(FILE, 1200)),
    FileChange("now", FileLook(LINK, 0, "a"), FileLook(LINK, 0, "b")),
    FileChange("same.py", FileLook(FILE, 7), FileLook(FILE, 7)),
    FileChange("was", FileLook(FILE, 7), FileLook(LINK, 0, "c")),
]


def test_a_diff_has_the_sums_first(run: Run, agent: CannedAgent) -> None:
    """Then each file with what is different; names that could do something to a terminal do nothing."""
    agent.says("GET", DIFF, answers.diff(CHANGES))
    outcome = run("diff", "blog")
    assert outcome.out.splitlines() == [
        "blog: from r1 (blog-2.tar.gz) to r2 (blog-2.tar.gz)",
        "  added      1 file, 1.2 kB",
        "  removed    nothing",
        "  changed    2 files, 120.0 kB (119.0 kB before)",
        "  the same   1,202 files, 17.9 MB",
        "  ~ bin/run  120 bytes, not executable any more",
        "  ~ bin/task  3.0 kB, +2.9 kB, now executable",
        "  ~ code.py  118.0 kB, -1.0 kB",
        "  - gone.py  5 bytes",
        "  + new.py  1.2 kB",
        "  ~ now  a link to a, now a link to b",
        "  ~ same.py  7 bytes",
        "  ~ was  7 bytes, now a link to c",
    ]
    assert agent.asked[0].query == {"limit": "40"}


def test_a_long_diff_is_cut(run: Run, agent: CannedAgent) -> None:
    """With the command that shows the rest."""
    agent.says("GET", DIFF, answers.diff(CHANGES, left_out=1234))
    assert run("diff", "blog").out.splitlines()[-1] == "1,234 more: potions diff blog r1 r2 --all"


@pytest.mark.parametrize(
    ("words", "query"),
    [
        (("r3",), {"before": "r3", "limit": "40"}),
        (("r3", "7"), {"before": "r3", "after": "7", "limit": "40"}),
        (("--all",), {"limit": "400000"}),
        (("--json",), {"limit": "1000"}),
        (("--json", "--all"), {"limit": "400000"}),
    ],
)
def test_what_is_compared_is_named(run: Run, agent: CannedAgent, words: tuple[str, ...], query: dict[str, str]) -> None:
    """As it was typed."""
    agent.says("GET", DIFF, answers.diff())
    assert run("diff", "blog", *words).status == 0
    assert agent.asked[0].query == query


def test_a_release_against_itself(run: Run, agent: CannedAgent) -> None:
    """It is said in one line."""
    one = answers.entry(1).release
    agent.says("GET", DIFF, answers.diff(before=one, after=one))
    assert run("diff", "blog", "r1", "r1").out == "r1 (blog-2.tar.gz) is one release: nothing differs.\n"


def test_two_archives_of_the_same_files(run: Run, agent: CannedAgent) -> None:
    """The sums say it."""
    nothing = Total(0, 0)
    agent.says("GET", DIFF, answers.diff(added=nothing, changed_before=nothing, changed_after=nothing))
    assert "changed    nothing\n" in run("diff", "blog").out


def test_a_diff_in_json(run: Run, agent: CannedAgent) -> None:
    """`--json` prints the API's answer."""
    agent.says("GET", DIFF, answers.diff(CHANGES))
    assert msgspec.json.decode(run("diff", "blog", "--json").out, type=ReleaseDiff) == answers.diff(CHANGES)


@pytest.mark.parametrize("error", [NothingToCompare("blog"), ReleaseUnknown("blog has no release r9.")])
def test_a_diff_that_is_refused(run: Run, agent: CannedAgent, error: Exception) -> None:
    """The refusal is printed."""
    agent.refuses("GET", DIFF, error)
    outcome = run("diff", "blog")
    assert outcome.status == 1
    assert outcome.err.startswith(f"Error: {error.what}")
