"""What the agent settles when it starts, over a real supervisord and a real Caddy, where one app cannot be helped."""

from __future__ import annotations

from collections.abc import Iterator

import httpx
import pytest

from potions.model.app import App, Ports
from potions.names import AppName
from potions.service import Service
from support.bare_home import bare_home, running_caddy, running_supervisord
from support.platform import free_port
from support.still_service import still_service


@pytest.fixture
def service() -> Iterator[Service]:
    """A service whose supervisor and proxy run, before its recovery."""
    port = free_port()
    with (
        bare_home() as home,
        running_supervisord(home),
        running_caddy(home, port),
        still_service(home, port) as made,
    ):
        yield made


def app_with(service: Service, name: str, port: int) -> App:
    context = service.context
    app = context.store.create_app(AppName(name), lambda _taken: Ports(port), {})
    context.trees.create(context.tree(app))
    return app


def visited(service: Service, app: str) -> int:
    port = service.context.settings.http_port
    return httpx.get(f"http://127.0.0.1:{port}/", headers={"Host": f"{app}.localhost"}).status_code


def test_a_site_that_is_refused_does_not_keep_the_others(service: Service) -> None:
    """Every other app is known to the proxy afterwards, and what no app has is gone from it."""
    app_with(service, "broken", 70_000)
    app_with(service, "sound", free_port())
    home = service.context.home
    service.context.proxy.put_site("gone", (1, 2), home.app("gone"), gated=False)
    assert visited(service, "gone") == 503
    service.recovery.run()
    assert service.context.proxy.sites() == ["sound"]
    assert (visited(service, "sound"), visited(service, "gone"), visited(service, "broken")) == (503, 404, 404)


def test_one_app_that_nobody_can_help_does_not_keep_the_others(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever goes wrong with it: the agent comes up, and a slot of another app that should not run is stopped."""
    broken, sound = app_with(service, "broken", free_port()), app_with(service, "sound", free_port())
    settled: list[str] = []

    def end_slot(app: App, _colour: object) -> None:
        settled.append(app.name)
        if app == broken:
            raise OSError(5, "Input/output error")

    monkeypatch.setattr(service.lifecycle, "end_slot", end_slot)
    service.recovery.run()
    assert settled == [broken.name, sound.name]
