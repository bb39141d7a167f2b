"""A machine with Potions installed on it, and what a story does there: deploys, requests, looks."""

from __future__ import annotations

import json
import shlex
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any

from potions.layout import SERVER, AppTree, Colour
from support.machine import Machine
from support.platform import Outcome, wait_for
from support.releases import behave_release

#: The manifest of a release whose build goes on until there is a file ``go-on`` in the app's home.
SLOW = '[run]\nstart = "python3 behave.py"\n[build]\ncommand = "until test -e ../.home/go-on; do sleep 0.1; done"\n'

_BODY = "/tmp/potions-test-body"


@dataclass(frozen=True)
class Answer:
    """What a request was answered with."""

    status: int
    text: str

    def json(self) -> Any:
        return json.loads(self.text)


@dataclass
class InstalledServer:
    """A server, spoken to as its administrator does."""

    machine: Machine
    folder: Path
    """Where releases are made before they are copied in."""
    _numbers: count[int] = field(default_factory=lambda: count(1))

    def potions(self, *words: str, stdin: str | bytes = "", timeout: float = 180.0) -> Outcome:
        """Run the command line as root, whatever comes of it."""
        return self.machine.run(["/usr/local/bin/potions", *words], stdin=stdin, timeout=timeout)

    def do(self, *words: str, stdin: str | bytes = "", timeout: float = 180.0) -> str:
        """Run a command that has to succeed; what it prints."""
        done = self.potions(*words, stdin=stdin, timeout=timeout)
        assert done.status == 0, f"potions {shlex.join(words)}: {done.status}\n{done.text}\n{self.report()}"
        return done.out

    def json(self, *words: str) -> Any:
        return json.loads(self.do(*words, "--json"))

    def release(self, version: str, **fields: Any) -> str:
        """A release of the behave app, put into the machine: its path there. See ``behave_release`` for ``fields``."""
        number = next(self._numbers)
        made = behave_release(self.folder / str(number), version, **fields)
        target = f"/srv/releases/{number}"
        self.machine.put(made, target)
        return target

    def deploy(self, app: str, version: str, **fields: Any) -> str:
        """Have a release serve; what the command says."""
        return self.do("deploy", self.release(version, **fields), "--app", app)

    def ask(self, app: str, path: str = "/", *options: str) -> Answer:
        """A request through the proxy, made on the server itself; status 0 where there was no answer."""
        words = ["curl", "--silent", "--max-time", "20", "--output", _BODY, "--write-out", "%{http_code}", *options]
        url = f"http://{app}.localhost:8480{path}"
        resolve = ["--resolve", f"{app}.localhost:8480:127.0.0.1"]
        done = self.machine.run([*words, *resolve, url])
        body = self.machine.run(["cat", _BODY]).out if done.out != "000" else ""
        return Answer(int(done.out or 0), body)

    def put(self, app: str, path: str, text: str) -> None:
        """Have the app itself write a file."""
        answer = self.ask(app, f"/file?path={path}", "--request", "PUT", "--data-binary", text)
        assert answer.status == 201, answer

    def file(self, app: str, path: str) -> Answer:
        """Have the app read one."""
        return self.ask(app, f"/file?path={path}")

    def serves_text(self, app: str, text: str) -> None:
        """Wait until an app answers with that text."""
        wait_for(lambda: self.ask(app).text == text, f"{app} answers\n{self.report()}", 60)

    def version(self, app: str) -> str:
        """Which release answers; empty where none does."""
        answer = self.ask(app)
        return str(answer.json()["version"]) if answer.status == 200 else ""

    def serves(self, app: str, version: str, timeout: float = 60.0) -> None:
        """Wait until that release answers."""
        wait_for(lambda: self.version(app) == version, f"{app} answers as {version}\n{self.report()}", timeout)

    def tree(self, app: str) -> AppTree:
        """Where the app is in the machine."""
        return SERVER.app(app)

    def live(self, app: str) -> Colour:
        marker = self.machine.do(["readlink", str(self.tree(app).live)]).strip()
        return Colour(marker.rpartition("/")[2])

    def is_active(self, unit: str) -> bool:
        return self.machine.run(["systemctl", "is-active", unit]).out.strip() == "active"

    def running_slots(self, app: str) -> list[Colour]:
        return [colour for colour in Colour if self.is_active(f"{app}-{colour.value}.service")]

    def settled(self, app: str) -> None:
        """Wait until nothing of the app is on its way any more."""

        def is_settled() -> bool:
            done = self.potions("deployments", app, "--json")
            if done.status != 0:
                return False
            newest = json.loads(done.out)[0]
            return newest["status"] not in _ON_ITS_WAY and not newest["draining"]

        wait_for(is_settled, f"{app} is settled\n{self.report()}", 120)

    def keep_agent_off(self) -> None:
        """The agent does not come up any more, whoever starts it or asks it; what runs of it runs on."""
        self.machine.do(["mkdir", "-p", _DROP_IN])
        self.machine.write(f"{_DROP_IN}/off.conf", "[Unit]\nConditionPathExists=/nowhere\n")
        self.machine.do("systemctl daemon-reload")

    def let_agent_run(self) -> None:
        self.machine.do(f"rm {_DROP_IN}/off.conf && systemctl daemon-reload")

    def owners(self, path: str, *options: str) -> dict[str, str]:
        """``user:group mode`` of a path and all below it, by path."""
        shown = self.machine.do(["find", path, *options, "-printf", "%p\\t%u:%g %m\\n"])
        return dict(line.split("\t", 1) for line in shown.splitlines())

    def report(self) -> str:
        """What a person would want to see after a failure."""
        words: Sequence[str] = ("systemctl list-units --all --no-pager '*-blue*' '*-green*' 'potions*'",)
        shown = [self.machine.run(word).text for word in words] if self.machine.is_running else ["it is off"]
        return "\n".join([*shown, self.machine.journal()[-6000:]])


_DROP_IN = "/etc/systemd/system/potions-agent.service.d"
_ON_ITS_WAY = {"queued", "building", "deploying", "migrating", "verifying"}
