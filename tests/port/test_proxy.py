"""What the program in front of all apps has to hold, over the real Caddy: the port ``Proxy`` of ``flows.ports``."""

from __future__ import annotations

import os
import shutil
import signal
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import pytest
from websockets.exceptions import InvalidMessage
from websockets.sync.client import ClientConnection, connect
from websockets.sync.server import ServerConnection, serve

from potions.errors import ProxyRefused
from potions.flows.ports import Answer
from potions.host.below import Below
from potions.host.caddy import Caddy
from potions.host.trees import Trees
from potions.layout import AppTree, Colour, Home
from support.app_server import AppServer
from support.bare_home import app_account, bare_home, bare_settings, running_caddy
from support.platform import free_port, wait_for

IMPLEMENTATIONS: dict[str, Callable[[Home], AbstractContextManager[Caddy]]] = {"caddy": running_caddy}


@dataclass
class Stage:
    """A proxy, and apps to put behind it."""

    proxy: Caddy
    home: Home
    port: int
    trees: Trees
    closing: ExitStack
    made: list[str] = field(default_factory=list)

    def tree(self, app: str) -> AppTree:
        tree = self.home.app(app)
        self.trees.create(tree)
        return tree

    def server(self, name: str) -> int:
        """Have an app's slot listen; its port."""
        server = AppServer(name)
        self.closing.callback(server.server_close)
        self.closing.callback(server.shutdown)
        self.closing.callback(server.let_go.set)
        return server.server_port

    def put(self, app: str, green: int, *, gated: bool = False) -> bool:
        """Make the proxy know an app whose live slot is green."""
        self.made.append(app)
        return self.proxy.put_site(app, (free_port(), green), self.tree(app), gated=gated)

    def get(self, app: str, path: str = "/") -> str:
        """What a visitor sees: the status and the text."""
        headers = {"Host": f"{app}.localhost"}
        answer = httpx.get(f"http://127.0.0.1:{self.port}{path}", headers=headers, timeout=30)
        return f"{answer.status_code} {answer.text}"

    def post(self, app: str, body: bytes) -> str:
        """What a visitor sees who sends something: the status and the text."""
        headers = {"Host": f"{app}.localhost"}
        answer = httpx.post(f"http://127.0.0.1:{self.port}/", content=body, headers=headers, timeout=30)
        return f"{answer.status_code} {answer.text}"


NO_APP = "404 no app of that name here"


@pytest.fixture(scope="module", params=IMPLEMENTATIONS)
def shared(request: pytest.FixtureRequest) -> Iterator[Stage]:
    with bare_home() as home, IMPLEMENTATIONS[request.param](home) as proxy:
        trees = Trees(app_account(), Below(app_account()))
        yield Stage(proxy, home, proxy._http_port, trees, ExitStack())


@pytest.fixture
def stage(shared: Stage) -> Iterator[Stage]:
    with ExitStack() as closing:
        shared.closing = closing
        yield shared
        for app in set(shared.made):
            shared.proxy.remove_site(app)
            shutil.rmtree(shared.home.app(app).root)
        shared.made.clear()


def test_an_app_is_there_until_it_is_removed(stage: Stage) -> None:
    """Putting it says that something changed; it answers at its name; removed, it does not."""
    assert stage.get("blog") == NO_APP
    assert stage.put("blog", stage.server("first")) is True
    assert stage.get("blog") == "200 first"
    stage.proxy.remove_site("blog")
    assert stage.get("blog") == NO_APP


def test_the_same_site_again_changes_nothing(stage: Stage) -> None:
    """No reload at all, which would break connections: the answer says so, and Caddy has seen none."""
    port = stage.server("first")
    ports = (free_port(), port)
    tree = stage.tree("blog")
    stage.made.append("blog")
    assert stage.proxy.put_site("blog", ports, tree, gated=False) is True
    before = _loads(stage)
    assert stage.proxy.put_site("blog", ports, tree, gated=False) is False
    assert _loads(stage) == before


def _loads(stage: Stage) -> str:
    """How often Caddy has loaded a configuration, as it counts itself."""
    transport = httpx.HTTPTransport(uds=str(stage.home.caddy_socket))
    with httpx.Client(transport=transport) as admin:
        text = admin.get("http://localhost/metrics").text
    return "\n".join(line for line in text.splitlines() if "config_last_reload_success_timestamp" in line)


def test_another_port_takes_effect(stage: Stage) -> None:
    """A site that differs is loaded."""
    stage.put("blog", stage.server("first"))
    assert stage.put("blog", stage.server("second")) is True
    assert stage.get("blog") == "200 second"


def test_an_unknown_app_is_fine_to_remove(stage: Stage) -> None:
    """Who cleans up need not know what is there; the others serve on."""
    stage.put("blog", stage.server("first"))
    stage.proxy.remove_site("blog2")
    stage.proxy.remove_site("blo")
    assert stage.get("blog") == "200 first"


