"""What a load saw: every request, and the judgement on them: failures, latencies, the longest gap, stale answers."""

from __future__ import annotations

import math
import pickle
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from itertools import groupby, pairwise
from pathlib import Path
from typing import Any, NamedTuple

REASONS = 5


class Record(NamedTuple):
    """One request. Instants are ``time.monotonic()``, which all processes of a machine share."""

    sent: float
    """Before its first byte was written; for a fresh connection, before that was opened."""
    done: float
    version: str
    """The version that answered; empty if none was named."""
    problem: str = ""
    """Why the request counts as failed; empty if it was answered well."""


class Gap(NamedTuple):
    """A time without a completed good answer, in monotonic instants."""

    began: float
    ended: float

    @property
    def seconds(self) -> float:
        """How long it was."""
        return self.ended - self.began


@dataclass(frozen=True)
class Result:
    """All requests of a load that ran from ``began`` to ``ended`` (monotonic instants), and what follows from them."""

    records: list[Record]
    began: float
    ended: float

    @property
    def total(self) -> int:
        """How many requests were made."""
        return len(self.records)

    @property
    def failed(self) -> int:
        """How many of them were not answered well."""
        return self.total - len(self._good)

    @property
    def reasons(self) -> list[str]:
        """Why the first five failed."""
        return [record.problem for record in self._by_end if record.problem][:REASONS]

    @property
    def p50(self) -> float:
        """The median latency of good answers in seconds; 0 without any."""
        return self.latency(0.50)

    @property
    def p99(self) -> float:
        """The 99th percentile of good answers' latencies in seconds; 0 without any."""
        return self.latency(0.99)

    @property
    def per_second(self) -> float:
        """Good answers a second."""
        return len(self._good) / max(self.ended - self.began, 1e-9)

    @property
    def longest_gap(self) -> float:
        """The longest time in seconds without a completed good answer, over all connections together."""
        return self.gap.seconds

    @cached_property
    def gap(self) -> Gap:
        """The longest gap, and when it was; the time before the first and after the last good answer counts."""
        instants = [self.began, *(record.done for record in self._good), max(self.ended, self.began)]
        return max((Gap(*pair) for pair in pairwise(instants)), key=lambda gap: gap.seconds)

    @property
    def versions(self) -> list[str]:
        """The versions that answered, in the order of their answers, repetitions left out."""
        return [version for version, _ in groupby(record.version for record in self._good)]

    def latency(self, share: float) -> float:
        """The latency in seconds that ``share`` (0 to 1) of the good answers did not exceed; 0 without any."""
        if not self._latencies:
            return 0.0
        return self._latencies[max(0, math.ceil(share * len(self._latencies)) - 1)]

    def stale_after(self, instant: float, old_version: str) -> int:
        """How many requests sent after ``instant`` the old version still answered."""
        return sum(record.sent > instant and record.version == old_version for record in self._good)

    def between(self, began: float, ended: float) -> Result:
        """The part of the load whose requests were sent in this time."""
        return Result([record for record in self.records if began <= record.sent < ended], began, ended)

    def summary(self) -> dict[str, Any]:
        """The figures, for people and JSON: times in seconds."""
        return {
            "total": self.total,
            "failed": self.failed,
            "reasons": self.reasons,
            "per_second": round(self.per_second, 1),
            "p50": round(self.p50, 6),
            "p99": round(self.p99, 6),
            "longest_gap": round(self.longest_gap, 6),
            "versions": self.versions,
        }

    def save(self, path: Path) -> None:
        """Keep it in a file of this machine, for ``read``."""
        path.write_bytes(pickle.dumps((self.began, self.ended, [tuple(record) for record in self.records])))

    @cached_property
    def _by_end(self) -> list[Record]:
        return sorted(self.records, key=lambda record: record.done)

    @cached_property
    def _good(self) -> list[Record]:
        return [record for record in self._by_end if not record.problem]

    @cached_property
    def _latencies(self) -> list[float]:
        return sorted(record.done - record.sent for record in self._good)


def read(path: Path) -> Result:
    """What ``Result.save`` kept."""
    began, ended, rows = pickle.loads(path.read_bytes())
    return Result([Record(*row) for row in rows], began, ended)


def merge(results: Iterable[Result]) -> Result:
    """Loads that ran side by side, judged as one. Needs at least one."""
    parts = list(results)
    records = [record for part in parts for record in part.records]
    return Result(records, min(part.began for part in parts), max(part.ended for part in parts))
