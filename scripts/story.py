"""`make run`: the main job of Potions on real input, told as it happens. Ends with status 1 if anything is not as told.

A gallery gets a picture and a note; another version is deployed while visitors keep asking, and rolled back; both files
are still there. The commands are the real ones, shown as they are typed. Potions and the gallery keep running.
"""

from __future__ import annotations

import json
import os
import shlex
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Any

import httpx

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "tests"))

from support.load import Bounds, Load  # noqa: E402
from support.load_result import Result  # noqa: E402

APP = "gallery"
EXAMPLE = Path("examples") / APP
POTIONS = Path(sys.executable).parent / "potions"
KEPT_ALIVE, FRESH = 6, 2
#: Between an answer and the same visitor's next request, in seconds: visitors, not a stress test.
PAUSE = 0.01
#: How long visitors ask before and after what is told, in seconds, so that there is something to compare with.
AROUND = 1.0
WIDTH = 80


class NotAsTold(Exception):
    """Something is not as the story says. ``do`` says how to find out more."""

    def __init__(self, what: str, do: str = "") -> None:
        super().__init__(what)
        self.do = do


# What is shown


def paint_line(text: str, code: str) -> str:
    """``text`` in a colour or weight, on a terminal that wants it."""
    plain = not sys.stdout.isatty() or os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb"
    return text if plain else f"\x1b[{code}m{text}\x1b[0m"


def headline(number: int, text: str) -> None:
    print(f"\n{paint_line(f'{number}  {text}', '1')}\n{paint_line('─' * WIDTH, '2')}", flush=True)


def tell(text: str) -> None:
    print(text, flush=True)


def seen(text: str) -> None:
    """Something that was looked at, and is as it should be."""
    print(f"{paint_line('✓', '32')} {text}", flush=True)


def size(count: int) -> str:
    return f"{count / 1e6:.1f} MB" if count >= 1e6 else f"{count / 1e3:.1f} kB" if count >= 1000 else f"{count} bytes"


# What is done


@cache
def environment() -> dict[str, str]:
    """What the commands run with. A pipe gets tables as wide as a terminal's."""
    width = {} if sys.stdout.isatty() else {"COLUMNS": str(WIDTH)}
    return {**os.environ, **width, "PATH": search_path()}


def search_path() -> str:
    """``PATH`` as it is if the gallery finds its Python there; where ``python3`` is an old one, with ours before it."""
    path = os.environ.get("PATH", os.defpath)
    test = [shutil.which("python3", path=path) or "false", "-c", "import sys; sys.exit(sys.version_info < (3, 11))"]
    is_new = subprocess.run(test, stderr=subprocess.DEVNULL, check=False).returncode == 0
    return path if is_new else f"{POTIONS.parent}{os.pathsep}{path}"


def run(*words: str, show: str = "") -> None:
    """Show a command as a person types it, and let it run here. Raises NotAsTold unless it ends well."""
    shown = show or shlex.join(["potions", *words])
    print(paint_line(f"$ {shown}", "36"), flush=True)
    status = subprocess.run([str(POTIONS), *words], env=environment(), cwd=ROOT, check=False).returncode
    if status != 0:
        raise NotAsTold(f"This command ended with status {status}: {shown}", "What it said stands above.")


def look(*words: str) -> Any:
    """The answer of a command that is not part of the story."""
    done = subprocess.run(
        [str(POTIONS), *words, "--json"], env=environment(), cwd=ROOT, capture_output=True, text=True, check=False
    )
    if done.returncode != 0:
        raise NotAsTold(f"potions {' '.join(words)} failed.", done.stderr.strip())
    return json.loads(done.stdout)


