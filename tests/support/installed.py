"""Potions on a test machine: installed as a newcomer does it, from a wheel in a virtual environment of root's."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from support.machine import Machine, machine_of
from support.platform import Outcome

#: Where a newcomer puts it first; `potions server install` makes the one that stays.
FIRST = "/root/first/bin/potions"
#: The one that is installed.
POTIONS = "/usr/local/bin/potions"
_TIMEOUT = 900.0

APP: Mapping[str, str] = {
    "Procfile": "web: exec python3 serve.py\n",
    "serve.py": """
import http.server, os, pathlib
count = pathlib.Path(os.environ["STORAGE_DIR"]) / "count"
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        number = int(count.read_text()) + 1 if count.exists() else 1
        count.write_text(str(number))
        self.send_response(200)
        self.end_headers()
        self.wfile.write(str(number).encode())
    def log_message(self, *words):
        pass
http.server.ThreadingHTTPServer(("127.0.0.1", int(os.environ["PORT"])), Handler).serve_forever()
""",
}


def put_first(machine: Machine, wheel: Path) -> None:
    """Have the program there from which a server is installed: what docs/server.md tells a newcomer to type."""
    machine.put(wheel, f"/root/{wheel.name}")
    machine.do("apt-get update && apt-get install --yes --no-install-recommends python3-venv", timeout=_TIMEOUT)
    machine.do(
        f"python3 -m venv /root/first && /root/first/bin/pip install --quiet /root/{wheel.name}", timeout=_TIMEOUT
    )


def install(machine: Machine, *words: str, program: str = FIRST) -> Outcome:
    """Run `potions server install` with these words, whatever comes of it."""
    return machine.run([program, "server", "install", *words], timeout=_TIMEOUT)


@contextmanager
def server_of(suite: str, wheel: Path) -> Iterator[Machine]:
    """A machine that was made a server, destroyed at the end."""
    with machine_of(suite) as machine:
        put_first(machine, wheel)
        done = install(machine)
        assert done.status == 0, done.text
        yield machine


def make_app(machine: Machine, name: str) -> None:
    """An app that counts, in its storage, how often it was asked."""
    for file, text in APP.items():
        machine.do(["mkdir", "-p", f"/root/{name}"])
        machine.write(f"/root/{name}/{file}", text)
    machine.do([POTIONS, "apps", "create", name])
    machine.do([POTIONS, "deploy", f"/root/{name}", "--app", name])


def ask(machine: Machine, host: str) -> str:
    """What is answered at that name, on the machine itself: status and body."""
    words = ["curl", "--silent", "--max-time", "10", "--write-out", " %{http_code}", "--header", f"Host: {host}"]
    return machine.run([*words, "http://127.0.0.1:8480/"]).out
