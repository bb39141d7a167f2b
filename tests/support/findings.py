"""Findings of the doctor, as tests ask for them: without those that only say something of this computer."""

from __future__ import annotations

import json
import os
from pathlib import Path

from potions.embedded_doctor import look
from potions.schema import Checkup, Finding
from support.platform import Outcome, Platform, wait_for

#: A disk that is nearly full, a home in memory, another Potions of a developer: no test has made these.
OF_THIS_COMPUTER = frozenset(
    {"disk-full", "disk-low", "inodes-low", "in-memory", "memory-short", "limit-low", "homes-overlap", "path-poor"}
)


def own_findings(checkup: Checkup) -> list[Finding]:
    """What a test has made, or should not have."""
    return [finding for finding in checkup.findings if finding.code not in OF_THIS_COMPUTER]


def codes_of(checkup: Checkup) -> list[str]:
    """The codes of the same."""
    return [finding.code for finding in own_findings(checkup)]


def findings(outcome: Outcome) -> list[Finding]:
    """Of a report in JSON, or of the one after mending; without what is this computer's own."""
    answer = json.loads(outcome.out)
    told = answer.get("checkup", answer)["findings"]
    return [Finding(**one) for one in told if one["code"] not in OF_THIS_COMPUTER]


def codes(platform: Platform, app: str | None = None) -> list[str]:
    """What the command would find, without the time that it takes to start."""
    return sorted(codes_of(look(platform.home, app)))


def wait_until_well(platform: Platform, *allowed: str) -> None:
    """Wait until nothing is found but what is allowed; fails with what is."""
    seen: list[str] = []

    def is_well() -> bool:
        seen[:] = [f"{one.code}: {one.what} {one.why}" for one in own_findings(look(platform.home, None))]
        return all(line.partition(":")[0] in allowed for line in seen)

    try:
        wait_for(is_well, "all is well")
    except AssertionError as error:
        raise AssertionError("\n".join([str(error), *seen, platform.report()])) from error


def give_to_app(path: Path, like: Path) -> None:
    """Have a file, or a link itself, belong to whom ``like`` belongs to, where the tests may do that."""
    if os.geteuid() == 0:
        os.chown(path, like.stat().st_uid, like.stat().st_gid, follow_symlinks=False)