class Visitor:
    """Asks the gallery through the proxy: at 127.0.0.1, with the app's name in the Host header."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.host = f"{APP}.localhost"
        self.address = f"http://{self.host}:{port}"

    def ask(self, method: str, path: str, body: bytes | None = None) -> httpx.Response:
        try:
            return httpx.request(
                method,
                f"http://127.0.0.1:{self.port}{path}",
                content=body,
                headers={"Host": self.host},
                timeout=30,
                trust_env=False,
            )
        except httpx.HTTPError as error:
            raise NotAsTold(f"{method} {path} got no answer: {error}", f"See: potions logs {APP}") from error

    def good(self, method: str, path: str, body: bytes | None = None) -> bytes:
        """The body of a good answer; raises NotAsTold for any other."""
        answer = self.ask(method, path, body)
        if not answer.is_success:
            raise NotAsTold(f"{method} {path} was answered with {answer.status_code}.", f"See: potions logs {APP}")
        return answer.content

    def version(self) -> str:
        return str(json.loads(self.good("GET", "/version"))["version"])


def painted(scene: int) -> bytes:
    """A PNG; every number is another landscape."""
    with tempfile.TemporaryDirectory(prefix="potions-") as folder:
        file = Path(folder) / "picture.png"
        painter = [sys.executable, str(ROOT / EXAMPLE / "sample.py"), str(file), "--scene", str(scene)]
        subprocess.run(painter, check=True)
        return file.read_bytes()


class Kept:
    """What was put into the gallery, by this story and by those before it, and has to stay."""

    def __init__(self, visitor: Visitor) -> None:
        self._visitor = visitor
        self._photos: dict[str, bytes] = {}
        self._note = ""

    def put(self) -> None:
        """Add one more picture and one more note. Pictures of earlier runs are looked up, so that they count too."""
        while (earlier := self._visitor.ask("GET", self._path(len(self._photos)))).status_code == 200:
            self._photos[self._path(len(self._photos))] = earlier.content
        path = self._path(len(self._photos))
        picture = painted(len(self._photos))
        self._visitor.good("PUT", path, picture)
        self._photos[path] = picture
        seen(f"PUT {self._visitor.address}{path}")
        tell(f"  a picture of {size(len(picture))}, which the app keeps in $STORAGE_DIR/photos")
        self._note = f"Written at {time.strftime('%F %T')}, while version {self._visitor.version()} served."
        self._visitor.good("POST", "/notes", self._note.encode())
        seen(f"POST {self._visitor.address}/notes")
        tell("  a line, which the app appends to storage/notes.txt, a path relative to its")
        tell("  release's directory")

    def check(self) -> None:
        """Look that everything is there, byte for byte."""
        for path, content in self._photos.items():
            if self._visitor.good("GET", path) != content:
                raise NotAsTold(f"{path} is not what was put there.", f"Look at: potions apps show {APP}")
        if self._note not in self._visitor.good("GET", "/notes").decode().splitlines():
            raise NotAsTold("The note is gone.", f"Look at: potions apps show {APP}")
        many = f"{len(self._photos)} pictures" if len(self._photos) > 1 else "the picture"
        seen(f"{many} and the note are there, byte for byte")

    def _path(self, number: int) -> str:
        return f"/photos/landscape-{number + 1}.png"


def while_visitors_ask(visitor: Visitor, act: Callable[[], None], *, old: str, new: str) -> None:
    """Do ``act`` while visitors ask all the time; tell how they fared. Raises NotAsTold for a request that failed."""
    tell(f"{KEPT_ALIVE + FRESH} visitors ask from now on, {FRESH} of them on a fresh connection each time.")
    with Load(
        ("127.0.0.1", visitor.port),
        visitor.host,
        kept_alive=KEPT_ALIVE,
        fresh=FRESH,
        bounds=Bounds(seconds=180, pause=PAUSE),
    ) as load:
        time.sleep(AROUND)
        began = time.monotonic()
        act()
        ended = time.monotonic()
        time.sleep(AROUND)
    tell_result(load.result, began, ended, old=old, new=new)


def tell_result(result: Result, began: float, ended: float, *, old: str, new: str) -> None:
    """The figures of the visitors; raises NotAsTold unless none failed and all saw the switch."""
    if result.failed:
        raise NotAsTold(
            f"{result.failed} of {result.total} requests failed: {'; '.join(result.reasons)}",
            f"See: potions log {APP}, potions logs {APP}",
        )
    if stale := result.stale_after(ended, old):
        raise NotAsTold(f"{stale} requests after the switch were still answered by version {old}.")
    counts = {version: sum(record.version == version for record in result.records) for version in (old, new)}
    if not all(counts.values()):
        raise NotAsTold(f"The visitors did not see both versions: {counts}")
    answered = f"version {old} answered {counts[old]:,}, then version {new} {counts[new]:,}"
    seen(f"{result.total:,} requests, 0 failed: {answered}")
    gap, before = result.longest_gap, result.between(result.began, began).longest_gap
    seen(f"the longest time without an answer: {_ms(gap)} (and {_ms(before)} while nothing happened)")


def _ms(seconds: float) -> str:
    return f"{seconds * 1000:.0f} ms"


# The story


def start() -> Visitor:
    headline(1, "Potions starts, here and in the background")
    run("up")
    return Visitor(look("status")["http_port"])


def create(visitor: Visitor) -> None:
    headline(2, "An app, and with it a directory for its files")
    found = [app for app in look("apps", "list") if app["name"] == APP]
    if found:
        refuse_a_stranger(visitor, found[0]["state"])
        tell(f"There is an app called {APP} already; the next deploys go to it.")
        run("apps", "show", APP)
    else:
        run("apps", "create", APP)


def refuse_a_stranger(visitor: Visitor, state: str) -> None:
    """Somebody's own app of that name is not deployed over."""
    if state == "running" and visitor.ask("GET", "/version").headers.get("server") != APP:
        raise NotAsTold(
            f"There is an app called {APP} that is not the one of {EXAMPLE}.",
            "Watch the story in another home, beside it: POTIONS_HOME=/tmp/potions make run",
        )


