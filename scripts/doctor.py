"""The page of ``docs/`` about the doctor: what it looks at, and every code it knows."""

from __future__ import annotations

from potions.model.doctor.catalogue import BY_CONCERN
from potions.model.doctor.finding import Kind

_ABOUT = """\
# The doctor

```
potions doctor                 the platform, and every app from outside
potions doctor gallery         one app, and into its storage
potions doctor --fix           mend what can be mended safely, after a question
```

It compares what is with what should be, and says for each difference what to run. It needs no agent: where Potions
does not run, it looks at what would keep it from starting (on a server: `sudo potions doctor`). A look changes
nothing and takes a fraction of a second, on a server a few, so it can run at any time.

**Exit status.** 0 if there is nothing, or only information; 1 if there is an error or a warning. For cron, which
mails what is printed:

```
*/15 * * * *  out=$(potions doctor 2>&1) || echo "$out"
```

**`--json`** prints `findings`, each with `code`, `severity`, `app`, `place`, `what`, `expected`, `why`, `do`, and
`fix` where `--fix` does something about it; with `--fix` also `treated`, what was done and what could not be.

**What is in the middle of changing** is not told: what a look finds about an app counts only if it is still there at
a second one, made while nobody else works on the app. Where somebody does for longer, that is the finding
(`app-busy`).

## What --fix does

Only what can lose nothing: links, permissions and empty directories of Potions' own, its sites, its own temporary
files, processes where none may be, and parts that were given up. It shows what it would do and asks (`--yes` for
scripts), does exactly what it showed, takes the app's lock as every command does, says each thing it did, and looks
again.

It never touches a file in storage, and in a slot it makes nothing but a missing `./storage`. What somebody else may
have put where it is (a directory of no app, a file where a link should be, an archive that nobody knows) stays, and
the finding says what a person can do.

## On a server

Beside what it looks at everywhere: the units of the platform and of each app's slots and workers (are they there, as
Potions writes them, do they start with the computer; what a person added in a drop-in is named and left alone), what
starts after a reboot, owners, groups and permissions of everything that the install laid down, the users and the
firewall, whether security updates come, whether a reboot is due, the kernel, the clock and the journal, domains in
DNS, certificates. The line `server` names the members of `potions-admin`. Exits are counted from systemd's journal.

What the install lays down, the install puts right: `sudo potions server install` changes only what differs.

## Into the storage

`potions doctor APP` looks into the app's storage as the app's own user: never through a link, for at most 10 seconds
and 100,000 names, those near the top first. It says where it stopped. Nothing in it is changed, not even the time at
which a file was read.

It finds databases by their first bytes and not by their names, locks that processes of the app hold, and files that
two of them have open for writing; and from that, whether deploys of this app may [overlap](strategies.md). **What it
cannot see** is what an app keeps in memory and writes later. So nothing found is no promise: the other two ways to
find out stand on that page.

## Every code

A code stays the same from version to version. Errors: visitors or files are affected, or the next command will fail.
Warnings: not as it should be. Information: worth knowing.
"""

_HEAD = "| code | severity | what it means | what to do | what `--fix` does |\n| --- | --- | --- | --- | --- |\n"


def doctor_page() -> str:
    """The text of ``docs/doctor.md``."""
    return _ABOUT + "".join(f"\n### {concern}\n\n{_table(kinds)}" for concern, kinds in BY_CONCERN.items())


def _table(kinds: tuple[Kind, ...]) -> str:
    return _HEAD + "".join(
        f"| `{kind.code}` | {kind.severity} | {kind.meaning} | {kind.remedy} | {kind.fix} |\n" for kind in kinds
    )
