"""A web app that misbehaves on demand: `behaviour.json` beside it says how; without the file it is well-behaved.

Each key of that file is a field of ``Behaviour``. The app listens on 127.0.0.1:$PORT, says its version in the header
``X-Version`` of every answer, and ends as a good citizen on SIGTERM: it stops listening, finishes what is in flight,
closes WebSockets with 1001 and exits 0.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any, NamedTuple

from routes import ROUTES, App, Route, health, missing
from wire import Reply, Request, read_request

CHILD_SECONDS = 300


class Behaviour(NamedTuple):
    """What this release does, and what it does wrong. Times are seconds."""

    version: str = "1"
    exit_at_once: dict[str, Any] | None = None
    """``{"status": 3, "lines": ["…"]}``: print the lines on stderr and exit before anything else."""
    never_listen: bool = False
    listen_port: int | None = None
    """Listen there instead of on $PORT."""
    listen_host: str = "127.0.0.1"
    always_500: bool = False
    """Every answer is 500, except at ``health_path`` if one is named."""
    fail_first_n: int = 0
    """So many answers are 500, whatever was asked."""
    ready_after: float = 0
    """The port opens so late."""
    redirect_to_https: bool = False
    """Redirect every request without ``X-Forwarded-Proto: https``."""
    only_host: str = ""
    """Answer 400 to every request for another host, as Django does."""
    ignore_sigterm: bool = False
    stop_takes: float = 0
    """So long between the end of the last request and the exit."""
    crash_after: float = 0
    """Exit with 1 and a last line so long after the port opened."""
    write_relative: str = ""
    """Append ``VERSION SLOT`` to this file at the start; the path is relative to the working directory."""
    big_output: int = 0
    """So many lines of 100 bytes on stdout at the start."""
    spawn_child_setsid: bool = False
    """Leave a child in a session of its own; ``/`` tells its pid."""
    health_path: str = ""

    @classmethod
    def read(cls, path: Path) -> Behaviour:
        """From the file, or the well-behaved one if there is none. Raises ``TypeError`` for an unknown key."""
        return cls(**json.loads(path.read_text())) if path.exists() else cls()


class Server:
    """The listening app: connections, and how they end."""

    def __init__(self, behaviour: Behaviour, app: App) -> None:
        self.behaviour = behaviour
        self.app = app
        self.failures_left = behaviour.fail_first_n
        self.idle: set[asyncio.StreamWriter] = set()
        self.connections: set[asyncio.Task[None]] = set()

    async def run(self) -> None:
        """Listen until SIGTERM, then end politely."""
        server = await asyncio.start_server(self._accept, self.behaviour.listen_host, self.app.port, backlog=1024)
        self.app.port = server.sockets[0].getsockname()[1]  # another one than asked for only where that was 0
        if self.behaviour.crash_after:
            asyncio.get_running_loop().call_later(self.behaviour.crash_after, crash)
        print(f"version {self.app.version} listens on {self.behaviour.listen_host}:{self.app.port}", flush=True)
        await self.app.stopping.wait()
        server.close()
        for writer in self.idle:
            writer.close()
        while self.connections:
            await asyncio.wait(self.connections)

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.create_task(self._converse(reader, writer))
        self.connections.add(task)
        task.add_done_callback(self.connections.discard)

    async def _converse(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while await self._one_exchange(reader, writer):
                pass
        except (ConnectionError, asyncio.IncompleteReadError):
            pass  # the client went away in the middle
        finally:
            self.idle.discard(writer)
            writer.close()

    async def _one_exchange(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        self.idle.add(writer)
        request = await read_request(reader, writer)
        self.idle.discard(writer)
        if request is None:
            return False
        close = self.app.stopping.is_set() or not request.keeps_alive
        reply = Reply(request, {"X-Version": self.app.version}, close=close)
        await self._answer(request, reply)
        await request.skip_body()
        return not (close or request.is_websocket)

    async def _answer(self, request: Request, reply: Reply) -> None:
        refusal = self._refusal(request)
        if refusal is not None:
            status, headers = refusal
            await reply.whole(status, f"{status}\n".encode(), "text/plain", **headers)
            return
        try:
            await self._route(request)(self.app, request, reply)
        except ConnectionError:
            raise
        except (OSError, KeyError) as error:
            await reply.whole(404, f"{error!r}\n".encode(), "text/plain; charset=utf-8")

    def _route(self, request: Request) -> Route:
        if request.path == (self.behaviour.health_path or "/health"):
            return health
        return ROUTES.get(("GET" if request.method == "HEAD" else request.method, request.path), missing)

    def _refusal(self, request: Request) -> tuple[int, dict[str, str]] | None:
        if self.failures_left:
            self.failures_left -= 1
            return 500, {}
        if self.behaviour.always_500 and request.path != self.behaviour.health_path:
            return 500, {}
        if self.behaviour.redirect_to_https and request.headers.get("x-forwarded-proto") != "https":
            return 301, {"Location": f"https://{request.headers.get('host', 'localhost')}{request.target}"}
        if self.behaviour.only_host and request.headers.get("host") != self.behaviour.only_host:
            return 400, {}
        return None


def crash() -> None:
    """End at once, as after a bug: no goodbye, status 1."""
    print("RuntimeError: crashed, as the behaviour says", file=sys.stderr, flush=True)
    os._exit(1)


def before_listening(behaviour: Behaviour) -> int:
    """Do what the behaviour wants done at the start; the pid of the child that was left, or 0."""
    for number in range(behaviour.big_output):
        print(f"{number:>10} {'.' * 88}")
    sys.stdout.flush()
    if behaviour.write_relative:
        with Path(behaviour.write_relative).open("a") as target:
            target.write(f"{behaviour.version} {os.environ.get('POTIONS_SLOT', '')}\n")
    if behaviour.spawn_child_setsid:
        return subprocess.Popen(["sleep", str(CHILD_SECONDS)], start_new_session=True).pid
    return 0


async def live(behaviour: Behaviour) -> None:
    """The whole life of the app, from its first breath to its exit."""
    port = behaviour.listen_port or int(os.environ.get("PORT", "8000"))
    app = App(behaviour.version, port)
    stop = (lambda: None) if behaviour.ignore_sigterm else app.stopping.set
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop)
    app.child = before_listening(behaviour)
    await asyncio.wait([asyncio.create_task(app.stopping.wait())], timeout=behaviour.ready_after)
    if behaviour.never_listen:
        await app.stopping.wait()
    if not app.stopping.is_set():
        await Server(behaviour, app).run()
    await asyncio.sleep(behaviour.stop_takes)


def main() -> int:
    """Behave; the exit status."""
    behaviour = Behaviour.read(Path(__file__).with_name("behaviour.json"))
    if behaviour.exit_at_once is not None:
        print(*behaviour.exit_at_once.get("lines", ()), sep="\n", file=sys.stderr, flush=True)
        return int(behaviour.exit_at_once["status"])
    asyncio.run(live(behaviour))
    return 0


if __name__ == "__main__":
    sys.exit(main())
