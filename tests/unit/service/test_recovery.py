"""What the agent settles when it starts, over a real supervisord and a real Caddy, where one app cannot be helped."""

from __future__ import annotations

import shutil
from collections.abc import Iterator

import httpx
import msgspec
import pytest

from potions.errors import SlotGone
from potions.layout import Colour
from potions.model.app import App, Ports
from potions.model.deployment import Kind
from potions.names import AppName
from potions.service import Service
from support.bare_home import bare_home, running_caddy, running_supervisord
from support.doctoring import deployed
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


@pytest.fixture
def deployed_app(service: Service) -> App:
    """An app whose blue slot serves, with nothing running."""
    app = app_with(service, "blog", free_port())
    deployed(service.context, app)
    return app


def asked_for(service: Service, app: App) -> list[tuple[Kind, str]]:
    return [(one.kind, one.by) for one in service.context.store.unfinished() if one.app_id == app.id]


def test_a_slot_that_was_removed_by_hand_is_unpacked_again(service: Service, deployed_app: App) -> None:
    """Its release is known and its archive is kept: nobody has to find out what served."""
    shutil.rmtree(service.context.tree(deployed_app).slot(Colour.BLUE))
    service.recovery.run()
    assert asked_for(service, deployed_app) == [(Kind.REDEPLOY, "potions")]
    service.recovery.run()
    assert len(asked_for(service, deployed_app)) == 1


def test_a_release_that_was_built_elsewhere_is_built_again(service: Service, deployed_app: App) -> None:
    """The home was moved: a virtual environment, for one, knows its old path."""
    tree = service.context.tree(deployed_app)
    there = service.context.trees.holds(tree, Colour.BLUE)
    assert there is not None
    service.context.trees.rewrite_holds(tree, Colour.BLUE, msgspec.structs.replace(there, directory="/old/blue"))
    service.recovery.run()
    assert asked_for(service, deployed_app) == [(Kind.REDEPLOY, "potions")]


@pytest.mark.parametrize("stopped", [True, False])
def test_nothing_is_deployed_that_nobody_needs(service: Service, deployed_app: App, *, stopped: bool) -> None:
    """What is where it was built runs as it is; and an app that was stopped stays so, whatever is missing."""
    service.context.store.set_stopped(deployed_app.id, stopped)
    if stopped:
        shutil.rmtree(service.context.tree(deployed_app).slot(Colour.BLUE))
    service.recovery.run()
    assert asked_for(service, deployed_app) == []


def test_a_slot_that_is_gone_is_told(service: Service, deployed_app: App) -> None:
    """It cannot be started; what brings it back is said, and it is still known what serves."""
    shutil.rmtree(service.context.tree(deployed_app).slot(Colour.BLUE))
    with pytest.raises(SlotGone, match=r"blue, the live slot of blog.*not there") as refused:
        service.lifecycle.start("blog")
    assert "potions redeploy blog" in refused.value.do
    serves = service.overview.app("blog").summary.serves
    assert serves is not None
    assert serves.label == "r1"
