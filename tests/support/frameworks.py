"""The examples that are real projects of a framework: copied, deployed, asked for pictures, run without Potions."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import httpx

from support.platform import Platform, free_port, wait_for

EXAMPLES = Path(__file__).parents[2] / "examples"
PNG = b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 400
_LEFT_HERE = shutil.ignore_patterns("storage", "node_modules", ".venv", "__pycache__")


class Framework(NamedTuple):
    """An example, and what differs between them."""

    name: str
    page: str
    """The file with the page's heading."""
    static: str
    """Where its own stylesheet is served."""
    hidden: tuple[str, ...]
    """Where a static handler that saw too much would serve a picture."""
    local: tuple[str, ...]
    """How a developer starts it, in its directory; ``{slot}`` has its packages."""
    before: tuple[str, ...] = ()
    """What has to run before that."""
    field: str = "picture"

    def copied_to(self, folder: Path) -> Path:
        """The project in a directory of its own, which is made."""
        return Path(shutil.copytree(EXAMPLES / self.name, folder, ignore=_LEFT_HERE))

    def headed(self, project: Path, heading: str) -> None:
        """Give the page another heading, which is what a second version differs by."""
        page = project / self.page
        page.write_text(re.sub(r"<h1>.*?</h1>", f"<h1>{heading}</h1>", page.read_text()))


FRAMEWORKS = [
    Framework(
        "django",
        "pictures/templates/index.html",
        "/static/style.css",
        ("/static/{name}", "/static/uploads/{name}", "/media/{name}"),
        ("{slot}/.venv/bin/python", "manage.py", "runserver", "--noreload", "127.0.0.1:{port}"),
        ("{slot}/.venv/bin/python", "manage.py", "migrate"),
        "file",
    ),
    Framework(
        "fastapi",
        "templates/index.html",
        "/static/style.css",
        ("/static/{name}", "/static/uploads/{name}"),
        ("{slot}/.venv/bin/uvicorn", "--port", "{port}", "main:app"),
    ),
    Framework(
        "flask",
        "templates/index.html",
        "/static/style.css",
        ("/static/{name}", "/static/uploads/{name}"),
        ("{slot}/.venv/bin/gunicorn", "--bind", "127.0.0.1:{port}", "app:app"),
    ),
    Framework("express", "index.html", "/style.css", ("/{name}", "/public/{name}"), ("node", "server.js")),
]


class Asked(NamedTuple):
    """Where a running example is, and how a browser asks it."""

    ask: Callable[..., httpx.Response]
    origin: str
    framework: Framework

    def heading(self) -> str:
        found = re.search("<h1>(.*?)</h1>", self.ask("GET", "/").text)
        assert found is not None
        return found[1]

    def upload(self) -> str:
        """Send the form as a browser does, with its cookie, token and origin; returns the picture's name."""
        page = self.ask("GET", "/")
        token = re.search(r'name="csrfmiddlewaretoken" value="(\w+)"', page.text)
        headers = {"Origin": self.origin}
        if token:
            headers["Cookie"] = f"csrftoken={page.cookies['csrftoken']}"
        answer = self.ask(
            "POST",
            "/upload",
            headers=headers,
            data={"csrfmiddlewaretoken": token[1]} if token else {},
            files={self.framework.field: ("lake.PNG", PNG)},
        )
        assert answer.status_code in {302, 303}, answer.text
        return answer.headers["Location"].removeprefix("/uploads/")

    def serves(self, name: str) -> None:
        """The picture is listed and served, byte for byte, as what it is; and from nowhere else."""
        assert f"/uploads/{name}" in self.ask("GET", "/").text
        answer = self.ask("GET", f"/uploads/{name}")
        assert (answer.status_code, answer.headers["Content-Type"]) == (200, "image/png")
        assert answer.content == PNG
        assert self.ask("GET", self.framework.static).headers["Content-Type"].startswith("text/css")
        for path in self.framework.hidden:
            assert self.ask("GET", path.format(name=name)).status_code == 404, path


def on_potions(potions: Platform, app: str, framework: Framework) -> Asked:
    """The deployed example, asked through the proxy."""

    host = f"{app}.localhost:{potions.http_port}"

    def ask(method: str, path: str, **options: Any) -> httpx.Response:
        # With the port, as browsers say it: frameworks compare it with the origin.
        return potions.request(method, app, path, **options | {"headers": {"Host": host, **options.get("headers", {})}})

    return Asked(ask, f"http://{host}", framework)


@contextmanager
def run_locally(framework: Framework, project: Path, slot: Path, *through: str) -> Iterator[Asked]:
    """The project as a developer runs it: with the packages of a slot, and without any variable of Potions.

    ``through`` are words in front of the command.
    """
    port = free_port()
    environment = {
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        "HOME": str(project.parent),
        "PORT": str(port),
        "NODE_PATH": str(slot / "node_modules"),
    }
    if framework.before:
        before = [word.format(slot=slot) for word in framework.before]
        subprocess.run([*through, *before], cwd=project, env=environment, check=True, capture_output=True)
    words = [word.format(slot=slot, port=port) for word in framework.local]
    with subprocess.Popen([*through, *words], cwd=project, env=environment, stderr=subprocess.DEVNULL) as process:
        try:

            def ask(method: str, path: str, **options: Any) -> httpx.Response:
                return httpx.request(method, f"http://127.0.0.1:{port}{path}", **options)

            wait_for(lambda: process.poll() is not None or _answers(ask), f"{framework.name} answers")
            assert process.poll() is None, f"{words} ended with {process.returncode}"
            yield Asked(ask, f"http://127.0.0.1:{port}", framework)
        finally:
            process.terminate()


def _answers(ask: Callable[..., httpx.Response]) -> bool:
    try:
        return ask("GET", "/health").status_code == 200
    except httpx.TransportError:
        return False
