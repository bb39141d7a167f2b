"""A bounded load of real HTTP/1.1 requests, made by processes of its own.

In a test::

    with Load(("127.0.0.1", 8480), "gallery.localhost", "/", kept_alive=16, fresh=4) as load:
        switch()
        confirmed = time.monotonic()
    assert (load.result.failed, load.result.stale_after(confirmed, "1")) == (0, 0)

Other processes, so that neither the test's work nor its interpreter lock can look like a gap. By itself, for a bench:
``python -m support.load --port 8480 --host-header gallery.localhost --seconds 10`` in ``tests/``. It prints two lines
of JSON: ``{"began": INSTANT}`` when all connections are at work, and the summary at the end; SIGTERM ends it early.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import json
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from types import TracebackType
from typing import Self

from support.load_result import Gap, Record, Result, merge, read
from support.load_run import Bounds, Check, Target, run_load

__all__ = ["Bounds", "Check", "Gap", "Load", "Record", "Result", "Target", "merge", "read", "run_load"]

TESTS = Path(__file__).parents[1]


class LoadBroken(RuntimeError):
    """A load process that ended without a result."""


class Load:
    """A load around a ``with`` block: it is at full strength when the block begins; ``result`` is there after it."""

    def __init__(
        self,
        address: tuple[str, int],
        host_header: str,
        path: str = "/",
        *,
        kept_alive: int = 8,
        fresh: int = 2,
        check: Check | None = None,
        answer_within: float = 30,
        bounds: Bounds | None = None,
        processes: int = 1,
    ) -> None:
        self._target = Target(address, host_header, path, check or Check(), answer_within)
        self._kept_alive = kept_alive
        self._fresh = fresh
        self._bounds = bounds or Bounds()
        self._count = processes
        self._folder = tempfile.TemporaryDirectory(prefix="load-")
        self._processes: list[subprocess.Popen[str]] = []
        self._result: Result | None = None

    def __enter__(self) -> Self:
        """Start, and wait until all connections are at work."""
        try:
            self._processes = [self._start(index) for index in range(self._count)]
            for process in self._processes:
                _read_line(process)
        except BaseException:
            self._kill()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop; what is in flight is awaited and counts."""
        try:
            self.stop()
        finally:
            self._kill()
            self._folder.cleanup()

    @property
    def result(self) -> Result:
        """The judgement. Raises ``LoadBroken`` while the load runs."""
        if self._result is None:
            raise LoadBroken("the load still runs: look at its result after the block, or stop it")
        return self._result

    def stop(self) -> Result:
        """End the load now, and not at the end of the block; its result."""
        if self._result is None:
            for process in self._processes:
                process.terminate()
            for process in self._processes:
                _read_line(process)
                process.wait()
            self._result = merge(read(self._records(index)) for index in range(self._count))
        return self._result

    def wait(self) -> Result:
        """Let the load reach its bounds; its result."""
        for process in self._processes:
            process.wait()
        return self.stop()

    def _start(self, index: int) -> subprocess.Popen[str]:
        words = [f"--{name}={value}" for name, value in self._options(index).items()]
        command = [sys.executable, "-m", "support.load", *words]
        return subprocess.Popen(command, cwd=TESTS, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True)

    def _options(self, index: int) -> dict[str, object]:
        host, port = self._target.address
        return {
            "host": host,
            "port": port,
            "host-header": self._target.host_header,
            "path": self._target.path,
            "status": self._target.check.status,
            "contains": self._target.check.contains,
            "version-header": self._target.check.version_header,
            "answer-within": self._target.answer_within,
            "kept-alive": _part(self._kept_alive, index, self._count),
            "fresh": _part(self._fresh, index, self._count),
            "seconds": self._bounds.seconds,
            "requests": _part(self._bounds.requests, index, self._count),
            "pause": self._bounds.pause,
            "records": self._records(index),
        }

    def _records(self, index: int) -> Path:
        return Path(self._folder.name) / f"{index}.records"

    def _kill(self) -> None:
        for process in self._processes:
            process.kill()
            process.wait()
            if process.stdout is not None:
                process.stdout.close()


def _part(whole: int, index: int, count: int) -> int:
    """The share of one of ``count`` processes, so that all shares together are the whole."""
    return whole // count + (index < whole % count)


def _read_line(process: subprocess.Popen[str]) -> str:
    line = process.stdout.readline() if process.stdout is not None else ""
    if not line:
        raise LoadBroken(f"a load process ended with status {process.wait()}; its error is on stderr")
    return line


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m support.load", description="A bounded load of HTTP/1.1 requests.")
    parser.add_argument("--host", default="127.0.0.1", help="address to connect to")
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--host-header", default="localhost")
    parser.add_argument("--path", default="/")
    parser.add_argument("--status", type=int, default=200, help="the good status")
    parser.add_argument("--contains", default="", help="text a good body contains")
    parser.add_argument("--version-header", default="x-version")
    parser.add_argument("--answer-within", type=float, default=30, help="seconds")
    parser.add_argument("--kept-alive", type=int, default=8, help="connections that ask again and again")
    parser.add_argument("--fresh", type=int, default=2, help="loops that open a connection for each request")
    parser.add_argument("--seconds", type=float, default=60, help="at most")
    parser.add_argument("--requests", type=int, default=1_000_000, help="at most")
    parser.add_argument("--pause", type=float, default=0, help="seconds between an answer and the next request")
    parser.add_argument("--records", type=Path, help="keep every request in this file")
    return parser.parse_args()


async def _load(options: argparse.Namespace) -> Result:
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    check = Check(options.status, options.contains, options.version_header.lower())
    target = Target((options.host, options.port), options.host_header, options.path, check, options.answer_within)
    return await run_load(
        target,
        kept_alive=options.kept_alive,
        fresh=options.fresh,
        bounds=Bounds(options.seconds, options.requests, options.pause),
        stop=stop,
        on_warm=lambda: print(json.dumps({"began": time.monotonic()}), flush=True),
    )


def main() -> int:
    """Run one load; 0 if no request failed, else 1."""
    options = _arguments()
    gc.disable()  # a collection over a million records would be seen as a gap of the server
    result = asyncio.run(_load(options))
    if options.records is not None:
        result.save(options.records)
    print(json.dumps(result.summary()), flush=True)
    return int(result.failed > 0)


if __name__ == "__main__":
    sys.exit(main())