def deploy_first(visitor: Visitor) -> None:
    headline(3, "Version 1 is deployed")
    run("deploy", str(EXAMPLE))
    expect_version(visitor, "1")


def deploy_second(visitor: Visitor, kept: Kept) -> None:
    headline(5, "Version 2 is deployed while visitors keep asking")
    with tempfile.TemporaryDirectory(prefix="potions-") as folder:
        release = Path(folder) / APP
        shutil.copytree(ROOT / EXAMPLE, release, ignore=shutil.ignore_patterns("__pycache__", "storage"))
        (release / "VERSION").write_text("2\n")
        tell(f"{release} is a copy of {EXAMPLE}\nin which the file VERSION says 2.")
        while_visitors_ask(visitor, lambda: run("deploy", str(release)), old="1", new="2")
    expect_version(visitor, "2")
    kept.check()


def roll_back(visitor: Visitor, kept: Kept) -> None:
    headline(6, "And back to version 1")
    while_visitors_ask(visitor, lambda: run("rollback", APP), old="2", new="1")
    expect_version(visitor, "1")
    kept.check()


def expect_version(visitor: Visitor, version: str) -> None:
    if (served := visitor.version()) != version:
        raise NotAsTold(f"Version {version} should serve, but version {served} does.", f"See: potions apps show {APP}")
    seen(f"{visitor.address} serves version {version}")


def farewell(visitor: Visitor) -> None:
    headline(7, "It keeps running")
    storage = look("apps", "show", APP)["storage"]
    tell(f"Open      {visitor.address}")
    tell(f"Files     {storage}")
    tell(f"Dashboard http://potions.localhost:{visitor.port}")
    tell("          Its first user is made by the link at the top, or by a new one: potions dashboard")
    tell("")
    tell("In this directory, once in each terminal:")
    tell("          . .venv/bin/activate")
    home = os.environ.get("POTIONS_HOME", "")
    named = f"POTIONS_HOME={shlex.quote(str(Path(home).expanduser().absolute()))}" if home else ""
    if named:
        tell(f"          export {named}")
    tell("Then, for example:")
    for command, meaning in (
        ("potions", "what runs"),
        (f"potions apps show {APP}", "both slots, the storage, what is next"),
        (f"potions rollback {APP}", "the other version again"),
        (f"potions deploy {EXAMPLE}", "after you changed something in there"),
        (f"potions logs {APP} -f", "what the app prints"),
    ):
        tell(f"          {command:<33}{meaning}")
    tell(f"Stop it with: {named} make stop" if named else "Stop it with: make stop")


def story() -> None:
    tell(paint_line("Potions: deploy, switch, keep the files, roll back", "1"))
    visitor = start()
    create(visitor)
    deploy_first(visitor)
    headline(4, "Somebody uploads a picture and writes a note")
    kept = Kept(visitor)
    kept.put()
    deploy_second(visitor, kept)
    roll_back(visitor, kept)
    farewell(visitor)


def main() -> int:
    """Tell the story; 0 if all of it was true."""
    with suppress(AttributeError):
        sys.stdout.reconfigure(errors="replace")  # type: ignore[union-attr]
    try:
        story()
    except NotAsTold as error:
        print(f"\n{paint_line('This is not as it should be:', '1;31')} {error}", flush=True)
        if error.do:
            print(error.do)
        return 1
    except KeyboardInterrupt:
        print("\nStopped. What runs keeps running; end it with: make stop")
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