def test_a_refused_site_is_taken_back(stage: Stage) -> None:
    """What was before stays in force, on disk and in the proxy, and later changes go through."""
    stage.put("blog", stage.server("first"))
    with pytest.raises(ProxyRefused) as refused:
        stage.proxy.put_site("blog", (1, 70_000), stage.tree("blog"), gated=False)
    assert "70000" in refused.value.why
    assert stage.get("blog") == "200 first"
    assert stage.put("other", stage.server("second")) is True
    assert (stage.get("blog"), stage.get("other")) == ("200 first", "200 second")


def test_a_refused_first_site_leaves_nothing(stage: Stage) -> None:
    """The app stays unknown to the proxy."""
    with pytest.raises(ProxyRefused):
        stage.proxy.put_site("blog", (1, 70_000), stage.tree("blog"), gated=False)
    assert "blog" not in stage.proxy.sites()
    assert stage.get("blog") == NO_APP


def test_many_apps_at_once(stage: Stage) -> None:
    """Sites that are put and removed from several threads at the same time are all there, and all gone."""
    apps = {f"app{number}": stage.server(f"app{number}") for number in range(6)}
    stage.put("gone", stage.server("gone"))

    def put(app: str) -> bool:
        return stage.put(app, apps[app])

    with ThreadPoolExecutor(7) as pool:
        removing = pool.submit(stage.proxy.remove_site, "gone")
        assert all(pool.map(put, apps))
        removing.result()
    assert [stage.get(app) for app in apps] == [f"200 {app}" for app in apps]
    assert stage.get("gone") == NO_APP
    assert stage.proxy.sites() == sorted(apps)


def test_ask_tells_who_answered(stage: Stage) -> None:
    """The status as the app gave it, and the slot; a redirect is not followed."""
    tree = stage.tree("blog")
    stage.made.append("blog")
    stage.proxy.put_site("blog", (stage.server("blue"), stage.server("green")), tree, gated=False)
    assert stage.proxy.ask("blog", "/") == Answer(200, "green")
    stage.trees.point(tree, Colour.BLUE)
    assert stage.proxy.ask("blog", "/moved") == Answer(302, "blue")
    assert stage.proxy.ask("blog", "/broken") == Answer(500, "blue")


def test_ask_tells_that_nobody_answered(stage: Stage) -> None:
    """A slot that is down gave no answer, and neither did an app that is not there."""
    stage.put("blog", free_port())
    assert stage.proxy.ask("blog", "/") == Answer(503, "")
    assert stage.proxy.ask("blog2", "/") == Answer(404, "")


def test_what_is_open_is_counted(stage: Stage) -> None:
    """Slow answers and WebSockets, each at its own slot, until they end; a kept connection alone does not count."""
    server = AppServer("slow")
    stage.closing.callback(server.server_close)
    stage.closing.callback(server.shutdown)
    stage.put("blog", server.server_port)
    other = stage.server("other")
    stage.put("other", other)
    with ThreadPoolExecutor(3) as pool:
        asked = [pool.submit(stage.get, "blog", "/slow") for _ in range(3)]
        wait_for(
            lambda: stage.proxy.in_flight("blog", Colour.GREEN, server.server_port) == 3, "three requests are open"
        )
        assert stage.proxy.in_flight("other", Colour.GREEN, other) == 0
        server.let_go.set()
        assert [one.result() for one in asked] == ["200 slow"] * 3
    wait_for(lambda: stage.proxy.in_flight("blog", Colour.GREEN, server.server_port) == 0, "none is open")
    with httpx.Client(headers={"Host": "blog.localhost"}) as kept:
        kept.get(f"http://127.0.0.1:{stage.port}/")
        wait_for(lambda: stage.proxy.in_flight("blog", Colour.GREEN, server.server_port) == 0, "none is open")


def test_who_waits_at_a_gate_goes_on_where_it_leads(stage: Stage) -> None:
    """Also a body that was sent already; to the slot that was waited for, or to the other one."""
    tree = stage.tree("blog")
    stage.made.append("blog")
    blue, green = stage.server("blue"), stage.server("green")
    stage.proxy.put_site("blog", (blue, green), tree, gated=True)
    assert stage.get("blog") == "200 green"
    for port, answer in ((green, "200 green"), (blue, "200 blue")):
        stage.trees.hold_requests(tree, Colour.GREEN, (blue, green))
        with ThreadPoolExecutor(4) as pool:
            waiting = [pool.submit(stage.get, "blog") for _ in range(3)]
            waiting.append(pool.submit(stage.post, "blog", b"x" * 200_000))
            assert all(not one.done() for one in waiting)
            assert stage.get("other") == NO_APP
            stage.trees.let_requests_go(tree, Colour.GREEN, port)
            assert [one.result() for one in waiting] == [answer] * 4
        stage.trees.end_hold(tree, Colour.GREEN)
    assert stage.get("blog") == "200 green"


def test_a_site_changes_when_nobody_waits_at_a_gate(stage: Stage) -> None:
    """A new configuration ends the waiting of everybody who does, with an error: the change itself waits instead."""
    tree = stage.tree("blog")
    stage.made.append("blog")
    blue, other = stage.server("blue"), stage.server("other")
    stage.proxy.put_site("blog", (blue, free_port()), tree, gated=True)
    stage.proxy.begin_hold("blog")
    stage.trees.hold_requests(tree, Colour.GREEN, (blue,))
    with ThreadPoolExecutor(2) as pool:
        waiting = pool.submit(stage.get, "blog")
        changing = pool.submit(stage.put, "other", other)
        wait_for(changing.running, "the change is asked for")
        assert stage.get("other") == NO_APP
        stage.trees.let_requests_go(tree, Colour.GREEN, blue)
        assert waiting.result() == "200 blue"
        assert not changing.done()
        stage.proxy.end_hold("blog")
        assert changing.result()
    assert stage.get("other") == "200 other"


def test_a_site_does_not_wait_for_ever(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    """A release that takes very long to boot keeps nobody from creating an app."""
    monkeypatch.setattr("potions.host.caddy._LONGEST_WAIT", 0.05)
    stage.proxy.begin_hold("blog")
    assert stage.put("other", stage.server("other"))
    stage.proxy.end_hold("blog")


def test_a_websocket_that_came_through_a_gate_is_counted(stage: Stage) -> None:
    """At the slot it waited for, and not at the other one nor at another app."""
    tree = stage.tree("blog")
    stage.made.append("blog")
    with _echoing() as port:
        stage.proxy.put_site("blog", (free_port(), port), tree, gated=True)
        stage.trees.hold_requests(tree, Colour.GREEN, (port,))
        stage.trees.let_requests_go(tree, Colour.GREEN, port)
        with connect("ws://blog.localhost/", address=("127.0.0.1", stage.port), proxy=None) as socket:
            socket.send("hello")
            assert socket.recv() == "hello"
            assert stage.proxy.in_flight("blog", Colour.GREEN, port) == 1
            assert stage.proxy.in_flight("blog", Colour.BLUE, 1) == 0
            assert stage.proxy.in_flight("blog2", Colour.GREEN, 1) == 0
        wait_for(lambda: stage.proxy.in_flight("blog", Colour.GREEN, port) == 0, "it is closed")


def test_a_gate_without_a_hold_changes_nothing(stage: Stage) -> None:
    """A slot that is down is told at once, gate or no gate; nobody waits for what nobody starts."""
    tree = stage.tree("blog")
    stage.made.append("blog")
    stage.proxy.put_site("blog", (free_port(), free_port()), tree, gated=True)
    stage.trees.hold_requests(tree, Colour.BLUE, ())
    assert stage.get("blog").startswith("503")


def test_an_open_websocket_is_counted(stage: Stage) -> None:
    """Until it is closed."""
    with _echoing() as port:
        stage.put("blog", port)
        address = ("127.0.0.1", stage.port)
        with _opened(address) as socket:
            socket.send("hello")
            assert socket.recv() == "hello"
            assert stage.proxy.in_flight("blog", Colour.GREEN, port) == 1
        wait_for(lambda: stage.proxy.in_flight("blog", Colour.GREEN, port) == 0, "it is closed")


def _opened(address: tuple[str, int]) -> ClientConnection:
    """Caddy has just read its sites anew, and may close a connection on which nothing was asked yet."""

    def attempt() -> ClientConnection | None:
        try:
            return connect("ws://blog.localhost/", address=address, proxy=None)
        except InvalidMessage:
            return None

    opened: ClientConnection = wait_for(attempt, "a WebSocket is opened")
    return opened


@contextmanager
def _echoing() -> Iterator[int]:
    """A slot that speaks WebSocket only; its port."""

    def echo(connection: ServerConnection) -> None:
        for message in connection:
            connection.send(message)

    with serve(echo, "127.0.0.1", 0) as server:
        running = threading.Thread(target=server.serve_forever)
        running.start()
        yield server.socket.getsockname()[1]
        server.shutdown()
        running.join()


def test_a_change_that_was_killed_is_completed_by_the_next(stage: Stage) -> None:
    """Killed between the file and the load, the site's text alone would not tell that the proxy never saw it."""
    port = stage.server("first")
    ports = (free_port(), port)
    tree = stage.tree("blog")
    stage.made.append("blog")
    child = os.fork()
    if child == 0:
        stage.proxy._load = lambda: os.kill(os.getpid(), signal.SIGKILL)  # type: ignore[method-assign]
        try:
            stage.proxy.put_site("blog", ports, tree, gated=False)
        finally:
            os._exit(0)
    _, status = os.waitpid(child, 0)
    assert os.WIFSIGNALED(status)
    assert stage.proxy.put_site("blog", ports, tree, gated=False) is True
    assert stage.get("blog") == "200 first"
    assert stage.proxy.put_site("blog", ports, tree, gated=False) is False


def test_a_proxy_that_is_down_is_told(tmp_path: Path) -> None:
    """A change is refused and taken back; a look finds nothing."""
    with bare_home() as home:
        down = Caddy(home, bare_settings())
        down.write_caddyfile()
        with pytest.raises(ProxyRefused, match="does not answer"):
            down.put_site("blog", (1, 2), AppTree(tmp_path), gated=False)
        assert down.sites() == []
        assert (down.is_up(), down.in_flight("blog", Colour.BLUE, 2), down.ask("blog", "/")) == (False, 0, None)
